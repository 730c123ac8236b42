//! All Services held against the cloud at once.

use serde::Serialize;

use super::Pending;
use crate::error::Error;
use crate::model::{ServiceId, Status};
use crate::plan::PlanReport;

/// How one Service's load balancer stands.
#[derive(Debug, Clone)]
pub enum Finding {
    /// It is as wanted and works.
    Converged(Status),
    /// It is as wanted and does not work yet.
    Pending(Pending),
    /// It is not as wanted; this is what it takes, as far as can be told without writing.
    Differs(PlanReport),
    /// It cannot be told, or what the Service asks for cannot be had.
    Failed(Error),
    /// Another controller looks after Services of this kind.
    ImplementedElsewhere,
}

/// How all load balancers stand, and everything that is there.
#[derive(Debug, Clone)]
pub struct Survey {
    /// One for each given Service, in the order in which they were given.
    pub findings: Vec<Finding>,
    /// Everything that carries the ownership marks of this cluster, sorted by Service. What belongs to no
    /// Service that exists is orphaned.
    pub owned: Vec<Owned>,
}

/// A resource in the cloud that carries our ownership marks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OwnedResource {
    /// Kind, in the cloud's words.
    pub kind: String,
    /// The cloud's id or name.
    pub id: String,
}

/// All that one Service, or the cluster itself, owns in the cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Owned {
    /// The Service; `None` for what the cluster's Services share.
    pub service: Option<ServiceId>,
    /// Resources, sorted.
    pub resources: Vec<OwnedResource>,
}

impl Owned {
    /// Whether it is this Service's. Where the cloud's marks tell no UID, namespace and name decide.
    pub fn is_of(&self, service: &ServiceId) -> bool {
        self.service.as_ref().is_some_and(|owner| {
            owner.cluster == service.cluster
                && if owner.uid.is_empty() {
                    owner.path() == service.path()
                } else {
                    owner.uid == service.uid
                }
        })
    }
}
