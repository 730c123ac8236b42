//! Lanes begin and end: the tasks of the loop.

use std::sync::Arc;

use tokio::task::JoinError;
use tokio::time::Instant;
use tracing::Instrument;

use super::{Dispatcher, died};
use crate::controller::circuit::Gate;
use crate::controller::key::{Key, ObjectKey};
use crate::controller::orphans::Orphan;
use crate::controller::queue::{Taken, Task, Verdict};
use crate::controller::reconcile::{Finished, Job};
use crate::error::Result;

impl Dispatcher {
    pub(super) fn start_lanes(&mut self) {
        while let Some(Taken { key, task, since }) = self.next_lane() {
            let watch = self.gauges.begin(&key, since);
            let nodes = self.nodes.current();
            self.shared.want(nodes.generation);
            self.passed.get_or_insert(nodes.generation);
            let reconciler = Arc::clone(&self.reconciler);
            match key {
                Key::Cluster => {
                    let lane = async move { watch.over(reconciler.update_cluster(&nodes)).await };
                    self.lanes.spawn(lane.in_current_span());
                }
                Key::Service(key) => {
                    let service = self.services.get(&key).cloned();
                    let memory = self.memories.get(&key).cloned();
                    let slices = self.endpoints.of(&key);
                    let orphans = self.orphans_of(&key, task);
                    let job = Job { key, service, memory, nodes, slices, orphans };
                    let lane = async move { watch.over(Box::pin(reconciler.run(job, task))).await };
                    self.lanes.spawn(lane.in_current_span());
                }
            }
        }
    }

    fn orphans_of(&self, name: &ObjectKey, task: Task) -> Vec<Orphan> {
        match task {
            Task::Work(work) if work.orphans => self.surveys.orphans.of(name, &self.claims(), Instant::now()),
            _ => Vec::new(),
        }
    }

    /// The lane that may start now, if one may.
    fn next_lane(&mut self) -> Option<Taken> {
        let mut circuit = self.reconciler.circuit.lock();
        if !self.is_ready() || self.lanes.len() >= circuit.lanes(self.options.concurrency) {
            return None;
        }
        let gate = circuit.gate(Instant::now());
        let taken = self.queue.take(gate)?;
        if gate == Gate::Probe {
            circuit.probe(&taken.key);
        }
        Some(taken)
    }

    /// Takes in what a lane left behind. A lane that panicked is a bug: the controller ends.
    pub(super) fn finish(&mut self, finished: std::result::Result<Finished, JoinError>) -> Result<()> {
        let Finished { key, memory, verdict, handed } = finished.map_err(died)?;
        let written = memory.as_ref().and_then(|memory| memory.written);
        let wrote = written.is_some() && written != self.written(&key);
        if let Key::Service(key) = &key {
            self.gauges.remember(self.memories.get(key), memory.as_ref());
            let old = match memory {
                Some(memory) => self.memories.insert(key.clone(), memory),
                None => self.memories.remove(key),
            };
            self.plan_poll(key, old.as_ref());
        }
        let (now, pace) = (Instant::now(), self.options.pace(self.random.f64()));
        self.reconciler.circuit.lock().end(&key, now);
        self.queue.finish(&key, verdict, now, &pace);
        self.gauges.reached(&key);
        if wrote && verdict == Verdict::Done {
            self.check_status(&key);
        }
        if let (true, Some(nodes)) = (self.shares_targets(), handed)
            && self.shared.end(nodes, verdict)
        {
            self.update_shared();
        }
        Ok(())
    }

    /// Version of the status that the lane was known to have written.
    fn written(&self, key: &Key) -> Option<u64> {
        let Key::Service(name) = key else { return None };
        self.memories.get(name)?.written
    }

    /// W-4: what was wiped before it was remembered that it was written.
    fn check_status(&mut self, key: &Key) {
        let Key::Service(name) = key else { return };
        if let (Some(service), Some(memory)) = (self.services.get(name), self.memories.get(name)) {
            let work = self.reconciler.rules.after_run(service, memory);
            self.queue.touch(key, work);
        }
    }
}
