use std::net::IpAddr;
use std::num::NonZeroU16;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Service, ServiceSpec};
use k8s_openapi::api::discovery::v1::EndpointSlice;

use super::{LOAD_BALANCER, Problems, endpoints, ports, ranges};
use crate::error::Result;
use crate::model::{IpFamily, LoadBalancer, NodeList, ServiceId, SessionAffinity, TrafficPolicy};

/// Label of an EndpointSlice that names its Service.
const SLICE_SERVICE_LABEL: &str = "kubernetes.io/service-name";

/// How long client affinity lasts unless the Service says otherwise: the API's default, 3 h.
const DEFAULT_AFFINITY_SECONDS: i32 = 10_800;

/// Longest client affinity that the API accepts: a day.
const MAX_AFFINITY_SECONDS: i32 = 86_400;

/// Longest UID that we take. Real ones have 36 characters; clouds limit the tags that hold them.
const MAX_UID: usize = 63;

/// Translates a Service with the nodes and pods behind it.
///
/// Of `slices` only those of the Service are used. What the API server would fill in is filled in
/// where a Service lacks it, except what it must allocate (the UID and node ports). A Service that
/// does without NodePorts but has one on every port keeps them (F-2).
///
/// The result does not depend on the order of `nodes` and `slices`.
///
/// # Errors
/// `InvalidInput`, with every violation: field path, value, and what is expected.
pub fn load_balancer<'a>(
    cluster: &str,
    service: &Service,
    nodes: impl Into<NodeList>,
    slices: impl IntoIterator<Item = &'a EndpointSlice>,
) -> Result<LoadBalancer> {
    let mut problems = Problems::default();
    let lb = read(cluster, service, &mut problems);
    problems.finish(service)?;
    let endpoints = endpoints(slices.into_iter().filter(|slice| belongs_to(slice, service)));
    Ok(LoadBalancer { nodes: nodes.into(), endpoints, ..lb })
}

/// What can be read of a Service, be it understood or not: enough to tell whose it is.
pub(crate) fn outline(cluster: &str, service: &Service) -> LoadBalancer {
    read(cluster, service, &mut Problems::default())
}

/// The Service without what is behind it.
fn read(cluster: &str, service: &Service, problems: &mut Problems) -> LoadBalancer {
    let empty = ServiceSpec::default();
    let spec = service.spec.as_ref().unwrap_or(&empty);
    check_type(spec, problems);
    let families = families(service, problems);
    let ports = ports::read(spec, problems);
    LoadBalancer {
        service: read_id(cluster, service, problems),
        affinity: affinity(spec, problems),
        source_ranges: ranges::read(service, &families, problems),
        source_ranges_given: ranges::are_given(service),
        traffic_policy: traffic_policy(spec, problems),
        requested_address: requested_address(spec, &families, problems),
        class: spec.load_balancer_class.clone(),
        node_ports: ports.iter().all(|port| port.node_port.is_some()),
        annotations: service.metadata.annotations.clone().unwrap_or_default(),
        nodes: NodeList::default(),
        endpoints: Vec::new(),
        ports,
        families,
    }
}

/// The identity of a Service, which is all that is needed to delete its load balancer.
///
/// # Errors
/// `InvalidInput` if namespace, name or UID is missing, or the UID is none.
pub fn service_id(cluster: &str, service: &Service) -> Result<ServiceId> {
    let mut problems = Problems::default();
    let id = read_id(cluster, service, &mut problems);
    problems.finish(service)?;
    Ok(id)
}

/// The IP families of a Service, primary first. Where the Service does not say, its cluster IPs do;
/// without these (a manifest that no API server has seen) it is IPv4.
pub(super) fn families(service: &Service, problems: &mut Problems) -> Vec<IpFamily> {
    let empty = ServiceSpec::default();
    let spec = service.spec.as_ref().unwrap_or(&empty);
    let names = spec.ip_families.as_deref().unwrap_or_default();
    let mut families = Vec::new();
    for (index, name) in names.iter().enumerate() {
        match family(name).filter(|family| !families.contains(family)) {
            Some(family) => families.push(family),
            None => problems.add(format!("spec.ipFamilies[{index}]"), name, "IPv4 or IPv6, each once"),
        }
    }
    if names.is_empty() {
        families = families_of_cluster_ips(spec);
    }
    families
}

fn family(name: &str) -> Option<IpFamily> {
    [IpFamily::V4, IpFamily::V6].into_iter().find(|family| family.to_string() == name)
}

fn families_of_cluster_ips(spec: &ServiceSpec) -> Vec<IpFamily> {
    let mut families = Vec::new();
    for ip in spec.cluster_ips.iter().flatten().chain(&spec.cluster_ip) {
        if let Ok(family) = ip.parse().map(IpFamily::of)
            && !families.contains(&family)
        {
            families.push(family);
        }
    }
    if families.is_empty() { vec![IpFamily::V4] } else { families }
}

fn check_type(spec: &ServiceSpec, problems: &mut Problems) {
    let kind = spec.type_.as_deref().unwrap_or("ClusterIP");
    if kind != LOAD_BALANCER {
        problems.add("spec.type", kind, LOAD_BALANCER);
    }
    let mut cluster_ips = spec.cluster_ip.iter().chain(spec.cluster_ips.iter().flatten());
    if cluster_ips.any(|ip| ip == "None") {
        problems.add("spec.clusterIP", "None", "an address: a headless Service has no load balancer");
    }
}

fn read_id(cluster: &str, service: &Service, problems: &mut Problems) -> ServiceId {
    let metadata = &service.metadata;
    let mut required = |field: &str, value: Option<&String>| {
        let value = value.cloned().unwrap_or_default();
        if value.is_empty() {
            problems.add(field, "", "a value: the API server sets it");
        }
        value
    };
    let namespace = required("metadata.namespace", metadata.namespace.as_ref());
    let name = required("metadata.name", metadata.name.as_ref());
    let uid = required("metadata.uid", metadata.uid.as_ref());
    if uid.len() > MAX_UID || !uid.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        problems.add("metadata.uid", &uid, "at most 63 ASCII letters, digits and -");
    }
    ServiceId { cluster: cluster.to_owned(), namespace, name, uid }
}

fn affinity(spec: &ServiceSpec, problems: &mut Problems) -> SessionAffinity {
    let config = spec.session_affinity_config.as_ref().and_then(|config| config.client_ip.as_ref());
    match spec.session_affinity.as_deref().unwrap_or_default() {
        "" | "None" => {
            if config.is_some() {
                let expected = "nothing, or sessionAffinity: ClientIP";
                problems.add("spec.sessionAffinityConfig.clientIP", "set", expected);
            }
            SessionAffinity::None
        }
        "ClientIP" => {
            let given = config.and_then(|config| config.timeout_seconds);
            affinity_of_clients(given.unwrap_or(DEFAULT_AFFINITY_SECONDS), problems)
        }
        other => {
            problems.add("spec.sessionAffinity", other, "None or ClientIP");
            SessionAffinity::None
        }
    }
}

fn affinity_of_clients(seconds: i32, problems: &mut Problems) -> SessionAffinity {
    if !(1..=MAX_AFFINITY_SECONDS).contains(&seconds) {
        let field = "spec.sessionAffinityConfig.clientIP.timeoutSeconds";
        problems.add(field, seconds, "1 to 86400 seconds");
    }
    SessionAffinity::ClientIp { timeout: Duration::from_secs(u64::try_from(seconds).unwrap_or_default()) }
}

fn traffic_policy(spec: &ServiceSpec, problems: &mut Problems) -> TrafficPolicy {
    match spec.external_traffic_policy.as_deref().unwrap_or_default() {
        "" | "Cluster" => TrafficPolicy::Cluster,
        "Local" => {
            let expected = "the port that the API server allocates for externalTrafficPolicy: Local";
            let number = spec.health_check_node_port.unwrap_or(0);
            let port = problems.port("spec.healthCheckNodePort", number, expected);
            TrafficPolicy::Local { health_check_node_port: port.unwrap_or(NonZeroU16::MIN) }
        }
        other => {
            problems.add("spec.externalTrafficPolicy", other, "Cluster or Local");
            TrafficPolicy::Cluster
        }
    }
}

fn requested_address(spec: &ServiceSpec, families: &[IpFamily], problems: &mut Problems) -> Option<IpAddr> {
    let text = spec.load_balancer_ip.as_deref().filter(|text| !text.is_empty())?;
    let address = text.parse().ok().filter(|address| families.contains(&IpFamily::of(*address)));
    if address.is_none() {
        problems.add("spec.loadBalancerIP", text, "an IP address of one of the Service's families");
    }
    address
}

fn belongs_to(slice: &EndpointSlice, service: &Service) -> bool {
    let owner = slice.metadata.labels.as_ref().and_then(|labels| labels.get(SLICE_SERVICE_LABEL));
    owner.is_some()
        && owner == service.metadata.name.as_ref()
        && slice.metadata.namespace == service.metadata.namespace
}

#[cfg(test)]
mod tests;
