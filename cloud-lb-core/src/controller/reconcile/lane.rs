//! A Service in its lane, and what it needs.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;

use super::Failure;
use crate::controller::key::Key;
use crate::controller::memory::{Memory, Targets};
use crate::controller::nodes::NodeSet;
use crate::controller::queue::Work;
use crate::error::Error;
use crate::k8s;
use crate::model::{LoadBalancer, ServiceId};

/// A Service in its lane.
pub(super) struct Lane {
    pub(super) key: Key,
    pub(super) service: Arc<Service>,
    pub(super) id: ServiceId,
    pub(super) memory: Memory,
    pub(super) nodes: Arc<NodeSet>,
    pub(super) slices: Vec<Arc<EndpointSlice>>,
    /// As in [`Finished`](super::Finished).
    pub(super) handed: Option<u64>,
    pub(super) tone: Tone,
}

/// What an ensure that succeeds tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// That it began and ended.
    Usual,
    /// That it repaired what was left in order.
    Repair,
    /// Nothing: who knows whether there was something to do.
    Quiet,
}

impl Tone {
    pub(super) fn of(work: Work, known: bool) -> Self {
        if work.sync || (work.drift && !known) {
            Self::Usual
        } else if work.drift {
            Self::Repair
        } else {
            Self::Quiet
        }
    }
}

/// What a Service needs.
pub(super) enum Action {
    /// With what the provider is to make, or why the Service cannot be understood.
    Ensure(Box<std::result::Result<LoadBalancer, Failure>>),
    CleanUp,
    /// Nothing was ever made for it: only what it was told must go (SC-61, W-27).
    Forget,
    Nothing,
    /// Nobody knows yet whether it is ours.
    AskAgain(Error),
}

impl Lane {
    /// What stands for the newest targets.
    pub(super) fn targets(&self) -> Targets {
        let endpoints = k8s::endpoints(self.slices.iter().map(AsRef::as_ref));
        Targets { nodes: self.nodes.generation, endpoints: self.memory.pods.marked(endpoints) }
    }

    /// With the pods that wait for being healthy targets, as far as they were looked at.
    pub(super) fn with_pods(&self, wanted: LoadBalancer) -> LoadBalancer {
        LoadBalancer { endpoints: self.memory.pods.marked(wanted.endpoints), ..wanted }
    }

    /// Notes that the provider is about to get these targets: before the call, whatever comes of it.
    pub(super) fn hand_over(&mut self, targets: Targets) {
        self.handed = Some(targets.nodes);
        self.memory.unreached = None;
        self.memory.targets = Some(targets);
        self.memory.asked = true;
    }
}
