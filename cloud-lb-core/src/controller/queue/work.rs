use std::time::Duration;

use crate::backoff::Backoff;
use crate::error::Retry;

/// What a lane is to do. Work of one lane adds up until the lane runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "a set")]
pub(crate) struct Work {
    /// Ensure or clean up, as the newest object says.
    pub(crate) sync: bool,
    /// Hand over the newest targets.
    pub(crate) targets: bool,
    /// Poll the readiness gates that are not open.
    pub(crate) gates: bool,
    /// Write the status again that somebody wiped (W-4).
    pub(crate) status: bool,
    /// The same as `sync`, but only because the cloud is not as it was left (W-5).
    pub(crate) drift: bool,
    /// The same, because nobody could tell how the cloud is.
    pub(crate) check: bool,
    /// Tell of what is in the cloud for Services of this name that do not exist, or delete it (W-28).
    pub(crate) orphans: bool,
}

impl Work {
    pub(crate) const NONE: Self = Self {
        sync: false,
        targets: false,
        gates: false,
        status: false,
        drift: false,
        check: false,
        orphans: false,
    };
    pub(crate) const SYNC: Self = Self { sync: true, ..Self::NONE };
    pub(crate) const TARGETS: Self = Self { targets: true, ..Self::NONE };
    pub(crate) const GATES: Self = Self { gates: true, ..Self::NONE };
    pub(crate) const STATUS: Self = Self { status: true, ..Self::NONE };
    pub(crate) const DRIFT: Self = Self { drift: true, ..Self::NONE };
    pub(crate) const CHECK: Self = Self { check: true, ..Self::NONE };
    pub(crate) const ORPHANS: Self = Self { orphans: true, ..Self::NONE };

    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            sync: self.sync || other.sync,
            targets: self.targets || other.targets,
            gates: self.gates || other.gates,
            status: self.status || other.status,
            drift: self.drift || other.drift,
            check: self.check || other.check,
            orphans: self.orphans || other.orphans,
        }
    }

    /// Whether it is an ensure or a cleanup, for whatever reason.
    pub(crate) fn is_sync(self) -> bool {
        self.sync || self.drift || self.check
    }

    /// Whether doing it leaves nothing of the other to do.
    pub(super) fn covers(self, other: Self) -> bool {
        (self.is_sync() && (self.orphans || !other.orphans)) || self.and(other) == self
    }

    /// Whether it takes calls to the cloud.
    pub(super) fn asks_the_cloud(self) -> bool {
        self.is_sync() || self.targets || self.gates || self.orphans
    }

    /// Users do not wait for nodes and pods, and nobody waits for drift (W-3).
    pub(super) fn urgency(self) -> Urgency {
        if self.sync || self.status {
            Urgency::Change
        } else if self.targets || self.gates {
            Urgency::Nodes
        } else {
            Urgency::Drift
        }
    }
}

/// What goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    Change,
    Nodes,
    Drift,
}

impl Urgency {
    pub(super) const ALL: [Self; 3] = [Self::Change, Self::Nodes, Self::Drift];
}

/// What a lane that was taken must do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// Its work.
    Work(Work),
    /// Tell the Service that its work waits for the cloud to be back. The work stays queued.
    Hold,
}

/// How a lane's run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing is left to do.
    Done,
    /// The cloud is still at work: look again then. No failure.
    Wait(Duration),
    /// Too many calls were made, perhaps for some time. No failure of this lane.
    Throttled(Option<Duration>),
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

impl Pace {
    /// The delay before the next attempt, counting the failure if it is one (SC-33 to SC-35).
    pub(super) fn delay(&self, verdict: Verdict, failures: &mut u32) -> Option<Duration> {
        match verdict {
            Verdict::Done => {
                *failures = 0;
                None
            }
            Verdict::Wait(delay) | Verdict::Failed(Retry::After(delay)) => Some(delay),
            Verdict::Throttled(asked) => {
                Some(asked.unwrap_or_else(|| self.backoff.delay(0)).mul_f64(self.stretch))
            }
            Verdict::Failed(Retry::Never) => Some(self.recheck),
            Verdict::Failed(Retry::Backoff) => {
                let delay = self.backoff.delay(*failures).mul_f64(self.stretch);
                *failures = failures.saturating_add(1);
                Some(delay)
            }
        }
    }
}
