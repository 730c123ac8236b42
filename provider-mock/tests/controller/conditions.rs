//! Conditions, and statuses that others change (W-4, W-13, F-4).
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::collections::BTreeMap;
use std::time::Duration;

use cloud_lb_core::controller::{DEGRADED_CONDITION, PROGRESSING_CONDITION, READY_CONDITION};
use cloud_lb_core::error::Violation;
use cloud_lb_core::{Error, ErrorKind};
use k8s_openapi::api::core::v1::Service;
use kube::api::{Api, Patch, PatchParams};
use provider_mock::apiserver::{Fault, Resource, Verb};
use serde_json::json;

use crate::cloud::{Answer, Op};
use crate::world::{World, address, is_ready, lb};

/// Status and reason of each condition by the last part of its type.
fn conditions(world: &World, name: &str) -> BTreeMap<String, String> {
    let service = world.service(name);
    let conditions = service["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    conditions
        .iter()
        .map(|condition| {
            assert_eq!(condition["observedGeneration"], service["metadata"]["generation"], "{condition}");
            (
                text(&condition["type"]),
                format!("{} {}", text(&condition["status"]), text(&condition["reason"])),
            )
        })
        .collect()
}

fn expected(states: &[(&str, &str)]) -> BTreeMap<String, String> {
    states.iter().map(|(type_, state)| ((*type_).to_owned(), (*state).to_owned())).collect()
}

#[tokio::test(start_paused = true)]
pub(crate) async fn f_4_w_13_mixed_protocols_are_told_as_kubernetes_does_and_cleared() {
    let world = World::new();
    let mixed = Violation::new("spec.ports", "TCP, UDP", "one protocol for all ports");
    world.cloud.next(Op::Ensure, Answer::Fail(Error::unsupported("web", vec![mixed])));
    let mut service = lb("web");
    let ports =
        json!([{"name": "a", "port": 53, "protocol": "TCP"}, {"name": "b", "port": 53, "protocol": "UDP"}]);
    service["spec"]["ports"] = ports;
    world.add_service(service);
    let world = world.start();
    world.until("told", |world| world.condition("web").is_some()).await;
    world.rest().await;
    let failed = expected(&[
        (READY_CONDITION, "False Unsupported"),
        (PROGRESSING_CONDITION, "False Unsupported"),
        (DEGRADED_CONDITION, "True Unsupported"),
        ("LoadBalancerPortsError", "True LoadBalancerMixedProtocolNotSupported"),
    ]);
    assert_eq!(conditions(&world, "web"), failed);
    assert!(world.condition("web").unwrap().2.contains("change the Service"), "it says what to do");
    let told = world.reasons().into_iter().filter(|reason| reason == "LoadBalancerMixedProtocolNotSupported");
    assert_eq!(told.count(), 1);
    world
        .change_service("web", |service| service["spec"]["ports"] = json!([{"port": 53, "protocol": "TCP"}]));
    world.until_ready("web").await;
    world.rest().await;
    let ready = expected(&[
        (READY_CONDITION, "True LoadBalancerReady"),
        (PROGRESSING_CONDITION, "False LoadBalancerReady"),
        (DEGRADED_CONDITION, "False AsExpected"),
    ]);
    assert_eq!(conditions(&world, "web"), ready, "and the error of the ports is gone");
}

#[tokio::test(start_paused = true)]
pub(crate) async fn w_4_a_status_wiped_while_its_lane_ends_is_restored_too() {
    let world = World::new();
    world.add_service(lb("web"));
    let world = world.start();
    world.until_ready("web").await;
    world.change_status("web", json!({}));
    world.until_ready("web").await;
    world.rest().await;
    assert!(is_ready(&world, "web"));
    assert_eq!(world.cloud.count(Op::Ensure), 1);
    assert_eq!(world.condition("web").unwrap().0, "True");
}

#[tokio::test(start_paused = true)]
async fn w_4_a_status_wiped_while_a_lane_runs_that_writes_no_addresses_is_restored() {
    let world = World::new().ready(&[lb("web")]).await;
    world.cloud.hold("web");
    world.change_service("web", |service| service["spec"]["sessionAffinity"] = json!("ClientIP"));
    world.until("ensuring", |world| world.cloud.count(Op::Ensure) == 1).await;
    world.change_status("web", json!({}));
    world.rest().await;
    assert!(!is_ready(&world, "web"), "its lane is busy");
    world.cloud.release("web");
    world.pass_time(Duration::from_secs(1)).await;
    assert!(is_ready(&world, "web"));
    assert_eq!(world.cloud.count(Op::Ensure), 1);
}

#[tokio::test(start_paused = true)]
async fn w_4_a_status_that_cannot_be_restored_is_tried_again_without_the_cloud() {
    let world = World::new().ready(&[lb("web")]).await;
    world.api.faults().inject(Verb::Patch, Resource::Services, Fault::Fail(503), 2);
    world.change_status("web", json!({}));
    world.until_ready("web").await;
    world.rest().await;
    assert_eq!(
        world.condition("web").unwrap().0,
        "True",
        "what could not be written is not the load balancer"
    );
    assert!(world.cloud.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn w_4_conditions_that_others_write_are_put_right_without_the_cloud() {
    let world = World::new().ready(&[lb("web")]).await;
    let mut status = world.service("web")["status"].clone();
    let before = status.clone();
    status["conditions"][0]["status"] = json!("False");
    status["conditions"][0]["message"] = json!("what an earlier leader says late");
    world.change_status("web", status);
    world.rest().await;
    assert_eq!(world.service("web")["status"]["loadBalancer"], before["loadBalancer"]);
    assert_eq!(world.condition("web").unwrap().0, "True");
    assert_eq!((world.cloud.calls().len(), world.patches()), (0, 1));
}

/// Another controller that wants other addresses in the status, whenever it sees others there.
async fn insist(world: &World) {
    let services: Api<Service> = Api::default_namespaced(world.api.client_of_others());
    let wanted = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "status": {"loadBalancer": {"ingress": [{"ip": "198.51.100.9"}]}},
    });
    let (params, mut changes) = (PatchParams::apply("other-controller").force(), world.api.changes());
    loop {
        if address(world, "web").as_deref() != Some("198.51.100.9") {
            services.patch_status("web", &params, &Patch::Apply(&wanted)).await.unwrap();
        }
        changes.changed().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn w_4_a_status_that_others_insist_on_is_written_less_and_less_often() {
    let world = World::new().ready(&[lb("web")]).await;
    tokio::select! {
        () = insist(&world) => {}
        () = world.pass_time(Duration::from_hours(1)) => {}
    }
    let patches = world.patches();
    assert!((15..30).contains(&patches), "{patches} patches in an hour");
    let told: Vec<String> =
        world.events().into_iter().filter(|event| event.contains("ContestedStatus")).collect();
    assert!(matches!(&told[..], [event] if event.ends_with(": other-controller")), "{told:?}");
    world.pass_time(Duration::from_mins(6)).await;
    assert_ne!(address(&world, "web").unwrap(), "198.51.100.9", "who insists no more has lost");
    assert!(world.cloud.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn w_13_quota_and_permission_say_what_is_missing() {
    for (kind, reason, advice) in [
        (ErrorKind::Quota, "QuotaExceeded", "raise the quota"),
        (ErrorKind::PermissionDenied, "PermissionDenied", "grant the permission"),
    ] {
        let world = World::new();
        world.cloud.next(Op::Ensure, Answer::Fail(Error::new(kind, "LB-1 is missing")));
        world.add_service(lb("web"));
        let world = world.start();
        world.until("told", |world| world.condition("web").is_some()).await;
        let (_, told, message) = world.condition("web").unwrap();
        assert_eq!(told, reason);
        assert!(message.contains("LB-1 is missing") && message.contains(advice), "{message}");
        world.until_ready("web").await;
    }
}

#[tokio::test(start_paused = true)]
async fn w_4_the_status_of_a_service_that_is_being_deleted_is_nobodys_work() {
    let world = World::new().ready(&[lb("web")]).await;
    world.cloud.next(Op::Delete, Answer::Pending(Duration::from_mins(1), "targets drain"));
    world.delete_service("web");
    world.until("deleting", |world| world.cloud.count(Op::Delete) == 1).await;
    world.rest().await;
    let patches = world.patches();
    world.change_status("web", json!({}));
    world.pass_time(Duration::from_secs(30)).await;
    assert_eq!((world.patches(), world.cloud.count(Op::Delete)), (patches, 1));
    world.until("gone", |world| !world.exists("web")).await;
}
