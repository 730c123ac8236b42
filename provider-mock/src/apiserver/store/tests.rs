use super::*;
use crate::apiserver::json::child_mut;
use proptest::prelude::*;

/// A write to one of a few objects.
#[derive(Debug, Clone)]
enum Write {
    Put(u8, u8),
    Remove(u8),
}

fn writes() -> impl Strategy<Value = Vec<Write>> {
    let write = prop_oneof![
        (0..4_u8, any::<u8>()).prop_map(|(name, content)| Write::Put(name, content)),
        (0..4_u8).prop_map(Write::Remove)
    ];
    prop::collection::vec(write, 1..40)
}

fn perform(store: &mut Store, write: &Write) {
    match write {
        Write::Put(name, content) => {
            let key = Key::new(Resource::ConfigMaps, "default", &name.to_string());
            let mut object = json!({"data": {"content": content.to_string()}});
            child_mut(&mut object, "metadata").insert("name".to_owned(), json!(name.to_string()));
            store.commit(key, Some(object));
        }
        Write::Remove(name) => {
            let key = Key::new(Resource::ConfigMaps, "default", &name.to_string());
            if store.get(&key).is_some() {
                store.commit(key, None);
            }
        }
    }
}

type List = Vec<(Key, Arc<Value>)>;

/// The list that a watcher has who starts with `list` and reads every change after `version`.
fn replay(store: &Store, list: List, version: u64) -> List {
    let mut state: BTreeMap<Key, Arc<Value>> = list.into_iter().collect();
    for change in store.changes_after(version).unwrap() {
        match &change.after {
            Some(object) => state.insert(change.key.clone(), Arc::clone(object)),
            None => state.remove(&change.key),
        };
    }
    state.into_iter().collect()
}

proptest! {
    #[test]
    fn old_lists_are_as_they_were_and_changes_lead_to_the_present(writes in writes()) {
        let mut store = Store::new(watch::Sender::new(0), Allocators::default());
        let mut seen: Vec<(u64, List)> = vec![(0, Vec::new())];
        for write in &writes {
            perform(&mut store, write);
            seen.push((store.version(), store.list(Resource::ConfigMaps, "")));
        }
        for (version, list) in seen {
            let then = store.list_at(Resource::ConfigMaps, "default", version);
            prop_assert_eq!(then.as_ref(), Some(&list));
            prop_assert_eq!(replay(&store, list, version), store.list(Resource::ConfigMaps, ""));
        }
    }
}

#[test]
fn history_is_bounded_and_what_is_forgotten_is_said_to_be() {
    let mut store = Store::new(watch::Sender::new(0), Allocators::default());
    for content in 0..=HISTORY {
        perform(&mut store, &Write::Put(0, u8::try_from(content % 256).unwrap()));
    }
    assert_eq!(store.history.len(), HISTORY);
    let refused = store.changes_after(0).map(Iterator::count).unwrap_err();
    assert_eq!((refused.code(), refused.reason()), (410, "Expired"));
    assert_eq!(store.list_at(Resource::ConfigMaps, "", 0), None);
    assert_eq!(store.changes_after(1).map(Iterator::count), Ok(HISTORY));
}

#[test]
fn owners_are_found_until_the_reference_goes() {
    let mut store = Store::new(watch::Sender::new(0), Allocators::default());
    let key = Key::new(Resource::ConfigMaps, "default", "x");
    let object = json!({"metadata": {"ownerReferences": [{"uid": "u"}]}});
    store.commit(key.clone(), Some(object));
    assert_eq!(store.owned_by("u"), std::slice::from_ref(&key));
    store.commit(key, Some(json!({"metadata": {}})));
    assert_eq!(store.owned_by("u"), []);
    assert!(store.owned.is_empty());
}

#[tokio::test(start_paused = true)]
async fn events_go_an_hour_after_their_last_write() {
    let mut store = Store::new(watch::Sender::new(0), Allocators::default());
    let key = |name: &str| Key::new(Resource::Events, "default", name);
    let event = |count: u64| Some(json!({"metadata": {}, "count": count}));
    let stay = |store: &Store| -> Vec<String> {
        store.list(Resource::Events, "").into_iter().map(|(key, _)| key.name).collect()
    };
    store.commit(key("once"), event(1));
    store.commit(key("again"), event(1));
    tokio::time::advance(std::time::Duration::from_mins(30)).await;
    store.commit(key("again"), event(2));
    tokio::time::advance(std::time::Duration::from_mins(30)).await;
    store.commit(key("new"), event(1));
    assert_eq!(stay(&store), ["again", "new"]);
    let last = store.changes_after(0).unwrap().last().cloned().unwrap();
    assert_eq!((last.key.name.as_str(), last.after), ("once", None), "watches are told");
    tokio::time::advance(std::time::Duration::from_hours(1)).await;
    store.commit(Key::new(Resource::ConfigMaps, "default", "any"), event(0));
    assert_eq!(stay(&store), [""; 0]);
}
