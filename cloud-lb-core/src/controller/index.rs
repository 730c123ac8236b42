//! The objects of one kind as the watch shows them, and how each event changes them.

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::ResourceExt;
use kube::runtime::watcher::Event;

use super::key::ObjectKey;

/// How an object changed between two looks.
#[derive(Debug, Clone)]
pub(crate) enum Change<K> {
    /// It was not there before.
    Added(Arc<K>),
    /// It is not as it was.
    Updated {
        /// As it was.
        old: Arc<K>,
        /// As it is.
        new: Arc<K>,
    },
    /// It is not there any more.
    Deleted(Arc<K>),
}

/// The newest objects of a kind.
///
/// Unlike a reflector's store it tells what changed: decisions compare the old object with the new one,
/// and a deletion that a broken watch missed shows in the next list (W-9).
#[derive(Debug)]
pub(crate) struct Index<K> {
    objects: BTreeMap<ObjectKey, Arc<K>>,
    arriving: BTreeMap<ObjectKey, Arc<K>>,
    listed: bool,
}

impl<K> Default for Index<K> {
    fn default() -> Self {
        Self { objects: BTreeMap::new(), arriving: BTreeMap::new(), listed: false }
    }
}

impl<K: ResourceExt> Index<K> {
    /// Takes in an event of the watch and says what it changed.
    pub(crate) fn apply(&mut self, event: Event<K>) -> Vec<Change<K>> {
        match event {
            Event::Init => {
                self.arriving.clear();
                Vec::new()
            }
            Event::InitApply(object) => {
                self.arriving.insert(ObjectKey::of(&object), Arc::new(object));
                Vec::new()
            }
            Event::InitDone => self.replace(),
            Event::Apply(object) => {
                let key = ObjectKey::of(&object);
                let new = Arc::new(object);
                let old = self.objects.insert(key, Arc::clone(&new));
                change(old, Some(new)).into_iter().collect()
            }
            Event::Delete(object) => {
                let old = self.objects.remove(&ObjectKey::of(&object));
                change(old, None).into_iter().collect()
            }
        }
    }

    fn replace(&mut self) -> Vec<Change<K>> {
        self.listed = true;
        let new = std::mem::take(&mut self.arriving);
        let mut old = std::mem::replace(&mut self.objects, new);
        let mut changes: Vec<Change<K>> = self
            .objects
            .iter()
            .filter_map(|(key, new)| change(old.remove(key), Some(Arc::clone(new))))
            .collect();
        changes.extend(old.into_values().map(Change::Deleted));
        changes
    }

    /// Whether the first list is complete (SC-3).
    pub(crate) fn is_listed(&self) -> bool {
        self.listed
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &K> {
        self.objects.values().map(AsRef::as_ref)
    }

    pub(crate) fn get(&self, key: &ObjectKey) -> Option<&Arc<K>> {
        self.objects.get(key)
    }
}

fn change<K: ResourceExt>(old: Option<Arc<K>>, new: Option<Arc<K>>) -> Option<Change<K>> {
    match (old, new) {
        (None, None) => None,
        (None, Some(new)) => Some(Change::Added(new)),
        (Some(old), None) => Some(Change::Deleted(old)),
        (Some(old), Some(new)) if is_same(&*old, &*new) => None,
        (Some(old), Some(new)) => Some(Change::Updated { old, new }),
    }
}

fn is_same<K: ResourceExt>(old: &K, new: &K) -> bool {
    new.resource_version().is_some() && old.resource_version() == new.resource_version()
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Node;
    use kube::core::ObjectMeta;

    use super::*;

    fn node(name: &str, version: &str) -> Node {
        let name = Some(name.to_owned());
        let metadata = ObjectMeta { name, resource_version: Some(version.to_owned()), ..Default::default() };
        Node { metadata, ..Default::default() }
    }

    fn names(changes: &[Change<Node>]) -> Vec<String> {
        let text = |change: &Change<Node>| match change {
            Change::Added(new) => format!("+{}", new.name_any()),
            Change::Updated { new, .. } => format!("~{}", new.name_any()),
            Change::Deleted(old) => format!("-{}", old.name_any()),
        };
        changes.iter().map(text).collect()
    }

    #[test]
    fn a_list_tells_what_was_missed() {
        let mut index = Index::default();
        index.apply(Event::Init);
        for name in ["a", "b", "c"] {
            assert!(index.apply(Event::InitApply(node(name, "1"))).is_empty());
        }
        assert!(!index.is_listed(), "SC-3: not before the list is complete");
        assert_eq!(names(&index.apply(Event::InitDone)), ["+a", "+b", "+c"]);
        assert!(index.is_listed());
        index.apply(Event::Init);
        for (name, version) in [("b", "1"), ("c", "2"), ("d", "1")] {
            index.apply(Event::InitApply(node(name, version)));
        }
        assert_eq!(names(&index.apply(Event::InitDone)), ["~c", "+d", "-a"]);
    }

    /// Upstream's cache of Services. Here it is this index; what a lane needs to remember beyond it travels
    /// with the lane.
    #[test]
    fn objects_are_kept_by_namespace_and_name() {
        let mut index = Index::default();
        index.apply(Event::Apply(node("a", "1")));
        assert_eq!(index.objects.len(), 1, "b063");
        index.apply(Event::Delete(node("a", "1")));
        assert_eq!(index.objects.len(), 0, "b064");
        index.apply(Event::Apply(node("a", "2")));
        let key = ObjectKey::of(&node("a", ""));
        assert!(index.get(&key).is_some(), "b065");
        index.apply(Event::Apply(node("b", "1")));
        assert_eq!(index.objects.keys().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["a", "b"], "b066");
        assert_eq!(index.get(&key).map(|node| node.name_any()).as_deref(), Some("a"), "b067");
        assert_eq!(index.objects.values().filter(|node| !node.name_any().is_empty()).count(), 2, "b068");
    }

    #[test]
    fn single_events_tell_old_and_new() {
        let mut index = Index::default();
        assert_eq!(names(&index.apply(Event::Apply(node("a", "1")))), ["+a"]);
        assert!(index.apply(Event::Apply(node("a", "1"))).is_empty(), "the same version again");
        assert_eq!(names(&index.apply(Event::Apply(node("a", "2")))), ["~a"]);
        assert_eq!(names(&index.apply(Event::Delete(node("a", "3")))), ["-a"]);
        assert!(index.apply(Event::Delete(node("a", "3"))).is_empty());
    }
}
