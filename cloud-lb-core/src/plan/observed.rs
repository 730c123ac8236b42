use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::graph::{Outputs, ResourceKey};

/// Whose an observed resource is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ownership {
    /// The Service's that is being reconciled: it may be changed and deleted.
    Service,
    /// The cluster's: it may be changed, and deleted when nobody uses it.
    Cluster {
        /// Whether another Service uses it.
        used_by_others: bool,
    },
    /// Somebody else's, who is named. It is never touched.
    Foreign(String),
    /// It cannot be told; the text says why. Planning is refused.
    Ambiguous(String),
}

/// A resource as the cloud has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Have<S> {
    /// Observed state, in the provider's normal form: only fields that we own.
    pub spec: S,
    /// Whose it is.
    pub ownership: Ownership,
    /// The resource that it is a part of.
    pub container: Option<ResourceKey>,
    /// Its ids, addresses and names.
    pub outputs: Outputs,
}

/// All resources of one Service, and the shared ones that it may use.
///
/// Complete by construction: a provider that could not read everything returns an error instead.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed<S> {
    resources: BTreeMap<ResourceKey, Have<S>>,
}

impl<S> Default for Observed<S> {
    fn default() -> Self {
        Self { resources: BTreeMap::new() }
    }
}

impl<S> Observed<S> {
    /// Nothing is there.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a resource. A second one under the same key makes the key ambiguous.
    pub fn add(&mut self, key: ResourceKey, have: Have<S>) {
        match self.resources.entry(key) {
            Entry::Vacant(slot) => {
                slot.insert(have);
            }
            Entry::Occupied(mut slot) => {
                let why = format!("two resources in the cloud claim to be {}", slot.key());
                slot.get_mut().ownership = Ownership::Ambiguous(why);
            }
        }
    }

    /// The resource of a key.
    pub fn get(&self, key: &ResourceKey) -> Option<&Have<S>> {
        self.resources.get(key)
    }

    /// All resources, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&ResourceKey, &Have<S>)> {
        self.resources.iter()
    }

    /// Whether nothing of the Service is there. Shared resources do not count.
    pub fn is_absent(&self) -> bool {
        !self.resources.values().any(|have| have.ownership == Ownership::Service)
    }

    pub(crate) fn set(&mut self, key: ResourceKey, have: Have<S>) {
        self.resources.insert(key, have);
    }

    pub(crate) fn remove(&mut self, key: &ResourceKey) {
        self.resources.remove(key);
    }
}
