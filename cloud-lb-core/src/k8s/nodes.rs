use std::collections::BTreeSet;
use std::net::IpAddr;

use k8s_openapi::api::core::v1::Node;
use serde::{Deserialize, Serialize};

use super::taints::{DrainTaint, TaintEffect};
use super::{AUTOSCALER_TAINT, EXCLUDE_LABEL};
use crate::annotations::parse_bool;
use crate::model::{self, NodeList, NodeState, Readiness};

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

/// When a node that joins the cluster gets behind load balancers (W-17).
///
/// A node that is behind them stays there when its readiness flaps, either way: health checks know better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NewNodes {
    /// At once, as upstream does.
    #[default]
    AtOnce,
    /// Once it has been ready with a working network. Nodes that are there when the controller starts do
    /// not wait: some may serve although they are not ready just then.
    WhenReady,
}

/// Which nodes may be behind load balancers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct NodePolicy {
    /// Taints that announce the end of a node; default: those of the autoscalers and termination handlers
    /// in [`default_drain_taints`](Self::default_drain_taints).
    pub drain_taints: BTreeSet<DrainTaint>,
    /// What becomes of nodes with such a taint or a deletion timestamp; default: they drain.
    pub draining: DrainingNodes,
    /// When nodes that join get behind load balancers; default: at once.
    pub new_nodes: NewNodes,
    /// Whether a node waits until it has a provider id (W-16); default false.
    pub require_provider_id: bool,
}

/// What a node is to load balancers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is behind them.
    Target(NodeState),
    /// It will be, once it has its provider id.
    Waiting,
    /// It is not to be behind them, or not any more.
    Out,
}

impl Default for NodePolicy {
    fn default() -> Self {
        Self {
            drain_taints: Self::default_drain_taints(),
            draining: DrainingNodes::default(),
            new_nodes: NewNodes::default(),
            require_provider_id: false,
        }
    }
}

impl NodePolicy {
    /// The filter of the upstream controller (SC-88).
    pub fn parity() -> Self {
        Self {
            drain_taints: BTreeSet::from([DrainTaint::any(AUTOSCALER_TAINT)]),
            draining: DrainingNodes::Drop,
            ..Self::default()
        }
    }

    /// The taints by which a node's end is announced, once it is decided.
    ///
    /// Hints are not among them, because such nodes often stay: the cluster autoscaler's
    /// `DeletionCandidateOfClusterAutoscaler` and `aws-node-termination-handler/rebalance-recommendation`.
    pub fn default_drain_taints() -> BTreeSet<DrainTaint> {
        BTreeSet::from([
            DrainTaint::any(AUTOSCALER_TAINT),
            // Karpenter, and Karpenter before 1.0.
            DrainTaint::with_effect("karpenter.sh/disrupted", TaintEffect::NoSchedule),
            DrainTaint::with_effect("karpenter.sh/disruption", TaintEffect::NoSchedule),
            DrainTaint::any("aws-node-termination-handler/spot-itn"),
            DrainTaint::any("aws-node-termination-handler/asg-lifecycle-termination"),
            DrainTaint::any("aws-node-termination-handler/scheduled-maintenance"),
            // GKE, for nodes that are preempted or have their machine taken down.
            DrainTaint::any("cloud.google.com/impending-node-termination"),
        ])
    }

    /// What a node is to load balancers, apart from [`new_nodes`](Self::new_nodes), which depends on what
    /// it was before.
    pub(crate) fn standing(&self, node: &Node) -> Standing {
        match (self.is_leaving(node), self.draining) {
            _ if !is_included(node) => Standing::Out,
            (true, DrainingNodes::Drop) => Standing::Out,
            _ if self.require_provider_id && provider_id(node).is_none() => Standing::Waiting,
            (true, DrainingNodes::Keep) => Standing::Target(NodeState::Draining),
            (false, _) => Standing::Target(NodeState::Active),
        }
    }

    fn is_leaving(&self, node: &Node) -> bool {
        let mut taints = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
        node.metadata.deletion_timestamp.is_some()
            || taints.any(|taint| self.drain_taints.iter().any(|drain| drain.matches(taint)))
    }
}

/// The nodes that may be behind load balancers, sorted by name (SC-88, SC-884).
///
/// Readiness, cordons, other taints and addresses do not matter (SC-881): health checks find out.
/// Addresses that are no IP addresses are left out.
pub fn usable_nodes<'a>(nodes: impl IntoIterator<Item = &'a Node>, policy: &NodePolicy) -> NodeList {
    let target = |node| match policy.standing(node) {
        Standing::Target(state) => Some(translate(node, state)),
        Standing::Waiting | Standing::Out => None,
    };
    nodes.into_iter().filter_map(target).collect()
}

/// Whether a node is ready and has a network, so that a new one can take traffic (W-17).
pub(crate) fn is_up(node: &Node) -> bool {
    readiness(node) == Readiness::Ready && condition(node, "NetworkUnavailable") != Some("True")
}

/// Whether the exclusion label leaves the node in (SC-89): absent or false as Go's `ParseBool` reads it.
fn is_included(node: &Node) -> bool {
    let value = node.metadata.labels.as_ref().and_then(|labels| labels.get(EXCLUDE_LABEL));
    value.is_none_or(|value| parse_bool(value) == Some(false))
}

/// The node's provider id; an empty one is none.
fn provider_id(node: &Node) -> Option<&str> {
    node.spec.as_ref()?.provider_id.as_deref().filter(|id| !id.is_empty())
}

/// The node as providers get it.
pub(crate) fn translate(node: &Node, state: NodeState) -> model::Node {
    let labels = node.metadata.labels.clone().unwrap_or_default();
    model::Node {
        name: node.metadata.name.clone().unwrap_or_default(),
        addresses: internal_addresses(node),
        provider_id: provider_id(node).map(ToOwned::to_owned),
        zone: labels.get(ZONE_LABEL).filter(|zone| !zone.is_empty()).cloned(),
        labels,
        state,
        readiness: readiness(node),
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

fn readiness(node: &Node) -> Readiness {
    match condition(node, "Ready") {
        Some("True") => Readiness::Ready,
        Some("Unknown") => Readiness::Unknown,
        _ => Readiness::NotReady,
    }
}

/// The status of a condition.
fn condition<'a>(node: &'a Node, kind: &str) -> Option<&'a str> {
    let mut conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.find(|condition| condition.type_ == kind).map(|condition| condition.status.as_str())
}

#[cfg(test)]
mod tests;
