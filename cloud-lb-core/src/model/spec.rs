use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{Endpoint, NodeList, Port, ServiceId, TrafficPolicy};

/// An IP family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum IpFamily {
    /// IPv4.
    #[serde(rename = "IPv4")]
    V4,
    /// IPv6.
    #[serde(rename = "IPv6")]
    V6,
}

impl IpFamily {
    /// The family of an address.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// The family of a range of addresses.
    pub fn of_net(net: &IpNet) -> Self {
        Self::of(net.network())
    }
}

impl fmt::Display for IpFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// Whether connections of one client go to the same target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SessionAffinity {
    /// Any target.
    None,
    /// The same target for each client address.
    ClientIp {
        /// How long a client is remembered after its last connection; 1 s to 24 h.
        timeout: Duration,
    },
}

/// Everything that a Service of type `LoadBalancer` asks of a cloud, with the nodes and pods behind it.
///
/// Built by [`crate::k8s`] from Kubernetes objects, or by hand. Fields of the Service that are
/// kube-proxy's alone (`externalIPs`, `internalTrafficPolicy`, `trafficDistribution`, cluster IPs) are
/// not here: no cloud resource depends on them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadBalancer {
    /// The Service.
    pub service: ServiceId,
    /// Ports, in the order of the Service; at least one.
    pub ports: Vec<Port>,
    /// IP families, primary first; one or two.
    pub families: Vec<IpFamily>,
    /// Session affinity.
    pub affinity: SessionAffinity,
    /// Who may connect, sorted, host bits cleared. For each family of `families` there is at least one
    /// range, unless the user listed only ranges of the other: then nobody of this family may connect.
    pub source_ranges: Vec<IpNet>,
    /// Whether the user said who may connect. Else `source_ranges` is everybody of each family, which a provider may
    /// take for less than the same ranges in the user's words.
    pub source_ranges_given: bool,
    /// Which nodes serve, and how they are checked.
    pub traffic_policy: TrafficPolicy,
    /// Address that the user wants (`spec.loadBalancerIP`).
    pub requested_address: Option<IpAddr>,
    /// `spec.loadBalancerClass`.
    pub class: Option<String>,
    /// Whether the Service has NodePorts. Without them only pods can be targets.
    pub node_ports: bool,
    /// All annotations; each provider reads its own.
    pub annotations: BTreeMap<String, String>,
    /// Nodes behind the load balancer.
    pub nodes: NodeList,
    /// Pods behind the Service, sorted.
    pub endpoints: Vec<Endpoint>,
}

impl LoadBalancer {
    /// The source ranges of one family. Empty means that nobody may connect over it.
    pub fn ranges_of(&self, family: IpFamily) -> Vec<IpNet> {
        self.source_ranges.iter().filter(|range| IpFamily::of_net(range) == family).copied().collect()
    }
}
