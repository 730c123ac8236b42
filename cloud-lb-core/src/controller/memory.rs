use std::sync::Arc;

use k8s_openapi::api::core::v1::{LoadBalancerStatus, Service};

use super::status::Health;
use crate::model::Endpoint;

/// What this process remembers of a Service that it looks after (SC-5). Lost at a restart, and dropped
/// with the Service (W-12); the cloud stays the only truth.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    /// The object that was synced last.
    pub(crate) service: Arc<Service>,
    /// Whether the provider took it: only then are changed targets handed over (W-31).
    pub(crate) ensured: bool,
    /// What was handed over as targets last (SC-50 step 5).
    pub(crate) targets: Option<Targets>,
    /// The status that was published last.
    pub(crate) published: Option<LoadBalancerStatus>,
    /// What the condition says.
    pub(crate) health: Option<Health>,
    /// What the Service was told last of a state that goes on: retries do not tell it again (W-23).
    pub(crate) told: Option<Told>,
}

/// A state that goes on until a sync ends well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    /// The load balancer is being made or changed.
    Ensuring,
    /// The cloud is at work, and why.
    Pending(String),
    /// The load balancer is being deleted.
    Deleting,
}

/// Stands for a set of targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Targets {
    /// Generation of the node set.
    pub(crate) nodes: u64,
    /// The pods, for providers that send traffic to pods.
    pub(crate) endpoints: Vec<Endpoint>,
}

impl Memory {
    pub(crate) fn new(service: Arc<Service>) -> Self {
        Self { service, ensured: false, targets: None, published: None, health: None, told: None }
    }
}
