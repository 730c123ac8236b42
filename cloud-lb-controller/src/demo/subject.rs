//! A Service of the demo, and where its clients can reach it.

use std::net::{IpAddr, SocketAddr};

use cloud_lb_core::k8s;
use k8s_openapi::api::core::v1::{Service, ServicePort};
use provider_mock::net::{Net, Transport};
use serde_json::{Value, json};

use super::traffic::Target;
use crate::manifests::Manifest;

/// A Service that the demo shows.
pub(super) struct Subject {
    pub(super) manifest: Manifest,
}

impl Subject {
    pub(super) fn new(manifest: Manifest) -> Self {
        Self { manifest }
    }

    pub(super) fn namespace(&self) -> &str {
        self.manifest.namespace()
    }

    pub(super) fn name(&self) -> &str {
        self.manifest.name()
    }

    /// Whether the manifest asks for a load balancer.
    pub(super) fn wants_load_balancer(&self) -> bool {
        let kind = self.manifest.object.pointer("/spec/type").and_then(Value::as_str);
        kind == Some("LoadBalancer") && self.manifest.object.pointer("/spec/loadBalancerClass").is_none()
    }

    /// Whether this is the object of these names.
    pub(super) fn is(&self, namespace: &str, name: &str) -> bool {
        (self.namespace(), self.name()) == (namespace, name)
    }
}

/// Whether the Service asks for a load balancer of ours.
pub(super) fn wants_load_balancer(service: &Service) -> bool {
    k8s::wants_load_balancer(service, &k8s::ClassPolicy::default())
}

/// Namespace and name.
pub(super) fn key(service: &Service) -> (&str, &str) {
    let metadata = &service.metadata;
    (metadata.namespace.as_deref().unwrap_or("default"), metadata.name.as_deref().unwrap_or_default())
}

/// The change to type `NodePort`. Source ranges go with the load balancer: the API server insists.
pub(super) fn as_node_port() -> Value {
    json!({"spec": {"type": "NodePort", "loadBalancerSourceRanges": null}})
}

/// The change back to what the Service was.
pub(super) fn as_load_balancer(before: &Service) -> Value {
    let ranges = before.spec.as_ref().and_then(|spec| spec.load_balancer_source_ranges.as_ref());
    json!({"spec": {"type": "LoadBalancer", "loadBalancerSourceRanges": ranges}})
}

/// Whether clients come over IPv6 first.
pub(super) fn is_ipv6(service: &Service) -> bool {
    let families = service.spec.as_ref().and_then(|spec| spec.ip_families.as_ref());
    families.and_then(|families| families.first()).is_some_and(|family| family == "IPv6")
}

/// Whether nothing of a load balancer is left at the Service.
pub(super) fn is_released(service: &Service) -> bool {
    !k8s::has_finalizer(service, k8s::FINALIZER) && addresses(service).is_empty()
}

/// The addresses of the load balancer, once it has some.
pub(super) fn addresses(service: &Service) -> Vec<IpAddr> {
    let status = service.status.as_ref().and_then(|status| status.load_balancer.as_ref());
    let ingress = status.and_then(|status| status.ingress.as_ref()).into_iter().flatten();
    ingress.filter_map(|ingress| ingress.ip.as_deref()?.parse().ok()).collect()
}

/// The ports of the load balancer; `None` as long as one of them is not served.
pub(super) fn load_balancer_targets(service: &Service, net: &Net) -> Option<Vec<Target>> {
    let addresses = addresses(service);
    if addresses.is_empty() {
        return None;
    }
    let ports = ports(service).filter_map(|port| Some((port_number(port.port)?, transport(port)?)));
    let places = |(port, transport)| addresses.iter().map(move |ip| (SocketAddr::new(*ip, port), transport));
    ports.flat_map(places).map(|(logical, transport)| target(net, logical, transport)).collect()
}

/// The ports of the Service at one node.
pub(super) fn node_targets(service: &Service, net: &Net, node: IpAddr) -> Option<Vec<Target>> {
    let ports = ports(service).filter_map(|port| Some((port_number(port.node_port?)?, transport(port)?)));
    ports.map(|(port, transport)| target(net, SocketAddr::new(node, port), transport)).collect()
}

fn target(net: &Net, logical: SocketAddr, transport: Transport) -> Option<Target> {
    let mut bindings = net.bindings().into_iter();
    let bound = bindings.find(|bound| (bound.logical, bound.transport) == (logical, transport))?;
    Some(Target { logical, real: bound.real, why_mapped: bound.why_mapped, transport, admits_us: true })
}

fn ports(service: &Service) -> impl Iterator<Item = &ServicePort> {
    service.spec.iter().flat_map(|spec| spec.ports.iter().flatten())
}

fn port_number(number: i32) -> Option<u16> {
    u16::try_from(number).ok()
}

fn transport(port: &ServicePort) -> Option<Transport> {
    match port.protocol.as_deref() {
        None | Some("TCP") => Some(Transport::Tcp),
        Some("UDP") => Some(Transport::Udp),
        Some(_) => None,
    }
}
