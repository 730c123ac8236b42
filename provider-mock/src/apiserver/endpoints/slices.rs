//! `EndpointSlices`: one group for each IP family and each way the pods resolve the ports.

use std::collections::BTreeMap;
use std::fmt::Write;

use k8s_openapi::api::core::v1::{Node, Pod, Service};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use sha2::{Digest, Sha256};

use super::backend::{Backend, BackendPort, backends};
use super::{HEADLESS, SERVICE_NAME, SLICE_MANAGER};

/// Endpoints of one slice (`--max-endpoints-per-slice`).
const SLICE_LIMIT: usize = 100;
const ZONE: &str = "topology.kubernetes.io/zone";

pub(super) fn build(service: &Service, pods: &[Pod], nodes: &[Node]) -> Vec<EndpointSlice> {
    let Some(backends) = backends(service, pods) else { return vec![] };
    let zones: BTreeMap<&str, &str> = nodes.iter().filter_map(zone_of).collect();
    let families = service.spec.iter().flat_map(|spec| spec.ip_families.iter().flatten());
    families.flat_map(|family| of_family(service, family, &backends, &zones)).collect()
}

fn zone_of(node: &Node) -> Option<(&str, &str)> {
    let zone = node.metadata.labels.as_ref()?.get(ZONE)?;
    Some((node.metadata.name.as_deref()?, zone.as_str()))
}

/// Without pods there is one empty slice, so that readers see that the Service has been looked at.
fn of_family(
    service: &Service,
    family: &str,
    backends: &[Backend<'_>],
    zones: &BTreeMap<&str, &str>,
) -> Vec<EndpointSlice> {
    let mut groups: BTreeMap<&[BackendPort], Vec<Endpoint>> = BTreeMap::new();
    for backend in backends {
        let addresses = backend.addresses(family == "IPv6");
        if !addresses.is_empty() {
            groups.entry(&backend.ports).or_default().push(endpoint(service, backend, addresses, zones));
        }
    }
    if groups.is_empty() {
        return vec![slice(service, family, &[], (0, vec![]))];
    }
    let mut slices = Vec::new();
    for (ports, endpoints) in groups {
        let parts = endpoints.chunks(SLICE_LIMIT).map(<[Endpoint]>::to_vec).enumerate();
        slices.extend(parts.map(|part| slice(service, family, ports, part)));
    }
    slices
}

fn endpoint(
    service: &Service,
    backend: &Backend<'_>,
    addresses: Vec<String>,
    zones: &BTreeMap<&str, &str>,
) -> Endpoint {
    let publish = service.spec.as_ref().and_then(|spec| spec.publish_not_ready_addresses).unwrap_or_default();
    let ready = publish || (backend.serving && !backend.terminating);
    Endpoint {
        addresses,
        conditions: Some(EndpointConditions {
            ready: Some(ready),
            serving: Some(backend.serving),
            terminating: Some(backend.terminating),
        }),
        hostname: backend.hostname(service),
        node_name: backend.node().map(str::to_owned),
        target_ref: Some(backend.reference()),
        zone: backend.node().and_then(|node| zones.get(node)).map(|zone| (*zone).to_owned()),
        ..Endpoint::default()
    }
}

fn slice(
    service: &Service,
    family: &str,
    ports: &[BackendPort],
    (index, endpoints): (usize, Vec<Endpoint>),
) -> EndpointSlice {
    let ports: Vec<EndpointPort> = ports.iter().map(slice_port).collect();
    EndpointSlice {
        metadata: metadata(service, &suffix(family, &ports, index)),
        address_type: family.to_owned(),
        ports: Some(ports).filter(|ports| !ports.is_empty()),
        endpoints,
    }
}

fn slice_port(port: &BackendPort) -> EndpointPort {
    EndpointPort {
        name: Some(port.name.clone()),
        port: Some(port.number),
        protocol: Some(port.protocol.clone()),
        app_protocol: port.app_protocol.clone(),
    }
}

fn metadata(service: &Service, suffix: &str) -> ObjectMeta {
    let name = service.metadata.name.as_deref().unwrap_or_default();
    let mut labels = service.metadata.labels.clone().unwrap_or_default();
    labels.insert(SERVICE_NAME.to_owned(), name.to_owned());
    labels.insert(SLICE_MANAGER.0.to_owned(), SLICE_MANAGER.1.to_owned());
    if is_headless(service) {
        labels.insert(HEADLESS.to_owned(), String::new());
    }
    ObjectMeta {
        name: Some(format!("{name}-{suffix}")),
        generate_name: Some(format!("{name}-")),
        namespace: service.metadata.namespace.clone(),
        labels: Some(labels),
        owner_references: Some(vec![OwnerReference {
            api_version: "v1".to_owned(),
            kind: "Service".to_owned(),
            name: name.to_owned(),
            uid: service.metadata.uid.clone().unwrap_or_default(),
            controller: Some(true),
            block_owner_deletion: Some(true),
        }]),
        ..ObjectMeta::default()
    }
}

pub(super) fn is_headless(service: &Service) -> bool {
    service.spec.as_ref().is_some_and(|spec| spec.cluster_ip.as_deref() == Some("None"))
}

/// Five characters, like the random ones of a real cluster.
fn suffix(family: &str, ports: &[EndpointPort], index: usize) -> String {
    let mut text = format!("{family}/{index}");
    for port in ports {
        // Writing to a string cannot fail.
        let _ = write!(text, "/{:?}", (&port.name, &port.protocol, port.port, &port.app_protocol));
    }
    let alphabet = b"bcdfghjklmnpqrstvwxz2456789";
    let letter = |byte: &u8| alphabet.get(usize::from(*byte) % alphabet.len()).copied().map(char::from);
    Sha256::digest(text.as_bytes()).iter().take(5).filter_map(letter).collect()
}
