use super::*;

const HOUR: Duration = Duration::from_hours(1);

fn id(cluster: &str, name: &str, uid: &str) -> ServiceId {
    ServiceId { cluster: cluster.into(), namespace: "shop".into(), name: name.into(), uid: uid.into() }
}

fn owned(service: Option<ServiceId>) -> Owned {
    Owned { service, resources: vec![OwnedResource::new("balancer", "b-1")] }
}

fn service(name: &str, uid: &str) -> Service {
    let metadata = serde_json::json!({"namespace": "shop", "name": name, "uid": uid});
    serde_json::from_value(serde_json::json!({"metadata": metadata})).unwrap()
}

#[test]
fn w_28_orphans_are_what_belongs_to_no_service_of_this_cluster() {
    let services = [service("web", "u-1"), service("api", "u-2")];
    let cases = [
        (owned(Some(id("c", "web", "u-1"))), false, "it exists"),
        (owned(Some(id("c", "old", "u-2"))), false, "the UID decides"),
        (owned(Some(id("c", "web", "u-0"))), true, "an earlier Service of this name"),
        (owned(Some(id("c", "gone", "u-3"))), true, "it does not exist"),
        (owned(Some(id("c", "web", ""))), false, "marks without a UID: the name decides"),
        (owned(Some(id("c", "gone", ""))), true, "marks without a UID"),
        (owned(Some(id("other", "gone", "u-3"))), false, "another cluster's"),
        (owned(None), false, "shared"),
    ];
    for (owned, expected, why) in cases {
        let found = !find_orphans(std::slice::from_ref(&owned), &services, "c").is_empty();
        assert_eq!(found, expected, "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn w_28_an_orphan_is_told_once_and_expires_only_when_it_was_there_all_the_time() {
    let (now, gone) = (Instant::now(), owned(Some(id("c", "gone", "u-3"))));
    let name = ObjectKey { namespace: "shop".into(), name: "gone".into() };
    let mut orphans = Orphans::new(Some(HOUR));
    assert_eq!(orphans.found(&[&gone], now).len(), 1, "new");
    assert_eq!(orphans.found(&[&gone], now + HOUR / 2).len(), 0, "known");
    assert_eq!(orphans.found(&[&gone], now + HOUR).len(), 1, "it has expired");
    let none = Claims::default();
    assert!(orphans.of(&name, &none, now + HOUR)[0].expired);
    let claims = Claims::of(&[service("gone", "u-3")]);
    assert!(orphans.of(&name, &claims, now + HOUR).is_empty(), "it was claimed meanwhile");
    orphans.found(&[], now + HOUR);
    orphans.found(&[&gone], now + 2 * HOUR);
    assert!(!orphans.of(&name, &none, now + 2 * HOUR)[0].expired, "it was away meanwhile");
    let mut kept = Orphans::new(None);
    kept.found(&[&gone], now);
    assert!(kept.found(&[&gone], now + 100 * HOUR).is_empty(), "deletion is not enabled");
}
