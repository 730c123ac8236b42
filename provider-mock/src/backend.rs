//! Three clouds as the core sees them: one [`Backend`](cloud_lb_core::backend::Backend) per [`Shape`].

pub(crate) mod desired;
mod link;
mod memory;
pub(crate) mod parts;
pub(crate) mod rules;
mod settings;
pub(crate) mod shared;
pub(crate) mod stack;
mod status;
mod survey;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use cloud_lb_core::Result;
use cloud_lb_core::backend::Backend;
use cloud_lb_core::engine::{Engine, StepObserver};
use cloud_lb_core::model::{IpFamily, LoadBalancer, NodeField, Protocol};
use cloud_lb_core::provider::{Capabilities, LoadBalancerProvider, TargetScope};

use crate::annotations_table;
use crate::cloud::MockCloud;
use crate::config::{Config, Shape};
use link::Link;
use rules::Rules;
use shared::Shared;
use stack::Stack;

/// Makes a provider that works on `cloud`. Several may work on one cloud, each for a cluster of its own.
///
/// `config.cloud` has no effect here: the cloud is made already.
///
/// # Errors
/// `InvalidInput` if the configuration is not [valid](Config::validate).
pub fn provider(cloud: MockCloud, config: Config) -> Result<Arc<dyn LoadBalancerProvider>> {
    make(cloud, config, None)
}

/// As [`provider`], and reports each step to `observer`.
///
/// # Errors
/// `InvalidInput` if the configuration is not [valid](Config::validate).
pub fn provider_with_observer(
    cloud: MockCloud,
    config: Config,
    observer: Arc<dyn StepObserver>,
) -> Result<Arc<dyn LoadBalancerProvider>> {
    make(cloud, config, Some(observer))
}

fn make(
    cloud: MockCloud,
    config: Config,
    observer: Option<Arc<dyn StepObserver>>,
) -> Result<Arc<dyn LoadBalancerProvider>> {
    config.validate()?;
    let (shape, lateness) = (config.shape, cloud.lateness());
    Ok(match shape {
        Shape::Stack => engine(Stack::new(Link::new(cloud, config)), lateness, observer),
        Shape::Rules => engine(Rules::new(Link::new(cloud, config)), lateness, observer),
        Shape::Shared => engine(Shared::new(Link::new(cloud, config)), lateness, observer),
    })
}

fn engine<B: Backend>(
    backend: B,
    lateness: Duration,
    observer: Option<Arc<dyn StepObserver>>,
) -> Arc<dyn LoadBalancerProvider> {
    let engine = Engine::new(backend).with_late_listings(lateness);
    match observer {
        Some(observer) => Arc::new(engine.with_observer(observer)),
        None => Arc::new(engine),
    }
}

/// What all shapes can do. They differ in where targets live, and in what of a node they look at.
fn capabilities(target_scope: TargetScope, node_fields: &[NodeField]) -> Capabilities {
    Capabilities {
        protocols: BTreeSet::from([Protocol::Tcp, Protocol::Udp]),
        families: BTreeSet::from([IpFamily::V4, IpFamily::V6]),
        dual_stack: true,
        mixed_protocols: true,
        session_affinity: true,
        source_ranges: true,
        requested_address: true,
        pod_targets: false,
        readiness_gates: None,
        target_scope,
        needs_provider_id: false,
        node_fields: node_fields.iter().copied().collect(),
        annotation_prefixes: vec![annotations_table::PREFIX],
    }
}

fn takes(config: &Config, lb: &LoadBalancer) -> bool {
    lb.class.is_none() || lb.class == config.load_balancer_class
}
