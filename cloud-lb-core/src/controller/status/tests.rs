use jiff::Timestamp;
use k8s_openapi::api::core::v1::LoadBalancerIngress;

use super::*;
use crate::error::{Error, ErrorKind, Violation};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn addresses(ips: &[&str]) -> LoadBalancerStatus {
    let entry = |ip: &&str| LoadBalancerIngress { ip: Some((*ip).to_owned()), ..Default::default() };
    LoadBalancerStatus { ingress: Some(ips.iter().map(entry).collect()) }
}

fn service(status: &Value) -> Service {
    let metadata = json!({"name": "web", "namespace": "shop", "generation": 3});
    serde_json::from_value(json!({"metadata": metadata, "status": status})).unwrap()
}

fn ready(since: &str, generation: i64) -> Vec<Value> {
    let says = [
        (READY_CONDITION, "True", "LoadBalancerReady", "the load balancer is as the Service asks"),
        (PROGRESSING_CONDITION, "False", "LoadBalancerReady", "nothing is left to do"),
        (DEGRADED_CONDITION, "False", "AsExpected", "nothing went wrong"),
    ];
    let condition = |(type_, status, reason, message)| {
        json!({"type": type_, "status": status, "reason": reason, "message": message,
            "lastTransitionTime": since, "observedGeneration": generation})
    };
    says.map(condition).to_vec()
}

fn with_conditions(conditions: impl IntoIterator<Item = Value>) -> Service {
    service(&json!({"conditions": conditions.into_iter().collect::<Vec<_>>()}))
}

/// The conditions that a patch sets, or deletes, as `type status reason`.
fn says(have: &Service, health: &Health) -> Vec<String> {
    let patch = patch(have, None, Some(health), NOW).unwrap_or_default();
    let text = |condition: &Value| {
        let field = |name: &str| condition[name].as_str().unwrap_or_default().to_owned();
        let type_ = field("type").replace("cloud-lb.dev/", "");
        if condition["$patch"] == "delete" {
            format!("-{type_}")
        } else {
            format!("{type_} {} {}", field("status"), field("reason"))
        }
    };
    patch["status"]["conditions"].as_array().into_iter().flatten().map(text).collect()
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
fn the_conditions_go_along_with_the_addresses_and_name_the_generation() {
    let patch = patch(&service(&json!({})), Some(&addresses(&["8.8.8.8"])), Some(&Health::Ready(None)), NOW);
    let expected = json!({"status": {
        "conditions": ready("1970-01-01T00:00:00Z", 3),
        "loadBalancer": {"ingress": [{"ip": "8.8.8.8"}]}
    }});
    assert_eq!(patch, Some(expected));
}

#[test]
fn conditions_that_say_so_already_are_left_alone_and_foreign_ones_always() {
    let foreign = json!({"type": "example.com/Other", "status": "True", "reason": "Is", "message": "",
        "lastTransitionTime": "2020-01-01T00:00:00Z"});
    let health = Health::Ready(None);
    let have = with_conditions([foreign.clone()].into_iter().chain(ready("2020-01-01T00:00:00Z", 3)));
    assert_eq!(patch(&have, None, Some(&health), NOW), None);
    let older = with_conditions([foreign.clone()].into_iter().chain(ready("2020-01-01T00:00:00Z", 2)));
    let expected = json!({"status": {"conditions": ready("2020-01-01T00:00:00Z", 3)}});
    assert_eq!(patch(&older, None, Some(&health), NOW), Some(expected), "the transition keeps its time");
    assert_eq!(says(&have, &Health::Gone), ["-Ready", "-Progressing", "-Degraded"]);
    assert_eq!(patch(&with_conditions([foreign]), None, Some(&Health::Gone), NOW), None);
}

#[test]
fn w_13_each_state_is_told_by_three_conditions() {
    let failed = |kind| Health::Failed(Problem::new(&Error::new(kind, "no"), "it failed: no".to_owned()));
    let cases: [(Health, [&str; 3]); 5] = [
        (
            Health::Tidying(None, "old targets drain".to_owned()),
            ["Ready True LoadBalancerReady", "Progressing True Tidying", "Degraded False AsExpected"],
        ),
        (
            Health::Pending("made".to_owned()),
            ["Ready False Pending", "Progressing True Pending", "Degraded False AsExpected"],
        ),
        (
            failed(ErrorKind::Unavailable),
            ["Ready False Unavailable", "Progressing True Retrying", "Degraded True Unavailable"],
        ),
        (
            failed(ErrorKind::InvalidInput),
            ["Ready False InvalidInput", "Progressing False InvalidInput", "Degraded True InvalidInput"],
        ),
        (
            failed(ErrorKind::Quota),
            ["Ready False QuotaExceeded", "Progressing True Retrying", "Degraded True QuotaExceeded"],
        ),
    ];
    for (health, expected) in cases {
        assert_eq!(says(&service(&json!({})), &health), expected, "{health:?}");
    }
}

#[test]
fn w_13_a_failure_says_what_is_wrong_and_what_to_do() {
    let message = |kind| {
        let problem = Problem::new(&Error::new(kind, "no"), "failed to ensure load balancer: no".to_owned());
        let patch = patch(&service(&json!({})), None, Some(&Health::Failed(problem)), NOW).unwrap();
        patch["status"]["conditions"][0]["message"].as_str().unwrap().to_owned()
    };
    assert_eq!(message(ErrorKind::Unavailable), "failed to ensure load balancer: no");
    for (kind, what) in [
        (ErrorKind::InvalidInput, "change the Service"),
        (ErrorKind::Quota, "raise the quota"),
        (ErrorKind::PermissionDenied, "grant the permission"),
    ] {
        assert!(
            message(kind).starts_with(&format!("failed to ensure load balancer: no; {what}")),
            "{kind:?}"
        );
    }
}

#[test]
fn f_4_w_13_errors_of_ports_are_set_and_cleared() {
    let of = |kind, fields: &[&str]| {
        let violations = fields.iter().map(|field| Violation::new(*field, "x", "y")).collect();
        let error = match kind {
            ErrorKind::Unsupported => Error::unsupported("web", violations),
            _ => Error::invalid("web", violations),
        };
        Problem::new(&error, String::new()).ports.map(|ports| ports.reason)
    };
    let mixed = of(ErrorKind::Unsupported, &["spec.ports", "spec.ports[0].protocol"]);
    assert_eq!(mixed.as_deref(), Some("LoadBalancerMixedProtocolNotSupported"));
    let unsupported = of(ErrorKind::Unsupported, &["spec.ports[0].protocol", "spec.ipFamilies"]);
    assert_eq!(unsupported.as_deref(), Some("LoadBalancerPortsNotSupported"));
    assert_eq!(
        of(ErrorKind::InvalidInput, &["spec.ports[0].port"]).as_deref(),
        Some("LoadBalancerPortsInvalid")
    );
    assert_eq!(of(ErrorKind::InvalidInput, &["spec.loadBalancerIP"]), None);
    let error = json!({"type": "LoadBalancerPortsError", "status": "True", "reason": MIXED_PROTOCOLS, "message": "",
        "lastTransitionTime": "2020-01-01T00:00:00Z"});
    let have = with_conditions(ready("2020-01-01T00:00:00Z", 3).into_iter().chain([error]));
    assert_eq!(says(&have, &Health::Ready(None)), ["-LoadBalancerPortsError"]);
}

#[test]
fn f_7_errors_of_single_ports_are_told() {
    let status = json!({"ingress": [{"ip": "8.8.8.8", "ports": [
        {"port": 80, "protocol": "TCP"},
        {"port": 53, "protocol": "UDP", "error": "example.com/PortInUse"},
        {"port": 53, "protocol": "TCP", "error": "Blocked"}
    ]}]});
    let ports = PortsError::of_status(&serde_json::from_value(status).unwrap()).unwrap();
    assert_eq!(
        (ports.reason.as_str(), ports.message.as_str()),
        ("PortInUse", "53/UDP: example.com/PortInUse, 53/TCP: Blocked")
    );
    assert_eq!(PortsError::of_status(&addresses(&["8.8.8.8"])), None);
    let said = says(&service(&json!({})), &Health::Ready(Some(ports)));
    assert_eq!(said[3], "LoadBalancerPortsError True PortInUse");
}
