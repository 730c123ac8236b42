//! The ensure path (§7), status (§11) and what the user changes.

use std::time::Duration;

use cloud_lb_core::k8s::FINALIZER;
use cloud_lb_core::model::Protocol;
use provider_mock::apiserver::{Fault, Resource, Verb};
use serde_json::json;

use crate::cloud::{ADDRESS, Answer, Op};
use crate::world::{World, address, finalized, finalizers, is_ready, lb, of_type};

#[tokio::test(start_paused = true)]
async fn b001_sc_61_w_27_a_service_that_wants_none_is_left_alone() {
    let world = World::new();
    world.add_service(of_type("web", "ClusterIP"));
    world.add_service(of_type("api", "NodePort"));
    let world = world.start();
    world.pass_time(Duration::from_mins(10)).await;
    assert!(world.cloud.calls().is_empty());
    assert_eq!((world.patches(), world.events().len()), (0, 0));
}

/// SC-54: what a provider can do, it says itself. F-13: without a selector, as these are, all nodes are targets.
#[tokio::test(start_paused = true)]
async fn b002_b003_b004_a_service_of_any_protocol_gets_its_load_balancer_with_two_patches() {
    for (text, protocol) in [("UDP", Protocol::Udp), ("TCP", Protocol::Tcp), ("SCTP", Protocol::Sctp)] {
        let world = World::new();
        let mut service = lb("web");
        service["spec"]["ports"][0]["protocol"] = json!(text);
        world.add_service(service);
        let world = world.start();
        world.until_ready("web").await;
        world.rest().await;
        let calls = world.cloud.calls();
        assert_eq!(calls.len(), 1);
        let wanted = calls[0].lb.as_ref().unwrap();
        assert_eq!((wanted.ports[0].protocol, wanted.ports[0].port.get()), (protocol, 80));
        assert_eq!(wanted.service.cluster, "kubernetes");
        assert_eq!(calls[0].nodes, ["n1", "n2"]);
        assert_eq!(address(&world, "web").as_deref(), Some(ADDRESS));
        assert_eq!(finalizers(&world, "web"), [FINALIZER]);
        assert_eq!(world.condition("web").unwrap().0, "True");
        assert_eq!(world.patches(), 2, "finalizer and status");
    }
}

#[tokio::test(start_paused = true)]
async fn b005_a_foreign_class_is_left_alone() {
    let world = World::new();
    let mut service = lb("web");
    service["spec"]["loadBalancerClass"] = json!("custom-loadbalancer");
    world.add_service(service);
    let world = world.start();
    world.pass_time(Duration::from_mins(10)).await;
    assert!(world.cloud.calls().is_empty());
    assert_eq!((world.patches(), world.events().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
pub(crate) async fn b008_with_the_finalizer_there_is_one_patch() {
    let world = World::new();
    world.add_service(finalized(lb("web")));
    let world = world.start();
    world.until_ready("web").await;
    world.rest().await;
    assert_eq!((world.cloud.count(Op::Ensure), world.patches()), (1, 1));
}

#[tokio::test(start_paused = true)]
pub(crate) async fn b034_sc_50_the_order_of_effects() {
    let world = World::new().start();
    world.add_service(lb("web"));
    world.until_ready("web").await;
    assert_eq!(
        world.story(),
        ["Normal EnsuringLoadBalancer", "Ensure web (finalizer)", "Normal EnsuredLoadBalancer"]
    );
}

#[tokio::test(start_paused = true)]
pub(crate) async fn sc_50_f_15_without_nodes_it_warns_and_goes_on() {
    let world = World::new();
    world.remove_node("n1");
    world.remove_node("n2");
    let world = world.start();
    world.add_service(lb("web"));
    world.until_ready("web").await;
    assert_eq!(
        world.story(),
        [
            "Normal EnsuringLoadBalancer",
            "Warning UnAvailableLoadBalancer",
            "Ensure web (finalizer)",
            "Normal EnsuredLoadBalancer"
        ]
    );
    assert!(world.cloud.calls()[0].nodes.is_empty());
}

#[tokio::test(start_paused = true)]
async fn sc_51_t_6_implemented_elsewhere_ends_quietly_and_keeps_the_finalizer() {
    let world = World::new();
    world.cloud.next(Op::Ensure, Answer::Elsewhere);
    world.add_service(lb("web"));
    let world = world.start();
    world.pass_time(Duration::from_mins(10)).await;
    assert_eq!(world.story(), ["Normal EnsuringLoadBalancer", "Ensure web (finalizer)"]);
    assert_eq!((address(&world, "web"), world.condition("web")), (None, None));
    assert_eq!(finalizers(&world, "web"), [FINALIZER]);
    world.add_node("n3");
    world.pass_time(Duration::from_mins(1)).await;
    assert_eq!(world.cloud.count(Op::Update), 0, "W-31");
}

#[tokio::test(start_paused = true)]
async fn sc_7_sc_3_existing_services_are_ensured_once_after_everything_is_listed() {
    let world = World::new();
    for index in 0..30 {
        world.add_service(lb(&format!("s{index:02}")));
    }
    world.api.faults().inject(Verb::List, Resource::Nodes, Fault::Delay(Duration::from_secs(20)), 1);
    let world = world.start();
    world.pass_time(Duration::from_secs(19)).await;
    assert_eq!((world.cloud.calls().len(), world.api.faults().writes()), (0, 0), "nodes are not known");
    world.until("all ready", |world| (0..30).all(|index| is_ready(world, &format!("s{index:02}")))).await;
    world.pass_time(Duration::from_mins(10)).await;
    assert_eq!(world.cloud.calls().len(), 30, "W-30: and no pass over the nodes");
    assert!(world.cloud.calls().iter().all(|call| call.nodes == ["n1", "n2"]));
}

#[tokio::test(start_paused = true)]
pub(crate) async fn b035_what_the_user_changes_reaches_the_cloud() {
    let world = World::new().ready(&[lb("web")]).await;
    world.change_service("web", |service| service["spec"]["loadBalancerIP"] = json!("192.0.2.77"));
    world.until("ensured again", |world| world.cloud.count(Op::Ensure) == 1).await;
    let wanted = world.cloud.calls()[0].lb.clone().unwrap();
    assert_eq!(wanted.requested_address.map(|ip| ip.to_string()).as_deref(), Some("192.0.2.77"));
    world.rest().await;
    assert_eq!(world.patches(), 0, "addresses and conditions are as they were");
}

#[tokio::test(start_paused = true)]
async fn w_7_sc_14_f_17_what_nobody_reads_is_no_work() {
    let world = World::new().ready(&[lb("web")]).await;
    world.change_service("web", |service| {
        service["metadata"]["annotations"] = json!({"gitops.example/id": "1"});
        service["metadata"]["labels"] = json!({"team": "blue"});
        service["spec"]["selector"] = json!({"app": "web"});
    });
    world.pass_time(Duration::from_mins(10)).await;
    assert!(world.cloud.calls().is_empty());
    world.change_service("web", |service| {
        service["metadata"]["annotations"] = json!({"cloud.example/size": "2"});
    });
    world.until("ensured again", |world| world.cloud.count(Op::Ensure) == 1).await;
}

#[tokio::test(start_paused = true)]
pub(crate) async fn w_4_a_wiped_status_is_restored_without_a_call_to_the_cloud() {
    let world = World::new().ready(&[lb("web")]).await;
    world.change_status("web", json!({}));
    world.until_ready("web").await;
    world.rest().await;
    assert!(world.cloud.calls().is_empty());
    assert_eq!(world.condition("web").unwrap().0, "True");
    assert_eq!(world.patches(), 1);
    let foreign = json!({"loadBalancer": {"ingress": [{"ip": "203.0.113.9"}]}});
    world.change_status("web", foreign);
    world.until("restored", |world| address(world, "web").as_deref() == Some(ADDRESS)).await;
    assert!(world.cloud.calls().is_empty());
}

#[tokio::test(start_paused = true)]
pub(crate) async fn w_9_a_finalizer_that_was_stripped_is_put_back() {
    let world = World::new().ready(&[lb("web")]).await;
    world.strip_finalizers("web");
    world.until("put back", |world| finalizers(world, "web") == [FINALIZER]).await;
}

#[tokio::test(start_paused = true)]
pub(crate) async fn conditions_of_others_are_left_alone() {
    let world = World::new();
    world.add_service(lb("web"));
    let foreign = json!({"type": "example.com/Other", "status": "True", "reason": "Is", "message": "m",
        "lastTransitionTime": "2020-01-01T00:00:00Z"});
    world.change_status("web", json!({"conditions": [foreign]}));
    let world = world.start();
    world.until_ready("web").await;
    let conditions = world.service("web")["status"]["conditions"].clone();
    assert_eq!(conditions.as_array().unwrap().len(), 4);
    assert!(conditions.as_array().unwrap().contains(&foreign));
    world.change_service("web", |service| service["spec"]["type"] = json!("ClusterIP"));
    world.until("cleaned up", |world| world.condition("web").is_none()).await;
    assert_eq!(world.service("web")["status"]["conditions"], json!([foreign]));
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_restart_writes_nothing_to_a_service_that_is_as_it_should_be() {
    let mut world = World::new().ready(&[lb("web")]).await;
    world.stop().await.unwrap();
    world.launch();
    world.rest().await;
    assert_eq!((world.patches(), world.cloud.calls().len()), (0, 0));
}
