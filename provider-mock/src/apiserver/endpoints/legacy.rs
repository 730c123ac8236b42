//! The legacy `Endpoints` object of a Service, which shows its first IP family only.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{EndpointAddress, EndpointPort, EndpointSubset, Endpoints, Pod, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::backend::{Backend, BackendPort, backends};
use super::slices::is_headless;
use super::{ENDPOINTS_MANAGER, HEADLESS};

pub(super) fn build(service: &Service, pods: &[Pod]) -> Option<Endpoints> {
    let backends = backends(service, pods)?;
    let spec = service.spec.as_ref()?;
    let publish = spec.publish_not_ready_addresses.unwrap_or_default();
    let v6 = spec.ip_families.iter().flatten().next().is_some_and(|family| family == "IPv6");
    let mut subsets: BTreeMap<&[BackendPort], EndpointSubset> = BTreeMap::new();
    for backend in backends.iter().filter(|backend| publish || !backend.terminating) {
        let Some(ip) = backend.addresses(v6).into_iter().next() else { continue };
        let subset = subsets.entry(&backend.ports).or_insert_with(|| empty(&backend.ports));
        let addresses =
            if publish || backend.serving { &mut subset.addresses } else { &mut subset.not_ready_addresses };
        addresses.get_or_insert_default().push(address(service, backend, ip));
    }
    let subsets: Vec<EndpointSubset> = subsets.into_values().collect();
    Some(Endpoints {
        metadata: metadata(service),
        subsets: Some(subsets).filter(|subsets| !subsets.is_empty()),
    })
}

fn empty(ports: &[BackendPort]) -> EndpointSubset {
    let ports: Vec<EndpointPort> = ports.iter().map(subset_port).collect();
    EndpointSubset { ports: Some(ports).filter(|ports| !ports.is_empty()), ..EndpointSubset::default() }
}

fn subset_port(port: &BackendPort) -> EndpointPort {
    EndpointPort {
        name: Some(port.name.clone()).filter(|name| !name.is_empty()),
        port: port.number,
        protocol: Some(port.protocol.clone()),
        app_protocol: port.app_protocol.clone(),
    }
}

fn address(service: &Service, backend: &Backend<'_>, ip: String) -> EndpointAddress {
    EndpointAddress {
        ip,
        hostname: backend.hostname(service),
        node_name: backend.node().map(str::to_owned),
        target_ref: Some(backend.reference()),
    }
}

fn metadata(service: &Service) -> ObjectMeta {
    let mut labels = service.metadata.labels.clone().unwrap_or_default();
    labels.insert(ENDPOINTS_MANAGER.0.to_owned(), ENDPOINTS_MANAGER.1.to_owned());
    if is_headless(service) {
        labels.insert(HEADLESS.to_owned(), String::new());
    }
    ObjectMeta {
        name: service.metadata.name.clone(),
        namespace: service.metadata.namespace.clone(),
        labels: Some(labels),
        ..ObjectMeta::default()
    }
}
