//! When readiness gates of pods are polled.

use std::collections::BTreeMap;

use kube::ResourceExt;
use tokio::time::Instant;

use super::Dispatcher;
use crate::controller::key::{Key, ObjectKey};
use crate::controller::memory::Memory;
use crate::controller::queue::Work;
use crate::k8s;

/// The Services behind which pods wait for gates, and when these are polled.
#[derive(Debug, Default)]
pub(super) struct Polls {
    due: BTreeMap<ObjectKey, Instant>,
    /// When each was polled last.
    last: BTreeMap<ObjectKey, Instant>,
}

impl Polls {
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.values().min().copied()
    }

    fn forget(&mut self, key: &ObjectKey) {
        self.due.remove(key);
        self.last.remove(key);
    }

    fn take_due(&mut self, now: Instant) -> Vec<ObjectKey> {
        let keys: Vec<ObjectKey> =
            self.due.extract_if(.., |_, due| *due <= now).map(|(key, _)| key).collect();
        self.last.extend(keys.iter().map(|key| (key.clone(), now)));
        keys
    }
}

impl Dispatcher {
    /// Polls the gates whose time has come.
    pub(super) fn begin_polls(&mut self, now: Instant) {
        for key in self.polls.take_due(now) {
            self.queue.touch(&Key::Service(key), Work::GATES);
        }
    }

    /// Plans the next poll of a Service whose lane just ended, if some gate is not open, and has pods handed over
    /// that would be ready by now but for their gates.
    pub(super) fn plan_poll(&mut self, key: &ObjectKey, old: Option<&Memory>) {
        let exists = |memory: &&Memory| {
            self.services.get(key).is_some_and(|service| service.uid() == memory.service.uid())
        };
        let waits = |memory: &&Memory| memory.pods.wait();
        let Some(memory) = self.memories.get(key).filter(exists).filter(waits) else {
            return self.polls.forget(key);
        };
        let again = |last: &Instant| *last + self.options.gate_interval;
        let due = self.polls.last.get(key).map_or_else(Instant::now, again);
        self.polls.due.insert(key.clone(), due);
        let before = old.map(|old| old.pods.waiting()).unwrap_or_default();
        if memory.ensured && memory.pods.waiting() != before {
            self.queue.touch(&Key::Service(key.clone()), Work::TARGETS);
        }
    }

    /// Has a Service polled at once of whose pods nothing is known yet, if some of them may wait for gates.
    pub(super) fn poll_unseen(&mut self, key: &ObjectKey) {
        if self.may_wait(key) {
            self.polls.due.insert(key.clone(), Instant::now());
        }
    }

    /// Whether pods behind a Service may wait for gates, as far as can be told without looking at them.
    pub(super) fn may_wait(&self, key: &ObjectKey) -> bool {
        let fills_in = self.reconciler.provider.capabilities().readiness_gates.is_some();
        let slices = self.endpoints.of(key);
        fills_in && !k8s::unready_pods(slices.iter().map(AsRef::as_ref)).is_empty()
    }
}
