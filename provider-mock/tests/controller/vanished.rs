//! Services that are gone, and those that came back under the same name (§9).

use std::time::Duration;

use cloud_lb_core::error::Retry;
use cloud_lb_core::{Error, ErrorKind};
use provider_mock::apiserver::{Fault, Resource, Verb};
use serde_json::Value;

use crate::cloud::{Answer, Op};
use crate::world::{World, address, finalizers, is_ready, lb, of_type, seconds};

fn down() -> Error {
    Error::new(ErrorKind::Unavailable, "the cloud is down")
}

/// Deletes a Service before anybody can put the finalizer back.
fn tear_out(world: &World, name: &str) {
    world.strip_finalizers(name);
    world.delete_service(name);
}

/// A patch goes by name, but is for one UID.
#[tokio::test(start_paused = true)]
async fn sc_72_a_patch_that_comes_late_changes_nothing_of_the_successor() {
    let world = World::new();
    world.api.faults().inject(Verb::Patch, Resource::Services, Fault::Delay(Duration::from_secs(3)), 1);
    world.add_service(lb("web"));
    let world = world.start();
    world.pass_time(Duration::from_secs(1)).await;
    world.delete_service("web");
    world.add_service(of_type("web", "ClusterIP"));
    world.rest().await;
    assert!(world.patches() > 0, "it was sent");
    assert_eq!(finalizers(&world, "web"), [""; 0]);
    assert_eq!(world.service("web")["status"]["conditions"], Value::Null);
    assert!(world.cloud.calls().is_empty());
}

#[tokio::test(start_paused = true)]
pub(crate) async fn b042_w_9_a_service_without_finalizer_that_is_deleted_still_gets_its_cleanup() {
    let world = World::new().ready(&[lb("web")]).await;
    tear_out(&world, "web");
    world.until("deleted", |world| world.cloud.existing() == 0).await;
    world.rest().await;
    let ops: Vec<Op> = world.cloud.calls().iter().map(|call| call.op).collect();
    assert_eq!(ops, [Op::Delete], "SC-71: no question whether it exists");
    assert!(
        world.reasons().ends_with(&["DeletingLoadBalancer".to_owned(), "DeletedLoadBalancer".to_owned()])
    );
}

#[tokio::test(start_paused = true)]
async fn b041_sc_70_a_failed_deletion_of_a_vanished_service_is_tried_again() {
    let world = World::new().ready(&[lb("web")]).await;
    let after = down().with_retry(Retry::After(Duration::from_secs(42)));
    world.cloud.next(Op::Delete, Answer::Fail(after));
    tear_out(&world, "web");
    world.until("deleted", |world| world.cloud.existing() == 0).await;
    world.rest().await;
    assert_eq!(seconds(&world, Op::Delete), [0, 42]);
    let events = world.events();
    let told = [
        "Normal DeletingLoadBalancer: Deleting load balancer",
        "Warning DeleteLoadBalancerFailed: Error deleting load balancer: the cloud is down",
        "Normal DeletedLoadBalancer: Deleted load balancer",
    ];
    assert!(events.ends_with(&told.map(ToOwned::to_owned)), "{events:?}");
    let synced = |event: &String| event.contains("Error syncing load balancer: the cloud is down");
    assert!(!events.iter().any(synced), "SC-1204");
}

#[tokio::test(start_paused = true)]
async fn b039_sc_70_a_service_that_is_gone_is_forgotten() {
    let world = World::new().ready(&[lb("web")]).await;
    tear_out(&world, "web");
    world.until("deleted", |world| world.cloud.existing() == 0).await;
    world.rest().await;
    world.cloud.forget_calls();
    world.add_node("n3");
    world.pass_time(Duration::from_hours(1)).await;
    assert!(world.cloud.calls().is_empty(), "nothing is done for it any more");
}

#[tokio::test(start_paused = true)]
async fn sc_71_implemented_elsewhere_counts_as_deleted_for_a_vanished_service_too() {
    let world = World::new().ready(&[lb("web")]).await;
    world.cloud.next(Op::Delete, Answer::Elsewhere);
    tear_out(&world, "web");
    world.pass_time(Duration::from_mins(5)).await;
    assert_eq!(world.cloud.count(Op::Delete), 1);
    assert_eq!(world.reasons().last().map(String::as_str), Some("DeletedLoadBalancer"));
}

#[tokio::test(start_paused = true)]
async fn b040_sc_70_a_service_that_is_gone_at_once_leaves_nothing() {
    let world = World::new().start();
    world.rest().await;
    world.add_service(lb("web"));
    world.delete_service("web");
    world.pass_time(Duration::from_mins(10)).await;
    assert_eq!(
        (world.cloud.count(Op::Ensure), world.cloud.existing()),
        (0, 0),
        "no finalizer, no load balancer"
    );
}

#[tokio::test(start_paused = true)]
async fn sc_72_of_a_service_that_was_made_anew_the_old_load_balancer_goes_first() {
    let world = World::new().ready(&[lb("web")]).await;
    let old = world.service("web")["metadata"]["uid"].as_str().unwrap().to_owned();
    world.cloud.next(Op::Delete, Answer::Fail(down()));
    tear_out(&world, "web");
    let new = world.add_service(lb("web"));
    world.until_ready("web").await;
    world.rest().await;
    let calls: Vec<(Op, String)> = world.cloud.calls().into_iter().map(|call| (call.op, call.uid)).collect();
    let told = [(Op::Delete, old.clone()), (Op::Delete, old), (Op::Ensure, new)];
    assert_eq!(calls, told, "and nothing is made for the old one while it goes");
    assert_eq!(world.cloud.existing(), 1);
}

#[tokio::test(start_paused = true)]
async fn w_9_a_deletion_that_the_watch_missed_shows_in_the_next_list() {
    let world = World::new().ready(&[lb("web"), lb("api")]).await;
    world.api.faults().drop_watches();
    tear_out(&world, "web");
    world.api.compact();
    world.until("deleted", |world| world.cloud.existing() == 1).await;
    world.rest().await;
    assert_eq!(world.cloud.count(Op::Ensure), 0, "the other one is as it was");
    assert!(is_ready(&world, "api"));
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_service_deleted_while_it_is_ensured_is_cleaned_up_after_that() {
    let world = World::new();
    world.cloud.hold("web");
    world.add_service(lb("web"));
    let world = world.start();
    world.until("ensuring", |world| world.cloud.count(Op::Ensure) == 1).await;
    world.delete_service("web");
    world.rest().await;
    assert_eq!(world.cloud.count(Op::Delete), 0, "not while the other call runs");
    assert_eq!(address(&world, "web"), None);
    world.cloud.release("web");
    world.until("gone", |world| !world.exists("web") && world.cloud.existing() == 0).await;
    assert_eq!(world.cloud.overlaps(), 0);
}
