use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{
    LoadBalancerIngress, LoadBalancerStatus, Service, ServicePort, ServiceSpec,
};
use serde::{Deserialize, Serialize};

use super::{FINALIZER, LOAD_BALANCER, SOURCE_RANGES_ANNOTATION};

/// Which Services are ours, by `spec.loadBalancerClass` (W-10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct ClassPolicy {
    /// Whether Services without a class are ours; default true.
    pub classless: bool,
    /// The classes that are ours; default none.
    pub classes: BTreeSet<String>,
}

impl Default for ClassPolicy {
    fn default() -> Self {
        Self { classless: true, classes: BTreeSet::new() }
    }
}

impl ClassPolicy {
    fn takes(&self, class: Option<&str>) -> bool {
        class.map_or(self.classless, |class| self.classes.contains(class))
    }
}

/// What is known, apart from the Service itself, about who gave it its load balancer (W-11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Owner {
    /// Nothing: for example after a restart.
    #[default]
    Unknown,
    /// This controller: it remembers the Service, or the cloud holds resources with its marks.
    Us,
    /// Another controller.
    Other,
}

/// Whether the Service is to have a load balancer of ours (SC-10, W-10).
pub fn wants_load_balancer(service: &Service, policy: &ClassPolicy) -> bool {
    is_load_balancer(service) && policy.takes(class(service))
}

/// Whether the Service carries this finalizer, at any position (SC-11).
pub fn has_finalizer(service: &Service, finalizer: &str) -> bool {
    service.metadata.finalizers.iter().flatten().any(|name| name == finalizer)
}

/// Whether the Service has, or may have, a load balancer of ours that must go (SC-12, W-11).
///
/// True iff the Service carries `finalizer`, is being deleted or does not want a load balancer of ours,
/// and the load balancer is ours to remove. Since controllers share the name of the finalizer, the last
/// is decided by
/// 1. `owner`, if known;
/// 2. else the class, as long as the type is `LoadBalancer`: a foreign class is left alone;
/// 3. else (the API server wipes the class when the type changes) whether the class can only have been
///    ours: classless Services are ours, or the finalizer is a private one.
pub fn needs_cleanup(service: &Service, finalizer: &str, policy: &ClassPolicy, owner: Owner) -> bool {
    let deleting = service.metadata.deletion_timestamp.is_some();
    let superfluous = deleting || !wants_load_balancer(service, policy);
    let ours = match owner {
        Owner::Us => true,
        Owner::Other => false,
        Owner::Unknown if is_load_balancer(service) => policy.takes(class(service)),
        Owner::Unknown => policy.classless || finalizer != FINALIZER,
    };
    has_finalizer(service, finalizer) && superfluous && ours
}

/// Whether a changed Service must be synced (SC-13, in its order; everything else is SC-14).
///
/// Annotations count only if the core or the provider reads them (W-7): `prefixes` are the provider's
/// [`annotation_prefixes`](crate::provider::Capabilities::annotation_prefixes). A change from one class
/// of ours to another counts; it takes two edits that were seen as one.
pub fn needs_update(old: &Service, new: &Service, policy: &ClassPolicy, prefixes: &[&str]) -> bool {
    let (wanted, wants) = (wants_load_balancer(old, policy), wants_load_balancer(new, policy));
    if !wanted && !wants {
        return false;
    }
    let none = ServiceSpec::default();
    let (a, b) = (old.spec.as_ref().unwrap_or(&none), new.spec.as_ref().unwrap_or(&none));
    wanted != wants
        || class(old) != class(new)
        || items(a.load_balancer_source_ranges.as_ref()) != items(b.load_balancer_source_ranges.as_ref())
        || !same_ports(items(a.ports.as_ref()), items(b.ports.as_ref()))
        || a.session_affinity != b.session_affinity
        || a.session_affinity_config != b.session_affinity_config
        || a.load_balancer_ip != b.load_balancer_ip
        || items(a.external_ips.as_ref()) != items(b.external_ips.as_ref())
        || annotations(old, prefixes) != annotations(new, prefixes)
        || old.metadata.uid != new.metadata.uid
        || a.external_traffic_policy != b.external_traffic_policy
        || a.health_check_node_port.unwrap_or(0) != b.health_check_node_port.unwrap_or(0)
        || items(a.ip_families.as_ref()).len() != items(b.ip_families.as_ref()).len()
}

/// Whether writing `new` over `old` would change nothing that a user can see (SC-87).
///
/// Empty and absent are the same, and so are an IP without `ipMode` and one with `VIP`, which the API
/// server fills in (W-6). The order of entries counts.
pub fn same_status(old: &LoadBalancerStatus, new: &LoadBalancerStatus) -> bool {
    let (old, new) = (items(old.ingress.as_ref()), items(new.ingress.as_ref()));
    old.len() == new.len() && old.iter().zip(new).all(|(a, b)| same_ingress(a, b))
}

/// Whether only nodes with ready pods may serve (H-3).
pub fn requests_only_local_traffic(service: &Service) -> bool {
    let Some(spec) = &service.spec else { return false };
    matches!(spec.type_.as_deref(), Some(LOAD_BALANCER | "NodePort"))
        && spec.external_traffic_policy.as_deref() == Some("Local")
}

/// Whether the Service has a health check port of its own (H-4).
pub fn needs_health_check(service: &Service) -> bool {
    is_load_balancer(service) && requests_only_local_traffic(service)
}

fn is_load_balancer(service: &Service) -> bool {
    service.spec.as_ref().and_then(|spec| spec.type_.as_deref()) == Some(LOAD_BALANCER)
}

fn class(service: &Service) -> Option<&str> {
    service.spec.as_ref().and_then(|spec| spec.load_balancer_class.as_deref())
}

/// The items of an optional list; absent and empty are the same to the API.
fn items<T>(list: Option<&Vec<T>>) -> &[T] {
    list.map_or(&[], Vec::as_slice)
}

fn same_ports(old: &[ServicePort], new: &[ServicePort]) -> bool {
    old.len() == new.len() && old.iter().zip(new).all(|(a, b)| same_port(a, b))
}

fn same_port(a: &ServicePort, b: &ServicePort) -> bool {
    a.name == b.name
        && a.protocol == b.protocol
        && a.port == b.port
        && a.node_port.unwrap_or(0) == b.node_port.unwrap_or(0)
        && a.target_port == b.target_port
        && a.app_protocol == b.app_protocol
}

/// The annotations that the core or the provider reads.
fn annotations<'a>(service: &'a Service, prefixes: &[&str]) -> BTreeMap<&'a str, &'a str> {
    let read =
        |key: &str| key == SOURCE_RANGES_ANNOTATION || prefixes.iter().any(|prefix| key.starts_with(prefix));
    let all = service.metadata.annotations.iter().flatten();
    all.filter(|(key, _)| read(key)).map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

fn same_ingress(a: &LoadBalancerIngress, b: &LoadBalancerIngress) -> bool {
    text(a.ip.as_ref()) == text(b.ip.as_ref())
        && text(a.hostname.as_ref()) == text(b.hostname.as_ref())
        && ip_mode(a) == ip_mode(b)
        && port_states(a) == port_states(b)
}

fn ip_mode(ingress: &LoadBalancerIngress) -> &str {
    match text(ingress.ip_mode.as_ref()) {
        "" if !text(ingress.ip.as_ref()).is_empty() => "VIP",
        mode => mode,
    }
}

fn port_states(ingress: &LoadBalancerIngress) -> Vec<(i32, &str, &str)> {
    items(ingress.ports.as_ref())
        .iter()
        .map(|port| (port.port, port.protocol.as_str(), text(port.error.as_ref())))
        .collect()
}

fn text(value: Option<&String>) -> &str {
    value.map_or("", String::as_str)
}

#[cfg(test)]
mod tests;
