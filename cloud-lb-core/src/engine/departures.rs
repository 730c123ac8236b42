//! What stops using something shared, at the same time.
//!
//! Two Services that go at once each see the other use what they share, and leave it. So of all that overlap,
//! the one that ends last looks once more; and where listings are late, each looks again when they show that
//! the others are gone.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::graph::{Graph, Spec};
use crate::model::ServiceId;
use crate::plan::{Action, Observed, Ownership, Plan};

pub(super) struct Departures {
    /// How late listings may be.
    lateness: Duration,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    running: usize,
    departed: u64,
    /// The departures that listings may not show yet.
    recent: VecDeque<(Instant, ServiceId)>,
}

/// Work on one Service, until it is finished or dropped.
pub(super) struct Running<'a> {
    all: Option<&'a Departures>,
    service: &'a ServiceId,
    /// How many had departed when this one began.
    departed_before: u64,
    /// Whether it may stop using something itself.
    departs: bool,
}

/// Whether to look once more at what is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Enough,
    Now,
    After(Duration),
}

impl Departures {
    pub(super) fn new(lateness: Duration) -> Self {
        Self { lateness, counts: Mutex::default() }
    }

    pub(super) fn begin<'a>(&'a self, service: &'a ServiceId) -> Running<'a> {
        let mut counts = self.counts.lock();
        counts.running += 1;
        Running { all: Some(self), service, departed_before: counts.departed, departs: false }
    }

    fn end(&self, running: &Running<'_>, deleted: bool) -> Look {
        let mut counts = self.counts.lock();
        while counts.recent.front().is_some_and(|(at, _)| at.elapsed() >= self.lateness) {
            counts.recent.pop_front();
        }
        let of_others = counts.recent.iter().rev().find(|(_, service)| service != running.service);
        let rest = of_others.map(|(at, _)| self.lateness.saturating_sub(at.elapsed()));
        counts.running = counts.running.saturating_sub(1);
        let is_last = counts.running == 0 && counts.departed != running.departed_before;
        counts.departed += u64::from(running.departs);
        // Who looks again because of others has not come to its end: else two would wait for each other.
        let has_ended = deleted && rest.is_none();
        if (running.departs || has_ended) && !self.lateness.is_zero() {
            counts.recent.push_back((Instant::now(), running.service.clone()));
        }
        match rest {
            Some(rest) => Look::After(rest),
            None if is_last => Look::Now,
            None => Look::Enough,
        }
    }
}

impl Running<'_> {
    /// Takes note that something may not be used any more from now on.
    pub(super) fn departs(&mut self) {
        self.departs = true;
    }

    /// Ends the work. What was `deleted` may have gone just now, without a step of this work.
    pub(super) fn finish(mut self, deleted: bool) -> Look {
        self.all.take().map_or(Look::Enough, |all| all.end(&self, deleted))
    }
}

impl Drop for Running<'_> {
    /// What fails or is given up has not come to its end.
    fn drop(&mut self) {
        if let Some(all) = self.all.take() {
            all.end(self, false);
        }
    }
}

/// Whether something may not be used any more after this.
pub(super) fn departs<S: Spec>(plan: &Plan<S>) -> bool {
    plan.steps.iter().any(|step| match &step.action {
        Action::Create(_) => false,
        Action::Update { have, want } => have.inputs() != want.inputs(),
        Action::Delete(_) => true,
    })
}

/// Whether something is left only because others seem to use it.
pub(super) fn leaves_shared<S: Spec>(want: &Graph<S>, have: &Observed<S>) -> bool {
    let in_use = Ownership::Cluster { used_by_others: true };
    have.iter().any(|(key, found)| found.ownership == in_use && want.get(key).is_none())
}
