//! The condensed upstream cases about node changes (9 to 33), each as `bNNN`.
//!
//! Upstream updates Services that its cache knows, also those that were never ensured. Here a Service must
//! have been ensured once (W-31), so that nodes change after that.
#![expect(clippy::indexing_slicing, reason = "a helper that fails fails its test")]

use std::time::Duration;

use cloud_lb_core::controller::Options;
use cloud_lb_core::k8s::{AUTOSCALER_TAINT, EXCLUDE_LABEL, NodePolicy};
use cloud_lb_core::model::NodeState;
use provider_mock::apiserver::{Fault, Resource, Verb};
use serde_json::{Value, json};

use crate::cloud::{Call, Op};
use crate::world::{World, finalized, lb, of_type};

/// Lets the debounce end and the pass run.
async fn settle(world: &World) {
    world.pass_time(Duration::from_mins(1)).await;
}

/// The nodes of a call, draining ones with a `~`.
fn nodes(call: &Call) -> Vec<String> {
    let lb = call.lb.as_ref().map(|lb| &*lb.nodes).unwrap_or_default();
    let show = |node: &cloud_lb_core::model::Node| match node.state {
        NodeState::Active => node.name.clone(),
        NodeState::Draining => format!("~{}", node.name),
    };
    lb.iter().map(show).collect()
}

/// The nodes of every call since the last look; each must be a host update.
fn updates(world: &World) -> Vec<Vec<String>> {
    let calls = world.cloud.calls();
    assert!(calls.iter().all(|call| call.op == Op::Update), "{calls:#?}");
    world.cloud.forget_calls();
    calls.iter().map(nodes).collect()
}

/// A running world of nodes n1 and n2, in which these Services have what they want.
async fn settled(services: &[Value], change: impl FnOnce(Options) -> Options) -> World {
    let world = World::new().options(change);
    for service in services {
        world.add_service(service.clone());
    }
    let world = world.start();
    settle(&world).await;
    world.cloud.forget_calls();
    world
}

fn lbs(count: usize) -> Vec<Value> {
    (0..count).map(|index| lb(&format!("s{index}"))).collect()
}

#[tokio::test(start_paused = true)]
async fn sc_92_only_services_with_a_load_balancer_are_updated() {
    let others = || vec![of_type("cluster", "ClusterIP"), of_type("node", "NodePort")];
    let mut mixed = lbs(2);
    mixed.extend(others());
    for (case, services, lanes, expected) in [
        ("b009", Vec::new(), 1, 0),
        ("b010", others(), 2, 0),
        ("b011", lbs(1), 3, 1),
        ("b012", lbs(3), 4, 3),
        ("b013", mixed, 5, 2),
        ("b015", lbs(4), 2, 4),
    ] {
        let world = settled(&services, |options| options.with_concurrency(lanes)).await;
        world.add_node("n3");
        settle(&world).await;
        assert_eq!(updates(&world), vec![vec!["n1", "n2", "n3"]; expected], "{case}");
        assert!(!world.reasons().contains(&"UpdateLoadBalancerFailed".to_owned()), "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn b014_a_service_that_is_gone_harms_no_pass() {
    let world = settled(&lbs(2), |options| options.with_concurrency(6)).await;
    world.strip_finalizers("s1");
    world.delete_service("s1");
    world.add_node("n3");
    settle(&world).await;
    let updates = world.cloud.calls_of(Op::Update);
    assert_eq!(updates.iter().map(nodes).collect::<Vec<_>>(), [["n1", "n2", "n3"]]);
    assert_eq!(updates[0].service, "s0");
}

/// Two Services of `externalTrafficPolicy: Cluster` and `Local` each have the same nodes (SC-883).
async fn three_services(policy: NodePolicy) -> World {
    let mut services = lbs(3);
    for service in services.iter_mut().take(2) {
        service["spec"]["externalTrafficPolicy"] = json!("Local");
    }
    settled(&services, |options| options.with_nodes(policy).with_concurrency(3)).await
}

fn taint(key: &str) -> Value {
    json!([{"key": key, "value": "1234567890", "effect": "NoSchedule"}])
}

fn delete_slowly(world: &World) {
    world.change_node("n2", |node| node["metadata"]["finalizers"] = json!(["example.com/slow"]));
    world.remove_node("n2");
}

/// What happens, and the nodes that each load balancer has then by upstream's policy and by ours; `None`
/// is no call.
type Row = (&'static str, fn(&World), Option<&'static [&'static str]>, Option<&'static [&'static str]>);

#[tokio::test(start_paused = true)]
async fn sc_96_sc_97_w_18_the_stable_set_of_nodes() {
    let rows: [Row; 9] = [
        ("b016", |_| {}, None, None),
        ("b017", |world| world.add_node("n3"), Some(&["n1", "n2", "n3"]), Some(&["n1", "n2", "n3"])),
        ("b019", |world| world.change_node("n2", |node| ready(node, "False")), None, None),
        // W-18: it drains.
        (
            "b020",
            |world| world.change_node("n2", |node| node["spec"]["taints"] = taint(AUTOSCALER_TAINT)),
            Some(&["n1"]),
            Some(&["n1", "~n2"]),
        ),
        ("b021", |world| world.change_node("n2", |node| ready(node, "True")), None, None),
        (
            "b022",
            |world| world.change_node("n2", |node| node["metadata"]["labels"] = json!({EXCLUDE_LABEL: ""})),
            Some(&["n1"]),
            Some(&["n1"]),
        ),
        ("b023", |world| world.remove_node("n2"), Some(&["n1"]), Some(&["n1"])),
        // W-18: it drains.
        ("b024", delete_slowly, Some(&["n1"]), Some(&["n1", "~n2"])),
        (
            "b025",
            |world| world.change_node("n2", |node| node["spec"]["taints"] = taint("foreign")),
            None,
            None,
        ),
    ];
    for (case, change, upstream, ours) in rows {
        for (policy, expected) in [(NodePolicy::parity(), upstream), (NodePolicy::default(), ours)] {
            let world = three_services(policy).await;
            change(&world);
            settle(&world).await;
            let expected = expected.map_or_else(Vec::new, |nodes| vec![nodes.to_vec(); 3]);
            assert_eq!(updates(&world), expected, "{case}");
        }
    }
}

fn ready(node: &mut Value, status: &str) {
    node["status"]["conditions"] = json!([{"type": "Ready", "status": status}]);
}

#[tokio::test(start_paused = true)]
async fn sc_97_t_4_an_update_is_told_and_writes_no_status() {
    let world = World::new().ready(&lbs(3)).await;
    world.add_node("n3");
    settle(&world).await;
    assert_eq!(world.patches(), 0);
    let updated = world.reasons().into_iter().filter(|reason| reason == "UpdatedLoadBalancer");
    assert_eq!(updated.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn b026_b027_b028_a_sequence_of_changes_is_four_updates_each() {
    /// What happens, and the nodes of each load balancer after it.
    type Step = (fn(&World), &'static [&'static str]);
    let world = settled(&lbs(4), |options| options).await;
    let steps: [Step; 3] = [
        (|world| world.remove_node("n2"), &["n1"]),
        (|world| world.add_node("n2"), &["n1", "n2"]),
        (
            |world| {
                world.add_node("n3");
                world.add_node("n4");
            },
            &["n1", "n2", "n3", "n4"],
        ),
    ];
    for (change, nodes) in steps {
        change(&world);
        settle(&world).await;
        assert_eq!(updates(&world), vec![nodes.to_vec(); 4]);
    }
}

/// Upstream lists the nodes for each Service, and a failure sends it to the retry queue. Here lanes share
/// what the watch saw (W-1): a list that fails delays the pass, and no Service is to blame.
#[tokio::test(start_paused = true)]
async fn b029_b030_a_list_of_nodes_that_fails_delays_the_pass_and_nothing_else() {
    for lanes in [3, 1] {
        let world = settled(&lbs(4), |options| options.with_concurrency(lanes)).await;
        world.api.faults().inject(Verb::Watch, Resource::Nodes, Fault::Fail(410), 1);
        world.api.faults().inject(Verb::List, Resource::Nodes, Fault::Fail(500), 3);
        world.api.faults().drop_watches();
        world.add_node("n3");
        world.pass_time(Duration::from_millis(500)).await;
        assert_eq!(updates(&world), Vec::<Vec<String>>::new(), "{lanes} lanes");
        world.pass_time(Duration::from_mins(5)).await;
        assert_eq!(updates(&world), vec![vec!["n1", "n2", "n3"]; 4], "{lanes} lanes");
    }
}

#[tokio::test(start_paused = true)]
async fn sc_931_which_node_sets_are_equal() {
    let world = settled(&lbs(2), |options| options).await;
    let replace = |name: &str, id: &str| {
        world.remove_node(name);
        world.add_machine(name, id);
    };
    replace("n1", "mock:///1");
    replace("n2", "mock:///2");
    settle(&world).await;
    assert_eq!(updates(&world), vec![vec!["n1", "n2"]; 2], "b031");
    replace("n2", "mock:///2");
    settle(&world).await;
    assert_eq!(updates(&world), Vec::<Vec<String>>::new(), "b032");
    world.remove_node("n2");
    world.add_node("n3");
    settle(&world).await;
    assert_eq!(updates(&world), vec![vec!["n1", "n3"]; 2], "b033");
}

/// The object that the sync began with has neither the annotation nor the label that a user sets during
/// it; what the controller writes leaves both, and the spec, as they are (SC-83, SC-84).
#[tokio::test(start_paused = true)]
pub(crate) async fn b151_a_patch_from_an_older_object_takes_nothing_away() {
    let world = World::new();
    world.cloud.hold("web");
    world.add_service(lb("web"));
    let world = world.start();
    world.until("ensuring", |world| world.cloud.count(Op::Ensure) == 1).await;
    world.change_service("web", |service| {
        service["metadata"]["annotations"] = json!({"example.com/note": "kept"});
        service["metadata"]["labels"] = json!({"team": "blue"});
        let mine = finalized(service.clone())["metadata"]["finalizers"][0].clone();
        service["metadata"]["finalizers"] = json!(["example.com/theirs", mine]);
    });
    let spec = world.service("web")["spec"].clone();
    world.cloud.release("web");
    world.until_ready("web").await;
    let service = world.service("web");
    assert_eq!(service["metadata"]["annotations"], json!({"example.com/note": "kept"}));
    assert_eq!(service["metadata"]["labels"], json!({"team": "blue"}));
    assert_eq!(service["metadata"]["finalizers"].as_array().map(Vec::len), Some(2));
    assert_eq!(service["spec"], spec);
}
