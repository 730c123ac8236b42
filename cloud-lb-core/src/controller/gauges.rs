//! What the loop tells of itself, to health checks and metrics.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;

use tokio::time::Instant;

use super::circuit::Gate;
use super::key::Key;
use super::memory::{Memory, Told};
use super::nodes::Census;
use super::queue::{Queue, Verdict};
use super::reconcile::Finished;
use super::status::Health;
use crate::error::Retry;
use crate::measure::{Fact, Lane, LaneResult, Measure};
use crate::vitals::{Heart, Turn, Vitals};

/// States in which a load balancer may be; all are shown, also those with none.
const STATES: [&str; 4] = ["ready", "pending", "failed", "deleting"];

/// The loop's side of [`Vitals`] and [`Measure`].
pub(crate) struct Gauges {
    vitals: Vitals,
    heart: Heart,
    measure: Arc<dyn Measure>,
    pass: Option<Pass>,
}

/// A node set on its way to all that it concerns.
struct Pass {
    begin: Instant,
    missing: BTreeSet<Key>,
}

/// A lane that runs.
pub(crate) struct LaneWatch {
    lane: Lane,
    begin: Instant,
    measure: Arc<dyn Measure>,
    /// Ends with the watch, also if the lane is cancelled.
    turn: Turn,
}

impl Gauges {
    pub(crate) fn new(vitals: Vitals, measure: Arc<dyn Measure>) -> Self {
        let heart = vitals.start();
        vitals.update(|state| state.load_balancers = STATES.map(|state| (state, 0)).into());
        Self { vitals, heart, measure, pass: None }
    }

    /// Answers who asks whether the loop gets round.
    ///
    /// # Cancel safety
    /// No question is lost.
    pub(crate) async fn beat(&mut self) {
        self.heart.beat().await;
    }

    /// Shows what the loop has at the begin of a turn.
    pub(crate) fn turn(&self, unlisted: Vec<&'static str>, queue: &Queue, nodes: Census, gate: Gate) {
        let Census { active, draining, waiting, out } = nodes;
        self.vitals.update(|state| {
            state.unlisted = unlisted;
            state.queues.clone_from(queue.states());
            state.oldest = queue.oldest();
            state.circuit_open = matches!(gate, Gate::Broken | Gate::Probe);
            state.nodes =
                [("active", active), ("draining", draining), ("waiting", waiting), ("excluded", out)].into();
        });
    }

    /// A survey found resources of these kinds that are not as they had been left.
    pub(crate) fn drifted<'a>(&self, kinds: impl IntoIterator<Item = &'a str>) {
        for kind in kinds {
            self.measure.note(&Fact::Drift { kind });
        }
    }

    /// So many surveys failed in a row.
    pub(crate) fn survey_failures(&self, count: u32) {
        self.vitals.update(|state| state.survey_failures = count);
    }

    /// A survey found load balancers of so many Services that do not exist.
    pub(crate) fn orphans(&self, count: usize) {
        self.measure.note(&Fact::Orphans { count });
    }

    /// A lane begins that has had work since then.
    pub(crate) fn begin(&self, key: &Key, since: Instant) -> LaneWatch {
        let (lane, measure) = (key.lane(), Arc::clone(&self.measure));
        measure.note(&Fact::LaneBegan { lane, waited: since.elapsed() });
        let turn = self.vitals.begin(lane, key.to_string());
        LaneWatch { lane, begin: Instant::now(), measure, turn }
    }

    /// What is remembered of a Service changes.
    pub(crate) fn remember(&self, old: Option<&Memory>, new: Option<&Memory>) {
        let (old, new) = (old.map(state_of), new.map(state_of));
        if old == new {
            return;
        }
        self.vitals.update(|state| {
            if let Some(count) = old.and_then(|old| state.load_balancers.get_mut(old)) {
                *count = count.saturating_sub(1);
            }
            if let Some(count) = new.and_then(|new| state.load_balancers.get_mut(new)) {
                *count += 1;
            }
        });
    }

    /// A node set begins its way to these lanes; one that is still on its way is overtaken.
    pub(crate) fn pass(&mut self, lanes: impl IntoIterator<Item = Key>) {
        self.end_pass();
        self.pass = Some(Pass { begin: Instant::now(), missing: lanes.into_iter().collect() });
        self.reached(None);
    }

    /// A lane ended; perhaps it was the last one that the node set had to reach.
    pub(crate) fn reached<'a>(&mut self, key: impl Into<Option<&'a Key>>) {
        let Some(pass) = &mut self.pass else { return };
        if let Some(key) = key.into() {
            pass.missing.remove(key);
        }
        if pass.missing.is_empty() {
            self.end_pass();
        }
    }

    fn end_pass(&mut self) {
        if let Some(pass) = self.pass.take() {
            self.measure.note(&Fact::NodePass { took: pass.begin.elapsed() });
        }
    }
}

impl LaneWatch {
    /// Runs the lane, and tells how it ended.
    pub(crate) async fn over(self, lane: impl Future<Output = Finished>) -> Finished {
        let finished = self.turn.over(lane).await;
        let result = match finished.verdict {
            Verdict::Done => LaneResult::Done,
            Verdict::Wait(_) | Verdict::Throttled(_) => LaneResult::Pending,
            Verdict::Failed(Retry::Never) => LaneResult::Invalid,
            Verdict::Failed(_) => LaneResult::Failed,
        };
        self.measure.note(&Fact::LaneEnded { lane: self.lane, result, took: self.begin.elapsed() });
        finished
    }
}

fn state_of(memory: &Memory) -> &'static str {
    match (&memory.told, &memory.health) {
        (Some(Told::Deleting), _) => "deleting",
        (_, Some(Health::Ready(_) | Health::Tidying(..))) => "ready",
        (_, Some(Health::Failed(..))) => "failed",
        (_, Some(Health::Pending(_) | Health::Gone) | None) => "pending",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use k8s_openapi::api::core::v1::Service;

    use super::*;
    use crate::controller::key::ObjectKey;
    use crate::measure::tests::Notes;

    fn gauges() -> (Gauges, Vitals, Arc<Notes>) {
        let (vitals, notes) = (Vitals::default(), Arc::new(Notes::default()));
        (Gauges::new(vitals.clone(), Arc::clone(&notes) as _), vitals, notes)
    }

    fn lane(name: &str) -> Key {
        Key::Service(ObjectKey { namespace: "default".to_owned(), name: name.to_owned() })
    }

    #[tokio::test(start_paused = true)]
    async fn a_pass_ends_with_the_last_lane_or_is_overtaken() {
        let (mut gauges, _, notes) = gauges();
        gauges.pass([lane("a"), lane("b")]);
        tokio::time::advance(Duration::from_secs(2)).await;
        gauges.reached(&lane("a"));
        assert_eq!(notes.take(), [""; 0]);
        gauges.reached(&lane("b"));
        gauges.reached(&lane("b"));
        assert_eq!(notes.take(), ["NodePass { took: 2s }"]);
        gauges.pass([]);
        assert_eq!(notes.take(), ["NodePass { took: 0ns }"], "nobody to reach");
        gauges.pass([lane("a")]);
        tokio::time::advance(Duration::from_secs(3)).await;
        gauges.pass([lane("a")]);
        assert_eq!(notes.take(), ["NodePass { took: 3s }"]);
    }

    #[test]
    fn what_surveys_find_is_told() {
        let (gauges, _, notes) = gauges();
        gauges.drifted(["Listener", "TargetGroup"]);
        gauges.orphans(2);
        assert_eq!(
            notes.take(),
            [r#"Drift { kind: "Listener" }"#, r#"Drift { kind: "TargetGroup" }"#, "Orphans { count: 2 }"]
        );
    }

    #[test]
    fn load_balancers_are_counted_in_one_state_each() {
        let (gauges, vitals, _) = gauges();
        let new = Memory::new(Arc::new(Service::default()));
        let ready = Memory { health: Some(Health::Ready(None)), ..new.clone() };
        let deleting = Memory { told: Some(Told::Deleting), ..ready.clone() };
        let count = || vitals.snapshot().load_balancers.into_values().collect::<Vec<_>>();
        gauges.remember(None, Some(&new));
        gauges.remember(None, Some(&new));
        gauges.remember(Some(&new), Some(&ready));
        assert_eq!(
            vitals.snapshot().load_balancers.into_keys().collect::<Vec<_>>(),
            ["deleting", "failed", "pending", "ready"]
        );
        assert_eq!(count(), [0, 0, 1, 1]);
        gauges.remember(Some(&ready), Some(&deleting));
        gauges.remember(Some(&deleting), None);
        assert_eq!(count(), [0, 0, 1, 0]);
    }
}
