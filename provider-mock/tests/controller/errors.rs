//! Failures of every single step of the ensure path, and how they are told and tried again (§5, §12).

use std::time::Duration;

use cloud_lb_core::error::Retry;
use cloud_lb_core::k8s::FINALIZER;
use cloud_lb_core::{Error, ErrorKind};
use provider_mock::apiserver::{Fault, Resource, Verb};
use serde_json::json;

use crate::cloud::{ADDRESS, Answer, Op};
use crate::world::{World, address, finalized, finalizers, lb, seconds};

fn down() -> Error {
    Error::new(ErrorKind::Unavailable, "the cloud is down")
}

#[tokio::test(start_paused = true)]
async fn sc_34_sc_52_w_23_failures_back_off_exactly_and_leave_the_address() {
    let world = World::new().ready(&[lb("web")]).await;
    for _ in 0..8 {
        world.cloud.next(Op::Ensure, Answer::Fail(down()));
    }
    world.change_service("web", |service| service["spec"]["sessionAffinity"] = json!("ClientIP"));
    world.until("failed", |world| world.condition("web").unwrap().0 == "False").await;
    assert_eq!(address(&world, "web").as_deref(), Some(ADDRESS), "a published address stays");
    let (_, reason, message) = world.condition("web").unwrap();
    assert_eq!(
        (reason.as_str(), message.as_str()),
        ("Unavailable", "failed to ensure load balancer: the cloud is down")
    );
    world.until("mended", |world| world.condition("web").unwrap().0 == "True").await;
    assert_eq!(seconds(&world, Op::Ensure), [0, 5, 15, 35, 75, 155, 315, 615, 915]);
    let failed = "Warning SyncLoadBalancerFailed: Error syncing load balancer: \
                  failed to ensure load balancer: the cloud is down";
    let events = world.events();
    assert_eq!(
        events.iter().filter(|event| *event == failed).count(),
        1,
        "W-23: repeats are folded: {events:?}"
    );
    let folded =
        world.api.list(Resource::Events).into_iter().find(|event| event["type"] == "Warning").unwrap();
    assert_eq!(folded["count"], 8);
}

#[tokio::test(start_paused = true)]
async fn sc_35_retry_after_is_honoured_and_not_counted() {
    let world = World::new();
    let after = |seconds| down().with_retry(Retry::After(Duration::from_secs(seconds)));
    world.cloud.next(Op::Ensure, Answer::Fail(after(42)));
    world.cloud.next(Op::Ensure, Answer::Fail(after(7)));
    world.cloud.next(Op::Ensure, Answer::Fail(down()));
    world.add_service(lb("web"));
    let world = world.start();
    world.until_ready("web").await;
    assert_eq!(seconds(&world, Op::Ensure), [0, 42, 49, 54]);
}

#[tokio::test(start_paused = true)]
async fn w_14_waiting_is_told_once_and_is_no_warning() {
    let world = World::new();
    for _ in 0..3 {
        world.cloud.next(Op::Ensure, Answer::Pending(Duration::from_secs(20), "the address is being made"));
    }
    world.add_service(lb("web"));
    let world = world.start();
    world.until("told", |world| world.condition("web").is_some()).await;
    assert_eq!(world.condition("web").unwrap().1, "Pending");
    world.until_ready("web").await;
    assert_eq!(seconds(&world, Op::Ensure), [0, 20, 40, 60]);
    assert_eq!(
        world.events(),
        [
            "Normal EnsuringLoadBalancer: Ensuring load balancer",
            "Normal PendingLoadBalancer: Waiting for load balancer: the address is being made",
            "Normal EnsuredLoadBalancer: Ensured load balancer"
        ]
    );
    assert_eq!(world.condition("web").unwrap().0, "True");
}

#[tokio::test(start_paused = true)]
async fn w_14_invalid_input_is_not_tried_again_until_the_object_changes() {
    let world = World::new().options(|options| options.with_recheck_delay(Duration::from_hours(2)));
    let invalid = Error::new(ErrorKind::Unsupported, "spec.ports: no SCTP here");
    world.cloud.next(Op::Ensure, Answer::Fail(invalid));
    world.add_service(lb("web"));
    let world = world.start();
    world.until("told", |world| world.condition("web").is_some()).await;
    world.pass_time(Duration::from_secs(7000)).await;
    assert_eq!(world.cloud.count(Op::Ensure), 1);
    assert_eq!(world.condition("web").unwrap().1, "Unsupported");
    world.change_service("web", |service| service["spec"]["ports"][0]["port"] = json!(81));
    world.until_ready("web").await;
    assert_eq!(world.condition("web").unwrap().0, "True");
}

#[tokio::test(start_paused = true)]
async fn w_14_invalid_input_is_looked_at_again_slowly() {
    let world = World::new();
    world.cloud.next(Op::Ensure, Answer::Fail(Error::new(ErrorKind::InvalidInput, "no")));
    world.add_service(lb("web"));
    let world = world.start();
    world.until_ready("web").await;
    assert_eq!(seconds(&world, Op::Ensure), [0, 1800]);
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_service_that_cannot_be_understood_is_told_so_and_not_touched() {
    let world = World::new();
    let mut service = lb("web");
    service["spec"]["loadBalancerIP"] = json!("no-address");
    world.add_service(service);
    let world = world.start();
    world.until("told", |world| world.condition("web").is_some()).await;
    world.rest().await;
    assert!(world.cloud.calls().is_empty());
    assert!(finalizers(&world, "web").is_empty());
    let (_, reason, message) = world.condition("web").unwrap();
    assert_eq!(reason, "InvalidInput");
    assert!(message.contains("spec.loadBalancerIP") && message.contains("no-address"), "{message}");
    assert_eq!(world.reasons(), ["EnsuringLoadBalancer", "SyncLoadBalancerFailed"]);
    world.change_service("web", |service| service["spec"]["loadBalancerIP"] = json!("192.0.2.9"));
    world.until_ready("web").await;
}

#[tokio::test(start_paused = true)]
async fn sc_50_without_the_finalizer_the_cloud_is_not_asked() {
    let world = World::new();
    world.api.faults().inject(Verb::Patch, Resource::Services, Fault::Fail(500), 1);
    world.add_service(lb("web"));
    let world = world.start();
    world.until("told", |world| world.reasons().contains(&"SyncLoadBalancerFailed".to_owned())).await;
    assert!(world.cloud.calls().is_empty());
    let failed = "Warning SyncLoadBalancerFailed: Error syncing load balancer: \
                  failed to add load balancer cleanup finalizer: ";
    assert!(world.events()[1].starts_with(failed), "{:?}", world.events());
    world.until_ready("web").await;
    assert_eq!(finalizers(&world, "web"), [FINALIZER]);
}

#[tokio::test(start_paused = true)]
async fn b036_sc_85_a_conflict_on_the_status_is_an_ordinary_error() {
    let world = World::new();
    world.api.faults().inject(Verb::Patch, Resource::Services, Fault::Fail(409), 1);
    world.add_service(finalized(lb("web")));
    let world = world.start();
    world.until_ready("web").await;
    assert_eq!(seconds(&world, Op::Ensure), [0, 5]);
    let failed = "Warning SyncLoadBalancerFailed: Error syncing load balancer: \
                  failed to update load balancer status: ";
    assert!(world.events().iter().any(|event| event.starts_with(failed)), "{:?}", world.events());
}

#[tokio::test(start_paused = true)]
async fn b037_sc_85_not_found_on_the_status_is_forgiven() {
    let world = World::new();
    world.api.faults().inject(Verb::Patch, Resource::Services, Fault::Fail(404), 1);
    world.add_service(finalized(lb("web")));
    let world = world.start();
    world.pass_time(Duration::from_mins(10)).await;
    assert_eq!(world.reasons(), ["EnsuringLoadBalancer", "EnsuredLoadBalancer"]);
    assert_eq!(world.cloud.count(Op::Ensure), 1);
}

#[tokio::test(start_paused = true)]
async fn w_15_a_call_that_hangs_is_given_up_and_tried_again() {
    let world = World::new();
    world.cloud.next(Op::Ensure, Answer::Hang);
    world.add_service(lb("web"));
    let world = world.start();
    world.until_ready("web").await;
    assert_eq!(seconds(&world, Op::Ensure), [0, 65], "a deadline of 60 s, a delay of 5 s");
    let events = world.events();
    assert!(events.iter().any(|event| event.contains("no answer within 60s")), "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_written_harms_nothing() {
    let world = World::new();
    world.api.faults().inject(Verb::Create, Resource::Events, Fault::Fail(500), 100);
    world.add_service(lb("web"));
    let world = world.start();
    world.until_ready("web").await;
    world.pass_time(Duration::from_mins(10)).await;
    assert_eq!((world.cloud.count(Op::Ensure), world.events().len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_failing_ensure_is_not_sped_up_by_nodes_or_by_its_own_condition() {
    let world = World::new();
    for _ in 0..3 {
        world.cloud.next(Op::Ensure, Answer::Fail(down()));
    }
    world.add_service(lb("web"));
    let world = world.start();
    world.until("failed twice", |world| world.cloud.count(Op::Ensure) == 2).await;
    world.add_node("n3");
    world.until_ready("web").await;
    assert_eq!(seconds(&world, Op::Ensure), [0, 5, 15, 35]);
    assert_eq!(world.cloud.count(Op::Update), 0);
}
