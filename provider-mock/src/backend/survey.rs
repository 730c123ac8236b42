//! From resources of the cloud to what the core calls observed. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cloud_lb_core::backend::Everything;
use cloud_lb_core::graph::{Outputs, ResourceKey};
use cloud_lb_core::model::{LoadBalancer, ServiceId};
use cloud_lb_core::ownership::{self, Marked, RESOURCE_TAG, Tags};
use cloud_lb_core::plan::{Have, Observed, Ownership};
use cloud_lb_core::provider::{Owned, OwnedResource, Pending};
use cloud_lb_core::{Error, ErrorKind, Result};
use serde_json::Value;

use super::desired::{Desired, Kind};
use super::link;
use super::memory::Memory;
use crate::cloud::{Record, references};

/// A resource, or a part of one, as a list shows it.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) marks: Tags,
    pub(crate) body: Arc<Value>,
    pub(crate) outputs: Outputs,
    pub(crate) container: Option<ResourceKey>,
    /// Tells which of two is older.
    pub(crate) created: u64,
    /// Tells whether it was written since.
    pub(crate) etag: u64,
}

impl From<Record> for Found {
    fn from(record: Record) -> Self {
        Self {
            marks: record.marks(),
            outputs: link::outputs(&record),
            kind: record.kind,
            name: record.name,
            body: record.body,
            container: None,
            created: record.created,
            etag: record.etag,
        }
    }
}

impl Found {
    /// Whether this is a container itself.
    fn is_whole(&self) -> bool {
        self.container.as_ref().is_some_and(|container| container.kind == self.kind)
    }

    /// The key that its marks give it.
    fn key(&self) -> ResourceKey {
        ResourceKey::new(self.kind, self.marks.get(RESOURCE_TAG).cloned().unwrap_or_default())
    }
}

/// Tells Services apart: cluster and UID.
pub(crate) type OwnerId = (String, String);

pub(crate) fn owner_id(service: &ServiceId) -> OwnerId {
    (service.cluster.clone(), service.uid.clone())
}

/// The Service whose marks these are, if they are a Service's.
pub(crate) fn owner_of(marks: &Tags) -> Option<OwnerId> {
    match ownership::read(marks) {
        Marked::Service(service) => Some(owner_id(&service)),
        Marked::Cluster { .. } | Marked::Foreign => None,
    }
}

/// All that was found, by owner, for everybody who looks.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    owned: BTreeMap<OwnerId, Vec<Found>>,
    /// What the Services of the cluster share.
    shared: Vec<Found>,
    /// The Services to whose resources an id is known; `None` if not all were read.
    users: Option<BTreeMap<String, BTreeSet<OwnerId>>>,
}

impl Survey {
    /// Of all that is there.
    pub(crate) fn new(cluster: &str, found: Vec<Found>) -> Self {
        Self { users: Some(users(&found)), ..Self::of_one(cluster, found) }
    }

    /// Of what one Service has and what is shared: as far as it shows, others use that.
    pub(crate) fn of_one(cluster: &str, mut found: Vec<Found>) -> Self {
        // The newest first: should a replacement have left an older one behind, the planner tells it apart.
        found.sort_by_key(|one| std::cmp::Reverse(one.created));
        let mut survey = Self::default();
        for one in found {
            match ownership::read(&one.marks) {
                Marked::Service(owner) => survey.owned.entry(owner_id(&owner)).or_default().push(one),
                Marked::Cluster { cluster: of } if of == cluster => survey.shared.push(one),
                Marked::Cluster { .. } | Marked::Foreign => {}
            }
        }
        survey
    }

    /// What is there for a Service, or for nobody in particular; what other Services own plays no part. Sets of
    /// targets are remembered.
    pub(crate) fn seen_by<K: Kind>(
        &self,
        service: Option<&ServiceId>,
        memory: &Memory<K>,
    ) -> Result<Observed<Desired<K>>> {
        let viewer = service.map(owner_id);
        let mut observed = Observed::new();
        for one in viewer.iter().filter_map(|viewer| self.owned.get(viewer)).flatten() {
            let (key, have) = (one.key(), have(one, Ownership::Service)?);
            memory.learn(&viewer, &key, &have, one.etag);
            observed.add(key, have);
        }
        for one in &self.shared {
            let used_by_others = self.is_used_by_others(one, viewer.as_ref());
            let (key, have) = (one.key(), have(one, Ownership::Cluster { used_by_others })?);
            memory.learn(&None, &key, &have, one.etag);
            observed.add(key, have);
        }
        Ok(observed)
    }

    fn is_used_by_others(&self, shared: &Found, viewer: Option<&OwnerId>) -> bool {
        let Some(all) = &self.users else { return true };
        let users = shared.outputs.get("id").and_then(|id| all.get(id));
        users.is_some_and(|users| users.iter().any(|user| Some(user) != viewer))
    }
}

/// Which Services have resources that refer to an id.
fn users(found: &[Found]) -> BTreeMap<String, BTreeSet<OwnerId>> {
    let mut users: BTreeMap<String, BTreeSet<OwnerId>> = BTreeMap::new();
    let mut of_containers: BTreeMap<&ResourceKey, BTreeSet<OwnerId>> = BTreeMap::new();
    for one in found {
        let Marked::Service(owner) = ownership::read(&one.marks) else { continue };
        for id in references(&one.body) {
            users.entry(id.to_owned()).or_default().insert(owner_id(&owner));
        }
        if let Some(container) = &one.container {
            of_containers.entry(container).or_default().insert(owner_id(&owner));
        }
    }
    // A part keeps its container alive.
    for one in found.iter().filter(|one| one.is_whole()) {
        let of_parts = one.container.as_ref().and_then(|key| of_containers.get(key));
        if let (Some(id), Some(owners)) = (one.outputs.get("id"), of_parts) {
            users.entry(id.clone()).or_default().extend(owners.iter().cloned());
        }
    }
    users
}

/// All that was found, as each Service sees it.
pub(crate) fn everything<K: Kind>(
    cluster: &str,
    found: Vec<Found>,
    services: &[&LoadBalancer],
    memory: &Memory<K>,
) -> Everything<Desired<K>> {
    let owned = owned(cluster, &found);
    let survey = Survey::new(cluster, found);
    memory.keep_only(|owner| owner.as_ref().is_none_or(|owner| survey.owned.contains_key(owner)));
    let observed = services.iter().map(|lb| survey.seen_by(Some(&lb.service), memory)).collect();
    Everything { observed, owned }
}

/// Whether the marks are the Service's or its cluster's.
pub(crate) fn is_ours(marks: &Tags, service: &ServiceId) -> bool {
    match ownership::read(marks) {
        Marked::Service(owner) => owner.cluster == service.cluster && owner.uid == service.uid,
        Marked::Cluster { cluster } => cluster == service.cluster,
        Marked::Foreign => false,
    }
}

/// A resource of somebody else in the place of one of ours.
pub(crate) fn foreign<K: Kind>(record: &Record) -> Have<Desired<K>> {
    let spec = Desired { name: record.name.clone(), tags: record.marks(), body: K::foreign() };
    let ownership = Ownership::Foreign(link::owner_of(&record.marks()));
    Have { spec, ownership, container: None, outputs: link::outputs(record), uses: BTreeSet::new() }
}

fn have<K: Kind>(one: &Found, ownership: Ownership) -> Result<Have<Desired<K>>> {
    let unreadable = |error| {
        let message = format!("the {} {:?} has settings that make no sense", one.kind, one.name);
        Error::new(ErrorKind::Unavailable, message).with_source(error)
    };
    let body = K::parse(one.kind, &one.body).map_err(unreadable)?;
    let spec = Desired { name: one.name.clone(), tags: one.marks.clone(), body };
    Ok(Have {
        spec,
        ownership,
        container: one.container.clone(),
        outputs: one.outputs.clone(),
        uses: BTreeSet::new(),
    })
}

/// What the Service's resources wait for, if they do.
pub(crate) fn waiting<K: Kind>(have: &Observed<Desired<K>>) -> Option<Pending> {
    let mut own = have.iter().filter(|(_, found)| found.ownership == Ownership::Service);
    own.find_map(|(key, found)| link::pending(link::life(&found.outputs), key.kind))
}

/// All that carries the marks of a cluster, by owner; what the cluster owns comes first.
fn owned(cluster: &str, found: &[Found]) -> Vec<Owned> {
    let mut all: BTreeMap<Option<ServiceId>, Vec<OwnedResource>> = BTreeMap::new();
    for one in found {
        let owner = match ownership::read(&one.marks) {
            Marked::Service(service) if service.cluster == cluster => Some(service),
            Marked::Cluster { cluster: of } if of == cluster => None,
            _ => continue,
        };
        let id = one.outputs.get("id").cloned().unwrap_or_else(|| one.name.clone());
        all.entry(owner).or_default().push(OwnedResource { kind: one.kind.to_owned(), id });
    }
    let sorted = all.into_iter().map(|(service, mut resources)| {
        resources.sort_by(|a, b| (&a.kind, &a.id).cmp(&(&b.kind, &b.id)));
        Owned { service, resources }
    });
    sorted.collect()
}
