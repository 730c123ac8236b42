//! Whether settings make sense.

use std::time::Duration;

use super::Options;
use crate::error::{Error, Result, Violation};

/// Most lanes that may run at once.
const MAX_CONCURRENCY: usize = 1000;

/// Longest name of a finalizer: that of any qualified name, a prefix of 253 and a name of 63 characters.
const MAX_FINALIZER: usize = 317;

/// Longest period that is accepted anywhere: a day.
pub(super) const MAX_PERIOD: Duration = Duration::from_hours(24);

impl Options {
    /// Checks all fields.
    ///
    /// # Errors
    /// `InvalidInput`, with every field that is wrong.
    pub fn validate(&self) -> Result<()> {
        let violations =
            [self.check_names(), self.check_numbers(), self.check_periods(), self.check_orders()];
        let violations = violations.concat();
        if violations.is_empty() { Ok(()) } else { Err(Error::invalid("controller options", violations)) }
    }

    fn check_numbers(&self) -> Vec<Violation> {
        let mut violations = Vec::new();
        if !(1..=MAX_CONCURRENCY).contains(&self.concurrency) {
            let expected = format!("1 to {MAX_CONCURRENCY}");
            violations.push(Violation::new("concurrency", self.concurrency, expected));
        }
        if self.retry_jitter > 100 {
            violations.push(Violation::new("retryJitter", self.retry_jitter, "0 to 100 percent"));
        }
        violations
    }

    fn check_periods(&self) -> Vec<Violation> {
        let periods = [
            ("minRetryDelay", self.min_retry_delay),
            ("maxRetryDelay", self.max_retry_delay),
            ("recheckDelay", self.recheck_delay),
            ("callTimeout", self.call_timeout),
            ("probeDelay", self.probe_delay),
            ("minThrottlePause", self.min_throttle_pause),
            ("maxThrottlePause", self.max_throttle_pause),
            ("maxRestoreDelay", self.max_restore_delay),
            ("surveyTimeout", self.survey_timeout),
            ("gateInterval", self.gate_interval),
        ];
        let waits = [
            ("drainTimeout", self.drain_timeout),
            ("nodeQuiet", self.node_quiet),
            ("nodeDelay", self.node_delay),
            ("driftInterval", self.drift_interval),
            ("orphanGrace", self.orphan_grace),
        ];
        let periods = periods.into_iter().filter_map(|(field, period)| check_period(field, period));
        let too_long = waits.into_iter().filter(|(_, wait)| *wait > MAX_PERIOD);
        periods.chain(too_long.map(|(field, wait)| violation(field, wait, "at most 24h"))).collect()
    }

    /// What must not be longer than something else.
    fn check_orders(&self) -> Vec<Violation> {
        let orders = [
            ("minRetryDelay", self.min_retry_delay, "maxRetryDelay", self.max_retry_delay),
            ("minThrottlePause", self.min_throttle_pause, "maxThrottlePause", self.max_throttle_pause),
            ("nodeQuiet", self.node_quiet, "nodeDelay", self.node_delay),
        ];
        let wrong = orders.into_iter().filter(|(_, least, _, most)| least > most);
        wrong
            .map(|(field, least, other, _)| violation(field, least, &format!("no more than {other}")))
            .collect()
    }

    fn check_names(&self) -> Vec<Violation> {
        let mut violations = Vec::new();
        if self.cluster_name.trim().is_empty() {
            violations.push(Violation::new("clusterName", &self.cluster_name, "a name"));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        let qualified = self
            .finalizer
            .split_once('/')
            .is_some_and(|(prefix, name)| !prefix.is_empty() && !name.is_empty() && !name.contains('/'));
        if !qualified || self.finalizer.len() > MAX_FINALIZER || !self.finalizer.chars().all(allowed) {
            let expected = "a qualified name such as example.com/cleanup";
            violations.push(Violation::new("finalizer", &self.finalizer, expected));
        }
        if self.namespace.as_ref().is_some_and(String::is_empty) {
            violations.push(Violation::new("namespace", "", "a name, or nothing for all namespaces"));
        }
        if !self.classes.classless && self.classes.classes.is_empty() {
            violations.push(Violation::new("classes", "none", "a class, or classless: true"));
        }
        violations
    }
}

fn check_period(field: &str, period: Duration) -> Option<Violation> {
    let fits = !period.is_zero() && period <= MAX_PERIOD;
    (!fits).then(|| violation(field, period, "more than 0s, at most 24h"))
}

fn violation(field: &str, period: Duration, expected: &str) -> Violation {
    Violation::new(field, format_args!("{period:?}"), expected)
}
