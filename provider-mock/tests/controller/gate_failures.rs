//! Readiness gates that cannot be looked after are told by events, which say what to do.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper that fails fails its test")]

use cloud_lb_core::{Error, ErrorKind};
use provider_mock::apiserver::{Fault, Resource, Verb};

use crate::cloud::{Answer, Op};
use crate::gates::{GATE, HOUR, POLL, add_pod, gate, start, world};
use crate::world::World;

/// The events about gates, with how often each was told.
fn told(world: &World) -> Vec<(String, u64)> {
    let events = world.api.list(Resource::Events).into_iter();
    let about_gates = events.filter(|event| event["reason"] == "ReadinessGatesFailed");
    about_gates
        .map(|event| {
            assert_eq!(
                (event["type"].as_str(), event["involvedObject"]["name"].as_str()),
                (Some("Warning"), Some("web"))
            );
            (event["message"].as_str().unwrap().to_owned(), event["count"].as_u64().unwrap())
        })
        .collect()
}

/// A world with a pod that waits for its gate, which the provider is about to be asked for.
async fn waiting() -> World {
    let world = world().await;
    add_pod(&world, "a", &[GATE]);
    start(&world, "a", "True");
    world
}

async fn until_open(world: &World) {
    world.cloud.heal("a");
    world.until("open", |world| gate(world, "a").is_some_and(|[status, ..]| status == "True")).await;
}

#[tokio::test(start_paused = true)]
async fn aws_194_a_provider_that_may_not_tell_how_targets_are_is_told_by_one_event() {
    let world = waiting().await;
    for _ in 0..3 {
        let error = Error::new(ErrorKind::PermissionDenied, "not yours").during("DescribeTargetHealth");
        world.cloud.next(Op::Gates, Answer::Fail(error));
    }
    until_open(&world).await;
    let message = "Error updating readiness gates of pods, which stay closed until it succeeds: not yours; give the \
                   controller's credentials for the cloud the right to DescribeTargetHealth";
    assert_eq!(told(&world), [(message.to_owned(), 3)], "W-23: repeats are folded");
    assert_eq!(world.condition("web").unwrap().0, "True", "the load balancer is as it should be");
    world.pass_time(HOUR).await;
    assert_eq!(told(&world).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn aws_194_a_pod_that_may_not_be_written_to_is_named_by_an_event() {
    let world = waiting().await;
    world.api.faults().inject(Verb::Patch, Resource::Pods, Fault::Fail(403), 2);
    until_open(&world).await;
    let [(message, 2)] = &told(&world)[..] else { panic!("{:?}", told(&world)) };
    assert!(message.contains(": default/a: "), "{message}");
    let advice = "; give the controller's service account in the cluster the right to patch pods/status";
    assert!(message.ends_with(advice), "{message}");
}

#[tokio::test(start_paused = true)]
async fn aws_194_what_mends_itself_is_told_as_such() {
    let world = waiting().await;
    world.cloud.next(Op::Gates, Answer::Fail(Error::new(ErrorKind::Unavailable, "the cloud is down")));
    until_open(&world).await;
    let [(message, 1)] = &told(&world)[..] else { panic!("{:?}", told(&world)) };
    assert!(message.ends_with("succeeds: the cloud is down; it is tried again"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn w_14_being_asked_for_fewer_calls_is_no_failure_of_gates() {
    let world = waiting().await;
    world.cloud.next(Op::Gates, Answer::Fail(Error::new(ErrorKind::Throttled, "slow down")));
    until_open(&world).await;
    assert_eq!(told(&world), []);
}

#[tokio::test(start_paused = true)]
async fn aws_194_gates_that_stay_closed_when_the_load_balancer_goes_are_told_and_hold_nothing_up() {
    let world = waiting().await;
    world.pass_time(POLL * 2).await;
    world.api.faults().inject(Verb::Patch, Resource::Pods, Fault::Fail(403), 1);
    world.delete_service("web");
    world.until("gone", |world| !world.exists("web")).await;
    assert_eq!(world.cloud.existing(), 0);
    assert_eq!(gate(&world, "a").unwrap()[0], "False");
    let [(message, 1)] = &told(&world)[..] else { panic!("{:?}", told(&world)) };
    assert!(message.starts_with(
        "Error opening readiness gates of pods before the load balancer is deleted: default/a: "
    ));
    assert!(message.ends_with("or to be made anew without it"), "{message}");
}
