//! What the provider warns of, although it refuses nothing.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper that fails fails its test")]

use std::time::Duration;

use cloud_lb_core::{Error, ErrorKind};
use provider_mock::apiserver::Resource;
use serde_json::{Value, json};

use crate::cloud::{Answer, Op};
use crate::world::{World, lb};

/// The warnings that were told, with how often.
fn told(world: &World) -> Vec<(String, u64)> {
    let text = |event: &Value, field: &str| event[field].as_str().unwrap_or_default().to_owned();
    let events = world.api.list(Resource::Events);
    let warnings = events.iter().filter(|event| text(event, "reason") == "Scripted");
    let mut told: Vec<_> = warnings
        .inspect(|event| assert_eq!(text(event, "type"), "Warning"))
        .map(|event| (text(event, "message"), event["count"].as_u64().unwrap()))
        .collect();
    told.sort();
    told
}

fn times(messages: &[(&str, u64)]) -> Vec<(String, u64)> {
    messages.iter().map(|(message, count)| ((*message).to_owned(), *count)).collect()
}

/// Lets the user change something, and waits until the cloud has it.
async fn change(world: &World, size: &str) {
    let before = world.cloud.count(Op::Ensure);
    world.change_service("web", |service| {
        service["metadata"]["annotations"] = json!({"cloud.example/size": size});
    });
    world.until("ensured again", |world| world.cloud.count(Op::Ensure) > before).await;
    world.rest().await;
}

#[tokio::test(start_paused = true)]
async fn w_23_a_warning_is_told_at_once_and_not_again_by_retries() {
    let world = World::new();
    world.cloud.warn(&["one zone only", "no answer to checks"]);
    world.cloud.next(Op::Ensure, Answer::Pending(Duration::from_mins(1), "being made"));
    world.cloud.next(Op::Ensure, Answer::Fail(Error::new(ErrorKind::Unavailable, "down")));
    world.add_service(lb("web"));
    let world = world.start();
    world.until("asked", |world| world.cloud.count(Op::Ensure) == 1).await;
    world.rest().await;
    let once = times(&[("no answer to checks", 1), ("one zone only", 1)]);
    assert_eq!(told(&world), once, "while the cloud is still at work");
    world.until_ready("web").await;
    change(&world, "2").await;
    assert_eq!((world.cloud.count(Op::Ensure), told(&world)), (4, once));
}

#[tokio::test(start_paused = true)]
async fn w_23_what_comes_up_is_told_and_what_comes_back_is_told_again() {
    let world = World::new();
    world.cloud.warn(&["a", "b"]);
    world.add_service(lb("web"));
    let world = world.start();
    world.until_ready("web").await;
    world.rest().await;
    world.cloud.warn(&["b", "c"]);
    change(&world, "2").await;
    assert_eq!(told(&world), times(&[("a", 1), ("b", 1), ("c", 1)]));
    world.cloud.warn(&[]);
    change(&world, "3").await;
    world.cloud.warn(&["a"]);
    change(&world, "4").await;
    assert_eq!(told(&world), times(&[("a", 2), ("b", 1), ("c", 1)]));
}
