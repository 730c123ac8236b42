//! Nodes and pods that change while a call runs which began with the ones of before.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::time::Duration;

use cloud_lb_core::provider::{Capabilities, TargetScope};
use provider_mock::apiserver::Resource;
use serde_json::json;

use crate::cloud::{Call, Op};
use crate::world::{World, lb};

const OLD: [&str; 2] = ["n1", "n2"];
const NEW: [&str; 3] = ["n1", "n2", "n3"];

fn world(change: impl FnOnce(&mut Capabilities)) -> World {
    World::with(change).options(|options| options.with_call_timeout(Duration::from_hours(2)))
}

fn shared(capabilities: &mut Capabilities) {
    capabilities.target_scope = TargetScope::Cluster;
}

/// Lets the debounce end and the pass run.
async fn settle(world: &World) {
    world.pass_time(Duration::from_mins(1)).await;
}

/// Adds the Service and holds its first ensure.
async fn hold_ensure_of(world: &World, name: &str) {
    world.cloud.hold(name);
    world.add_service(lb(name));
    world.until("held", |world| world.cloud.count(Op::Ensure) == 1).await;
}

async fn release(world: &World, name: &str) {
    world.cloud.release(name);
    world.until_ready(name).await;
    settle(world).await;
}

fn story(world: &World) -> Vec<(Op, Vec<String>)> {
    world.cloud.calls().into_iter().map(|Call { op, nodes, .. }| (op, nodes)).collect()
}

fn step(op: Op, nodes: &[&str]) -> (Op, Vec<String>) {
    (op, nodes.iter().map(ToString::to_string).collect())
}

#[tokio::test(start_paused = true)]
async fn w_1_an_ensure_that_ends_with_older_nodes_does_not_leave_them_in_shared_targets() {
    let world = world(shared).ready(&[lb("a")]).await;
    hold_ensure_of(&world, "b").await;
    world.add_node("n3");
    settle(&world).await;
    assert_eq!(story(&world), [step(Op::Ensure, &OLD), step(Op::UpdateCluster, &NEW)]);
    release(&world, "b").await;
    assert_eq!(story(&world)[2..], [step(Op::UpdateCluster, &NEW)], "once more, for b may have written last");
}

#[tokio::test(start_paused = true)]
async fn w_1_w_31_shared_targets_that_nobody_has_yet_get_the_new_nodes_after_the_first_ensure() {
    let world = world(shared).start();
    hold_ensure_of(&world, "a").await;
    world.add_node("n3");
    settle(&world).await;
    assert_eq!(story(&world), [step(Op::Ensure, &OLD)], "there is nothing to update yet");
    release(&world, "a").await;
    assert_eq!(story(&world)[1..], [step(Op::UpdateCluster, &NEW)]);
}

#[tokio::test(start_paused = true)]
async fn sc_92_a_node_that_joins_during_the_first_ensure_is_handed_over_after_it() {
    let world = world(|_| {}).start();
    hold_ensure_of(&world, "web").await;
    world.add_node("n3");
    settle(&world).await;
    assert_eq!(story(&world), [step(Op::Ensure, &OLD)]);
    release(&world, "web").await;
    assert_eq!(story(&world)[1..], [step(Op::Update, &NEW)]);
}

#[tokio::test(start_paused = true)]
async fn pods_that_come_during_the_first_ensure_are_handed_over_after_it() {
    let world = world(|capabilities| capabilities.pod_targets = true).start();
    hold_ensure_of(&world, "web").await;
    add_pod(&world, "web", "10.1.0.7");
    settle(&world).await;
    release(&world, "web").await;
    let updates = world.cloud.calls_of(Op::Update);
    assert_eq!((updates.len(), world.cloud.calls().len()), (1, 2));
    assert_eq!(updates[0].lb.as_ref().unwrap().endpoints[0].address.to_string(), "10.1.0.7");
}

/// A pod behind a Service comes up.
pub(crate) fn add_pod(world: &World, service: &str, address: &str) {
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"generateName": format!("{service}-"), "namespace": "default",
            "labels": {"kubernetes.io/service-name": service}},
        "endpoints": [{"addresses": [address], "conditions": {"ready": true}}],
        "ports": [{"name": "", "port": 8080, "protocol": "TCP"}]
    });
    world.api.create(Resource::EndpointSlices, slice).unwrap();
}
