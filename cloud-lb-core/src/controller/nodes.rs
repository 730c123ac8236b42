//! The nodes behind load balancers: one snapshot that all lanes share, and when it is worth a pass.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Node;
use kube::ResourceExt;
use kube::runtime::watcher::Event;
use tokio::time::Instant;

use crate::k8s::{self, NewNodes, NodePolicy, Standing};
use crate::model::{self, NodeField, NodeList, NodeState};

/// An immutable snapshot of the usable nodes, sorted by name (SC-884).
///
/// Two snapshots with the same generation mean the same targets (SC-931, W-19). Generation 0 is empty.
#[derive(Debug, Default)]
pub(crate) struct NodeSet {
    pub(crate) generation: u64,
    pub(crate) nodes: NodeList,
    /// Sum of the nodes' fingerprints.
    fingerprint: u64,
}

/// The nodes of the cluster. Each change of a Node costs what that node costs, however many there are; a
/// snapshot is made once for all changes before it (W-1, W-30).
#[derive(Debug)]
pub(crate) struct Nodes {
    policy: NodePolicy,
    /// What of a node the provider uses (W-19).
    fields: BTreeSet<NodeField>,
    known: BTreeMap<String, Known>,
    census: Census,
    /// Names in the list that is coming in.
    arriving: BTreeSet<String>,
    listed: bool,
    /// Sum of the fingerprints of the targets that are known.
    fingerprint: u64,
    stale: bool,
    set: Arc<NodeSet>,
    /// Generation that the last pass brought.
    passed: u64,
    debounce: Debounce,
}

/// A Node object.
#[derive(Debug)]
struct Known {
    uid: Option<String>,
    /// Whether it need not wait for its readiness (W-17): it has been ready, or was there before us.
    admitted: bool,
    place: Place,
}

/// Where a node is.
#[derive(Debug, PartialEq)]
enum Place {
    Behind(model::Node),
    /// It waits for its provider id or its readiness.
    Waiting,
    Out,
}

/// How many nodes are where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Census {
    pub(crate) active: usize,
    pub(crate) draining: usize,
    pub(crate) waiting: usize,
    pub(crate) out: usize,
}

impl Nodes {
    pub(crate) fn new(policy: NodePolicy, fields: BTreeSet<NodeField>, debounce: Debounce) -> Self {
        Self {
            policy,
            fields,
            known: BTreeMap::new(),
            census: Census::default(),
            arriving: BTreeSet::new(),
            listed: false,
            fingerprint: 0,
            stale: false,
            set: Arc::default(),
            passed: 0,
            debounce,
        }
    }

    /// Takes in an event; one that changes what the provider uses makes a pass due soon.
    pub(crate) fn apply(&mut self, event: Event<Node>, now: Instant) {
        match event {
            Event::Init => self.arriving.clear(),
            Event::InitApply(node) => {
                self.arriving.insert(node.name_any());
                self.put(&node, now);
            }
            Event::InitDone => {
                let arrived = std::mem::take(&mut self.arriving);
                let gone: Vec<String> =
                    self.known.keys().filter(|name| !arrived.contains(*name)).cloned().collect();
                for name in &gone {
                    self.remove(name, now);
                }
                self.listed = true;
            }
            Event::Apply(node) => self.put(&node, now),
            Event::Delete(node) => self.remove(&node.name_any(), now),
        }
    }

    fn put(&mut self, node: &Node, now: Instant) {
        let (name, uid) = (node.name_any(), node.uid());
        let before = self.known.remove(&name);
        let was_admitted = before.as_ref().is_some_and(|known| known.admitted && known.uid == uid);
        let waits = self.policy.new_nodes == NewNodes::WhenReady && self.listed;
        let admitted = was_admitted || !waits || k8s::is_up(node);
        let place = match self.policy.standing(node) {
            Standing::Target(state) if admitted => Place::Behind(k8s::translate_node(node, state)),
            Standing::Target(_) | Standing::Waiting => Place::Waiting,
            Standing::Out => Place::Out,
        };
        self.compare(before.as_ref().map(|known| &known.place), Some(&place), now);
        self.known.insert(name, Known { uid, admitted, place });
    }

    fn remove(&mut self, name: &str, now: Instant) {
        let before = self.known.remove(name);
        self.compare(before.as_ref().map(|known| &known.place), None, now);
    }

    /// Notes what a change of a node means: nothing, a new snapshot for whoever asks next, or a pass.
    fn compare(&mut self, before: Option<&Place>, after: Option<&Place>, now: Instant) {
        if let Some(before) = before {
            *self.census.count(before) -= 1;
        }
        if let Some(after) = after {
            *self.census.count(after) += 1;
        }
        let (before, after) = (before.and_then(Place::target), after.and_then(Place::target));
        if before == after {
            return;
        }
        self.stale = true;
        let fingerprint = |node: Option<&model::Node>| node.map_or(0, |node| node.fingerprint(&self.fields));
        let (before, after) = (fingerprint(before), fingerprint(after));
        if before != after {
            self.fingerprint = self.fingerprint.wrapping_sub(before).wrapping_add(after);
            self.debounce.touch(now);
        }
    }

    /// Whether the first list is complete (SC-3).
    pub(crate) fn is_listed(&self) -> bool {
        self.listed
    }

    /// The newest snapshot.
    pub(crate) fn current(&mut self) -> Arc<NodeSet> {
        if std::mem::take(&mut self.stale) {
            let changed = u64::from(self.set.fingerprint != self.fingerprint);
            let targets = self.known.values().filter_map(|known| known.place.target());
            self.set = Arc::new(NodeSet {
                generation: self.set.generation + changed,
                nodes: targets.cloned().collect(),
                fingerprint: self.fingerprint,
            });
        }
        Arc::clone(&self.set)
    }

    /// When a pass may be due.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.debounce.due()
    }

    /// Whether a pass is due now; then it counts as begun. None is if all changes since the last one came
    /// to nothing (SC-96).
    pub(crate) fn begin_pass(&mut self, now: Instant) -> bool {
        if !self.debounce.fire(now) {
            return false;
        }
        let generation = self.current().generation;
        let changed = std::mem::replace(&mut self.passed, generation) != generation;
        if changed {
            let Census { active, draining, waiting, out } = self.census;
            tracing::info!(active, draining, waiting, out, "nodes changed");
        }
        changed
    }

    /// How many nodes are where.
    pub(crate) fn census(&self) -> Census {
        self.census
    }
}

impl Census {
    fn count(&mut self, place: &Place) -> &mut usize {
        match place {
            Place::Behind(node) if node.state == NodeState::Active => &mut self.active,
            Place::Behind(_) => &mut self.draining,
            Place::Waiting => &mut self.waiting,
            Place::Out => &mut self.out,
        }
    }
}

impl Place {
    fn target(&self) -> Option<&model::Node> {
        match self {
            Self::Behind(node) => Some(node),
            Self::Waiting | Self::Out => None,
        }
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
