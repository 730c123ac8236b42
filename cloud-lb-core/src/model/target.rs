use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
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

/// What the cluster knows of a node's health, by its `Ready` condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Readiness {
    /// It is ready.
    Ready,
    /// It is not, or has not said so yet.
    NotReady,
    /// It has not been heard of for a while: it may be gone, or only its way to the control plane.
    Unknown,
}

/// A part of a node that not every provider uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum NodeField {
    /// [`Node::addresses`].
    Addresses,
    /// [`Node::provider_id`].
    ProviderId,
    /// [`Node::zone`].
    Zone,
    /// [`Node::labels`].
    Labels,
    /// [`Node::readiness`].
    Readiness,
}

impl NodeField {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Addresses, Self::ProviderId, Self::Zone, Self::Labels, Self::Readiness];
}

impl fmt::Display for NodeField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Addresses => "addresses",
            Self::ProviderId => "provider id",
            Self::Zone => "zone",
            Self::Labels => "labels",
            Self::Readiness => "readiness",
        })
    }
}

/// A node of the cluster, as far as load balancers care.
///
/// Taints are not here: which of them announce the end of a node is the cluster's policy and no cloud's,
/// and shows in `state`.
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
    /// What the `Ready` condition says.
    pub readiness: Readiness,
}

impl Node {
    /// The first internal address of a family.
    pub fn address(&self, family: IpFamily) -> Option<IpAddr> {
        self.addresses.iter().copied().find(|address| IpFamily::of(*address) == family)
    }

    /// Whether the node is known to be ready.
    pub fn is_ready(&self) -> bool {
        self.readiness == Readiness::Ready
    }

    /// Stands for what a provider that uses these fields can see of the node: its name and state, and
    /// nothing but those fields (W-19).
    ///
    /// Comparable within a process only.
    pub fn fingerprint(&self, fields: &BTreeSet<NodeField>) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.name, self.state).hash(&mut hasher);
        for field in fields {
            field.hash(&mut hasher);
            match field {
                NodeField::Addresses => self.addresses.hash(&mut hasher),
                NodeField::ProviderId => self.provider_id.hash(&mut hasher),
                NodeField::Zone => self.zone.hash(&mut hasher),
                NodeField::Labels => self.labels.hash(&mut hasher),
                NodeField::Readiness => self.readiness.hash(&mut hasher),
            }
        }
        hasher.finish()
    }
}

/// A pod that serves the Service, for providers that send traffic straight to pods.
///
/// All but `gates` comes from EndpointSlices. A pod on a node of [`Readiness::Unknown`] is not ready for the
/// node's sake, whatever its containers do.
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
    /// The readiness gates of the provider that the pod has, while it is not ready though all its containers
    /// are: it waits for being a healthy target. Empty for every other pod.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub gates: BTreeSet<String>,
}
