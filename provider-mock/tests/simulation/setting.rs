//! What kind of world a seed gives.

use std::num::NonZeroU32;
use std::time::Duration;

use cloud_lb_core::controller;
use provider_mock::{Config, Options, Shape};

pub(crate) const CLUSTER: &str = "kubernetes";

/// The circumstances of one run.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) seed: u64,
    pub(crate) shape: Shape,
    pub(crate) cloud: Options,
    /// Calls a second that a provider allows itself, if it counts them.
    pub(crate) budget: Option<u32>,
    /// Whether what is in the cloud for no Service is deleted.
    pub(crate) deletes_orphans: bool,
    /// How many controllers wait for their turn to lead.
    pub(crate) replicas: usize,
    /// How many names users give to their Services.
    pub(crate) names: usize,
    /// How many things happen before the world comes to rest.
    pub(crate) steps: usize,
}

impl Setting {
    pub(crate) fn of(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let shape = [Shape::Stack, Shape::Rules, Shape::Shared][rng.usize(..3)];
        let millis = |choices: &[u64], rng: &mut fastrand::Rng| {
            Duration::from_millis(choices[rng.usize(..choices.len())])
        };
        let cloud = Options::new()
            .with_latency(millis(&[0, 20, 200, 1000], &mut rng))
            .with_provisioning(millis(&[0, 0, 3000, 30_000], &mut rng))
            .with_seed(seed);
        let replicas = [1, 1, 1, 2, 3][rng.usize(..5)];
        let (names, steps) = (rng.usize(1..4), rng.usize(10..40));
        let cloud = cloud.with_stale_reads(millis(&[0, 0, 500, 5000, 20_000], &mut rng));
        let cloud = if rng.u8(..4) == 0 { throttling(cloud, &mut rng) } else { cloud };
        let budget = [None, None, None, Some(5)][rng.usize(..4)];
        let deletes_orphans = rng.bool();
        Self { seed, shape, cloud, budget, deletes_orphans, replicas, names, steps }
    }

    /// A world in which nothing is left to chance.
    pub(crate) fn calm(seed: u64, shape: Shape) -> Self {
        let cloud = Options::new();
        Self { seed, shape, cloud, budget: None, deletes_orphans: false, replicas: 1, names: 1, steps: 0 }
    }

    /// What the providers are told.
    pub(crate) fn config(&self) -> Config {
        let config = Config::new(CLUSTER).with_shape(self.shape);
        match self.budget.and_then(NonZeroU32::new) {
            Some(budget) => config.with_budget(budget, NonZeroU32::MIN),
            None => config,
        }
    }

    /// What the controllers are told.
    pub(crate) fn options(&self) -> controller::Options {
        let options = controller::Options::default()
            .with_cluster_name(CLUSTER)
            .with_retry_delays(Duration::from_secs(1), Duration::from_mins(1))
            .with_recheck_delay(Duration::from_mins(2))
            .with_call_timeout(Duration::from_secs(40))
            .with_drain_timeout(Duration::from_secs(20))
            .with_drift_interval(Duration::from_mins(3));
        if self.deletes_orphans {
            options.with_orphans_deleted_after(Duration::from_mins(5))
        } else {
            options
        }
    }
}

fn throttling(cloud: Options, rng: &mut fastrand::Rng) -> Options {
    let number = |choices: [u32; 3], rng: &mut fastrand::Rng| {
        NonZeroU32::new(choices[rng.usize(..choices.len())]).unwrap_or(NonZeroU32::MIN)
    };
    let (per_second, burst) = (number([2, 5, 20], rng), number([1, 5, 30], rng));
    cloud.with_throttle(per_second, burst)
}
