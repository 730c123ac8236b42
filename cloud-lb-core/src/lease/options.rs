use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, Violation};

/// By how much the pause between attempts of candidates may be longer at random: up to 2.2 times the
/// retry period, as in client-go.
pub(super) const JITTER: f64 = 1.2;

/// Settings of the leader election. Those of all replicas should be the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct LeaseOptions {
    /// Namespace of the Lease; default `kube-system`.
    pub namespace: String,
    /// Name of the Lease; default `cloud-lb`.
    pub name: String,
    /// Time without a sign of life after which others take over, in whole seconds; default 15 s.
    #[serde(with = "friendly")]
    pub lease_duration: Duration,
    /// Time without a successful renewal after which the leader stops; default 10 s. What is between it and
    /// the lease duration is left for stopping.
    #[serde(with = "friendly")]
    pub renew_deadline: Duration,
    /// Time between attempts; default 2 s.
    #[serde(with = "friendly")]
    pub retry_period: Duration,
}

impl Default for LeaseOptions {
    fn default() -> Self {
        Self {
            namespace: "kube-system".to_owned(),
            name: "cloud-lb".to_owned(),
            lease_duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry_period: Duration::from_secs(2),
        }
    }
}

impl LeaseOptions {
    /// Sets namespace and name of the Lease.
    pub fn with_lease(mut self, namespace: impl Into<String>, name: impl Into<String>) -> Self {
        (self.namespace, self.name) = (namespace.into(), name.into());
        self
    }

    /// Sets the lease duration, the renew deadline and the retry period.
    pub fn with_periods(mut self, lease: Duration, renew: Duration, retry: Duration) -> Self {
        (self.lease_duration, self.renew_deadline, self.retry_period) = (lease, renew, retry);
        self
    }

    /// Checks all fields.
    ///
    /// # Errors
    /// `InvalidInput`, with every field that is wrong.
    pub fn validate(&self) -> Result<()> {
        let mut violations = Vec::new();
        let mut check = |fits: bool, field: &str, value: &dyn std::fmt::Display, expected: &str| {
            if !fits {
                violations.push(Violation::new(field, value, expected));
            }
        };
        let (lease, renew, retry) = (self.lease_duration, self.renew_deadline, self.retry_period);
        let whole = lease.subsec_nanos() == 0 && i32::try_from(lease.as_secs()).is_ok() && !lease.is_zero();
        check(!self.namespace.is_empty(), "namespace", &self.namespace, "a name");
        check(!self.name.is_empty(), "name", &self.name, "a name");
        let text = |period: Duration| format!("{period:?}");
        check(whole, "leaseDuration", &text(lease), "whole seconds, at least one");
        check(!retry.is_zero(), "retryPeriod", &text(retry), "more than 0s");
        check(lease > renew, "renewDeadline", &text(renew), "less than leaseDuration");
        let expected = "more than 1.2 times retryPeriod";
        check(renew > retry.mul_f64(JITTER), "renewDeadline", &text(renew), expected);
        if violations.is_empty() { Ok(()) } else { Err(Error::invalid("leader election", violations)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b154_defaults_are_those_of_client_go_and_valid() {
        let options = LeaseOptions::default();
        assert!(options.validate().is_ok());
        let seconds = [options.lease_duration, options.renew_deadline, options.retry_period];
        assert_eq!(seconds.map(|period| period.as_secs()), [15, 10, 2]);
    }

    #[test]
    fn every_wrong_period_is_told() {
        let second = Duration::from_secs(1);
        let options = LeaseOptions::default().with_lease("", "x").with_periods(second / 2, second, second);
        let error = options.validate().unwrap_err();
        let fields: Vec<&str> = error.violations().iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(fields, ["namespace", "leaseDuration", "renewDeadline", "renewDeadline"]);
    }
}
