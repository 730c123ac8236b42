//! Services that are not ours, where the cloud or the Service itself does not tell (W-11, AWS-4).
#![expect(clippy::indexing_slicing, reason = "a helper that fails fails its test")]

use std::time::Duration;

use cloud_lb_core::k8s::FINALIZER;
use provider_mock::apiserver::Resource;
use serde_json::{Value, json};

use crate::breaker::{broken, down};
use crate::classes::elsewhere;
use crate::cloud::{Answer, Op};
use crate::world::{World, address, finalized, finalizers, lb};

/// A Service of another controller, which shares our finalizer and gave it an address.
fn add_theirs(world: &World) {
    let mut service = finalized(lb("theirs"));
    service["spec"]["loadBalancerClass"] = json!("example.com/other");
    world.add_service(service);
    world.change_status("theirs", json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.9"}]}}));
}

fn is_untouched(world: &World) {
    assert_eq!(finalizers(world, "theirs"), [FINALIZER]);
    assert_eq!(address(world, "theirs").as_deref(), Some("192.0.2.9"));
    assert_eq!(world.service("theirs")["status"]["conditions"], Value::Null);
    assert_eq!(events_of(world, "theirs"), 0);
    assert!(world.cloud.calls_of(Op::Delete).is_empty());
}

fn events_of(world: &World, name: &str) -> usize {
    let events = world.api.list(Resource::Events);
    events.iter().filter(|event| event["involvedObject"]["name"] == name).count()
}

#[tokio::test(start_paused = true)]
async fn w_11_while_the_cloud_cannot_tell_whose_a_service_is_it_is_not_touched() {
    let world = World::new();
    add_theirs(&world);
    for _ in 0..3 {
        world.cloud.next(Op::Get, Answer::Fail(down()));
    }
    let world = world.start();
    world.pass_time(Duration::from_mins(10)).await;
    assert_eq!(world.cloud.count(Op::Get), 4, "asked until it was told");
    is_untouched(&world);
    assert_eq!(world.patches(), 0);
}

#[tokio::test(start_paused = true)]
async fn w_11_w_24_nothing_of_others_is_touched_while_the_cloud_is_away_or_after_it() {
    let world = broken(World::new()).await;
    add_theirs(&world);
    world.add_service(elsewhere(lb("elsewhere")));
    world.rest().await;
    world.cloud.outage(None);
    world.pass_time(Duration::from_mins(10)).await;
    is_untouched(&world);
    assert_eq!(events_of(&world, "elsewhere"), 0);
    assert_eq!(world.service("elsewhere")["status"]["conditions"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn aws_4_a_service_of_others_that_we_do_not_understand_is_not_touched() {
    let world = World::new();
    let mut service = elsewhere(lb("elsewhere"));
    service["spec"]["loadBalancerIP"] = json!("no-address");
    world.add_service(service);
    let world = world.start();
    world.rest().await;
    assert_eq!((world.patches(), events_of(&world, "elsewhere")), (0, 0));
}
