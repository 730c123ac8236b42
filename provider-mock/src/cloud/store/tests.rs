use std::num::NonZeroUsize;

use serde_json::json;

use super::*;

fn new(kind: &'static str, name: &str, body: Value) -> NewResource {
    NewResource { kind, name: name.to_owned(), tags: Tags::new(), description: String::new(), body }
}

fn store(options: Options) -> (Store, Instant) {
    (Store::new(options, None), Instant::now())
}

/// A load balancer with a listener and its target group; their ids.
fn small_stack(store: &mut Store, now: Instant) -> [String; 3] {
    let balancer = store.create(new("LoadBalancer", "lb", json!({"families": ["IPv4"]})), now).unwrap().id;
    let group =
        store.create(new("TargetGroup", "tg", json!({"protocol": "TCP", "family": "IPv4"})), now).unwrap().id;
    let listener = json!({"loadBalancer": balancer, "targetGroup": group, "port": 80, "protocol": "TCP"});
    let listener = store.create(new("Listener", "l", listener), now).unwrap().id;
    [balancer, group, listener]
}

#[tokio::test(start_paused = true)]
async fn bad_creates_are_refused_and_change_nothing() {
    let (mut store, now) = store(Options::new().with_quota("TargetGroup", 2));
    let [balancer, group, _] = small_stack(&mut store, now);
    let udp = store.create(new("TargetGroup", "udp", json!({"protocol": "UDP"})), now).unwrap().id;
    let listener = |group: &str, port: u32| json!({"loadBalancer": balancer, "targetGroup": group, "port": port, "protocol": "TCP"});
    let address = |families: Value| json!({"families": families, "requestedAddress": "192.0.2.1"});
    let before = store.records(now);
    let cases = [
        ("LoadBalancer", "lb", json!({}), ErrorKind::Conflict, "exists already"),
        (
            "Listener",
            "x",
            listener("mock:TargetGroup:no:9", 81),
            ErrorKind::NotFound,
            "mock:TargetGroup:no:9",
        ),
        ("Listener", "x", listener(&group, 80), ErrorKind::InUse, "port 80"),
        ("Listener", "x", listener(&group, 0), ErrorKind::InvalidInput, "port is 0"),
        ("Listener", "x", listener(&group, 65_536), ErrorKind::InvalidInput, "port is 65536"),
        ("Listener", "x", listener(&udp, 81), ErrorKind::InvalidInput, "protocol"),
        ("TargetGroup", "x", json!({}), ErrorKind::Quota, "no more than 2"),
        ("LoadBalancer", "x", address(json!(["IPv4"])), ErrorKind::InUse, "192.0.2.1"),
        ("LoadBalancer", "x", address(json!(["IPv6", "IPv4"])), ErrorKind::InUse, "192.0.2.1"),
    ];
    for (kind, name, body, expected, says) in cases {
        let error = store.create(new(kind, name, body), now).unwrap_err();
        assert_eq!(error.kind(), expected, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
    assert_eq!(store.records(now), before);
    let free = store.create(new("Address", "free", json!({"family": "IPv6"})), now).unwrap();
    assert_eq!(free.assigned["address-IPv6"], "2001:db8::1", "no refused create keeps an address");
}

#[tokio::test(start_paused = true)]
async fn parts_of_a_container_are_checked_too() {
    let (mut store, now) = store(Options::new().with_quota("LoadBalancer/rules", 2));
    let rule = |port: u32| json!({"frontend": "#/frontends/f", "port": port, "protocol": "TCP"});
    let cases = [
        (json!({"rules": {"r": rule(1)}}), Some(ErrorKind::NotFound)),
        (json!({"frontends": {"f": {}}, "rules": {"a": rule(1), "b": rule(1)}}), Some(ErrorKind::InUse)),
        (
            json!({"frontends": {"f": {}}, "rules": {"a": rule(1), "b": rule(2), "c": rule(3)}}),
            Some(ErrorKind::Quota),
        ),
        (
            json!({"frontends": {"f": {}}, "rules": {"a": rule(1), "b": rule(0)}}),
            Some(ErrorKind::InvalidInput),
        ),
        (json!({"frontends": {"f": {}}, "rules": {"a": rule(1), "b": rule(2)}}), None),
    ];
    for (body, expected) in cases {
        let result = store.create(new("LoadBalancer", "shared", body.clone()), now);
        assert_eq!(result.err().map(|error| error.kind()), expected, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_in_use_cannot_be_deleted() {
    let (mut store, now) = store(Options::new());
    let [balancer, group, listener] = small_stack(&mut store, now);
    for id in [&balancer, &group] {
        assert_eq!(store.delete(id, None, now).unwrap_err().kind(), ErrorKind::InUse);
    }
    for id in [&listener, &balancer, &group] {
        assert_eq!(store.delete(id, None, now).unwrap(), None);
        assert_eq!(store.delete(id, None, now).unwrap_err().kind(), ErrorKind::NotFound);
    }
    assert_eq!(store.records(now), []);
}

#[tokio::test(start_paused = true)]
async fn an_etag_guards_a_write_and_changes_with_it() {
    let (mut store, now) = store(Options::new());
    let first = store.create(new("SecurityGroup", "sg", json!({})), now).unwrap();
    let second = store.modify(&first.id, json!({"rules": {}}), Some(first.etag), now).unwrap();
    assert_ne!(first.etag, second.etag);
    let error = store.modify(&first.id, json!({}), Some(first.etag), now).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(store.delete(&first.id, Some(first.etag), now).unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(store.delete(&first.id, Some(second.etag), now).unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn fixed_fields_cannot_be_modified() {
    let (mut store, now) = store(Options::new());
    let [_, group, _] = small_stack(&mut store, now);
    let error = store.modify(&group, json!({"protocol": "UDP", "family": "IPv4"}), None, now).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("protocol"));
}

#[tokio::test(start_paused = true)]
async fn the_same_create_again_gives_the_same_resource() {
    let (mut store, now) = store(Options::new());
    let create = || new("TargetGroup", "tg", json!({"protocol": "TCP"}));
    assert_eq!(store.create(create(), now).unwrap(), store.create(create(), now).unwrap());
    assert_eq!(store.records(now).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn addresses_come_and_go_with_families_and_are_used_again() {
    let (mut store, now) = store(Options::new());
    let create = |store: &mut Store, name: &str| {
        store.create(new("LoadBalancer", name, json!({"families": ["IPv4"]})), now).unwrap()
    };
    let [one, two] = ["one", "two"].map(|name| create(&mut store, name));
    assert_eq!(
        (one.assigned["address-IPv4"].as_str(), two.assigned["address-IPv4"].as_str()),
        ("192.0.2.1", "192.0.2.2")
    );
    assert_eq!(one.assigned["hostname"], "one.mock.cloud-lb.dev");
    let both = store.modify(&one.id, json!({"families": ["IPv6", "IPv4"]}), None, now).unwrap();
    assert_eq!(
        (both.assigned["address-IPv4"].as_str(), both.assigned["address-IPv6"].as_str()),
        ("192.0.2.1", "2001:db8::1")
    );
    store.delete(&one.id, None, now).unwrap();
    assert_eq!(create(&mut store, "three").assigned["address-IPv4"], "192.0.2.1");
}

#[tokio::test(start_paused = true)]
async fn slow_kinds_are_provisioned_and_deleted_in_time() {
    let minute = Duration::from_mins(1);
    let (mut store, now) = store(Options::new().with_provisioning(minute));
    let [balancer, group, listener] = small_stack(&mut store, now);
    let life =
        |store: &Store, id: &str, after: Duration| store.get(id, now + after).map(|record| record.life).ok();
    assert_eq!(life(&store, &group, Duration::ZERO), Some(Life::Active));
    assert_eq!(life(&store, &balancer, minute / 2), Some(Life::Provisioning));
    assert_eq!(life(&store, &balancer, minute), Some(Life::Active));

    let later = now + minute;
    store.delete(&listener, None, later).unwrap();
    assert_eq!(store.delete(&balancer, None, later).unwrap().map(|left| left.life), Some(Life::Deleting));
    let error = store.modify(&balancer, json!({}), None, later).unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Conflict, Retry::After(minute)));
    let again = new("LoadBalancer", "lb", json!({"families": ["IPv4"]}));
    assert_eq!(store.create(again.clone(), later).unwrap_err().kind(), ErrorKind::Conflict);
    let gone = later + minute;
    assert_eq!(store.get(&balancer, gone).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(store.create(again, gone).unwrap().assigned["address-IPv4"], "192.0.2.1");
}

#[tokio::test(start_paused = true)]
async fn the_past_can_be_read_and_is_forgotten() {
    let second = Duration::from_secs(1);
    let (mut store, start) = store(Options::new().with_stale_reads(10 * second));
    let group = store.create(new("TargetGroup", "tg", json!({"n": 1})), start + second).unwrap();
    store.modify(&group.id, json!({"n": 2}), None, start + 2 * second).unwrap();
    store.delete(&group.id, None, start + 3 * second).unwrap();
    let seen = |store: &Store, after: u32| -> Vec<Value> {
        let query = Query { kind: "TargetGroup", tags: &Tags::new() };
        store
            .list(query, None, start + second * after)
            .records
            .into_iter()
            .map(|record| record.body["n"].clone())
            .collect()
    };
    assert_eq!(
        [0, 1, 2, 3].map(|after| seen(&store, after).first().and_then(Value::as_u64)),
        [None, Some(1), Some(2), None]
    );
    store.create(new("TargetGroup", "another", json!({})), start + 20 * second).unwrap();
    assert!(!store.resources.contains_key(&group.id));
}

#[tokio::test(start_paused = true)]
async fn lists_come_in_pages_and_filtered_by_tags() {
    let (mut store, now) = store(Options::new().with_page_size(NonZeroUsize::new(2).unwrap()));
    for index in 0..5 {
        let tags = Tags::from([("parity".to_owned(), (index % 2).to_string())]);
        let resource = NewResource { tags, ..new("TargetGroup", &format!("tg{index}"), json!({})) };
        store.create(resource, now).unwrap();
    }
    let even = Tags::from([("parity".to_owned(), "0".to_owned())]);
    let query = Query { kind: "TargetGroup", tags: &even };
    let first = store.list(query, None, now);
    let names = |page: &Page| page.records.iter().map(|record| record.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&first), ["tg0", "tg2"]);
    let second = store.list(query, first.next.as_deref(), now);
    assert_eq!((names(&second), second.next), (vec!["tg4".to_owned()], None));
}
