//! Which lanes have work, which run, and when to try again. No tasks: the dispatcher brings them.

mod work;

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use self::work::Urgency;
use super::circuit::Gate;
use super::key::Key;
use crate::error::Retry;
use crate::measure::Lane;
use crate::vitals::QueueState;

pub(crate) use self::work::{Pace, Task, Verdict, Work};

/// Of so many lanes, one goes to the least urgent work, so that nothing waits for ever.
const FAIR_SHARE: u64 = 8;

/// The lanes: each key runs at most once at a time, is queued at most once, and runs again if it was
/// touched while it ran (SC-30). The most urgent go first, those alike in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    slots: BTreeMap<Key, Slot>,
    ready: BTreeMap<Place, Ready>,
    retries: BTreeSet<(Instant, Key)>,
    states: BTreeMap<Lane, QueueState>,
    queued: u64,
    taken: u64,
}

/// Where a lane stands in the queue: its urgency, then its turn.
type Place = (Urgency, u64);

#[derive(Debug)]
struct Ready {
    key: Key,
    since: Instant,
}

/// A lane that was taken.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) key: Key,
    pub(crate) task: Task,
    /// Since when it waited.
    pub(crate) since: Instant,
}

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
    Ready(Place),
    Running,
}

impl Queue {
    /// Adds work. A sync takes the place of a retry that waits for its time; other work leaves it be, and
    /// drift is nothing new to a sync that is to be tried again.
    pub(crate) fn touch(&mut self, key: &Key, work: Work) {
        let slot = self.slots.entry(key.clone()).or_default();
        let known = !work.sync && work.is_sync() && slot.retry.is_some_and(|retry| retry.work.is_sync());
        if work != Work::NONE && !known {
            slot.work = slot.work.and(work);
            if work.sync
                && let Some(retry) = slot.retry.take()
            {
                self.retries.remove(&(retry.due, key.clone()));
            }
            self.line_up(key);
        }
        self.forget_idle(key);
    }

    /// Gives a lane that has work and does not run its place in the queue.
    fn line_up(&mut self, key: &Key) {
        let Some(slot) = self.slots.get_mut(key) else { return };
        let urgency = slot.work.urgency();
        let since = match slot.stage {
            Stage::Running => return,
            Stage::Ready((before, _)) if before <= urgency => return,
            Stage::Ready(place) => self.ready.remove(&place).map(|ready| ready.since),
            Stage::Idle => {
                let state = self.states.entry(key.lane()).or_default();
                (state.depth, state.adds) = (state.depth + 1, state.adds + 1);
                None
            }
        };
        let place = (urgency, self.queued);
        self.queued += 1;
        slot.stage = Stage::Ready(place);
        self.ready.insert(place, Ready { key: key.clone(), since: since.unwrap_or_else(Instant::now) });
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
        for key in &keys {
            self.touch(key, Work::SYNC);
        }
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

    /// Takes the lane whose turn it is of those that the gate lets through; [`finish`](Self::finish) must
    /// follow.
    pub(crate) fn take(&mut self, gate: Gate) -> Option<Taken> {
        let place = self.next_place(gate)?;
        let Ready { key, since } = self.ready.remove(&place)?;
        self.taken += 1;
        let state = self.states.entry(key.lane()).or_default();
        state.depth = state.depth.saturating_sub(1);
        let slot = self.slots.get_mut(&key)?;
        let task = slot.task(gate)?;
        slot.stage = Stage::Running;
        match task {
            Task::Work(_) => slot.running = std::mem::take(&mut slot.work),
            Task::Hold => slot.held = true,
        }
        Some(Taken { key, task, since })
    }

    fn next_place(&self, gate: Gate) -> Option<Place> {
        let may_pass = |place: &&Place| {
            let slot = self.ready.get(*place).and_then(|ready| self.slots.get(&ready.key));
            slot.is_some_and(|slot| slot.task(gate).is_some())
        };
        let lowest = self.ready.last_key_value().map(|((urgency, _), _)| (*urgency, 0));
        let fair = lowest.filter(|_| self.taken % FAIR_SHARE == FAIR_SHARE - 1);
        let share = fair.and_then(|from| self.ready.range(from..).map(|(place, _)| place).find(may_pass));
        share.or_else(|| self.ready.keys().find(may_pass)).copied()
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
        if matches!(verdict, Verdict::Failed(_)) {
            self.states.entry(key.lane()).or_default().retries += 1;
        }
        if self.slots.get(key).is_some_and(|slot| slot.work != Work::NONE) {
            self.line_up(key);
        }
        self.forget_idle(key);
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

    fn forget_idle(&mut self, key: &Key) {
        if self.slots.get(key).is_some_and(Slot::is_empty) {
            self.slots.remove(key);
        }
    }

    /// How full it is, by what lanes serve.
    pub(crate) fn states(&self) -> &BTreeMap<Lane, QueueState> {
        &self.states
    }

    /// Since when the lane waits that has waited longest.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        let first = |urgency| self.ready.range((urgency, 0)..).next().map(|(_, ready)| ready.since);
        Urgency::ALL.into_iter().filter_map(first).min()
    }

    /// Whether the lane runs just now.
    pub(crate) fn is_running(&self, key: &Key) -> bool {
        self.slots.get(key).is_some_and(|slot| slot.stage == Stage::Running)
    }

    /// Whether the lane has nothing to do, now or later.
    pub(crate) fn is_idle(&self, key: &Key) -> bool {
        self.slots.get(key).is_none_or(|slot| slot.stage == Stage::Idle && slot.retry.is_none())
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
        let before = self.retry.filter(|retry| !done.covers(retry.work));
        if done.is_sync() {
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

#[cfg(test)]
mod tests;
