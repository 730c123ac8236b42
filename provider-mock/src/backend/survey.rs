//! From resources of the cloud to what the core calls observed. Pure.

use std::collections::{BTreeMap, BTreeSet};

use cloud_lb_core::graph::{Outputs, ResourceKey};
use cloud_lb_core::model::ServiceId;
use cloud_lb_core::ownership::{self, Marked, RESOURCE_TAG, Tags};
use cloud_lb_core::plan::{Have, Observed, Ownership};
use cloud_lb_core::provider::{Owned, OwnedResource, Pending};
use cloud_lb_core::{Error, ErrorKind, Result};
use serde_json::Value;

use super::desired::{Desired, Kind};
use super::link;
use crate::cloud::{Record, references};

/// A resource, or a part of one, as a list shows it.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) marks: Tags,
    pub(crate) body: Value,
    pub(crate) outputs: Outputs,
    pub(crate) container: Option<ResourceKey>,
    /// Tells which of two is older.
    pub(crate) created: u64,
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

/// Who looks: a Service, or nobody in particular at what is shared.
pub(crate) struct Survey<'a> {
    pub(crate) cluster: &'a str,
    pub(crate) service: Option<&'a ServiceId>,
}

impl Survey<'_> {
    /// What is there, of all that was `found`; what other Services own plays no part.
    pub(crate) fn of<K: Kind>(&self, mut found: Vec<Found>) -> Result<Observed<Desired<K>>> {
        let used_by_others = self.used_by_others(&found);
        // The newest first: should a replacement have left an older one behind, the planner tells it apart.
        found.sort_by_key(|one| std::cmp::Reverse(one.created));
        let mut observed = Observed::new();
        for one in found {
            let used = one.outputs.get("id").is_some_and(|id| used_by_others.contains(id));
            let Some(ownership) = self.ownership(&one.marks, used) else { continue };
            observed.add(one.key(), have(one, ownership)?);
        }
        Ok(observed)
    }

    fn ownership(&self, marks: &Tags, used_by_others: bool) -> Option<Ownership> {
        match ownership::read(marks) {
            Marked::Service(owner) => self.is_viewer(&owner).then_some(Ownership::Service),
            Marked::Cluster { cluster } if cluster == self.cluster => {
                Some(Ownership::Cluster { used_by_others })
            }
            Marked::Cluster { .. } | Marked::Foreign => None,
        }
    }

    fn is_viewer(&self, owner: &ServiceId) -> bool {
        let same = |service: &ServiceId| service.cluster == owner.cluster && service.uid == owner.uid;
        self.service.is_some_and(same)
    }

    /// Ids to which resources of other Services refer.
    fn used_by_others(&self, found: &[Found]) -> BTreeSet<String> {
        let of_others = found.iter().filter(|one| match ownership::read(&one.marks) {
            Marked::Service(owner) => !self.is_viewer(&owner),
            Marked::Cluster { .. } | Marked::Foreign => false,
        });
        let (mut ids, mut containers) = (BTreeSet::new(), BTreeSet::new());
        for one in of_others {
            ids.extend(references(&one.body).into_iter().map(str::to_owned));
            containers.extend(one.container.as_ref());
        }
        // A part keeps its container alive.
        let wholes = found.iter().filter(|one| {
            one.is_whole() && one.container.as_ref().is_some_and(|key| containers.contains(key))
        });
        ids.extend(wholes.filter_map(|one| one.outputs.get("id").cloned()));
        ids
    }
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
    Have { spec, ownership, container: None, outputs: link::outputs(record) }
}

fn have<K: Kind>(one: Found, ownership: Ownership) -> Result<Have<Desired<K>>> {
    let unreadable = |error| {
        let message = format!("the {} {:?} has settings that make no sense", one.kind, one.name);
        Error::new(ErrorKind::Unavailable, message).with_source(error)
    };
    let body = K::parse(one.kind, one.body).map_err(unreadable)?;
    let spec = Desired { name: one.name, tags: one.marks, body };
    Ok(Have { spec, ownership, container: one.container, outputs: one.outputs })
}

/// What the Service's resources wait for, if they do.
pub(crate) fn waiting<K: Kind>(have: &Observed<Desired<K>>) -> Option<Pending> {
    let mut own = have.iter().filter(|(_, found)| found.ownership == Ownership::Service);
    own.find_map(|(key, found)| link::pending(link::life(&found.outputs), key.kind))
}

/// All that carries the marks of a cluster, by owner; what the cluster owns comes first.
pub(crate) fn owned(cluster: &str, found: &[Found]) -> Vec<Owned> {
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
