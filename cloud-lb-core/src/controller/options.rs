mod check;

use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use super::circuit::Limits;
use super::nodes::Debounce;
use super::queue::Pace;
use crate::backoff::Backoff;
use crate::k8s::{ClassPolicy, FINALIZER, NodePolicy};

/// Settings of the service controller.
///
/// Durations are read and written as text, for example `5s` or `1m 30s`. Every field has a default.
///
/// # Examples
/// ```
/// use cloud_lb_core::controller::Options;
/// let options = Options::default().with_cluster_name("blue").with_concurrency(20);
/// assert!(options.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Options {
    /// Name of the cluster, part of the identity of every load balancer; default `kubernetes`.
    pub cluster_name: String,
    /// Which Services are ours; default those without a class.
    pub classes: ClassPolicy,
    /// Which nodes may be behind load balancers. A provider that needs provider ids gets only nodes that
    /// have one, whatever this says.
    pub nodes: NodePolicy,
    /// Name of the finalizer; default `service.kubernetes.io/load-balancer-cleanup`. Controllers that run
    /// side by side should have one each.
    pub finalizer: String,
    /// The only namespace to look at; default all.
    pub namespace: Option<String>,
    /// How many Services are worked on at once, 1 to 1000; default 10.
    pub concurrency: usize,
    /// Delay after a first failure; doubles with each further one; default 5 s.
    #[serde(with = "friendly")]
    pub min_retry_delay: Duration,
    /// Greatest delay after a failure; default 300 s.
    #[serde(with = "friendly")]
    pub max_retry_delay: Duration,
    /// By how many percent, chosen at random up to this, delays after failures are longer, so that what
    /// failed together is not tried again together; 0 to 100, default 10.
    pub retry_jitter: u8,
    /// When to look again at a Service that only a change can mend; default 30 min.
    #[serde(with = "friendly")]
    pub recheck_delay: Duration,
    /// Deadline of every call to the provider or the API server; default 60 s.
    #[serde(with = "friendly")]
    pub call_timeout: Duration,
    /// In how many Services calls to the cloud must fail, in a row and because it does not answer, until it
    /// is left alone but for probes; 0 is never, default 5.
    pub breaker_services: usize,
    /// How long a cloud that does not answer is left alone before a probe. Doubles with each probe that
    /// fails, up to the greatest delay after failures; default 15 s.
    #[serde(with = "friendly")]
    pub probe_delay: Duration,
    /// How long all lanes pause after a cloud asked for fewer calls without saying for how long. Doubles with
    /// each refusal in a row; default 1 s.
    #[serde(with = "friendly")]
    pub min_throttle_pause: Duration,
    /// Greatest such pause; default 1 min.
    #[serde(with = "friendly")]
    pub max_throttle_pause: Duration,
    /// How seldom at the least a status is written again that others keep changing; default 5 min.
    #[serde(with = "friendly")]
    pub max_restore_delay: Duration,
    /// How often all load balancers are held against the cloud, up to a tenth more; what differs is repaired.
    /// 0 is only at the start; default 10 min.
    #[serde(with = "friendly")]
    pub drift_interval: Duration,
    /// Deadline of holding all load balancers against the cloud; default 10 min.
    #[serde(with = "friendly")]
    pub survey_timeout: Duration,
    /// Whether what is in the cloud for Services that do not exist is deleted; it is reported in any case;
    /// default false.
    pub delete_orphans: bool,
    /// How long such must have been seen before it is deleted; default 1 h.
    #[serde(with = "friendly")]
    pub orphan_grace: Duration,
    /// How often pods that wait for a readiness gate of the provider are looked at, and whether they are healthy
    /// targets by now; default 15 s.
    #[serde(with = "friendly")]
    pub gate_interval: Duration,
    /// How long calls in flight may take to end at shutdown; default 30 s.
    #[serde(with = "friendly")]
    pub drain_timeout: Duration,
    /// How long nodes must be quiet before a change of theirs is passed on; default 1 s.
    #[serde(with = "friendly")]
    pub node_quiet: Duration,
    /// How long a change of nodes waits at most for them to be quiet; default 5 s.
    #[serde(with = "friendly")]
    pub node_delay: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cluster_name: "kubernetes".to_owned(),
            classes: ClassPolicy::default(),
            nodes: NodePolicy::default(),
            finalizer: FINALIZER.to_owned(),
            namespace: None,
            concurrency: 10,
            min_retry_delay: Duration::from_secs(5),
            max_retry_delay: Duration::from_mins(5),
            retry_jitter: 10,
            recheck_delay: Duration::from_mins(30),
            call_timeout: Duration::from_mins(1),
            breaker_services: 5,
            probe_delay: Duration::from_secs(15),
            min_throttle_pause: Duration::from_secs(1),
            max_throttle_pause: Duration::from_mins(1),
            max_restore_delay: Duration::from_mins(5),
            drift_interval: Duration::from_mins(10),
            survey_timeout: Duration::from_mins(10),
            delete_orphans: false,
            orphan_grace: Duration::from_hours(1),
            gate_interval: Duration::from_secs(15),
            drain_timeout: Duration::from_secs(30),
            node_quiet: Duration::from_secs(1),
            node_delay: Duration::from_secs(5),
        }
    }
}

impl Options {
    /// Sets the name of the cluster.
    pub fn with_cluster_name(mut self, name: impl Into<String>) -> Self {
        self.cluster_name = name.into();
        self
    }

    /// Sets which Services are ours.
    pub fn with_classes(mut self, classes: ClassPolicy) -> Self {
        self.classes = classes;
        self
    }

    /// Sets which nodes may be behind load balancers.
    pub fn with_nodes(mut self, nodes: NodePolicy) -> Self {
        self.nodes = nodes;
        self
    }

    /// Sets the name of the finalizer.
    pub fn with_finalizer(mut self, finalizer: impl Into<String>) -> Self {
        self.finalizer = finalizer.into();
        self
    }

    /// Looks at one namespace only.
    pub fn with_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Sets how many Services are worked on at once.
    pub fn with_concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency;
        self
    }

    /// Sets the least and the greatest delay after failures.
    pub fn with_retry_delays(mut self, min: Duration, max: Duration) -> Self {
        (self.min_retry_delay, self.max_retry_delay) = (min, max);
        self
    }

    /// Sets by how many percent delays after failures are longer at most.
    pub fn with_retry_jitter(mut self, percent: u8) -> Self {
        self.retry_jitter = percent;
        self
    }

    /// Sets when to look again at what only a change can mend.
    pub fn with_recheck_delay(mut self, delay: Duration) -> Self {
        self.recheck_delay = delay;
        self
    }

    /// Sets the deadline of every call.
    pub fn with_call_timeout(mut self, timeout: Duration) -> Self {
        self.call_timeout = timeout;
        self
    }

    /// Sets in how many Services calls must fail in a row until the cloud is left alone, and how long.
    /// 0 Services are never.
    pub fn with_breaker(mut self, services: usize, probe_delay: Duration) -> Self {
        (self.breaker_services, self.probe_delay) = (services, probe_delay);
        self
    }

    /// Sets the least and the greatest pause after a cloud asked for fewer calls.
    pub fn with_throttle_pauses(mut self, min: Duration, max: Duration) -> Self {
        (self.min_throttle_pause, self.max_throttle_pause) = (min, max);
        self
    }

    /// Sets how seldom at the least a contested status is written again.
    pub fn with_max_restore_delay(mut self, delay: Duration) -> Self {
        self.max_restore_delay = delay;
        self
    }

    /// Sets how often all load balancers are held against the cloud; zero is only at the start.
    pub fn with_drift_interval(mut self, interval: Duration) -> Self {
        self.drift_interval = interval;
        self
    }

    /// Deletes what is in the cloud for Services that do not exist, once it was seen for this long.
    pub fn with_orphans_deleted_after(mut self, grace: Duration) -> Self {
        (self.delete_orphans, self.orphan_grace) = (true, grace);
        self
    }

    /// Sets how often readiness gates that are not open are polled.
    pub fn with_gate_interval(mut self, interval: Duration) -> Self {
        self.gate_interval = interval;
        self
    }

    /// Sets how long calls in flight may take at shutdown.
    pub fn with_drain_timeout(mut self, timeout: Duration) -> Self {
        self.drain_timeout = timeout;
        self
    }

    /// Sets how long nodes must be quiet, and how long a change waits for that at most. Zeros pass every
    /// change on at once.
    pub fn with_node_debounce(mut self, quiet: Duration, delay: Duration) -> Self {
        (self.node_quiet, self.node_delay) = (quiet, delay);
        self
    }

    /// The delays, with jitter by a random number from 0 to 1.
    pub(crate) fn pace(&self, random: f64) -> Pace {
        let backoff = Backoff::new(self.min_retry_delay, self.max_retry_delay);
        let stretch = 1.0 + random * f64::from(self.retry_jitter) / 100.0;
        Pace { backoff, recheck: self.recheck_delay, stretch }
    }

    /// When the cloud is left alone.
    pub(crate) fn circuit(&self) -> Limits {
        let delay = Backoff::new(self.probe_delay, self.max_retry_delay.max(self.probe_delay));
        let pause = Backoff::new(self.min_throttle_pause, self.max_throttle_pause);
        Limits { lanes: self.breaker_services, delay, pause }
    }

    pub(crate) fn debounce(&self) -> Debounce {
        Debounce::new(self.node_quiet, self.node_delay)
    }
}

#[cfg(test)]
mod tests;
