//! A cloud that does not answer, or asks for fewer calls (W-14, W-24).
#![expect(clippy::indexing_slicing, reason = "a helper that fails fails its test")]

use std::time::Duration;

use cloud_lb_core::error::Retry;
use cloud_lb_core::k8s::FINALIZER;
use cloud_lb_core::provider::TargetScope;
use cloud_lb_core::{Error, ErrorKind};
use serde_json::{Value, json};

use crate::cloud::{Answer, Op};
use crate::world::{World, finalizers, is_ready, lb, seconds};

pub(crate) fn down() -> Error {
    Error::new(ErrorKind::Unavailable, "the cloud is down")
}

fn refused() -> Error {
    Error::new(ErrorKind::Throttled, "rate exceeded")
}

fn services(count: usize) -> Vec<Value> {
    (0..count).map(|index| lb(&format!("s{index}"))).collect()
}

/// A world whose cloud went away, as changes of five Services found out.
pub(crate) async fn broken(world: World) -> World {
    let world = world.ready(&services(8)).await;
    world.cloud.outage(Some(down()));
    for index in 0..5 {
        world.change_service(&format!("s{index}"), |service| service["spec"]["ports"][0]["port"] = json!(81));
    }
    world.until("all five failed", |world| world.cloud.count(Op::Ensure) == 5).await;
    world.rest().await;
    world
}

#[tokio::test(start_paused = true)]
async fn w_24_a_cloud_that_does_not_answer_is_left_alone_but_for_probes() {
    let world = broken(World::new()).await;
    world.add_node("n3");
    world.pass_time(Duration::from_mins(10)).await;
    let calls = world.cloud.calls();
    let at: Vec<u64> = calls[4..].iter().map(|call| (call.at - calls[4].at).as_secs()).collect();
    assert_eq!(at, [0, 15, 45, 105, 225, 465], "later and later; not 8 Services, each with its retries");
    world.cloud.outage(None);
    world
        .until("back", |world| (0..5).all(|index| world.condition(&format!("s{index}")).unwrap().0 == "True"))
        .await;
    world.rest().await;
    let unaware: Vec<Op> =
        world.cloud.calls().iter().filter(|call| call.service == "s7").map(|call| call.op).collect();
    assert_eq!(unaware, [Op::Update], "what was held is done, and nothing else");
    assert!(world.cloud.calls_of(Op::Update).iter().all(|call| call.nodes == ["n1", "n2", "n3"]));
}

#[tokio::test(start_paused = true)]
async fn w_24_services_that_wait_for_the_cloud_are_told_so_once() {
    let world = broken(World::new()).await;
    world.add_service(lb("new"));
    world.delete_service("s7");
    world
        .until("told", |world| {
            world.condition("new").is_some() && world.condition("s7").unwrap().0 == "False"
        })
        .await;
    let (_, reason, message) = world.condition("new").unwrap();
    assert_eq!(reason, "Unavailable");
    assert_eq!(message, "failed to ensure load balancer: the cloud does not answer; waiting until it does");
    world.pass_time(Duration::from_mins(3)).await;
    let told = |what: &str| world.events().into_iter().filter(|event| event.contains(what)).count();
    let failed = "Warning SyncLoadBalancerFailed: Error syncing load balancer: failed to";
    assert_eq!(told(&format!("{failed} ensure load balancer: the cloud does not answer")), 1);
    assert_eq!(told(&format!("{failed} delete load balancer: the cloud does not answer")), 1);
    assert_eq!(finalizers(&world, "s7"), [FINALIZER]);
    world.cloud.outage(None);
    world.until_ready("new").await;
    world.until("gone", |world| !world.exists("s7")).await;
}

#[tokio::test(start_paused = true)]
async fn w_24_w_4_a_wiped_status_is_restored_while_the_cloud_is_away() {
    let world = broken(World::new()).await;
    let calls = world.cloud.calls().len();
    world.change_status("s6", json!({}));
    world.pass_time(Duration::from_secs(1)).await;
    assert!(is_ready(&world, "s6"));
    assert_eq!(world.cloud.calls().len(), calls);
}

#[tokio::test(start_paused = true)]
async fn w_24_one_service_that_fails_does_not_stop_the_others() {
    let world = World::new().ready(&services(2)).await;
    for _ in 0..6 {
        world.cloud.next(Op::Ensure, Answer::Fail(down()));
    }
    world.change_service("s0", |service| service["spec"]["ports"][0]["port"] = json!(81));
    world.pass_time(Duration::from_mins(4)).await;
    assert_eq!(world.cloud.count(Op::Ensure), 6);
    world.add_node("n3");
    world.pass_time(Duration::from_secs(10)).await;
    assert!(world.cloud.calls_of(Op::Update).iter().any(|call| call.service == "s1"));
}

#[tokio::test(start_paused = true)]
async fn w_14_a_throttled_service_waits_and_has_not_failed() {
    let world = World::new();
    for _ in 0..4 {
        world.cloud.next(Op::Ensure, Answer::Fail(refused()));
    }
    world.cloud.next(Op::Ensure, Answer::Fail(refused().with_retry(Retry::After(Duration::from_secs(42)))));
    world.cloud.next(Op::Ensure, Answer::Fail(down()));
    world.add_service(lb("web"));
    let world = world.start();
    world.until("told", |world| world.condition("web").is_some()).await;
    assert_eq!(world.condition("web").unwrap().1, "Pending");
    world.until_ready("web").await;
    assert_eq!(seconds(&world, Op::Ensure), [0, 5, 10, 15, 23, 65, 70], "uncounted; the fourth pause is 8 s");
    assert_eq!(
        world.events(),
        [
            "Normal EnsuringLoadBalancer: Ensuring load balancer",
            "Normal PendingLoadBalancer: Waiting for load balancer: failed to ensure load balancer: rate exceeded",
            "Warning SyncLoadBalancerFailed: Error syncing load balancer: failed to ensure load balancer: the cloud is down",
            "Normal EnsuredLoadBalancer: Ensured load balancer"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn w_14_throttling_slows_all_services() {
    let world = World::new().ready(&services(3)).await;
    world.cloud.next(Op::Update, Answer::Fail(refused().with_retry(Retry::After(Duration::from_mins(1)))));
    world.add_node("n3");
    world.until("refused", |world| world.cloud.count(Op::Update) >= 1).await;
    world.rest().await;
    let begun = world.cloud.calls().len();
    world.change_service("s0", |service| service["spec"]["ports"][0]["port"] = json!(81));
    world.pass_time(Duration::from_secs(50)).await;
    assert_eq!(world.cloud.calls().len(), begun, "also what the user changes");
    world.pass_time(Duration::from_secs(30)).await;
    let ensured = &world.cloud.calls_of(Op::Ensure)[0];
    assert_eq!((ensured.at - world.cloud.calls()[0].at).as_secs(), 60);
    let updated = world.cloud.calls_of(Op::Update).len();
    assert_eq!(updated, 4, "the refused one again");
    assert!(!world.events().iter().any(|event| event.starts_with("Warning")), "{:?}", world.events());
}

#[tokio::test(start_paused = true)]
async fn w_14_invalid_input_is_looked_at_again_when_nodes_change() {
    let world = World::new();
    world.cloud.next(Op::Ensure, Answer::Fail(Error::new(ErrorKind::InvalidInput, "no node in zone b")));
    world.add_service(lb("web"));
    let world = world.start();
    world.until("told", |world| world.condition("web").is_some()).await;
    world.rest().await;
    world.add_node("n3");
    world.until_ready("web").await;
    assert_eq!(world.cloud.count(Op::Ensure), 2);
    assert!(world.cloud.calls()[1].at - world.cloud.calls()[0].at < Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn w_24_shared_targets_wait_for_the_cloud_too() {
    let world = broken(World::with(|capabilities| capabilities.target_scope = TargetScope::Cluster)).await;
    let probes = |world: &World| world.cloud.calls().len();
    let before = probes(&world);
    world.add_node("n3");
    world.pass_time(Duration::from_secs(6)).await;
    assert_eq!(probes(&world), before, "the first probe is not due");
    world.cloud.outage(None);
    world.until("handed over", |world| world.cloud.count(Op::UpdateCluster) > 0).await;
    let updates = world.cloud.calls_of(Op::UpdateCluster);
    assert_eq!(updates[0].nodes, ["n1", "n2", "n3"]);
}
