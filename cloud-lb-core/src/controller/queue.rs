//! Which lanes have work, which run, and when to try again. No clock and no tasks: the dispatcher
//! brings both.

mod work;

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use super::circuit::Gate;
use super::key::Key;
use crate::error::Retry;

pub(crate) use self::work::{Pace, Task, Verdict, Work};

/// The lanes: each key runs at most once at a time, is queued at most once, and runs again if it was
/// touched while it ran (SC-30).
#[derive(Debug, Default)]
pub(crate) struct Queue {
    slots: BTreeMap<Key, Slot>,
    ready: BTreeMap<Place, Key>,
    retries: BTreeSet<(Instant, Key)>,
    queued: u64,
}

/// Where a lane stands in the queue.
type Place = u64;

#[derive(Debug, Default)]
struct Slot {
    work: Work,
    running: Work,
    stage: Stage,
    retry: Option<Planned>,
    failures: u32,
    /// Whether the last sync failed in a way that only a change can mend.
    blocked: bool,
    /// Whether the Service was told that its work waits for the cloud to be back.
    held: bool,
}

/// Work to be tried again.
#[derive(Debug, Clone, Copy)]
struct Planned {
    due: Instant,
    work: Work,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stage {
    #[default]
    Idle,
    Ready,
    Running,
}

impl Queue {
    /// Adds work. A sync takes the place of a retry that waits for its time; other work leaves it be.
    pub(crate) fn touch(&mut self, key: &Key, work: Work) {
        if work == Work::NONE {
            return;
        }
        let slot = self.slots.entry(key.clone()).or_default();
        slot.work = slot.work.and(work);
        if work.sync
            && let Some(retry) = slot.retry.take()
        {
            self.retries.remove(&(retry.due, key.clone()));
        }
        if slot.stage == Stage::Idle {
            self.enqueue(key);
        }
    }

    fn enqueue(&mut self, key: &Key) {
        let Some(slot) = self.slots.get_mut(key) else { return };
        slot.stage = Stage::Ready;
        self.ready.insert(self.queued, key.clone());
        self.queued += 1;
    }

    /// Adds work to the lanes that run: they began with what was newest then.
    pub(crate) fn touch_running(&mut self, work: Work) {
        for slot in self.slots.values_mut().filter(|slot| slot.stage == Stage::Running) {
            slot.work = slot.work.and(work);
        }
    }

    /// Syncs what only a change could mend: something has changed (W-14).
    pub(crate) fn touch_blocked(&mut self) {
        let blocked = self.slots.iter().filter(|(_, slot)| slot.blocked && slot.retry.is_some());
        let keys: Vec<Key> = blocked.map(|(key, _)| key.clone()).collect();
        keys.iter().for_each(|key| self.touch(key, Work::SYNC));
    }

    /// Makes the retries ready whose time has come.
    pub(crate) fn advance(&mut self, now: Instant) {
        while self.next_due().is_some_and(|due| due <= now)
            && let Some((_, key)) = self.retries.pop_first()
        {
            let retry = self.slots.get_mut(&key).and_then(|slot| slot.retry.take());
            self.touch(&key, retry.map_or(Work::NONE, |retry| retry.work));
        }
    }

    /// Takes the lane that has waited longest of those that the gate lets through;
    /// [`finish`](Self::finish) must follow.
    pub(crate) fn take(&mut self, gate: Gate) -> Option<(Key, Task)> {
        let slots = &self.slots;
        let may_pass = |key: &Key| slots.get(key).is_some_and(|slot| slot.task(gate).is_some());
        let place = self.ready.iter().find(|(_, key)| may_pass(key)).map(|(place, _)| *place)?;
        let key = self.ready.remove(&place)?;
        let slot = self.slots.get_mut(&key)?;
        let task = slot.task(gate)?;
        slot.stage = Stage::Running;
        match task {
            Task::Work(_) => slot.running = std::mem::take(&mut slot.work),
            Task::Hold => slot.held = true,
        }
        Some((key, task))
    }

    /// Notes how the run of a lane ended and plans what follows (SC-33 to SC-35). Work that came in
    /// meanwhile is ready at once.
    ///
    /// A success counts for what was done: lesser work than a sync leaves the retry of a failed sync be. What
    /// failed is tried again as what it was (W-24).
    pub(crate) fn finish(&mut self, key: &Key, verdict: Verdict, now: Instant, pace: &Pace) {
        let Some(slot) = self.slots.get_mut(key) else { return };
        let done = std::mem::take(&mut slot.running);
        slot.stage = Stage::Idle;
        if done != Work::NONE {
            slot.held = false;
            let retry = slot.retry_after(done, verdict, now, pace);
            self.plan_retry(key, retry);
        }
        if self.slots.get(key).is_some_and(|slot| slot.work != Work::NONE) {
            self.enqueue(key);
        }
        if self.slots.get(key).is_some_and(Slot::is_empty) {
            self.slots.remove(key);
        }
    }

    fn plan_retry(&mut self, key: &Key, retry: Option<Planned>) {
        let Some(slot) = self.slots.get_mut(key) else { return };
        if let Some(old) = std::mem::replace(&mut slot.retry, retry) {
            self.retries.remove(&(old.due, key.clone()));
        }
        if let Some(retry) = retry {
            self.retries.insert((retry.due, key.clone()));
        }
    }

    /// Whether the lane runs just now.
    pub(crate) fn is_running(&self, key: &Key) -> bool {
        self.slots.get(key).is_some_and(|slot| slot.stage == Stage::Running)
    }

    /// When the next retry is due.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.retries.first().map(|(due, _)| *due)
    }
}

impl Slot {
    /// What the lane may do at the gate.
    fn task(&self, gate: Gate) -> Option<Task> {
        match gate {
            Gate::Free | Gate::Probe => Some(Task::Work(self.work)),
            _ if !self.work.asks_the_cloud() => Some(Task::Work(self.work)),
            Gate::Broken if self.work.sync && !self.held => Some(Task::Hold),
            Gate::Paused | Gate::Broken => None,
        }
    }

    /// The retry that is planned after a run that did this work.
    fn retry_after(&mut self, done: Work, verdict: Verdict, now: Instant, pace: &Pace) -> Option<Planned> {
        let before = self.retry.filter(|retry| !covers(done, retry.work));
        if done.sync {
            self.blocked = verdict == Verdict::Failed(Retry::Never);
        }
        if verdict == Verdict::Done && before.is_some() {
            return before;
        }
        let delay = pace.delay(verdict, &mut self.failures).filter(|_| !self.work.sync)?;
        let retry = Planned { due: now + delay, work: done };
        Some(before.map_or(retry, |before| Planned { work: before.work.and(done), ..before }))
    }

    /// Whether nothing is worth remembering (W-12).
    fn is_empty(&self) -> bool {
        self.stage == Stage::Idle && self.retry.is_none() && self.failures == 0
    }
}

/// Whether doing one leaves nothing of the other to do: a sync includes all else.
fn covers(done: Work, other: Work) -> bool {
    done.sync || done.and(other) == done
}

#[cfg(test)]
mod tests;
