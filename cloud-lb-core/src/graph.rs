//! Desired resources and the references between them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Serialize, Serializer};

use crate::error::{Error, ErrorKind, Result};

/// Names one resource within one load balancer (or within the cluster, for shared ones).
///
/// The name is logical (`tcp-80`), not the cloud's: the same port has the same key for ever, whatever
/// the resource behind it is called.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceKey {
    /// Kind, in the cloud's own words, for example `TargetGroup`.
    pub kind: &'static str,
    /// Logical name.
    pub name: String,
}

impl ResourceKey {
    /// Names a resource.
    pub fn new(kind: &'static str, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }
}

impl fmt::Display for ResourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

impl Serialize for ResourceKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Points to an output of another resource, for example the ARN of a target group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Ref {
    /// The other resource.
    #[serde(rename = "ref")]
    pub to: ResourceKey,
    /// Name of its output.
    pub output: &'static str,
}

/// A field that is filled from another resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum Input {
    /// Known.
    Value(String),
    /// Known once the other resource exists.
    Ref(Ref),
}

impl Input {
    /// Refers to `output` of `to`.
    pub fn reference(to: &ResourceKey, output: &'static str) -> Self {
        Self::Ref(Ref { to: to.clone(), output })
    }

    /// The value, if known.
    pub fn value(&self) -> Option<&str> {
        match self {
            Self::Value(value) => Some(value),
            Self::Ref(_) => None,
        }
    }
}

/// What a created resource tells: ids, addresses, names that the cloud chose.
pub type Outputs = BTreeMap<String, String>;

/// The desired state of one resource. One enum per provider, one variant per kind.
pub trait Spec: Clone + fmt::Debug + PartialEq + Serialize + Send + Sync + 'static {
    /// The fields that come from other resources.
    fn inputs(&self) -> Vec<&Input>;

    /// The same fields, to be filled in.
    fn inputs_mut(&mut self) -> Vec<&mut Input>;

    /// Slots that only one resource can hold at a time, for example `load-balancer/port 80 TCP`.
    ///
    /// A resource that is no longer wanted and holds a slot that a new one needs is deleted first.
    fn claims(&self) -> Vec<String>;

    /// Whether this is a set of targets, which follows the nodes.
    fn is_target_set(&self) -> bool;
}

/// Who a resource belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Owner {
    /// One Service: made and deleted with it.
    Service,
    /// The cluster: made with the first Service that needs it, deleted with the last.
    Cluster,
}

/// A desired resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource<S> {
    /// Desired state.
    pub spec: S,
    /// Who it belongs to.
    pub owner: Owner,
    /// The resource that it is a part of and written with, for example the shared load balancer that
    /// holds a rule. A container contains itself.
    pub container: Option<ResourceKey>,
    /// Resources that must exist before, beyond those that the spec refers to.
    pub after: BTreeSet<ResourceKey>,
}

impl<S: Spec> Resource<S> {
    /// A resource of its own, owned by one Service.
    pub fn owned(spec: S) -> Self {
        Self { spec, owner: Owner::Service, container: None, after: BTreeSet::new() }
    }

    /// A resource that the Services of the cluster share.
    pub fn shared(spec: S) -> Self {
        Self { owner: Owner::Cluster, ..Self::owned(spec) }
    }

    /// Makes it a part of `container`.
    pub fn in_container(mut self, container: &ResourceKey) -> Self {
        self.container = Some(container.clone());
        self
    }

    /// Makes it wait for `key`.
    pub fn after(mut self, key: &ResourceKey) -> Self {
        self.after.insert(key.clone());
        self
    }

    pub(crate) fn dependencies(&self, own: &ResourceKey) -> BTreeSet<ResourceKey> {
        let mut keys = self.after.clone();
        keys.extend(self.container.iter().filter(|container| *container != own).cloned());
        keys.extend(self.spec.inputs().into_iter().filter_map(|input| match input {
            Input::Ref(reference) => Some(reference.to.clone()),
            Input::Value(_) => None,
        }));
        keys
    }
}

/// All resources that one load balancer needs, keyed, with their references.
///
/// Empty means that nothing is wanted: deletion is the plan towards the empty graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph<S> {
    resources: BTreeMap<ResourceKey, Resource<S>>,
}

impl<S> Default for Graph<S> {
    fn default() -> Self {
        Self { resources: BTreeMap::new() }
    }
}

impl<S: Spec> Graph<S> {
    /// The graph of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a resource.
    ///
    /// # Errors
    /// `Internal` if the key is taken: two resources under one name are a bug of the provider.
    pub fn add(&mut self, key: ResourceKey, resource: Resource<S>) -> Result<()> {
        if self.resources.contains_key(&key) {
            return Err(bug(format!("{key} is in the desired graph twice")));
        }
        self.resources.insert(key, resource);
        Ok(())
    }

    /// The resource of a key.
    pub fn get(&self, key: &ResourceKey) -> Option<&Resource<S>> {
        self.resources.get(key)
    }

    /// All resources, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&ResourceKey, &Resource<S>)> {
        self.resources.iter()
    }

    /// Whether nothing is wanted.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }

    /// Keys in an order in which every resource comes after those that it needs.
    ///
    /// The order is a function of the graph alone. Parts of one container stand together where their
    /// dependencies allow it, so that they can be written at once.
    ///
    /// # Errors
    /// `Internal` if a reference leads nowhere or in a circle.
    pub fn order(&self) -> Result<Vec<ResourceKey>> {
        let needs = self.resources.iter().map(|(key, r)| (key.clone(), r.dependencies(key))).collect();
        order(&needs, |key| self.get(key).and_then(|resource| resource.container.as_ref()))
    }
}

/// Sorts things so that each comes after those that it needs; stand-alone ones first, then container
/// by container.
///
/// # Errors
/// `Internal` if something is needed that is not there, or if needs run in a circle.
pub(crate) fn order<'a, K: Clone + Ord + fmt::Display>(
    needs: &BTreeMap<K, BTreeSet<K>>,
    container: impl Fn(&K) -> Option<&'a ResourceKey>,
) -> Result<Vec<K>> {
    if let Some((key, missing)) =
        needs.iter().find_map(|(key, set)| Some((key, set.iter().find(|to| !needs.contains_key(to))?)))
    {
        return Err(bug(format!("{key} refers to {missing}, which is not in the graph")));
    }
    let mut waiting: BTreeMap<&K, &BTreeSet<K>> = needs.iter().collect();
    let mut sorted: Vec<K> = Vec::with_capacity(needs.len());
    let mut last: Option<&ResourceKey> = None;
    while !waiting.is_empty() {
        let ready = waiting.iter().filter(|(_, needs)| !needs.iter().any(|to| waiting.contains_key(to)));
        let next = ready.map(|(key, _)| *key).min_by_key(|key| {
            let container = container(key);
            (container.is_none() || container != last, container, *key)
        });
        let Some(next) = next else {
            let stuck: Vec<String> = waiting.keys().map(ToString::to_string).collect();
            return Err(bug(format!("references run in a circle among {}", stuck.join(", "))));
        };
        waiting.remove(next);
        last = container(next);
        sorted.push(next.clone());
    }
    Ok(sorted)
}

fn bug(message: String) -> Error {
    Error::new(ErrorKind::Internal, message)
}
