//! Steps of one plan at the same time.

use std::time::Duration;

use cloud_lb_core::error::{Effect, Retry};
use cloud_lb_core::graph::{Graph, Resource};
use cloud_lb_core::model::Status;
use cloud_lb_core::provider::{LoadBalancerProvider, Outcome};
use cloud_lb_core::{Error, ErrorKind};

use crate::backend::{engine, lb, pending, service};
use crate::toy::{Toy, graph, key};

const KINDS: [&str; 10] = ["A", "B", "C", "D", "E", "F", "G", "H", "I", "J"];

/// Ten resources that know nothing of each other, and one that needs the first.
fn many() -> Graph<Toy> {
    let alone = KINDS.map(|kind| (key(kind), Resource::owned(Toy::of("a"))));
    graph(alone.into_iter().chain([(key("User"), Resource::owned(Toy::of("a").refers(&key("A"))))]))
}

#[tokio::test]
async fn aws_201_steps_that_wait_for_nothing_run_at_the_same_time_eight_at_most() {
    let engine = engine([("a", many())]);
    engine.backend().pause();
    let (running, wanted) = (engine.clone(), lb("a"));
    let run = tokio::spawn(async move { running.ensure(&wanted).await });
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    assert_eq!(engine.backend().take_writes(), KINDS.map(|kind| format!("create {kind}"))[..8]);
    engine.backend().resume();
    assert_eq!(run.await.unwrap().unwrap(), Outcome::Done(Status::default()));
    let rest = engine.backend().take_writes();
    assert!(rest.contains(&"create User".to_owned()) && rest.len() == 3, "{rest:?}");
}

#[tokio::test]
async fn aws_201_an_error_stops_only_what_waits_for_it_and_all_errors_are_told() {
    let engine = engine([("a", many())]);
    let quota =
        Error::new(ErrorKind::Quota, "no more A").on("A/x").with_retry(Retry::After(Duration::from_mins(5)));
    let lost = Error::new(ErrorKind::Timeout, "no answer").on("C/x").with_effect(Effect::Unknown);
    engine.backend().answer([Some(quota), None, Some(lost)]);
    let error = engine.ensure(&lb("a")).await.unwrap_err();
    assert_eq!(error.to_string(), "A/x: no more A; C/x: no answer");
    assert_eq!(
        (error.kind(), error.retry(), error.effect()),
        (ErrorKind::Quota, Retry::Backoff, Effect::Unknown)
    );
    let writes = engine.backend().take_writes();
    assert_eq!(writes.len(), KINDS.len(), "all but the one that needs A: {writes:?}");
    assert_eq!(engine.ensure(&lb("a")).await.unwrap(), Outcome::Done(Status::default()));
    assert_eq!(engine.backend().take_writes(), ["create A", "create C", "create User"]);
}

#[tokio::test]
async fn what_is_old_stays_when_the_new_cannot_be_made() {
    let engine = engine([("a", graph([(key("Old"), Resource::owned(Toy::of("a")))]))]);
    engine.ensure(&lb("a")).await.unwrap();
    engine.backend().want("a", graph([(key("New"), Resource::owned(Toy::of("a")))]));
    engine.backend().take_writes();
    engine.backend().answer([Some(Error::new(ErrorKind::Unavailable, "is down"))]);
    engine.ensure(&lb("a")).await.unwrap_err();
    assert_eq!(engine.backend().take_writes(), ["create New"]);
}

#[tokio::test]
async fn what_waits_for_a_slow_one_does_not_hold_back_the_rest() {
    let engine = engine([("a", many())]);
    engine.backend().slow.lock().insert("A");
    assert_eq!(engine.ensure(&lb("a")).await.unwrap(), Outcome::Pending(pending()));
    assert_eq!(engine.backend().take_writes().len(), KINDS.len());
}

#[tokio::test]
async fn deletes_run_at_the_same_time_too() {
    let engine = engine([("a", many())]);
    engine.ensure(&lb("a")).await.unwrap();
    engine.backend().take_writes();
    engine.backend().answer([Some(Error::new(ErrorKind::Unavailable, "is down"))]);
    engine.delete(&service("a")).await.unwrap_err();
    assert_eq!(engine.backend().world.lock().items.len(), 1, "only the one that failed is left");
    assert_eq!(engine.delete(&service("a")).await.unwrap(), Outcome::Done(()));
    assert!(engine.backend().world.lock().items.is_empty());
}
