//! What the API says of the simulated cluster; pure but for reading it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use k8s_openapi::api::core::v1::{Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::de::DeserializeOwned;

use super::objects::Ready;
use crate::apiserver::{ApiServer, Resource};
use crate::net::{Net, Transport};
use crate::nodesim::cluster::{Cluster, PodIdentity, SimNode, SimPod};
use crate::nodesim::proxy::{port_number, transport};

/// The cluster autoscaler is about to remove the node: kube-proxy's `/healthz` fails, so that traffic stops coming.
const TO_BE_DELETED: &str = "ToBeDeletedByClusterAutoscaler";

/// All objects that concern the machines, in the order of namespace and name.
#[derive(Debug)]
pub(super) struct View {
    /// Only the nodes of this simulation.
    pub(super) nodes: Vec<Node>,
    pub(super) pods: Vec<Pod>,
    services: Vec<Service>,
    slices: Vec<EndpointSlice>,
}

/// An object that is ready only while a machine is on.
#[derive(Debug)]
pub(super) struct OnMachine<'a> {
    /// The machine's name.
    pub(super) node: &'a str,
    pub(super) resource: Resource,
    /// Namespace and name.
    pub(super) key: (&'a str, &'a str),
    pub(super) ready: Ready<'a>,
    /// The status of its Ready condition while the machine is off.
    pub(super) lost: &'static str,
}

impl View {
    pub(super) fn read(api: &ApiServer, net: &Net) -> Self {
        let mut nodes: Vec<Node> = list(api, Resource::Nodes);
        nodes.retain(|node| addresses(node).iter().any(|address| net.contains(*address)));
        Self {
            nodes,
            pods: list(api, Resource::Pods),
            services: list(api, Resource::Services),
            slices: list(api, Resource::EndpointSlices),
        }
    }

    pub(super) fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.metadata.name.as_deref() == Some(name))
    }

    /// What is ready only while its machine is on: the nodes, and the pods on them.
    pub(super) fn machines(&self) -> impl Iterator<Item = OnMachine<'_>> {
        let nodes = self.nodes.iter().filter_map(|node| {
            let node_name = node.metadata.name.as_deref()?;
            let mut conditions = node.status.as_ref()?.conditions.iter().flatten();
            let ready = conditions.find(|condition| condition.type_ == "Ready")?;
            Some(OnMachine {
                node: node_name,
                resource: Resource::Nodes,
                key: ("", node_name),
                ready: (&ready.status, ready.reason.as_deref()),
                lost: "Unknown",
            })
        });
        let pods = self.pods.iter().filter(|pod| !is_leaving(pod)).filter_map(|pod| {
            let node = node_of(pod).filter(|name| self.node(name).is_some())?;
            let mut conditions = pod.status.as_ref()?.conditions.iter().flatten();
            let ready = conditions.find(|condition| condition.type_ == "Ready")?;
            Some(OnMachine {
                node,
                resource: Resource::Pods,
                key: key(pod),
                ready: (&ready.status, ready.reason.as_deref()),
                lost: "False",
            })
        });
        nodes.chain(pods)
    }

    /// The machines and what runs on them.
    pub(super) fn cluster(self) -> Cluster {
        let nodes = self.nodes.iter().map(sim_node).collect();
        let runs = |pod: &&Pod| node_of(pod).is_some_and(|name| self.node(name).is_some());
        let pods = self.pods.iter().filter(runs).filter_map(|pod| sim_pod(pod, &self.services)).collect();
        Cluster { nodes, pods, services: self.services, slices: self.slices }
    }

    /// The node for each pod that has none yet: of the nodes that take pods, the one with the fewest.
    pub(super) fn schedule(&self) -> Vec<(&Pod, String)> {
        let mut load: BTreeMap<&str, usize> = BTreeMap::new();
        for node in self.pods.iter().filter_map(node_of) {
            *load.entry(node).or_default() += 1;
        }
        let mut assigned = Vec::new();
        for pod in self.pods.iter().filter(|pod| node_of(pod).is_none() && !is_leaving(pod)) {
            let candidates = self.nodes.iter().filter(|node| takes(node, pod));
            let names = candidates.filter_map(|node| node.metadata.name.as_deref());
            let Some(node) = names.min_by_key(|name| load.get(name).copied().unwrap_or(0)) else { continue };
            *load.entry(node).or_default() += 1;
            assigned.push((pod, node.to_owned()));
        }
        assigned
    }
}

fn list<T: DeserializeOwned>(api: &ApiServer, resource: Resource) -> Vec<T> {
    let parse = |object| {
        serde_json::from_value(object)
            .inspect_err(|error| tracing::warn!(resource = resource.plural(), %error, "unreadable object"))
            .ok()
    };
    api.list(resource).into_iter().filter_map(parse).collect()
}

/// A node's addresses of type `InternalIP`.
pub(super) fn addresses(node: &Node) -> Vec<IpAddr> {
    let addresses = node.status.iter().flat_map(|status| status.addresses.iter().flatten());
    let internal = addresses.filter(|address| address.type_ == "InternalIP");
    internal.filter_map(|address| address.address.parse().ok()).collect()
}

/// A pod's own addresses.
pub(super) fn pod_addresses(pod: &Pod) -> Vec<IpAddr> {
    let ips = pod.status.iter().flat_map(|status| status.pod_ips.iter().flatten());
    ips.filter_map(|ip| ip.ip.parse().ok()).collect()
}

/// A pod's namespace and name.
pub(super) fn key(pod: &Pod) -> (&str, &str) {
    let metadata = &pod.metadata;
    (metadata.namespace.as_deref().unwrap_or_default(), metadata.name.as_deref().unwrap_or_default())
}

pub(super) fn node_of(pod: &Pod) -> Option<&str> {
    pod.spec.as_ref()?.node_name.as_deref().filter(|name| !name.is_empty())
}

/// Whether the pod is being deleted or has ended.
pub(super) fn is_leaving(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    pod.metadata.deletion_timestamp.is_some() || matches!(phase, Some("Succeeded" | "Failed"))
}

fn sim_node(node: &Node) -> SimNode {
    let mut taints = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
    SimNode {
        name: node.metadata.name.clone().unwrap_or_default(),
        addresses: addresses(node),
        eligible: node.metadata.deletion_timestamp.is_none()
            && !taints.any(|taint| taint.key == TO_BE_DELETED),
    }
}

/// None for a pod that does not run.
fn sim_pod(pod: &Pod, services: &[Service]) -> Option<SimPod> {
    let node = node_of(pod)?.to_owned();
    let addresses = pod_addresses(pod);
    if addresses.is_empty() || is_leaving(pod) {
        return None;
    }
    let identity = PodIdentity {
        namespace: pod.metadata.namespace.clone().unwrap_or_default(),
        pod: pod.metadata.name.clone().unwrap_or_default(),
        node,
    };
    let ports = ports(pod, services);
    let of = |wanted| ports.iter().filter(move |(transport, _)| *transport == wanted).map(|(_, port)| *port);
    let (tcp_ports, udp_ports) = (of(Transport::Tcp).collect(), of(Transport::Udp).collect());
    Some(SimPod { identity, addresses, tcp_ports, udp_ports })
}

/// The ports that containers declare, and those that Services expect by number.
fn ports(pod: &Pod, services: &[Service]) -> BTreeSet<(Transport, u16)> {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let declared = containers
        .flat_map(|container| container.ports.iter().flatten())
        .filter_map(|port| Some((transport(port.protocol.as_deref())?, port_number(port.container_port)?)));
    let selecting = services.iter().filter(|service| selects(service, pod));
    let specs = selecting.filter_map(|service| service.spec.as_ref());
    let expected = specs.flat_map(|spec| spec.ports.iter().flatten()).filter_map(|port| {
        let number = match &port.target_port {
            Some(IntOrString::Int(number)) => *number,
            Some(IntOrString::String(_)) => return None,
            None => port.port,
        };
        Some((transport(port.protocol.as_deref())?, port_number(number)?))
    });
    declared.chain(expected).collect()
}

fn selects(service: &Service, pod: &Pod) -> bool {
    let selector = service.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    selector.is_some_and(|selector| {
        !selector.is_empty()
            && service.metadata.namespace == pod.metadata.namespace
            && has_labels(pod.metadata.labels.as_ref(), selector)
    })
}

fn has_labels(labels: Option<&BTreeMap<String, String>>, wanted: &BTreeMap<String, String>) -> bool {
    wanted.iter().all(|(key, value)| labels.is_some_and(|labels| labels.get(key) == Some(value)))
}

/// Whether the scheduler may place a pod here: ready, not cordoned, no taint in the way, and selected.
fn takes(node: &Node, pod: &Pod) -> bool {
    let spec = node.spec.as_ref();
    let mut taints = spec.iter().flat_map(|spec| spec.taints.iter().flatten());
    let selector = pod.spec.as_ref().and_then(|spec| spec.node_selector.as_ref());
    is_ready(node)
        && spec.and_then(|spec| spec.unschedulable) != Some(true)
        && !taints.any(|taint| matches!(taint.effect.as_str(), "NoSchedule" | "NoExecute"))
        && selector.is_none_or(|selector| has_labels(node.metadata.labels.as_ref(), selector))
}

fn is_ready(node: &Node) -> bool {
    let mut conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

#[cfg(test)]
mod tests;
