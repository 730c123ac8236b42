//! The objects, one version counter, and the history that watches read.

mod expiry;

use super::allocate::Allocators;
use super::json::{list, put, text};
use super::resource::Resource;
use super::status::ApiError;
use expiry::Expiry;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use tokio::sync::{Notify, watch};

/// How many changes watches can go back; a watch from before gets 410 Gone.
const HISTORY: usize = 10_000;

/// Where an object is; keys sort by resource, then namespace, then name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub resource: Resource,
    /// Empty for cluster-scoped kinds.
    pub namespace: String,
    pub name: String,
}

impl Key {
    pub(crate) fn new(resource: Resource, namespace: &str, name: &str) -> Self {
        let namespace = if resource.namespaced() { namespace } else { "" };
        Self { resource, namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

/// One write: the object before and after it.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub version: u64,
    pub key: Key,
    pub before: Option<Arc<Value>>,
    /// `None` where the write removed the object.
    pub after: Option<Arc<Value>>,
}

impl Change {
    /// The object before the change, at the version of the change: what a DELETED event carries.
    pub(crate) fn last_seen(&self) -> Option<Value> {
        let mut last = self.before.as_deref()?.clone();
        stamp(&mut last, self.version);
        Some(last)
    }
}

/// The state of the cluster. One lock around it makes every request atomic.
#[derive(Debug)]
pub(crate) struct Store {
    objects: BTreeMap<Key, Arc<Value>>,
    /// The objects by the UIDs of their owners, so that a delete need not search them.
    owned: BTreeMap<String, BTreeSet<Key>>,
    version: u64,
    history: VecDeque<Change>,
    expiry: Expiry,
    /// The newest version whose change is forgotten; watches start at or after it.
    compacted: u64,
    pub(super) allocators: Allocators,
    pub(super) random: fastrand::Rng,
    announce: watch::Sender<u64>,
    written: Arc<Notify>,
}

impl Store {
    pub(crate) fn new(announce: watch::Sender<u64>, allocators: Allocators) -> Self {
        Self {
            objects: BTreeMap::new(),
            owned: BTreeMap::new(),
            version: 0,
            history: VecDeque::new(),
            expiry: Expiry::default(),
            compacted: 0,
            allocators,
            random: fastrand::Rng::new(),
            announce,
            written: Arc::default(),
        }
    }

    /// Tells open watches of every write, in the order in which they began to wait. The channel behind
    /// [`ApiServer::changes`](super::ApiServer::changes) wakes its receivers in no order, and simulations
    /// could not be repeated.
    pub(crate) fn written(&self) -> Arc<Notify> {
        Arc::clone(&self.written)
    }

    /// The version of the last write.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Arc<Value>> {
        self.objects.get(key)
    }

    pub(crate) fn read(&self, key: &Key) -> Result<Arc<Value>, ApiError> {
        let missing = || ApiError::not_found(key.resource.stored_as(), &key.name);
        self.get(key).cloned().ok_or_else(missing)
    }

    /// The objects of a kind, of one namespace or (with an empty one) of all, in the order of their keys.
    pub(crate) fn list(&self, resource: Resource, namespace: &str) -> Vec<(Key, Arc<Value>)> {
        self.range(resource, namespace).map(|(key, object)| (key.clone(), Arc::clone(object))).collect()
    }

    fn range(&self, resource: Resource, namespace: &str) -> impl Iterator<Item = (&Key, &Arc<Value>)> {
        let namespace = namespace.to_owned();
        self.objects
            .range(Key::new(resource, &namespace, "")..)
            .take_while(move |(key, _)| key.resource == resource)
            .filter(move |(key, _)| namespace.is_empty() || key.namespace == namespace)
    }

    /// Every object of a namespace.
    pub(crate) fn in_namespace(&self, namespace: &str) -> Vec<(Key, Arc<Value>)> {
        let inside = |(key, _): &(&Key, &Arc<Value>)| key.namespace == namespace;
        self.objects.iter().filter(inside).map(|(key, object)| (key.clone(), Arc::clone(object))).collect()
    }

    /// The objects that have the one with this UID among their owners.
    pub(super) fn owned_by(&self, uid: &str) -> Vec<Key> {
        self.owned.get(uid).into_iter().flatten().cloned().collect()
    }

    fn index_owners(&mut self, key: &Key, before: Option<&Value>, after: Option<&Value>) {
        for uid in before.into_iter().flat_map(owners) {
            if let Some(keys) = self.owned.get_mut(uid) {
                keys.remove(key);
                if keys.is_empty() {
                    self.owned.remove(uid);
                }
            }
        }
        for uid in after.into_iter().flat_map(owners) {
            self.owned.entry(uid.to_owned()).or_default().insert(key.clone());
        }
    }

    /// The list as it was at `version`, by undoing the changes since; `None` if they are forgotten.
    pub(crate) fn list_at(
        &self,
        resource: Resource,
        namespace: &str,
        version: u64,
    ) -> Option<Vec<(Key, Arc<Value>)>> {
        if version < self.compacted {
            return None;
        }
        let mut then: BTreeMap<Key, Arc<Value>> = self.list(resource, namespace).into_iter().collect();
        let concerned = |change: &&Change| {
            change.key.resource == resource && (namespace.is_empty() || change.key.namespace == namespace)
        };
        for change in
            self.history.iter().rev().take_while(|change| change.version > version).filter(concerned)
        {
            match &change.before {
                Some(before) => then.insert(change.key.clone(), Arc::clone(before)),
                None => then.remove(&change.key),
            };
        }
        Some(then.into_iter().collect())
    }

    /// The changes after `version`.
    ///
    /// # Errors
    /// `Expired` where changes after `version` are already forgotten.
    pub(crate) fn changes_after(&self, version: u64) -> Result<impl Iterator<Item = &Change>, ApiError> {
        if version < self.compacted {
            let message = format!("too old resource version: {version} ({})", self.compacted);
            return Err(ApiError::expired(message));
        }
        let start = self.history.partition_point(|change| change.version <= version);
        Ok(self.history.range(start..))
    }

    /// Forgets all history: watches and pages from before the last write get 410 Gone.
    pub(crate) fn compact(&mut self) {
        self.history.clear();
        self.compacted = self.version;
    }

    /// Writes an object under the next version, or removes it, and tells the watches. Whatever has expired by
    /// now goes with it.
    pub(super) fn commit(&mut self, key: Key, after: Option<Value>) -> Option<Arc<Value>> {
        let written = self.write(key, after);
        while let Some((key, version)) = self.expiry.next() {
            if self.get(&key).is_some_and(|object| is_at(object, version)) {
                self.write(key, None);
            }
        }
        written
    }

    fn write(&mut self, key: Key, after: Option<Value>) -> Option<Arc<Value>> {
        self.version += 1;
        let after = after.map(|mut object| {
            stamp(&mut object, self.version);
            Arc::new(object)
        });
        let before = match &after {
            Some(object) => self.objects.insert(key.clone(), Arc::clone(object)),
            None => self.objects.remove(&key),
        };
        self.index_owners(&key, before.as_deref(), after.as_deref());
        self.expiry.wrote(&key, self.version);
        self.history.push_back(Change { version: self.version, key, before, after: after.clone() });
        if self.history.len() > HISTORY
            && let Some(oldest) = self.history.pop_front()
        {
            self.compacted = oldest.version;
        }
        self.announce.send_replace(self.version);
        self.written.notify_waiters();
        after
    }
}

/// The UIDs of the owners of an object.
pub(super) fn owners(object: &Value) -> impl Iterator<Item = &str> {
    list(object, "/metadata/ownerReferences").iter().map(|owner| text(owner, "/uid"))
}

/// Whether deletion of the object has begun.
pub(crate) fn is_terminating(object: &Value) -> bool {
    !text(object, "/metadata/deletionTimestamp").is_empty()
}

fn is_at(object: &Value, version: u64) -> bool {
    text(object, "/metadata/resourceVersion") == version.to_string()
}

fn stamp(object: &mut Value, version: u64) {
    if let Some(metadata) = object.get_mut("metadata") {
        put(metadata, "resourceVersion", Some(json!(version.to_string())));
    }
}

#[cfg(test)]
mod tests;
