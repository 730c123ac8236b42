//! All Services held against the cloud at once.

use std::fmt;

use jiff::Timestamp;
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
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OwnedResource {
    /// Kind, in the cloud's words.
    pub kind: String,
    /// The cloud's id or name.
    pub id: String,
    /// When it was made, where the cloud tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// Whether the cloud charges for resources of this kind as long as they exist, used or not.
    pub billed: bool,
    /// What costs as well, is not ours, and is taken as long as this one exists: reserved addresses, for
    /// example.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<String>,
}

impl OwnedResource {
    /// One of a kind that costs nothing by itself, of an age that nobody knows.
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> Self {
        Self { kind: kind.into(), id: id.into(), created: None, billed: false, holds: Vec::new() }
    }

    /// Sets when it was made.
    pub fn with_created(mut self, created: Option<Timestamp>) -> Self {
        self.created = created;
        self
    }

    /// Says that the cloud charges for it.
    pub fn with_bill(mut self, billed: bool) -> Self {
        self.billed = billed;
        self
    }

    /// Sets what it holds that costs as well.
    pub fn with_held(mut self, holds: Vec<String>) -> Self {
        self.holds = holds;
        self
    }
}

/// What is known of it, in words that stay: an event says it.
impl fmt::Display for OwnedResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let billed = self.billed.then(|| "billed".to_owned());
        let created = self.created.map(|created| format!("made {created:.0}"));
        let held = (!self.holds.is_empty()).then(|| format!("holds {}", self.holds.join(" and ")));
        let known: Vec<String> = [billed, created, held].into_iter().flatten().collect();
        write!(f, "{} {}", self.kind, self.id)?;
        if known.is_empty() { Ok(()) } else { write!(f, " ({})", known.join(", ")) }
    }
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
    /// When the oldest of the resources was made whose age the cloud tells.
    pub fn oldest(&self) -> Option<Timestamp> {
        self.resources.iter().filter_map(|resource| resource.created).min()
    }

    /// Whether the cloud charges for any of it.
    pub fn is_billed(&self) -> bool {
        self.resources.iter().any(|resource| resource.billed || !resource.holds.is_empty())
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_a_resource_is_said_and_nothing_else() {
        let bare = OwnedResource::new("Group", "g-1");
        assert_eq!(bare.to_string(), "Group g-1");
        assert_eq!(
            serde_json::json!(bare),
            serde_json::json!({"kind": "Group", "id": "g-1", "billed": false})
        );
        let created = Timestamp::new(1_700_000_000, 5_000_000).unwrap();
        let full = OwnedResource::new("LoadBalancer", "lb-1")
            .with_created(Some(created))
            .with_bill(true)
            .with_held(vec!["Address eip-1".to_owned()]);
        assert_eq!(
            full.to_string(),
            "LoadBalancer lb-1 (billed, made 2023-11-14T22:13:20Z, holds Address eip-1)"
        );
        let owned = |resources| Owned { service: None, resources };
        assert_eq!((owned(vec![]).oldest(), owned(vec![bare.clone()]).is_billed()), (None, false));
        let all = owned(vec![bare, full]);
        assert_eq!((all.oldest(), all.is_billed()), (Some(created), true));
    }
}
