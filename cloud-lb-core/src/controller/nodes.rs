//! The nodes behind load balancers: one snapshot that all lanes share, and when it is worth a pass.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Node;
use kube::runtime::watcher::Event;
use tokio::time::Instant;

use super::index::{Change, Index};
use crate::k8s::{NodePolicy, same_targets, usable_nodes};
use crate::model;

/// An immutable snapshot of the usable nodes.
///
/// Two snapshots with the same generation mean the same targets (SC-931). Generation 0 is empty.
#[derive(Debug, Default)]
pub(crate) struct NodeSet {
    pub(crate) generation: u64,
    pub(crate) nodes: Vec<model::Node>,
}

/// The Node objects, filtered once per change (W-1, W-30).
#[derive(Debug)]
pub(crate) struct Nodes {
    index: Index<Node>,
    policy: NodePolicy,
    set: Arc<NodeSet>,
    stale: bool,
    debounce: Debounce,
}

impl Nodes {
    pub(crate) fn new(policy: NodePolicy, debounce: Debounce) -> Self {
        Self { index: Index::default(), policy, set: Arc::default(), stale: false, debounce }
    }

    /// Takes in an event; one that concerns load balancers (SC-24, SC-25) makes a pass due soon.
    pub(crate) fn apply(&mut self, event: Event<Node>, now: Instant) {
        for change in self.index.apply(event) {
            let concerns = match &change {
                Change::Added(_) | Change::Deleted(_) => true,
                Change::Updated { old, new } => self.policy.concerns(old, new),
            };
            if concerns {
                self.debounce.touch(now);
            }
            self.stale |= concerns || self.differs(&change);
        }
    }

    /// Whether a change that makes no pass due still changes what providers get, as addresses do.
    fn differs(&self, change: &Change<Node>) -> bool {
        let Change::Updated { old, new } = change else { return true };
        usable_nodes([&**old], &self.policy) != usable_nodes([&**new], &self.policy)
    }

    pub(crate) fn is_listed(&self) -> bool {
        self.index.is_listed()
    }

    /// How many nodes are in the newest snapshot, and how many there are.
    pub(crate) fn count(&self) -> (usize, usize) {
        (self.set.nodes.len(), self.index.len())
    }

    /// The newest snapshot.
    pub(crate) fn current(&mut self) -> Arc<NodeSet> {
        if std::mem::take(&mut self.stale) {
            let nodes = usable_nodes(self.index.iter(), &self.policy);
            let changed = u64::from(!same_targets(&self.set.nodes, &nodes));
            self.set = Arc::new(NodeSet { generation: self.set.generation + changed, nodes });
        }
        Arc::clone(&self.set)
    }

    /// When a pass is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.debounce.due()
    }

    /// Whether a pass is due now; then it counts as begun.
    pub(crate) fn begin_pass(&mut self, now: Instant) -> bool {
        self.debounce.fire(now)
    }
}

/// Turns a burst of changes into one: it fires once changes have been absent for `quiet`, and `max`
/// after the first of them at the latest.
#[derive(Debug)]
pub(crate) struct Debounce {
    quiet: Duration,
    max: Duration,
    burst: Option<(Instant, Instant)>,
}

impl Debounce {
    pub(crate) fn new(quiet: Duration, max: Duration) -> Self {
        Self { quiet, max, burst: None }
    }

    fn touch(&mut self, now: Instant) {
        let first = self.burst.map_or(now, |(first, _)| first);
        self.burst = Some((first, now));
    }

    fn due(&self) -> Option<Instant> {
        let (first, last) = self.burst?;
        Some((first + self.max).min(last + self.quiet))
    }

    fn fire(&mut self, now: Instant) -> bool {
        let is_due = self.due().is_some_and(|due| due <= now);
        if is_due {
            self.burst = None;
        }
        is_due
    }
}

#[cfg(test)]
mod tests;
