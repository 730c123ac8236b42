//! Which node and which pod holds which addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::IpAddr;

use k8s_openapi::api::core::v1::Pod;

use super::view::{View, addresses, pod_addresses};
use crate::net::{IpFamily, Net};

/// Addresses by the UID of the Node or Pod that holds them.
#[derive(Debug, Default)]
pub(super) struct HeldAddresses(BTreeMap<String, Vec<IpAddr>>);

impl HeldAddresses {
    /// One address for each family of the node; the node's own under `hostNetwork`.
    ///
    /// None if the network has no address left.
    pub(super) fn for_pod(&mut self, pod: &Pod, host: &[IpAddr], net: &Net) -> Option<Vec<IpAddr>> {
        if uses_host_network(pod) {
            return Some(host.to_vec());
        }
        let uid = pod.metadata.uid.clone()?;
        if let Some(own) = self.0.get(&uid) {
            return Some(own.clone());
        }
        let own = host.iter().map(|address| net.pod_address(IpFamily::of(*address)));
        let own = own
            .collect::<io::Result<Vec<_>>>()
            .inspect_err(|error| tracing::warn!(%error, "no address for a pod"))
            .ok()?;
        self.0.insert(uid, own.clone());
        Some(own)
    }

    /// Notes who holds addresses, and takes out those whose holder is gone.
    pub(super) fn take_gone(&mut self, view: &View, net: &Net) -> Vec<IpAddr> {
        let nodes = view.nodes.iter().map(|node| (node.metadata.uid.clone(), addresses(node)));
        let pods = view.pods.iter().filter(|pod| !uses_host_network(pod));
        let pods = pods.map(|pod| (pod.metadata.uid.clone(), pod_addresses(pod)));
        let mut present = BTreeSet::new();
        for (uid, mut addresses) in nodes.chain(pods) {
            let Some(uid) = uid else { continue };
            addresses.retain(|address| net.contains(*address));
            if !addresses.is_empty() {
                self.0.insert(uid.clone(), addresses);
            }
            present.insert(uid);
        }
        let gone = self.0.extract_if(.., |uid, _| !present.contains(uid));
        gone.flat_map(|(_, addresses)| addresses).collect()
    }
}

fn uses_host_network(pod: &Pod) -> bool {
    pod.spec.as_ref().and_then(|spec| spec.host_network) == Some(true)
}
