//! What the simulated machines are told.

use std::collections::BTreeSet;
use std::net::IpAddr;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;

/// The wanted state of all machines.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    /// The nodes; each runs a kube-proxy.
    pub nodes: Vec<SimNode>,
    /// The pods that run on them.
    pub pods: Vec<SimPod>,
    /// The Services whose nodePorts are served.
    pub services: Vec<Service>,
    /// Where the Services' traffic goes.
    pub slices: Vec<EndpointSlice>,
}

/// A machine of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimNode {
    /// The Node's name.
    pub name: String,
    /// Its logical addresses; nodePorts are served on each.
    pub addresses: Vec<IpAddr>,
    /// Whether the node is to get traffic of load balancers; false under the cluster autoscaler's taint.
    pub eligible: bool,
}

/// A running pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimPod {
    /// Whom it answers as.
    pub identity: PodIdentity,
    /// Its logical addresses.
    pub addresses: Vec<IpAddr>,
    /// Ports that speak HTTP.
    pub tcp_ports: BTreeSet<u16>,
    /// Ports that echo datagrams.
    pub udp_ports: BTreeSet<u16>,
}

/// Whom a pod answers as.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct PodIdentity {
    /// The Pod's namespace.
    pub namespace: String,
    /// The Pod's name.
    pub pod: String,
    /// The name of the node that it runs on.
    pub node: String,
}
