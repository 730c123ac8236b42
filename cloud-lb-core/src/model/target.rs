use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU16;

use serde::Serialize;

use super::IpFamily;

/// Whether a node takes new connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum NodeState {
    /// A target.
    Active,
    /// About to go: finishes its connections, gets no new ones.
    Draining,
}

/// A node of the cluster, as far as load balancers care.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// Name of the Node object.
    pub name: String,
    /// Internal addresses, in the order of the Node's status.
    pub addresses: Vec<IpAddr>,
    /// The cloud's id of the machine, for example `aws:///eu-west-1a/i-0123`.
    pub provider_id: Option<String>,
    /// Value of `topology.kubernetes.io/zone`.
    pub zone: Option<String>,
    /// All labels: providers select and exclude nodes by some of them.
    pub labels: BTreeMap<String, String>,
    /// Whether the node takes new connections.
    pub state: NodeState,
    /// Whether the `Ready` condition is true.
    pub ready: bool,
}

impl Node {
    /// The first internal address of a family.
    pub fn address(&self, family: IpFamily) -> Option<IpAddr> {
        self.addresses.iter().copied().find(|address| IpFamily::of(*address) == family)
    }
}

/// A pod that serves the Service, for providers that send traffic straight to pods.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// Address of the pod.
    pub address: IpAddr,
    /// Number of the pod's port for each Service port name (`""` for the unnamed one).
    pub ports: BTreeMap<String, NonZeroU16>,
    /// Name of the pod.
    pub pod: Option<String>,
    /// Name of the node that the pod runs on.
    pub node: Option<String>,
    /// Zone of the pod.
    pub zone: Option<String>,
    /// Whether the pod takes new connections.
    pub ready: bool,
    /// Whether the pod is on its way out.
    pub terminating: bool,
}
