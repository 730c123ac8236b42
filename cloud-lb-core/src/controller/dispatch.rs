//! The heart of the controller: one loop that owns all state, takes in what the watches see, and starts
//! lanes. Lanes are its only tasks, so that none can die unseen.

mod gates;
mod lanes;
mod survey;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Service;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::gates::Polls;
use self::survey::Surveys;
use super::endpoints::Endpoints;
use super::gauges::Gauges;
use super::index::{Change, Index};
use super::key::{Key, ObjectKey};
use super::memory::Memory;
use super::nodes::Nodes;
use super::options::Options;
use super::orphans::Orphans;
use super::queue::{Queue, Work};
use super::reconcile::{Finished, Reconciler};
use super::shared::SharedTargets;
use super::watch::{Seen, Slices, Watches};
use crate::error::{Error, ErrorKind, Result};
use crate::provider::TargetScope;

/// All that the loop knows.
pub(crate) struct Dispatcher {
    reconciler: Arc<Reconciler>,
    options: Options,
    slices: Slices,
    services: Index<Service>,
    nodes: Nodes,
    endpoints: Endpoints,
    memories: BTreeMap<ObjectKey, Memory>,
    shared: SharedTargets,
    /// The node set of the last pass, or of the first lane.
    passed: Option<u64>,
    /// Zones of the nodes that the last pass handed over, where load balancers share targets.
    zones: Option<BTreeSet<Option<String>>>,
    queue: Queue,
    polls: Polls,
    lanes: JoinSet<Finished>,
    surveys: Surveys,
    random: fastrand::Rng,
    gauges: Gauges,
}

impl Dispatcher {
    pub(crate) fn new(
        reconciler: Reconciler,
        nodes: Nodes,
        slices: Slices,
        options: Options,
        gauges: Gauges,
    ) -> Self {
        let grace = options.delete_orphans.then_some(options.orphan_grace);
        Self {
            reconciler: Arc::new(reconciler),
            options,
            slices,
            services: Index::default(),
            nodes,
            endpoints: Endpoints::default(),
            memories: BTreeMap::new(),
            shared: SharedTargets::default(),
            passed: None,
            zones: None,
            queue: Queue::default(),
            polls: Polls::default(),
            lanes: JoinSet::new(),
            surveys: Surveys::new(Orphans::new(grace)),
            random: fastrand::Rng::new(),
            gauges,
        }
    }

    /// Runs until shutdown, then lets the lanes that run come to their end.
    pub(crate) async fn run(mut self, mut watches: Watches, shutdown: CancellationToken) -> Result<()> {
        let result = self.work(&mut watches, &shutdown).await;
        let drained = self.drain().await;
        result.and(drained)
    }

    async fn work(&mut self, watches: &mut Watches, shutdown: &CancellationToken) -> Result<()> {
        loop {
            let gate = self.reconciler.circuit.lock().gate(Instant::now());
            self.gauges.turn(self.unlisted(), &self.queue, self.nodes.census(), gate);
            self.start_lanes();
            self.start_survey();
            let due = self.next_due();
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return Ok(()),
                () = self.gauges.beat() => {}
                Some(finished) = self.lanes.join_next() => self.finish(finished)?,
                Some(surveyed) = self.surveys.running.join_next() => {
                    self.surveyed(surveyed.map_err(died)?);
                }
                seen = watches.next() => self.see(seen)?,
                () = sleep_until(due) => self.advance(),
            }
        }
    }

    fn see(&mut self, seen: Option<Result<Seen>>) -> Result<()> {
        match seen {
            Some(Ok(Seen::Service(event))) => {
                for change in self.services.apply(event) {
                    self.on_service(&change);
                }
            }
            Some(Ok(Seen::Node(event))) => self.nodes.apply(event, Instant::now()),
            Some(Ok(Seen::Slice(event))) => {
                // What the first list shows is no change.
                let listed = self.is_ready();
                for service in self.endpoints.apply(event) {
                    self.on_endpoints(service, listed);
                }
            }
            Some(Err(error)) => return self.watch_failed(error),
            None => return Err(Error::new(ErrorKind::Internal, "a watch ended")),
        }
        Ok(())
    }

    /// A watch that fails starts again by itself. At the start, a missing permission is not waited for.
    fn watch_failed(&self, error: Error) -> Result<()> {
        if error.kind() == ErrorKind::PermissionDenied && !self.is_ready() {
            return Err(error);
        }
        let source = std::error::Error::source(&error).map(ToString::to_string);
        tracing::warn!(%error, source, "a watch failed and will start again");
        Ok(())
    }

    fn on_service(&mut self, change: &Change<Service>) {
        let rules = &self.reconciler.rules;
        let (service, old) = match change {
            Change::Added(new) => (new, None),
            Change::Updated { old, new } => (new, Some(old)),
            Change::Deleted(old) => (old, None),
        };
        let key = ObjectKey::of(&**service);
        let memory = self.memories.get(&key);
        let work = match (change, old) {
            (Change::Deleted(_), _) => {
                // W-9: the finalizer should have prevented this, if it was not taken away.
                let known = memory.is_some() || self.queue.is_running(&Key::Service(key.clone()));
                if known { Work::SYNC } else { Work::NONE }
            }
            (_, Some(old)) => rules.on_updated(old, service, memory),
            (_, None)
                if rules.looks_settled(service) && memory.is_none() && self.surveys.await_first(&key) =>
            {
                Work::NONE
            }
            (_, None) => rules.on_added(service, memory),
        };
        self.queue.touch(&Key::Service(key), work);
    }

    /// An ensure that runs just now began with the pods of before. Pods do not wait for the first survey.
    fn on_endpoints(&mut self, service: ObjectKey, listed: bool) {
        let awaited = listed && self.surveys.await_no_more(&service);
        let ensured = self.memories.get(&service).is_some_and(|memory| memory.ensured);
        let key = Key::Service(service);
        if awaited {
            self.queue.touch(&key, Work::CHECK.and(Work::TARGETS));
        } else if ensured || self.queue.is_running(&key) {
            self.queue.touch(&key, Work::TARGETS);
        }
    }

    fn advance(&mut self) {
        let now = Instant::now();
        self.queue.advance(now);
        self.begin_polls(now);
        if self.is_ready() && self.nodes.begin_pass(now) {
            self.pass();
        }
    }

    /// Brings a changed node set to whatever holds targets (SC-92, SC-97).
    fn pass(&mut self) {
        let generation = self.nodes.current().generation;
        if self.passed.replace(generation).is_some_and(|before| before != generation) {
            self.queue.touch_blocked();
        }
        if self.shares_targets() {
            self.note_zones();
            self.shared.want(generation);
            self.gauges.pass([Key::Cluster]);
            if self.shared.lack(generation) {
                self.update_shared();
            } else {
                self.gauges.reached(&Key::Cluster);
            }
            return;
        }
        let mut lanes = Vec::new();
        for (key, memory) in self.memories.iter().filter(|(_, memory)| memory.ensured) {
            if memory.targets.as_ref().is_none_or(|targets| targets.nodes != generation) {
                let key = Key::Service(key.clone());
                self.queue.touch(&key, Work::TARGETS);
                lanes.push(key);
            }
        }
        self.queue.touch_running(Work::TARGETS);
        self.gauges.pass(lanes);
    }

    /// An update of shared targets changes those that there are. A zone with its first node needs new ones,
    /// which every load balancer must come to use: a survey finds them all.
    fn note_zones(&mut self) {
        let zones = self.nodes.current().nodes.iter().map(|node| node.zone.clone()).collect();
        if self.zones.replace(zones).is_some_and(|before| Some(before) != self.zones) {
            self.surveys.hasten(Instant::now());
        }
    }

    fn shares_targets(&self) -> bool {
        self.reconciler.provider.capabilities().target_scope == TargetScope::Cluster
    }

    /// Hands the newest nodes over to shared targets, if there are load balancers that have them (W-31).
    fn update_shared(&mut self) {
        if self.memories.values().any(|memory| memory.ensured) {
            self.queue.touch(&Key::Cluster, Work::TARGETS);
        }
    }

    /// Whether everything was listed; no work begins before (SC-3).
    fn is_ready(&self) -> bool {
        self.unlisted().is_empty()
    }

    fn unlisted(&self) -> Vec<&'static str> {
        let slices = self.slices == Slices::Ignored || self.endpoints.is_listed();
        let kinds = [
            ("services", self.services.is_listed()),
            ("nodes", self.nodes.is_listed()),
            ("endpointslices", slices),
        ];
        kinds.into_iter().filter(|(_, listed)| !listed).map(|(kind, _)| kind).collect()
    }

    fn next_due(&self) -> Option<Instant> {
        let pass = self.nodes.due().into_iter().chain(self.surveys.due()).min().filter(|_| self.is_ready());
        let gate = self.reconciler.circuit.lock().due(Instant::now());
        self.queue.next_due().into_iter().chain(pass).chain(gate).chain(self.polls.next_due()).min()
    }

    /// Waits for the lanes that run (W-15). Whatever they leave undone, the next start repairs.
    async fn drain(&mut self) -> Result<()> {
        if self.lanes.is_empty() {
            return Ok(());
        }
        tracing::info!(lanes = self.lanes.len(), "waiting for calls in flight");
        let deadline = Instant::now() + self.options.drain_timeout;
        while let Ok(Some(finished)) = tokio::time::timeout_at(deadline, self.lanes.join_next()).await {
            self.finish(finished)?;
        }
        if !self.lanes.is_empty() {
            tracing::warn!(lanes = self.lanes.len(), "calls in flight were given up");
            self.lanes.shutdown().await;
        }
        Ok(())
    }
}

fn died(error: JoinError) -> Error {
    Error::new(ErrorKind::Internal, "a task of the controller died").with_source(error)
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
