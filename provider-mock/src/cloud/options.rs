//! How the cloud behaves.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use cloud_lb_core::rate::RateLimit;
use serde::{Deserialize, Serialize};

/// Resources in one page of a list, where [`Options::page_size`] does not say.
const PAGE_SIZE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(99);

/// How a mock cloud behaves; the default is perfect: at once, consistent, without limits.
///
/// Durations are written like `250ms` or `1m 30s`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Options {
    /// Time that each call takes.
    #[serde(with = "super::duration")]
    pub latency: Duration,
    /// Time from a create or delete until the resource works or is gone. Only of kinds that take time in
    /// real clouds: load balancers, forwarding rules, addresses.
    #[serde(with = "super::duration")]
    pub provisioning: Duration,
    /// A list may show the state of up to so long ago; reads of one resource are always true.
    #[serde(with = "super::duration")]
    pub stale_reads: Duration,
    /// Calls that the account may make; `None`: any number.
    pub throttle: Option<Throttle>,
    /// Most resources of a kind (`TargetGroup`) or parts of a container (`LoadBalancer/rules`).
    pub quotas: BTreeMap<String, usize>,
    /// Resources in one page of a list.
    pub page_size: NonZeroUsize,
    /// Seed of all that is left to chance.
    pub seed: u64,
}

/// A rate of calls; above it the cloud answers `Throttled`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Throttle {
    /// Calls per second on average.
    pub per_second: NonZeroU32,
    /// Calls that may be made at once.
    pub burst: NonZeroU32,
}

impl Throttle {
    pub(crate) fn limit(self) -> RateLimit {
        RateLimit::per_second(self.per_second, self.burst)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            provisioning: Duration::ZERO,
            stale_reads: Duration::ZERO,
            throttle: None,
            quotas: BTreeMap::new(),
            page_size: PAGE_SIZE,
            seed: 0,
        }
    }
}

impl Options {
    /// A perfect cloud.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the time that each call takes.
    pub fn with_latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Sets the time until a resource works or is gone.
    pub fn with_provisioning(mut self, provisioning: Duration) -> Self {
        self.provisioning = provisioning;
        self
    }

    /// Sets how old the state shown by a list may be.
    pub fn with_stale_reads(mut self, stale_reads: Duration) -> Self {
        self.stale_reads = stale_reads;
        self
    }

    /// Limits the rate of calls.
    pub fn with_throttle(mut self, per_second: NonZeroU32, burst: NonZeroU32) -> Self {
        self.throttle = Some(Throttle { per_second, burst });
        self
    }

    /// Limits the number of resources of a kind, or of parts of a container.
    pub fn with_quota(mut self, kind: impl Into<String>, most: usize) -> Self {
        self.quotas.insert(kind.into(), most);
        self
    }

    /// Sets the number of resources in one page of a list.
    pub fn with_page_size(mut self, page_size: NonZeroUsize) -> Self {
        self.page_size = page_size;
        self
    }

    /// Sets the seed of all that is left to chance.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}
