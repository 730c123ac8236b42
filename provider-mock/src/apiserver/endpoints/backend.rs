//! The pods behind a Service.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::{ObjectReference, Pod, Service, ServicePort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// A port of a pod that a Service sends to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct BackendPort {
    /// The name of the port of the Service; empty if it has none.
    pub(super) name: String,
    pub(super) protocol: String,
    pub(super) app_protocol: Option<String>,
    pub(super) number: i32,
}

/// A pod that a Service selects and that has an address.
#[derive(Debug)]
pub(super) struct Backend<'a> {
    pub(super) pod: &'a Pod,
    /// Whether the pod says that it is ready.
    pub(super) serving: bool,
    pub(super) terminating: bool,
    /// The ports of the Service as this pod resolves them; ports that it does not have are missing.
    pub(super) ports: Vec<BackendPort>,
}

impl Backend<'_> {
    /// The addresses of a family, as the pod lists them.
    pub(super) fn addresses(&self, v6: bool) -> Vec<String> {
        let of_family = |ip: &&str| ip.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv6() == v6);
        all_addresses(self.pod).into_iter().filter(of_family).map(str::to_owned).collect()
    }

    /// The reference to the pod.
    pub(super) fn reference(&self) -> ObjectReference {
        let metadata = &self.pod.metadata;
        ObjectReference {
            kind: Some("Pod".to_owned()),
            namespace: metadata.namespace.clone(),
            name: metadata.name.clone(),
            uid: metadata.uid.clone(),
            ..ObjectReference::default()
        }
    }

    /// The node that the pod runs on.
    pub(super) fn node(&self) -> Option<&str> {
        self.pod.spec.as_ref()?.node_name.as_deref()
    }

    /// The host name of a pod whose subdomain is the Service.
    pub(super) fn hostname(&self, service: &Service) -> Option<String> {
        let spec = self.pod.spec.as_ref()?;
        if spec.subdomain.is_some() && spec.subdomain == service.metadata.name {
            spec.hostname.clone()
        } else {
            None
        }
    }
}

/// The pods behind a Service, sorted by name; `None` if it does not select any, because it has no selector or is
/// only a name.
pub(super) fn backends<'a>(service: &Service, pods: &'a [Pod]) -> Option<Vec<Backend<'a>>> {
    let spec = service.spec.as_ref()?;
    let selector = spec.selector.as_ref().filter(|selector| !selector.is_empty())?;
    if spec.type_.as_deref() == Some("ExternalName") {
        return None;
    }
    let selected = |pod: &&Pod| {
        let labels = pod.metadata.labels.as_ref();
        pod.metadata.namespace == service.metadata.namespace
            && selector.iter().all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value))
    };
    let ports = spec.ports.as_deref().unwrap_or_default();
    let mut backends: Vec<Backend<'a>> =
        pods.iter().filter(selected).filter(|pod| is_alive(pod)).map(|pod| backend(pod, ports)).collect();
    backends.sort_by(|one, two| one.pod.metadata.name.cmp(&two.pod.metadata.name));
    Some(backends)
}

fn backend<'a>(pod: &'a Pod, ports: &[ServicePort]) -> Backend<'a> {
    let mut ports: Vec<BackendPort> = ports.iter().filter_map(|port| resolve(pod, port)).collect();
    ports.sort();
    Backend { pod, serving: is_ready(pod), terminating: pod.metadata.deletion_timestamp.is_some(), ports }
}

/// Pods that have ended, and those without an address, are behind nothing.
fn is_alive(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    !matches!(phase, Some("Failed" | "Succeeded")) && !all_addresses(pod).is_empty()
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn all_addresses(pod: &Pod) -> Vec<&str> {
    let Some(status) = pod.status.as_ref() else { return vec![] };
    let all: Vec<&str> = status.pod_ips.iter().flatten().map(|address| address.ip.as_str()).collect();
    if all.is_empty() { status.pod_ip.as_deref().into_iter().collect() } else { all }
}

/// A number is taken as it is; a name is the name of a container's port with the same protocol.
fn resolve(pod: &Pod, port: &ServicePort) -> Option<BackendPort> {
    let protocol = port.protocol.as_deref().unwrap_or("TCP");
    let number = match port.target_port.as_ref() {
        None => port.port,
        Some(IntOrString::Int(number)) => *number,
        Some(IntOrString::String(name)) => named_port(pod, name, protocol)?,
    };
    Some(BackendPort {
        name: port.name.clone().unwrap_or_default(),
        protocol: protocol.to_owned(),
        app_protocol: port.app_protocol.clone(),
        number,
    })
}

fn named_port(pod: &Pod, name: &str, protocol: &str) -> Option<i32> {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let ports = containers.flat_map(|container| container.ports.iter().flatten());
    let mut matching = ports.filter(|port| {
        port.name.as_deref() == Some(name) && port.protocol.as_deref().unwrap_or("TCP") == protocol
    });
    matching.next().map(|port| port.container_port)
}
