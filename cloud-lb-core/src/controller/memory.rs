use std::sync::Arc;

use k8s_openapi::api::core::v1::{LoadBalancerStatus, Service};

use super::contest::Contest;
use super::pods::UnreadyPods;
use super::status::{Health, PortsError};
use super::triggers::version;
use crate::model::Endpoint;
use crate::plan::Warning;

/// What this process remembers of a Service that it looks after (SC-5). Lost at a restart, and dropped
/// with the Service (W-12); the cloud stays the only truth.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    /// The object that was synced last.
    pub(crate) service: Arc<Service>,
    /// Whether the provider took it: only then are changed targets handed over (W-31).
    pub(crate) ensured: bool,
    /// Whether the provider was asked for it, whatever came of that: there may be something in the cloud.
    pub(crate) asked: bool,
    /// What was handed over as targets last (SC-50 step 5).
    pub(crate) targets: Option<Targets>,
    /// Why the newest targets could not be handed over, if they could not.
    pub(crate) unreached: Option<String>,
    /// The pods that are not ready, for providers that fill in readiness gates.
    pub(crate) pods: UnreadyPods,
    /// The status that was published last.
    pub(crate) published: Option<LoadBalancerStatus>,
    /// Version of the object as our last write of its status left it: what is newer is of others.
    pub(crate) written: Option<u64>,
    /// Whether others keep changing the status.
    pub(crate) contest: Contest,
    /// What the conditions say.
    pub(crate) health: Option<Health>,
    /// What the Service was told last of a state that goes on: retries do not tell it again (W-23).
    pub(crate) told: Option<Told>,
    /// The warnings that the provider had last: each was told.
    pub(crate) warnings: Vec<Warning>,
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
    /// Of a Service whose load balancer was found as wanted.
    pub(crate) fn adopted(service: Arc<Service>, targets: Targets, published: LoadBalancerStatus) -> Self {
        Self {
            ensured: true,
            asked: true,
            targets: Some(targets),
            written: version(&service),
            health: Some(Health::Ready(PortsError::of_status(&published))),
            published: Some(published),
            ..Self::new(service)
        }
    }

    pub(crate) fn new(service: Arc<Service>) -> Self {
        Self {
            service,
            ensured: false,
            asked: false,
            targets: None,
            unreached: None,
            pods: UnreadyPods::default(),
            published: None,
            written: None,
            contest: Contest::default(),
            health: None,
            told: None,
            warnings: Vec::new(),
        }
    }
}
