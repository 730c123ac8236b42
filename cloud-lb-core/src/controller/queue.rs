//! Which lanes have work, which run, and when to try again. No tasks: the dispatcher brings them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::key::Key;
use crate::backoff::Backoff;
use crate::error::Retry;
use crate::measure::Lane;
use crate::vitals::QueueState;

/// What a lane is to do. Work of one lane adds up until the lane runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Work {
    /// Ensure or clean up, as the newest object says.
    pub(crate) sync: bool,
    /// Hand over the newest targets.
    pub(crate) targets: bool,
    /// Write the status again that somebody wiped (W-4).
    pub(crate) status: bool,
}

impl Work {
    pub(crate) const NONE: Self = Self { sync: false, targets: false, status: false };
    pub(crate) const SYNC: Self = Self { sync: true, ..Self::NONE };
    pub(crate) const TARGETS: Self = Self { targets: true, ..Self::NONE };
    pub(crate) const STATUS: Self = Self { status: true, ..Self::NONE };

    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            sync: self.sync || other.sync,
            targets: self.targets || other.targets,
            status: self.status || other.status,
        }
    }
}

/// How a lane's run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing is left to do.
    Done,
    /// The cloud is still at work: look again then. No failure.
    Wait(Duration),
    /// It failed.
    Failed(Retry),
}

/// When to try again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// After ordinary failures.
    pub(crate) backoff: Backoff,
    /// After failures that only a change can mend.
    pub(crate) recheck: Duration,
    /// By how much ordinary delays are stretched: 1 is not at all.
    pub(crate) stretch: f64,
}

/// The lanes: each key runs at most once at a time, is queued at most once, and runs again if it was
/// touched while it ran (SC-30).
#[derive(Debug, Default)]
pub(crate) struct Queue {
    slots: BTreeMap<Key, Slot>,
    /// Since when each lane waits.
    ready: VecDeque<(Instant, Key)>,
    retries: BTreeSet<(Instant, Key)>,
    states: BTreeMap<Lane, QueueState>,
}

#[derive(Debug, Default)]
struct Slot {
    work: Work,
    running: Work,
    stage: Stage,
    retry: Option<Instant>,
    failures: u32,
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
            && let Some(due) = slot.retry.take()
        {
            self.retries.remove(&(due, key.clone()));
        }
        if slot.stage == Stage::Idle {
            slot.stage = Stage::Ready;
            self.line_up(key);
        }
    }

    fn line_up(&mut self, key: &Key) {
        let state = self.states.entry(key.lane()).or_default();
        (state.depth, state.adds) = (state.depth + 1, state.adds + 1);
        self.ready.push_back((Instant::now(), key.clone()));
    }

    /// Adds work to the lanes that run: they began with what was newest then.
    pub(crate) fn touch_running(&mut self, work: Work) {
        for slot in self.slots.values_mut().filter(|slot| slot.stage == Stage::Running) {
            slot.work = slot.work.and(work);
        }
    }

    /// Makes the retries ready whose time has come.
    pub(crate) fn advance(&mut self, now: Instant) {
        while let Some((due, key)) = self.retries.first().cloned()
            && due <= now
        {
            self.touch(&key, Work::SYNC);
        }
    }

    /// Takes the lane that has waited longest, and tells since when it did; [`finish`](Self::finish) must
    /// follow.
    pub(crate) fn take(&mut self) -> Option<(Key, Work, Instant)> {
        let (since, key) = self.ready.pop_front()?;
        let state = self.states.entry(key.lane()).or_default();
        state.depth = state.depth.saturating_sub(1);
        let slot = self.slots.entry(key.clone()).or_default();
        slot.stage = Stage::Running;
        slot.running = std::mem::take(&mut slot.work);
        let work = slot.running;
        Some((key, work, since))
    }

    /// Notes how the run of a lane ended and plans what follows (SC-33 to SC-35). Work that came in
    /// meanwhile is ready at once.
    ///
    /// A success counts for what was done: lesser work than a sync leaves the retry of a failed sync be.
    pub(crate) fn finish(&mut self, key: &Key, verdict: Verdict, now: Instant, pace: &Pace) {
        let Some(slot) = self.slots.get_mut(key) else { return };
        let done = std::mem::take(&mut slot.running);
        let again = slot.work != Work::NONE;
        slot.stage = if again { Stage::Ready } else { Stage::Idle };
        if verdict != Verdict::Done || done.sync {
            let due = slot.delay(verdict, pace).filter(|_| !slot.work.sync).map(|delay| now + delay);
            self.plan_retry(key, due);
        }
        if again {
            self.line_up(key);
        }
        if matches!(verdict, Verdict::Failed(_)) {
            self.states.entry(key.lane()).or_default().retries += 1;
        }
        if self.slots.get(key).is_some_and(Slot::is_empty) {
            self.slots.remove(key);
        }
    }

    fn plan_retry(&mut self, key: &Key, due: Option<Instant>) {
        let Some(slot) = self.slots.get_mut(key) else { return };
        if let Some(old) = std::mem::replace(&mut slot.retry, due) {
            self.retries.remove(&(old, key.clone()));
        }
        if let Some(due) = due {
            self.retries.insert((due, key.clone()));
        }
    }

    /// How full it is, by what lanes serve.
    pub(crate) fn states(&self) -> &BTreeMap<Lane, QueueState> {
        &self.states
    }

    /// Since when the lane waits that has waited longest.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.ready.front().map(|(since, _)| *since)
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
    /// Counts the failure, if it is one, and tells how long to wait before the next attempt.
    fn delay(&mut self, verdict: Verdict, pace: &Pace) -> Option<Duration> {
        match verdict {
            Verdict::Done => {
                self.failures = 0;
                None
            }
            Verdict::Wait(delay) | Verdict::Failed(Retry::After(delay)) => Some(delay),
            Verdict::Failed(Retry::Never) => Some(pace.recheck),
            Verdict::Failed(Retry::Backoff) => {
                let delay = pace.backoff.delay(self.failures).mul_f64(pace.stretch);
                self.failures = self.failures.saturating_add(1);
                Some(delay)
            }
        }
    }

    /// Whether nothing is worth remembering (W-12).
    fn is_empty(&self) -> bool {
        self.stage == Stage::Idle && self.retry.is_none() && self.failures == 0
    }
}

#[cfg(test)]
mod tests;
