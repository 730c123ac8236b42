use jiff::Timestamp;
use k8s_openapi::api::core::v1::LoadBalancerIngress;

use super::*;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn addresses(ips: &[&str]) -> LoadBalancerStatus {
    let entry = |ip: &&str| LoadBalancerIngress { ip: Some((*ip).to_owned()), ..Default::default() };
    LoadBalancerStatus { ingress: Some(ips.iter().map(entry).collect()) }
}

fn service(status: &Value) -> Service {
    let metadata = json!({"name": "web", "namespace": "shop", "generation": 3});
    serde_json::from_value(json!({"metadata": metadata, "status": status})).unwrap()
}

fn ready(since: &str, generation: i64) -> Value {
    json!({"type": READY_CONDITION, "status": "True", "reason": "LoadBalancerReady", "lastTransitionTime": since,
        "message": "the load balancer is as the Service asks", "observedGeneration": generation})
}

#[test]
fn sc_83_sc_87_addresses_are_patched_only_where_they_differ() {
    let one = json!({"loadBalancer": {"ingress": [{"ip": "8.8.8.8", "ipMode": "VIP"}]}});
    let none = json!({"loadBalancer": {}});
    let cases = [
        ("b073", &one, addresses(&["8.8.8.8"]), None),
        (
            "b074",
            &none,
            addresses(&["8.8.8.8"]),
            Some(r#"{"status":{"loadBalancer":{"ingress":[{"ip":"8.8.8.8"}]}}}"#),
        ),
        ("b075", &none, addresses(&[]), None),
        ("b075, absent", &none, LoadBalancerStatus::default(), None),
        ("b076", &one, addresses(&[]), Some(r#"{"status":{"loadBalancer":{"ingress":null}}}"#)),
        (
            "the list is replaced whole",
            &one,
            addresses(&["8.8.8.8", "9.9.9.9"]),
            Some(r#"{"status":{"loadBalancer":{"ingress":[{"ip":"8.8.8.8"},{"ip":"9.9.9.9"}]}}}"#),
        ),
    ];
    for (case, have, want, expected) in cases {
        let patch = patch(&service(have), Some(&want), None, NOW).map(|patch| patch.to_string());
        assert_eq!(patch.as_deref(), expected, "{case}");
    }
}

#[test]
fn the_condition_goes_along_with_the_addresses_and_names_the_generation() {
    let patch = patch(&service(&json!({})), Some(&addresses(&["8.8.8.8"])), Some(&Health::Ready), NOW);
    let expected = json!({"status": {
        "conditions": [ready("1970-01-01T00:00:00Z", 3)],
        "loadBalancer": {"ingress": [{"ip": "8.8.8.8"}]}
    }});
    assert_eq!(patch, Some(expected));
}

#[test]
fn a_condition_that_says_so_already_is_left_alone_and_foreign_ones_always() {
    let foreign = json!({"type": "example.com/Other", "status": "True", "reason": "Is", "message": "",
        "lastTransitionTime": "2020-01-01T00:00:00Z"});
    let have = service(&json!({"conditions": [foreign, ready("2020-01-01T00:00:00Z", 3)]}));
    assert_eq!(patch(&have, None, Some(&Health::Ready), NOW), None);
    let older = service(&json!({"conditions": [foreign, ready("2020-01-01T00:00:00Z", 2)]}));
    let expected = json!({"status": {"conditions": [ready("2020-01-01T00:00:00Z", 3)]}});
    assert_eq!(
        patch(&older, None, Some(&Health::Ready), NOW),
        Some(expected),
        "the transition keeps its time"
    );
    let gone = json!({"status": {"conditions": [{"$patch": "delete", "type": READY_CONDITION}]}});
    assert_eq!(patch(&have, None, Some(&Health::Gone), NOW), Some(gone));
    assert_eq!(patch(&service(&json!({"conditions": [foreign]})), None, Some(&Health::Gone), NOW), None);
}

#[test]
fn a_failure_says_what_is_wrong() {
    let health = Health::Failed(ErrorKind::InvalidInput, "spec.ports[0]: bad".to_owned());
    let patch =
        patch(&service(&json!({"conditions": [ready("2020-01-01T00:00:00Z", 3)]})), None, Some(&health), NOW);
    let expected = json!({"status": {"conditions": [{
        "type": READY_CONDITION, "status": "False", "reason": "InvalidInput", "message": "spec.ports[0]: bad",
        "lastTransitionTime": "1970-01-01T00:00:00Z", "observedGeneration": 3
    }]}});
    assert_eq!(patch, Some(expected));
}
