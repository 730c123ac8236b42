use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::controller::status::{self, Health};
use crate::k8s::FINALIZER;

fn rules() -> Rules {
    Rules {
        classes: ClassPolicy::default(),
        finalizer: FINALIZER.to_owned(),
        annotations: vec!["mock.example/"],
    }
}

fn service(changes: &[(&str, Value)]) -> Service {
    let mut service = json!({
        "metadata": {"name": "web", "namespace": "shop", "uid": "u-1", "annotations": {}},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80, "nodePort": 30080}]},
        "status": {}
    });
    for (pointer, value) in changes {
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        service.pointer_mut(parent).unwrap()[field] = value.clone();
    }
    serde_json::from_value(service).unwrap()
}

fn ours() -> (&'static str, Value) {
    ("/metadata/finalizers", json!([FINALIZER]))
}

fn deleted() -> (&'static str, Value) {
    ("/metadata/deletionTimestamp", json!("2026-01-01T00:00:00Z"))
}

fn cluster_ip() -> (&'static str, Value) {
    ("/spec/type", json!("ClusterIP"))
}

fn foreign() -> (&'static str, Value) {
    ("/spec/loadBalancerClass", json!("example.com/foreign"))
}

fn ip(ip: &str) -> (&'static str, Value) {
    ("/status/loadBalancer", json!({"ingress": [{"ip": ip}]}))
}

fn memory(service: &Service) -> Memory {
    let mut memory = Memory::new(Arc::new(service.clone()));
    memory.published = Some(addresses(service));
    memory
}

#[test]
fn sc_20_which_new_services_are_work() {
    let cases = [
        (service(&[]), Work::SYNC),
        (service(&[cluster_ip()]), Work::NONE),
        (service(&[cluster_ip(), ours()]), Work::SYNC),
        (service(&[foreign()]), Work::NONE),
        (service(&[foreign(), ours()]), Work::SYNC),
        (service(&[ours(), deleted()]), Work::SYNC),
    ];
    for (service, work) in cases {
        assert_eq!(rules().on_added(&service, None), work, "{service:?}");
    }
}

#[test]
fn sc_21_which_changes_are_work() {
    let cases = vec![
        (service(&[]), service(&[cluster_ip()]), Work::SYNC),
        (service(&[]), service(&[foreign()]), Work::SYNC),
        (service(&[]), service(&[("/spec/ports/0/port", json!(81))]), Work::SYNC),
        (service(&[]), service(&[("/metadata/annotations", json!({"foreign": "1"}))]), Work::NONE),
        (service(&[]), service(&[("/metadata/annotations", json!({"mock.example/x": "1"}))]), Work::SYNC),
        (service(&[]), service(&[("/metadata/labels", json!({"a": "b"}))]), Work::NONE),
        (service(&[ours()]), service(&[ours(), deleted()]), Work::SYNC),
        (service(&[]), service(&[deleted()]), Work::NONE),
        (service(&[foreign()]), service(&[foreign(), deleted()]), Work::NONE),
        (service(&[]), service(&[ip("8.8.8.8")]), Work::NONE),
        (service(&[]), service(&[ours()]), Work::NONE),
    ];
    for (old, new, work) in cases {
        assert_eq!(rules().on_updated(&old, &new, None), work, "{new:?}");
    }
}

#[test]
fn w_9_a_finalizer_that_was_stripped_is_put_back() {
    assert_eq!(rules().on_updated(&service(&[ours()]), &service(&[]), None), Work::SYNC);
    let (old, new) = (service(&[ours(), cluster_ip()]), service(&[cluster_ip()]));
    assert_eq!(rules().on_updated(&old, &new, None), Work::NONE, "not where no load balancer is wanted");
}

#[test]
fn w_9_a_deletion_without_our_finalizer_is_work_if_we_know_the_service() {
    let (old, new) = (service(&[]), service(&[deleted()]));
    assert_eq!(rules().on_updated(&old, &new, Some(&memory(&old))), Work::SYNC);
}

#[test]
fn w_4_a_wiped_status_is_work_but_not_one_from_before_our_write() {
    let published = service(&[ours(), ip("8.8.8.8")]);
    let memory = memory(&published);
    let wiped = service(&[ours()]);
    assert_eq!(rules().on_updated(&published, &wiped, Some(&memory)), Work::STATUS);
    assert_eq!(
        rules().on_updated(&published, &service(&[ours(), ip("1.1.1.1")]), Some(&memory)),
        Work::STATUS
    );
    assert_eq!(rules().on_updated(&service(&[]), &wiped, Some(&memory)), Work::NONE, "late news");
    assert_eq!(rules().on_updated(&published, &wiped, None), Work::NONE);
}

#[test]
fn w_4_a_status_that_was_wiped_while_its_lane_ran_is_work_after_it() {
    let at = |version: &str, rest: &[(&str, Value)]| {
        service(&[rest, &[("/metadata/resourceVersion", json!(version))]].concat())
    };
    let mut memory = memory(&at("7", &[ours(), ip("8.8.8.8")]));
    memory.written = Some(7);
    let cases = [
        (at("6", &[ours()]), Work::NONE, "late news from before our write"),
        (at("7", &[ours(), ip("8.8.8.8")]), Work::NONE, "our write"),
        (at("8", &[ours()]), Work::STATUS, "wiped after it"),
        (at("8", &[ours(), cluster_ip()]), Work::NONE, "it wants none any more"),
        (at("8", &[ours(), deleted()]), Work::NONE, "it is being deleted"),
    ];
    for (service, work, what) in cases {
        assert_eq!(rules().after_run(&service, &memory), work, "{what}");
        assert_eq!(
            rules().on_updated(&at("5", &[ours()]), &service, Some(&memory)) == Work::STATUS,
            work == Work::STATUS,
            "{what}"
        );
    }
}

#[test]
fn w_4_w_13_conditions_that_others_changed_and_a_new_generation_are_told_again() {
    let health = Health::Pending("it takes a while".to_owned());
    let told = |health: &Health| {
        let patch = status::patch(&service(&[ours()]), None, Some(health), Timestamp::UNIX_EPOCH).unwrap();
        ("/status/conditions", patch["status"]["conditions"].clone())
    };
    let at = |version: i32, rest: (&'static str, Value)| {
        service(&[ours(), rest, ("/metadata/resourceVersion", json!(version.to_string()))])
    };
    let mut waiting = memory(&service(&[ours()]));
    (waiting.published, waiting.health, waiting.written) = (None, Some(health.clone()), Some(7));
    let ours_now = at(7, told(&health));
    let others_say = told(&Health::Pending("a write that comes late".to_owned()));
    let cases = [
        (at(8, ("/status/conditions", json!([]))), Work::STATUS, "wiped"),
        (at(8, others_say.clone()), Work::STATUS, "said otherwise"),
        (at(8, told(&health)), Work::NONE, "somebody changed something else"),
        (at(6, others_say), Work::NONE, "late news from before our write"),
    ];
    for (new, work, what) in cases {
        assert_eq!(rules().on_updated(&ours_now, &new, Some(&waiting)), work, "{what}");
        assert_eq!(rules().after_run(&new, &waiting), work, "{what}");
    }
    let selected = service(&[ours(), ("/metadata/generation", json!(2))]);
    assert_eq!(rules().on_updated(&service(&[ours()]), &selected, Some(&waiting)), Work::STATUS);
}

#[test]
fn the_condition_that_tells_of_a_failed_cleanup_does_not_speed_it_up() {
    let old = service(&[ours(), deleted()]);
    let new = service(&[ours(), deleted(), ("/status/conditions", json!([]))]);
    assert_eq!(rules().on_updated(&old, &new, Some(&memory(&old))), Work::NONE);
    let touched = service(&[ours(), deleted(), ("/metadata/annotations", json!({"retry": "now"}))]);
    assert_eq!(rules().on_updated(&old, &touched, Some(&memory(&old))), Work::SYNC);
}
