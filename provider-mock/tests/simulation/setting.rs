//! What kind of world a seed gives.

use std::time::Duration;

use provider_mock::{Options, Shape};

/// The circumstances of one run.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) seed: u64,
    pub(crate) shape: Shape,
    pub(crate) cloud: Options,
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
        let seconds = |choices: &[u64], rng: &mut fastrand::Rng| {
            Duration::from_millis(choices[rng.usize(..choices.len())])
        };
        let cloud = Options::new()
            .with_latency(seconds(&[0, 20, 200, 1000], &mut rng))
            .with_provisioning(seconds(&[0, 0, 3000, 30_000], &mut rng))
            .with_seed(seed);
        Self {
            seed,
            shape,
            cloud,
            replicas: [1, 1, 1, 2, 3][rng.usize(..5)],
            names: rng.usize(1..4),
            steps: rng.usize(10..40),
        }
    }
}
