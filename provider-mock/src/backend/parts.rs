//! Settings that appear in the kinds of every shape, made from the model.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use cloud_lb_core::model::{IpFamily, LoadBalancer, Node, NodeState, PortStatus, Protocol};
use serde::{Deserialize, Serialize, Serializer};

/// The NodePort of each protocol.
pub(crate) type NodePorts = BTreeMap<Transport, NonZeroU16>;

/// Protocols of the mock cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Transport {
    Tcp,
    Udp,
}

impl Transport {
    /// The protocol, if the mock has it.
    pub(crate) fn of(protocol: Protocol) -> Option<Self> {
        match protocol {
            Protocol::Tcp => Some(Self::Tcp),
            Protocol::Udp => Some(Self::Udp),
            Protocol::Sctp => None,
        }
    }

    /// In names.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }

    /// A port that works.
    pub(crate) fn port_status(self, port: NonZeroU16) -> PortStatus {
        let protocol = match self {
            Self::Tcp => Protocol::Tcp,
            Self::Udp => Protocol::Udp,
        };
        PortStatus { port, protocol, error: None }
    }
}

/// One node in a target set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Target {
    /// Name of the node.
    pub(crate) node: String,
    /// Its addresses, one of a family at most, IPv4 first.
    pub(crate) addresses: Vec<IpAddr>,
    /// Whether it only finishes its connections.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) draining: bool,
}

/// The targets of a set. A clone is the same list again, so that sets with the same targets can have one list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Vec<Target>")]
pub(crate) struct Targets(Arc<[Target]>);

impl From<Vec<Target>> for Targets {
    fn from(targets: Vec<Target>) -> Self {
        Self(targets.into())
    }
}

impl Deref for Targets {
    type Target = [Target];

    fn deref(&self) -> &[Target] {
        &self.0
    }
}

impl Serialize for Targets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&**self)
    }
}

/// The nodes as targets, by name. Nodes without an address cannot be reached and are left out.
pub(crate) fn targets<'a>(nodes: impl IntoIterator<Item = &'a Node>) -> Targets {
    let target = |node: &Node| Target {
        node: node.name.clone(),
        addresses: [IpFamily::V4, IpFamily::V6]
            .into_iter()
            .filter_map(|family| node.address(family))
            .collect(),
        draining: node.state == NodeState::Draining,
    };
    let mut targets: Vec<Target> =
        nodes.into_iter().map(target).filter(|target| !target.addresses.is_empty()).collect();
    targets.sort();
    targets.into()
}

/// How nodes are checked: an HTTP request that must give 200.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HealthCheck {
    pub(crate) path: String,
    pub(crate) port: NonZeroU16,
    /// Time between two checks.
    #[serde(with = "crate::cloud::duration")]
    pub(crate) interval: Duration,
    /// Time for an answer.
    #[serde(with = "crate::cloud::duration")]
    pub(crate) timeout: Duration,
    /// Checks in a row that must succeed before a node gets traffic.
    pub(crate) healthy_after: u32,
    /// Checks in a row that must fail before a node gets no more.
    pub(crate) unhealthy_after: u32,
}

/// A port of the load balancer with the NodePort behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PortPair {
    pub(crate) port: NonZeroU16,
    pub(crate) node_port: NonZeroU16,
}

/// The ports of each protocol, sorted.
pub(crate) fn ports_by_transport(lb: &LoadBalancer) -> BTreeMap<Transport, Vec<PortPair>> {
    let mut all: BTreeMap<Transport, Vec<PortPair>> = BTreeMap::new();
    for port in &lb.ports {
        if let (Some(transport), Some(node_port)) = (Transport::of(port.protocol), port.node_port) {
            all.entry(transport).or_default().push(PortPair { port: port.port, node_port });
        }
    }
    for ports in all.values_mut() {
        ports.sort();
    }
    all
}

/// A family in logical names.
pub(crate) fn family_key(family: IpFamily) -> &'static str {
    match family {
        IpFamily::V4 => "ipv4",
        IpFamily::V6 => "ipv6",
    }
}

/// The address that the user wants, if it is of this family.
pub(crate) fn requested(lb: &LoadBalancer, family: IpFamily) -> Option<IpAddr> {
    lb.requested_address.filter(|address| IpFamily::of(*address) == family)
}

/// How connections are treated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Traffic {
    /// Seconds for which a client is remembered; absent where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) affinity_seconds: Option<u64>,
    /// Whether targets are told the client's address by a PROXY protocol header.
    pub(crate) proxy_protocol: bool,
    /// How long connections to a node that is no target any more may go on.
    #[serde(with = "crate::cloud::duration")]
    pub(crate) drain_timeout: Duration,
}
