//! Node changes (§13, §14).
#![expect(clippy::indexing_slicing, reason = "a helper that fails fails its test")]

use std::time::Duration;

use cloud_lb_core::k8s::{AUTOSCALER_TAINT, NodePolicy};
use cloud_lb_core::provider::TargetScope;
use cloud_lb_core::{Error, ErrorKind};
use serde_json::{Value, json};

use crate::cloud::{Answer, Op};
use crate::world::{World, lb, seconds};

fn down() -> Error {
    Error::new(ErrorKind::Unavailable, "the cloud is down")
}

async fn three_services() -> World {
    let mut local = lb("local");
    local["spec"]["externalTrafficPolicy"] = json!("Local");
    World::new()
        .options(|options| options.with_nodes(NodePolicy::parity()))
        .ready(&[lb("a"), lb("b"), local])
        .await
}

/// Lets the debounce end and the pass run.
async fn settle(world: &World) {
    world.pass_time(Duration::from_mins(1)).await;
}

/// The nodes of each call of a method.
fn nodes_of(world: &World, op: Op) -> Vec<Vec<String>> {
    world.cloud.calls_of(op).into_iter().map(|call| call.nodes).collect()
}

fn add_taint(node: &mut Value, key: &str) {
    node["spec"]["taints"] = json!([{"key": key, "effect": "NoSchedule"}]);
}

#[tokio::test(start_paused = true)]
async fn w_1_a_hundred_nodes_that_join_at_once_are_one_update_for_each() {
    let world = three_services().await;
    for index in 0..100 {
        world.add_node(&format!("x{index:03}"));
        world.pass_time(Duration::from_millis(20)).await;
    }
    settle(&world).await;
    assert_eq!(world.cloud.count(Op::Update), 3);
    assert!(nodes_of(&world, Op::Update).iter().all(|nodes| nodes.len() == 102));
}

#[tokio::test(start_paused = true)]
async fn w_18_a_draining_node_is_handed_over_as_such() {
    let world = World::new().ready(&[lb("web")]).await;
    world.change_node("n1", |node| add_taint(node, AUTOSCALER_TAINT));
    settle(&world).await;
    let updates = world.cloud.calls_of(Op::Update);
    assert_eq!(updates.len(), 1);
    let states: Vec<bool> = updates[0]
        .lb
        .as_ref()
        .unwrap()
        .nodes
        .iter()
        .map(|node| node.state == cloud_lb_core::model::NodeState::Draining)
        .collect();
    assert_eq!(states, [true, false]);
}

/// SC-37, SC-38: upstream tries it as an ensure, at once.
#[tokio::test(start_paused = true)]
async fn b018_w_24_a_failed_update_is_tried_again_as_an_update_after_its_delay() {
    let world = World::new().ready(&[lb("web")]).await;
    world.cloud.next(Op::Update, Answer::Fail(down()));
    world.add_node("n3");
    settle(&world).await;
    let ops: Vec<Op> = world.cloud.calls().iter().map(|call| call.op).collect();
    assert_eq!(ops, [Op::Update, Op::Get, Op::Update], "not an ensure");
    assert_eq!((world.cloud.calls()[2].at - world.cloud.calls()[0].at).as_secs(), 5);
    assert_eq!(nodes_of(&world, Op::Update)[1], ["n1", "n2", "n3"]);
    let failed = "Warning UpdateLoadBalancerFailed: Error updating load balancer with new hosts [n1 n2 n3] \
                  [node names limited, total number of nodes: 3], error: the cloud is down";
    assert!(world.events().contains(&failed.to_owned()), "{:?}", world.events());
}

#[tokio::test(start_paused = true)]
async fn sc_94_w_25_the_update_error_survives_a_failing_question() {
    let world = World::new().ready(&[lb("web")]).await;
    let after = down().with_retry(cloud_lb_core::error::Retry::After(Duration::from_secs(17)));
    world.cloud.next(Op::Update, Answer::Fail(after));
    world.cloud.next(Op::Get, Answer::Fail(Error::new(ErrorKind::Internal, "another error")));
    world.add_node("n3");
    settle(&world).await;
    let calls = world.cloud.calls();
    assert_eq!(calls.len(), 3);
    assert_eq!((calls[2].at - calls[0].at).as_secs(), 17, "W-14: the delay of the update's error");
    assert!(world.events().iter().any(|event| event.ends_with("error: the cloud is down")));
}

#[tokio::test(start_paused = true)]
async fn sc_94_an_update_of_what_does_not_exist_is_no_failure() {
    let world = World::new().ready(&[lb("web")]).await;
    let uid = world.service("web")["metadata"]["uid"].as_str().unwrap().to_owned();
    world.cloud.forget_load_balancer(&uid);
    world.cloud.next(Op::Update, Answer::Fail(Error::new(ErrorKind::NotFound, "no such load balancer")));
    world.add_node("n3");
    settle(&world).await;
    assert_eq!((world.cloud.count(Op::Update), world.cloud.count(Op::Get)), (1, 1));
    assert!(!world.reasons().contains(&"UpdateLoadBalancerFailed".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_load_balancer_that_is_not_complete_gets_its_new_nodes_by_the_next_ensure() {
    let world = World::new();
    world.cloud.next(Op::Ensure, Answer::Pending(Duration::from_secs(30), "slow"));
    world.add_service(lb("web"));
    let world = world.start();
    world.rest().await;
    world.add_node("n3");
    settle(&world).await;
    assert_eq!(nodes_of(&world, Op::Ensure), [vec!["n1", "n2"], vec!["n1", "n2", "n3"]]);
    assert_eq!(world.cloud.calls().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn sc_94_implemented_elsewhere_and_no_nodes() {
    let world = World::new().ready(&[lb("web")]).await;
    world.cloud.next(Op::Update, Answer::Elsewhere);
    world.remove_node("n2");
    settle(&world).await;
    assert_eq!(world.events().len(), 2, "no event");
    world.remove_node("n1");
    settle(&world).await;
    assert_eq!(nodes_of(&world, Op::Update)[1], Vec::<String>::new());
    assert_eq!(world.reasons()[2..], ["UnAvailableLoadBalancer"]);
}

#[tokio::test(start_paused = true)]
async fn b047_sc_95_a_slow_pass_never_takes_a_newer_node_away() {
    let world = World::new()
        .options(|options| options.with_concurrency(1).with_call_timeout(Duration::from_hours(2)))
        .ready(&[lb("a"), lb("b")])
        .await;
    world.cloud.hold("a");
    world.add_node("n3");
    world.until("held", |world| world.cloud.count(Op::Update) == 1).await;
    world.add_node("n4");
    world.change_service("b", |service| service["spec"]["ports"][0]["port"] = json!(81));
    settle(&world).await;
    world.cloud.release("a");
    settle(&world).await;
    let of_b: Vec<(Op, Vec<String>)> = world
        .cloud
        .calls()
        .into_iter()
        .filter(|call| call.service == "b")
        .map(|call| (call.op, call.nodes))
        .collect();
    let all = ["n1", "n2", "n3", "n4"].map(ToOwned::to_owned).to_vec();
    assert_eq!(of_b, [(Op::Ensure, all.clone())], "one call, with the newest nodes");
    assert_eq!(nodes_of(&world, Op::Update), [["n1", "n2", "n3"].map(ToOwned::to_owned).to_vec(), all]);
}

#[tokio::test(start_paused = true)]
async fn w_2_a_service_that_is_being_deleted_gets_no_update() {
    let world = World::new()
        .options(|options| options.with_call_timeout(Duration::from_hours(2)))
        .ready(&[lb("web")])
        .await;
    world.cloud.hold("web");
    world.delete_service("web");
    world.until("deleting", |world| world.cloud.count(Op::Delete) == 1).await;
    world.add_node("n3");
    settle(&world).await;
    world.cloud.release("web");
    world.until("gone", |world| !world.exists("web")).await;
    settle(&world).await;
    assert_eq!((world.cloud.count(Op::Update), world.cloud.overlaps()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn w_1_shared_targets_are_one_call_however_many_services_there_are() {
    let services: Vec<Value> = (0..20).map(|index| lb(&format!("s{index}"))).collect();
    let world =
        World::with(|capabilities| capabilities.target_scope = TargetScope::Cluster).ready(&services).await;
    settle(&world).await;
    assert!(world.cloud.calls().is_empty(), "the first list is no change");
    world.cloud.next(Op::UpdateCluster, Answer::Fail(down()));
    world.add_node("n3");
    settle(&world).await;
    assert_eq!(nodes_of(&world, Op::UpdateCluster), [["n1", "n2", "n3"]; 2]);
    assert_eq!(seconds(&world, Op::UpdateCluster), [0, 5], "a failure is tried again");
    assert_eq!(world.cloud.calls().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn w_16_a_provider_that_needs_provider_ids_waits_for_them() {
    let world = World::with(|capabilities| capabilities.needs_provider_id = true).ready(&[lb("web")]).await;
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n3"}});
    world.api.create(provider_mock::apiserver::Resource::Nodes, node).unwrap();
    settle(&world).await;
    assert!(world.cloud.calls().is_empty());
    world.change_node("n3", |node| node["spec"]["providerID"] = json!("mock:///n3"));
    settle(&world).await;
    assert_eq!(nodes_of(&world, Op::Update), [["n1", "n2", "n3"]]);
}

#[tokio::test(start_paused = true)]
async fn pods_that_come_and_go_reach_a_provider_that_sends_traffic_to_pods() {
    let world =
        World::with(|capabilities| capabilities.pod_targets = true).ready(&[lb("web"), lb("api")]).await;
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "web-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "web"}},
        "endpoints": [{"addresses": ["10.1.0.7"], "conditions": {"ready": true}}],
        "ports": [{"name": "", "port": 8080, "protocol": "TCP"}]
    });
    world.api.create(provider_mock::apiserver::Resource::EndpointSlices, slice).unwrap();
    world.until("updated", |world| world.cloud.count(Op::Update) == 1).await;
    settle(&world).await;
    let calls = world.cloud.calls();
    assert_eq!((calls.len(), calls[0].service.as_str()), (1, "web"));
    assert_eq!(calls[0].lb.as_ref().unwrap().endpoints[0].address.to_string(), "10.1.0.7");
}
