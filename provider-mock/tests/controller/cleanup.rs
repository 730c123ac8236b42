//! The cleanup path (§8): type changes, classes, deletion.
#![expect(clippy::indexing_slicing, reason = "a helper that fails fails its test")]

use std::time::Duration;

use cloud_lb_core::error::Retry;
use cloud_lb_core::k8s::{ClassPolicy, FINALIZER};
use cloud_lb_core::{Error, ErrorKind};
use provider_mock::apiserver::{Fault, Resource, Verb};
use serde_json::json;

use crate::cloud::{Answer, Op};
use crate::world::{World, address, finalized, finalizers, lb, of_type, seconds};

fn down() -> Error {
    Error::new(ErrorKind::Unavailable, "the cloud is down")
}

fn change_to_cluster_ip(world: &World) {
    world.change_service("web", |service| service["spec"]["type"] = json!("ClusterIP"));
}

#[tokio::test(start_paused = true)]
pub(crate) async fn b006_sc_60_a_changed_type_removes_everything_in_order() {
    let world = World::new().ready(&[lb("web")]).await;
    change_to_cluster_ip(&world);
    world.until("gone", |world| address(world, "web").is_none() && world.condition("web").is_none()).await;
    world.rest().await;
    assert_eq!(
        world.story()[2..],
        [
            "Get web (finalizer)",
            "Normal DeletingLoadBalancer",
            "Delete web (finalizer)",
            "Normal DeletedLoadBalancer"
        ]
    );
    assert_eq!((world.cloud.existing(), world.patches()), (0, 2));
    assert!(finalizers(&world, "web").is_empty());
    world.change_service("web", |service| service["spec"]["type"] = json!("LoadBalancer"));
    world.until_ready("web").await;
}

#[tokio::test(start_paused = true)]
pub(crate) async fn b007_sc_43_a_deleted_service_goes_after_its_load_balancer() {
    let world = World::new().ready(&[lb("web")]).await;
    world.delete_service("web");
    assert!(world.exists("web"), "the finalizer holds it");
    world.until("gone", |world| !world.exists("web")).await;
    world.rest().await;
    let ops: Vec<Op> = world.cloud.calls().iter().map(|call| call.op).collect();
    assert_eq!(ops, [Op::Get, Op::Delete]);
    assert_eq!(world.reasons()[2..], ["DeletingLoadBalancer", "DeletedLoadBalancer"]);
    assert_eq!(world.patches(), 2, "finalizer and status; that the Service is gone by then is forgiven");
}

#[tokio::test(start_paused = true)]
pub(crate) async fn sc_20_what_a_crash_left_undone_is_cleaned_up_at_the_start() {
    let world = World::new();
    world.add_service(finalized(of_type("web", "ClusterIP")));
    let world = world.start();
    world.until("clean", |world| finalizers(world, "web").is_empty()).await;
    world.rest().await;
    assert_eq!(world.cloud.count(Op::Delete), 1, "W-8: also where nothing seems to exist");
    assert_eq!(world.reasons(), ["DeletedLoadBalancer"]);
}

#[tokio::test(start_paused = true)]
pub(crate) async fn w_8_a_failing_check_does_not_hold_the_deletion_back() {
    let world = World::new().ready(&[lb("web")]).await;
    world.cloud.next(Op::Get, Answer::Fail(down()));
    world.delete_service("web");
    world.until("gone", |world| !world.exists("web")).await;
    assert_eq!((world.cloud.count(Op::Delete), world.cloud.existing()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn sc_60_w_26_a_failed_deletion_keeps_the_finalizer_and_is_tried_again() {
    let world = World::new().ready(&[lb("web")]).await;
    world.cloud.next(Op::Delete, Answer::Fail(down()));
    world.cloud.next(Op::Delete, Answer::Fail(down().with_retry(Retry::After(Duration::from_secs(42)))));
    world.delete_service("web");
    world.until("told", |world| world.condition("web").is_some_and(|condition| condition.0 == "False")).await;
    assert_eq!(finalizers(&world, "web"), [FINALIZER]);
    let expected = "failed to delete load balancer: the cloud is down; if the cloud is gone for good, this gives up \
                    what is left there: kubectl annotate service -n default web \
                    cloud-lb.dev/abandon-cloud-resources=default/web";
    assert_eq!(world.condition("web").unwrap().2, expected, "W-26: it says what blocks, and the way out");
    world.until("gone", |world| !world.exists("web")).await;
    assert_eq!(seconds(&world, Op::Delete), [0, 5, 47], "W-14: the asked delay holds here too");
    let failed = format!("Warning SyncLoadBalancerFailed: Error syncing load balancer: {expected}");
    assert_eq!(world.events().iter().filter(|event| **event == failed).count(), 1);
    assert_eq!(world.reasons().iter().filter(|reason| *reason == "DeletingLoadBalancer").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn aws_8_what_is_to_be_kept_is_not_deleted_until_the_wish_is_taken_back() {
    let world = World::new().ready(&[lb("web")]).await;
    world.change_service("web", |service| {
        service["metadata"]["annotations"] = json!({"cloud.example/keep": "yes"});
    });
    world.delete_service("web");
    world.until("told", |world| world.condition("web").is_some_and(|condition| condition.0 == "False")).await;
    world.pass_time(Duration::from_hours(1)).await;
    let told = world.condition("web").unwrap().2;
    assert!(told.starts_with("failed to delete load balancer: web is to be kept"), "{told}");
    assert_eq!((world.cloud.count(Op::Delete), world.cloud.existing()), (0, 1));
    world.change_service("web", |service| service["metadata"]["annotations"] = json!({}));
    world.until("gone", |world| !world.exists("web")).await;
    assert_eq!(world.cloud.existing(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_takes_its_time_is_waited_for() {
    let world = World::new().ready(&[lb("web")]).await;
    for _ in 0..2 {
        world.cloud.next(Op::Delete, Answer::Pending(Duration::from_secs(30), "targets drain"));
    }
    world.delete_service("web");
    world
        .until("told", |world| world.condition("web").is_some_and(|condition| condition.1 == "Pending"))
        .await;
    assert_eq!(finalizers(&world, "web"), [FINALIZER]);
    world.until("gone", |world| !world.exists("web")).await;
    assert_eq!(seconds(&world, Op::Delete), [0, 30, 60]);
    assert_eq!(world.reasons()[2..], ["DeletingLoadBalancer", "DeletedLoadBalancer"]);
}

#[tokio::test(start_paused = true)]
pub(crate) async fn sc_60_implemented_elsewhere_counts_as_deleted() {
    let world = World::new().ready(&[lb("web")]).await;
    world.cloud.next(Op::Delete, Answer::Elsewhere);
    world.delete_service("web");
    world.until("gone", |world| !world.exists("web")).await;
    assert_eq!(world.cloud.count(Op::Delete), 1);
}

#[tokio::test(start_paused = true)]
async fn sc_60_a_finalizer_that_cannot_be_removed_is_told_and_tried_again() {
    let world = World::new().ready(&[lb("web")]).await;
    world.api.faults().inject(Verb::Patch, Resource::Services, Fault::Fail(500), 1);
    world.delete_service("web");
    world.until("gone", |world| !world.exists("web")).await;
    assert_eq!(seconds(&world, Op::Delete), [0, 5]);
    let failed = "Warning SyncLoadBalancerFailed: Error syncing load balancer: \
                  failed to remove load balancer cleanup finalizer: ";
    assert!(world.events().iter().any(|event| event.starts_with(failed)), "{:?}", world.events());
    let last = world.reasons().pop();
    assert_eq!(last.as_deref(), Some("DeletedLoadBalancer"));
}

#[tokio::test(start_paused = true)]
async fn sc_60_a_status_that_cannot_be_cleared_is_told_and_tried_again() {
    let world = World::new().ready(&[lb("web")]).await;
    let faults = world.api.faults();
    faults.inject(Verb::Patch, Resource::Services, Fault::Delay(Duration::ZERO), 1);
    faults.inject(Verb::Patch, Resource::Services, Fault::Fail(500), 1);
    change_to_cluster_ip(&world);
    world.until("cleared", |world| world.condition("web").is_none()).await;
    assert_eq!(seconds(&world, Op::Delete), [0, 5], "the finalizer was off at the first attempt");
    let failed = "Warning SyncLoadBalancerFailed: Error syncing load balancer: \
                  failed to update load balancer status: ";
    assert!(world.events().iter().any(|event| event.starts_with(failed)), "{:?}", world.events());
    world.rest().await;
    assert_eq!((world.cloud.existing(), world.condition("web")), (0, None));
}

#[tokio::test(start_paused = true)]
async fn f_1_w_10_class_transitions() {
    const OURS: Option<&str> = Some("example.com/ours");
    const OTHER: Option<&str> = Some("example.com/other");
    const ANOTHER: Option<&str> = Some("example.com/another");
    /// The class before and after, and whether there is a load balancer of ours after it.
    const ROWS: [(Option<&str>, Option<&str>, bool); 8] = [
        (None, OURS, true),
        (OURS, None, true),
        (None, OTHER, false),
        (OURS, OTHER, false),
        (OTHER, None, true),
        (OTHER, OURS, true),
        (OTHER, ANOTHER, false),
        (OURS, OURS, true),
    ];
    for (before, after, ours) in ROWS {
        let classes = ClassPolicy { classless: true, classes: ["example.com/ours".to_owned()].into() };
        let world = World::new().options(|options| options.with_classes(classes));
        let mut service = lb("web");
        service["spec"]["loadBalancerClass"] = json!(before);
        world.add_service(service);
        let world = world.start();
        world.pass_time(Duration::from_mins(1)).await;
        assert_eq!(world.cloud.existing(), usize::from(before != OTHER), "{before:?}");
        // The API takes another class only by way of another type.
        change_to_cluster_ip(&world);
        world.change_service("web", |service| {
            service["spec"]["type"] = json!("LoadBalancer");
            service["spec"]["loadBalancerClass"] = json!(after);
        });
        world.pass_time(Duration::from_mins(1)).await;
        let what = format!("{before:?} -> {after:?}");
        assert_eq!(world.cloud.existing(), usize::from(ours), "{what}");
        assert_eq!(address(&world, "web").is_some(), ours, "{what}");
        assert_eq!(finalizers(&world, "web"), vec![FINALIZER; usize::from(ours)], "{what}");
        assert_eq!(world.cloud.overlaps(), 0, "{what}");
    }
}

#[tokio::test(start_paused = true)]
pub(crate) async fn sc_62_sc_84_foreign_finalizers_stay_in_place() {
    let world = World::new();
    let mut service = lb("web");
    service["metadata"]["finalizers"] = json!(["example.com/first", "example.com/second"]);
    world.add_service(service);
    let world = world.start();
    world.until_ready("web").await;
    assert_eq!(finalizers(&world, "web"), ["example.com/first", "example.com/second", FINALIZER]);
    change_to_cluster_ip(&world);
    world.until("clean", |world| world.condition("web").is_none()).await;
    assert_eq!(finalizers(&world, "web"), ["example.com/first", "example.com/second"]);
}

#[tokio::test(start_paused = true)]
pub(crate) async fn f_1_a_class_that_is_newly_set_cleans_up() {
    let world = World::new().ready(&[lb("web")]).await;
    change_to_cluster_ip(&world);
    world.change_service("web", |service| {
        service["spec"]["type"] = json!("LoadBalancer");
        service["spec"]["loadBalancerClass"] = json!("example.com/other");
    });
    world.until("gone", |world| world.cloud.existing() == 0 && finalizers(world, "web").is_empty()).await;
    world.rest().await;
    assert_eq!(world.cloud.count(Op::Ensure), 0);
}

#[tokio::test(start_paused = true)]
pub(crate) async fn w_10_a_class_of_ours_is_served_and_others_are_not() {
    let classes = ClassPolicy { classless: false, classes: ["example.com/ours".to_owned()].into() };
    let world = World::new().options(|options| options.with_classes(classes));
    let mut ours = lb("ours");
    ours["spec"]["loadBalancerClass"] = json!("example.com/ours");
    world.add_service(ours);
    world.add_service(lb("classless"));
    let world = world.start();
    world.until_ready("ours").await;
    world.rest().await;
    let ensured: Vec<String> = world.cloud.calls().into_iter().map(|call| call.service).collect();
    assert_eq!(ensured, ["ours"]);
}

#[tokio::test(start_paused = true)]
pub(crate) async fn w_11_after_a_restart_the_cloud_tells_whose_a_classed_service_with_our_finalizer_is() {
    let world = World::new();
    for name in ["theirs", "ours"] {
        let mut service = finalized(lb(name));
        service["spec"]["loadBalancerClass"] = json!("example.com/other");
        let uid = world.add_service(service);
        if name == "ours" {
            world.cloud.plant(&uid);
        }
    }
    let world = world.start();
    world.until("clean", |world| finalizers(world, "ours").is_empty()).await;
    world.rest().await;
    let deleted: Vec<String> =
        world.cloud.calls_of(Op::Delete).into_iter().map(|call| call.service).collect();
    assert_eq!(deleted, ["ours"]);
    assert_eq!(finalizers(&world, "theirs"), [FINALIZER]);
}

#[tokio::test(start_paused = true)]
pub(crate) async fn side_by_side_controllers_with_finalizers_of_their_own() {
    let world =
        World::new().options(|options| options.with_finalizer("example.com/lb")).ready(&[lb("web")]).await;
    assert_eq!(finalizers(&world, "web"), ["example.com/lb"]);
    change_to_cluster_ip(&world);
    world.until("clean", |world| finalizers(world, "web").is_empty()).await;
    assert_eq!(world.cloud.existing(), 0);
}
