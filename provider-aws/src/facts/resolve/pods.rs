//! Network interfaces of pods that no instance is known to hold (AWS-91): pods with security groups of
//! their own, pods without an instance, and addresses that instances got since they were looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use cloud_lb_core::error::Result;
use cloud_lb_core::model::{Endpoint, LoadBalancer, Node};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::INSTANCES_KEEP;
use crate::api::{self, Api};
use crate::backend::Aws;
use crate::desired::{instance_id, is_pod_in_use};
use crate::facts::{Account, NetworkInterface};

/// How long an address that nothing has is not asked for again.
const NOTHING_KEEPS: Duration = Duration::from_mins(1);

/// An address may be another pod's tomorrow.
type Pod = (IpAddr, String);

/// What was found, and when.
#[derive(Debug, Default)]
pub(super) struct Interfaces(Mutex<BTreeMap<Pod, (Option<NetworkInterface>, Instant)>>);

impl Interfaces {
    pub(super) fn forget(&self) {
        self.0.lock().clear();
    }

    /// Whether a pod was looked up, with or without success.
    fn knows(&self, pod: &Endpoint) -> bool {
        self.0.lock().contains_key(&key(pod))
    }

    fn of(&self, pod: &Endpoint) -> Option<NetworkInterface> {
        self.0.lock().get(&key(pod))?.0.clone()
    }

    /// The security groups of the interfaces that are known to hold these addresses.
    pub(super) fn groups_at(&self, addresses: &BTreeSet<IpAddr>) -> BTreeMap<IpAddr, BTreeSet<String>> {
        let known = self.0.lock();
        let found = known.iter().filter(|((address, _), _)| addresses.contains(address));
        found
            .filter_map(|((address, _), (one, _))| Some((*address, one.as_ref()?.security_groups.clone())))
            .collect()
    }

    fn forget_old(&self) {
        let keep = |found: &Option<_>| if found.is_some() { INSTANCES_KEEP } else { NOTHING_KEEPS };
        self.0.lock().retain(|_, (found, at)| at.elapsed() < keep(found));
    }

    fn found(&self, pod: &Endpoint, interface: Option<NetworkInterface>) {
        self.0.lock().insert(key(pod), (interface, Instant::now()));
    }
}

fn key(pod: &Endpoint) -> Pod {
    (pod.address, pod.pod.clone().unwrap_or_default())
}

impl<A: Api> Aws<A> {
    /// Adds the interfaces that the pods' addresses are on.
    pub(super) async fn with_interfaces(&self, mut account: Account, lb: &LoadBalancer) -> Result<Account> {
        let pods = &self.lookups.pods;
        pods.forget_old();
        let unplaced = unplaced(&account, lb);
        let unknown: Vec<&Endpoint> = unplaced.iter().copied().filter(|pod| !pods.knows(pod)).collect();
        if !unknown.is_empty() && self.look_up(&account.vpc_id, &unknown).await? {
            // An address of a new prefix is found on the instance only.
            self.lookups.forget_instances(unknown.iter().filter_map(|pod| node_of(lb, pod)));
            account.instances = self.instances(&lb.nodes).await?;
        }
        account.network_interfaces = unplaced.into_iter().filter_map(|pod| pods.of(pod)).collect();
        account.network_interfaces.sort_by(|a, b| a.network_interface_id.cmp(&b.network_interface_id));
        account.network_interfaces.dedup();
        Ok(account)
    }

    /// Whether some of the addresses are on no interface.
    async fn look_up(&self, vpc_id: &str, unknown: &[&Endpoint]) -> Result<bool> {
        let addresses: Vec<IpAddr> = unknown.iter().map(|pod| pod.address).collect();
        let asked = api::Interfaces::Addresses(vpc_id, &addresses);
        let found = self.api.describe_network_interfaces(asked).await?;
        let mut is_missing = false;
        for pod in unknown {
            let interface = found.iter().find(|interface| interface.holds(pod.address));
            is_missing |= interface.is_none();
            self.lookups.pods.found(pod, interface.cloned());
        }
        Ok(is_missing)
    }
}

/// Pods within the network whose address is on no known interface of their node.
fn unplaced<'a>(account: &Account, lb: &'a LoadBalancer) -> Vec<&'a Endpoint> {
    let is_on_node = |pod: &Endpoint| {
        let instance = node_of(lb, pod).and_then(|id| account.instance(id));
        instance.is_some_and(|instance| instance.interface_of(pod.address).is_some())
    };
    let pods = lb.endpoints.iter().filter(|pod| is_pod_in_use(pod) && account.is_inside(pod.address));
    pods.filter(|pod| !is_on_node(pod)).collect()
}

/// The instance that a pod runs on.
fn node_of<'a>(lb: &'a LoadBalancer, pod: &Endpoint) -> Option<&'a str> {
    let is_its = |node: &&Node| pod.node.as_ref() == Some(&node.name);
    lb.nodes.iter().find(is_its).and_then(instance_id)
}
