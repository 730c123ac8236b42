use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{Outputs, ResourceKey, Spec};

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
    /// Its ids, addresses and names. What others refer to tells it apart from everything else that is
    /// observed: a reference is recognised by its value.
    pub outputs: Outputs,
    /// Outputs of others that it uses beyond the inputs of its spec, for example through parts that are
    /// not observed, or go with it: the others cannot go before it.
    pub uses: BTreeSet<String>,
}

impl<S: Spec> Have<S> {
    /// Whether it is part of another, or has an input that is an output of the other.
    pub(crate) fn depends_on(&self, key: &ResourceKey, other: &Self) -> bool {
        let refers = |value: &str| other.outputs.values().any(|output| output == value);
        self.container.as_ref() == Some(key)
            || self.spec.inputs().into_iter().filter_map(|input| input.value()).any(refers)
    }

    /// Whether the other cannot go before this one goes, or changes.
    pub(crate) fn holds(&self, key: &ResourceKey, other: &Self) -> bool {
        self.depends_on(key, other) || other.outputs.values().any(|output| self.uses.contains(output))
    }
}

/// All resources of one Service, and the shared ones that it may use.
///
/// Complete by construction: a provider that could not read everything returns an error instead.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed<S> {
    /// Never empty lists; the newest write first.
    resources: BTreeMap<ResourceKey, Vec<Have<S>>>,
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

    /// Adds a resource.
    ///
    /// A replacement that was interrupted leaves two resources of one owner under one key; the plan
    /// tells the old from the new. Two of different owners make the key ambiguous.
    pub fn add(&mut self, key: ResourceKey, have: Have<S>) {
        let why = format!("resources of different owners in the cloud claim to be {key}");
        let all = self.resources.entry(key).or_default();
        if all.first().is_some_and(|first| !first.ownership.same_owner(&have.ownership)) {
            for have in all {
                have.ownership = Ownership::Ambiguous(why.clone());
            }
        } else {
            all.push(have);
        }
    }

    /// The resource of a key; the first that was added, if there are several.
    pub fn get(&self, key: &ResourceKey) -> Option<&Have<S>> {
        self.all(key).first()
    }

    /// All resources, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&ResourceKey, &Have<S>)> {
        self.resources.iter().flat_map(|(key, all)| all.iter().map(move |have| (key, have)))
    }

    /// Whether nothing of the Service is there. Shared resources do not count.
    pub fn is_absent(&self) -> bool {
        !self.iter().any(|(_, have)| have.ownership == Ownership::Service)
    }

    pub(crate) fn all(&self, key: &ResourceKey) -> &[Have<S>] {
        self.resources.get(key).map(Vec::as_slice).unwrap_or_default()
    }

    /// Takes note of a new resource, which comes first from now on.
    pub(crate) fn put(&mut self, key: ResourceKey, have: Have<S>) {
        self.resources.entry(key).or_default().insert(0, have);
    }

    /// Forgets the resource of a key that has these outputs.
    pub(crate) fn remove(&mut self, key: &ResourceKey, outputs: &Outputs) {
        if let Some(all) = self.resources.get_mut(key) {
            all.retain(|have| have.outputs != *outputs);
            if all.is_empty() {
                self.resources.remove(key);
            }
        }
    }
}

impl Ownership {
    /// Whether it may be deleted.
    pub(super) fn is_ours_alone(&self) -> bool {
        matches!(self, Self::Service | Self::Cluster { used_by_others: false })
    }

    fn same_owner(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Service, Self::Service) | (Self::Cluster { .. }, Self::Cluster { .. }) => true,
            (Self::Foreign(one), Self::Foreign(other)) => one == other,
            _ => false,
        }
    }
}
