use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::num::NonZeroU16;

use k8s_openapi::api::discovery::v1::{self, EndpointConditions, EndpointPort, EndpointSlice};

use super::problems::port_number;
use crate::model::{Endpoint, IpFamily};

/// Numbers of a pod's ports by the names of the Service's ports.
type Ports = BTreeMap<String, NonZeroU16>;

/// The pods of some EndpointSlices, sorted and each once.
///
/// - A pod may be in several slices while the slices change: it is ready if any says so, and terminating
///   if all do.
/// - Pods of one address with different ports (of the host's network) stay apart.
/// - A pod that is terminating and does not serve any more is gone, and left out.
/// - Only the first address of an entry counts, as for kube-proxy. Slices of host names, and ports
///   without a number, mean nothing to a load balancer.
pub fn endpoints<'a>(slices: impl IntoIterator<Item = &'a EndpointSlice>) -> Vec<Endpoint> {
    let mut merged: BTreeMap<(IpAddr, Ports), Endpoint> = BTreeMap::new();
    for slice in slices {
        let ports = ports(slice.ports.as_deref().unwrap_or_default());
        for endpoint in slice.endpoints.iter().filter_map(|e| translate(e, &slice.address_type, &ports)) {
            let key = (endpoint.address, endpoint.ports.clone());
            let merge = match merged.remove(&key) {
                Some(other) => merge(endpoint, other),
                None => endpoint,
            };
            merged.insert(key, merge);
        }
    }
    let mut endpoints: Vec<Endpoint> = merged.into_values().collect();
    endpoints.sort();
    endpoints
}

fn merge(a: Endpoint, b: Endpoint) -> Endpoint {
    Endpoint {
        pod: a.pod.max(b.pod),
        node: a.node.max(b.node),
        zone: a.zone.max(b.zone),
        ready: a.ready || b.ready,
        terminating: a.terminating && b.terminating,
        ..a
    }
}

fn ports(ports: &[EndpointPort]) -> Ports {
    let number = |port: &EndpointPort| port.port.and_then(port_number);
    let name = |port: &EndpointPort| port.name.clone().unwrap_or_default();
    ports.iter().filter_map(|port| Some((name(port), number(port)?))).collect()
}

fn translate(endpoint: &v1::Endpoint, address_type: &str, ports: &Ports) -> Option<Endpoint> {
    let address: IpAddr = endpoint.addresses.first()?.parse().ok()?;
    if IpFamily::of(address).to_string() != address_type {
        return None;
    }
    let unknown = EndpointConditions::default();
    let conditions = endpoint.conditions.as_ref().unwrap_or(&unknown);
    // The API says how to read what is unknown: as ready, as serving if ready, as not terminating.
    let ready = conditions.ready.unwrap_or(true);
    let serving = conditions.serving.unwrap_or(ready);
    let terminating = conditions.terminating.unwrap_or(false);
    let pod = endpoint.target_ref.as_ref().filter(|target| target.kind.as_deref() == Some("Pod"));
    (serving || !terminating).then(|| Endpoint {
        address,
        ports: ports.clone(),
        pod: pod.and_then(|target| target.name.clone()),
        node: endpoint.node_name.clone(),
        zone: endpoint.zone.clone(),
        ready,
        terminating,
        gates: BTreeSet::new(),
    })
}

#[cfg(test)]
mod tests;
