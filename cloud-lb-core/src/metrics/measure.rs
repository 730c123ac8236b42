//! From facts to metrics.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::families::{Families, Labels};
use crate::clock;
use crate::error::ErrorKind;
use crate::measure::{CallResult, Fact, Lane, LaneResult, Measure, Method};

/// Counts and times what concerns one provider.
#[derive(Debug)]
pub(super) struct Meter {
    families: Arc<Families>,
    provider: Cow<'static, str>,
}

impl Meter {
    pub(super) fn new(families: Arc<Families>, provider: &str) -> Self {
        Self { families, provider: Cow::Owned(provider.to_owned()) }
    }

    fn labels<const N: usize>(&self, more: [(&'static str, &str); N]) -> Labels {
        let more = more.into_iter().map(|(name, value)| (name, Cow::Owned(value.to_owned())));
        std::iter::once(("provider", self.provider.clone())).chain(more).collect()
    }

    fn cloud_call(&self, operation: &str, waited: Duration, took: Duration, error: Option<ErrorKind>) {
        let families = &self.families;
        let code = error.map_or("ok", ErrorKind::word);
        families.api_requests.get_or_create(&self.labels([("operation", operation), ("code", code)])).inc();
        let labels = self.labels([("operation", operation)]);
        families.api_durations.get_or_create(&labels).observe(took.as_secs_f64());
        families.rate_limit_waits.get_or_create(&self.labels([])).observe(waited.as_secs_f64());
    }

    fn provider_call(&self, method: Method, result: CallResult, took: Duration) {
        let took = took.as_secs_f64();
        let labels = self.labels([("method", method.word()), ("result", result.word())]);
        self.families.provider_calls.get_or_create(&labels).observe(took);
        if method == Method::UpdateTargets {
            let upstream = &self.families.upstream;
            upstream.host_updates.inc();
            upstream.host_update_durations.observe(took);
            if matches!(result, CallResult::Failed(_)) {
                upstream.host_update_errors.inc();
            }
        }
    }

    fn lane_ended(&self, lane: Lane, result: LaneResult, took: Duration) {
        self.families.reconciles.get_or_create(&self.labels([("result", result.word())])).inc();
        self.families.work_durations.get_or_create(&queue(lane)).observe(took.as_secs_f64());
        if result == LaneResult::Done {
            let now = clock::now().as_duration().as_secs_f64();
            self.families.last_success.get_or_create(&self.labels([])).set(now);
        }
    }

    fn leader(&self, leads: bool) {
        let families = &self.families;
        families.leader.set(i64::from(leads));
        let name = vec![("name", Cow::Borrowed("service-controller"))];
        families.upstream.leader.get_or_create(&name).set(f64::from(u8::from(leads)));
    }
}

/// The label of upstream's queues.
pub(super) fn queue(lane: Lane) -> Labels {
    vec![("name", Cow::Borrowed(lane.word()))]
}

impl Measure for Meter {
    fn note(&self, fact: &Fact<'_>) {
        let families = &self.families;
        match *fact {
            Fact::CloudCall { operation, waited, took, error } => {
                self.cloud_call(operation, waited, took, error);
            }
            Fact::Throttled { operation } => {
                families.api_throttled.get_or_create(&self.labels([("operation", operation)])).inc();
            }
            Fact::Stage { stage, took } => {
                let labels = self.labels([("stage", stage.word())]);
                families.stages.get_or_create(&labels).observe(took.as_secs_f64());
            }
            Fact::Step { kind, op } => {
                let labels = self.labels([("kind", kind), ("op", &op.to_string())]);
                families.plan_steps.get_or_create(&labels).inc();
            }
            Fact::ProviderCall { method, result, took } => self.provider_call(method, result, took),
            Fact::Drift { kind } => {
                families.drift.get_or_create(&self.labels([("kind", kind)])).inc();
            }
            Fact::Orphans { count } => {
                families.orphans.get_or_create(&self.labels([])).set(number(count));
            }
            Fact::LaneBegan { lane, waited } => {
                families.queue_durations.get_or_create(&queue(lane)).observe(waited.as_secs_f64());
            }
            Fact::LaneEnded { lane, result, took } => self.lane_ended(lane, result, took),
            Fact::NodePass { took } => families.upstream.node_passes.observe(took.as_secs_f64()),
            Fact::Leader { leads } => self.leader(leads),
        }
    }
}

/// A count as Prometheus keeps it.
pub(super) fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}
