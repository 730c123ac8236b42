//! What is in the cloud for Services that do not exist (W-28).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use kube::ResourceExt;
use tokio::time::Instant;

use super::key::ObjectKey;
use crate::model::ServiceId;
use crate::provider::{Owned, OwnedResource};

/// What is owned in the cloud on behalf of Services that do not exist, in whatever state.
///
/// `services` must be all Services of the cluster. What is marked as another cluster's, or as shared by
/// Services, is never an orphan. Where the cloud's marks tell no UID, namespace and name decide.
pub fn find_orphans<'a>(
    owned: &'a [Owned],
    services: impl IntoIterator<Item = &'a Service>,
    cluster: &str,
) -> Vec<&'a Owned> {
    let claims = Claims::of(services);
    let is_orphan = |owner: &ServiceId| owner.cluster == cluster && !claims.has(owner);
    owned.iter().filter(|owned| owned.service.as_ref().is_some_and(is_orphan)).collect()
}

/// The Services that exist.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    uids: BTreeSet<String>,
    names: BTreeSet<ObjectKey>,
}

impl Claims {
    pub(crate) fn of<'a>(services: impl IntoIterator<Item = &'a Service>) -> Self {
        let mut claims = Self::default();
        for service in services {
            claims.uids.extend(service.uid());
            claims.names.insert(ObjectKey::of(service));
        }
        claims
    }

    pub(crate) fn has(&self, id: &ServiceId) -> bool {
        if id.uid.is_empty() { self.names.contains(&key(id)) } else { self.uids.contains(&id.uid) }
    }
}

/// What is there for one Service that does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Orphan {
    pub(crate) id: ServiceId,
    pub(crate) resources: Vec<OwnedResource>,
    /// Whether it has been there for so long that it may be deleted.
    pub(crate) expired: bool,
}

/// The orphans that surveys found.
#[derive(Debug)]
pub(crate) struct Orphans {
    /// How long they are left alone; `None` if they are never deleted.
    grace: Option<Duration>,
    seen: BTreeMap<ServiceId, (Instant, Vec<OwnedResource>)>,
}

impl Orphans {
    pub(crate) fn new(grace: Option<Duration>) -> Self {
        Self { grace, seen: BTreeMap::new() }
    }

    /// Takes in what a complete survey found, and names those that are new or may be deleted now.
    pub(crate) fn found(&mut self, orphans: &[&Owned], now: Instant) -> BTreeSet<ObjectKey> {
        let before = std::mem::take(&mut self.seen);
        let mut work = BTreeSet::new();
        for owned in orphans {
            let Some(id) = &owned.service else { continue };
            let first = before.get(id).map(|(first, _)| *first);
            if first.is_none_or(|first| self.has_expired(first, now)) {
                work.insert(key(id));
            }
            self.seen.insert(id.clone(), (first.unwrap_or(now), owned.resources.clone()));
        }
        work
    }

    /// The orphans under one name that no Service claims by now.
    pub(crate) fn of(&self, name: &ObjectKey, claims: &Claims, now: Instant) -> Vec<Orphan> {
        let unclaimed = self.seen.iter().filter(|(id, _)| key(id) == *name && !claims.has(id));
        let orphan = |(id, (first, resources)): (&ServiceId, &(Instant, Vec<OwnedResource>))| Orphan {
            id: id.clone(),
            resources: resources.clone(),
            expired: self.has_expired(*first, now),
        };
        unclaimed.map(orphan).collect()
    }

    fn has_expired(&self, first: Instant, now: Instant) -> bool {
        self.grace.is_some_and(|grace| now.saturating_duration_since(first) >= grace)
    }
}

fn key(id: &ServiceId) -> ObjectKey {
    ObjectKey { namespace: id.namespace.clone(), name: id.name.clone() }
}

#[cfg(test)]
mod tests;
