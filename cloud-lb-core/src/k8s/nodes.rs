use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use k8s_openapi::api::core::v1::Node;
use serde::{Deserialize, Serialize};

use super::{AUTOSCALER_TAINT, EXCLUDE_LABEL, should_sync_node};
use crate::annotations::parse_bool;
use crate::model::{self, NodeState};

/// The label that holds a node's zone.
const ZONE_LABEL: &str = "topology.kubernetes.io/zone";

/// What becomes of nodes that are about to go (W-18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DrainingNodes {
    /// They stay known, as [`NodeState::Draining`], so that their connections can end in peace.
    #[default]
    Keep,
    /// They are dropped at once, as upstream does.
    Drop,
}

/// Which nodes may be behind load balancers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct NodePolicy {
    /// Keys of taints that announce the end of a node; default: the cluster autoscaler's.
    pub drain_taints: BTreeSet<String>,
    /// What becomes of nodes with such a taint or a deletion timestamp; default: they drain.
    pub draining: DrainingNodes,
    /// Whether a node waits until it has a provider id (W-16); default false.
    pub require_provider_id: bool,
}

impl Default for NodePolicy {
    fn default() -> Self {
        Self {
            drain_taints: BTreeSet::from([AUTOSCALER_TAINT.to_owned()]),
            draining: DrainingNodes::default(),
            require_provider_id: false,
        }
    }
}

impl NodePolicy {
    /// The filter of the upstream controller (SC-88).
    pub fn parity() -> Self {
        Self { draining: DrainingNodes::Drop, ..Self::default() }
    }

    /// Whether load balancers must be looked at because a Node changed: as SC-90 says, and also when a
    /// node starts or stops to drain, whichever of its signs comes first (W-18).
    pub fn concerns(&self, old: &Node, new: &Node) -> bool {
        should_sync_node(old, new) || self.state(old) != self.state(new)
    }

    /// The state of a node; `None` if it is not (or no longer) to be behind a load balancer.
    fn state(&self, node: &Node) -> Option<NodeState> {
        if !is_included(node) || (self.require_provider_id && provider_id(node).is_none()) {
            return None;
        }
        match (self.is_leaving(node), self.draining) {
            (false, _) => Some(NodeState::Active),
            (true, DrainingNodes::Keep) => Some(NodeState::Draining),
            (true, DrainingNodes::Drop) => None,
        }
    }

    fn is_leaving(&self, node: &Node) -> bool {
        let mut taints = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
        node.metadata.deletion_timestamp.is_some()
            || taints.any(|taint| self.drain_taints.contains(&taint.key))
    }
}

/// The nodes that may be behind load balancers, sorted by name (SC-88, SC-884).
///
/// Readiness, cordons, other taints and addresses do not matter (SC-881): health checks find out.
/// Addresses that are no IP addresses are left out.
pub fn usable_nodes<'a>(nodes: impl IntoIterator<Item = &'a Node>, policy: &NodePolicy) -> Vec<model::Node> {
    let translate = |node| policy.state(node).map(|state| translate(node, state));
    let mut usable: Vec<model::Node> = nodes.into_iter().filter_map(translate).collect();
    usable.sort_by(|a, b| a.name.cmp(&b.name));
    usable
}

/// Whether two node lists mean the same targets (SC-931): the same names with the same provider ids,
/// and in the same state.
pub fn same_targets(old: &[model::Node], new: &[model::Node]) -> bool {
    old.len() == new.len() && targets(old) == targets(new)
}

fn targets(nodes: &[model::Node]) -> BTreeMap<&str, (Option<&str>, NodeState)> {
    nodes.iter().map(|node| (node.name.as_str(), (node.provider_id.as_deref(), node.state))).collect()
}

/// Whether the exclusion label leaves the node in (SC-89): absent or false as Go's `ParseBool` reads it.
pub(super) fn is_included(node: &Node) -> bool {
    let value = node.metadata.labels.as_ref().and_then(|labels| labels.get(EXCLUDE_LABEL));
    value.is_none_or(|value| parse_bool(value) == Some(false))
}

/// The node's provider id; an empty one is none.
pub(super) fn provider_id(node: &Node) -> Option<&str> {
    node.spec.as_ref()?.provider_id.as_deref().filter(|id| !id.is_empty())
}

fn translate(node: &Node, state: NodeState) -> model::Node {
    let labels = node.metadata.labels.clone().unwrap_or_default();
    model::Node {
        name: node.metadata.name.clone().unwrap_or_default(),
        addresses: internal_addresses(node),
        provider_id: provider_id(node).map(ToOwned::to_owned),
        zone: labels.get(ZONE_LABEL).filter(|zone| !zone.is_empty()).cloned(),
        labels,
        state,
        ready: is_ready(node),
    }
}

fn internal_addresses(node: &Node) -> Vec<IpAddr> {
    let all = node.status.iter().flat_map(|status| status.addresses.iter().flatten());
    let mut addresses = Vec::new();
    for address in all.filter(|address| address.type_ == "InternalIP") {
        if let Ok(ip) = address.address.parse::<IpAddr>()
            && !addresses.contains(&ip)
        {
            addresses.push(ip);
        }
    }
    addresses
}

fn is_ready(node: &Node) -> bool {
    let mut conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

#[cfg(test)]
mod tests;
