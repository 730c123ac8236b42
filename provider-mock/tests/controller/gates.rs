//! Readiness gates (AWS-194, AWS-195): pods that are ready only once they are healthy targets.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper that fails fails its test")]

use std::time::Duration;

use cloud_lb_core::{Error, ErrorKind};
use provider_mock::apiserver::{Fault, Resource, Verb};
use serde_json::{Value, json};

use crate::cloud::{Answer, Call, GATES, Op};
use crate::world::{World, lb};

pub(crate) const POLL: Duration = Duration::from_secs(15);
pub(crate) const HOUR: Duration = Duration::from_hours(1);
pub(crate) const GATE: &str = "health.example/web";

fn web() -> Value {
    let mut service = lb("web");
    service["spec"]["selector"] = json!({"app": "web"});
    service
}

/// A world of a provider that fills in readiness gates, with a Service that is ready.
pub(crate) async fn world() -> World {
    unstarted().ready(&[web()]).await
}

fn unstarted() -> World {
    World::with(|capabilities| {
        capabilities.pod_targets = true;
        capabilities.readiness_gates = Some(GATES);
    })
}

/// Adds a pod whose containers are not ready yet.
pub(crate) fn add_pod(world: &World, name: &str, gates: &[&str]) {
    let gates: Vec<Value> = gates.iter().map(|gate| json!({"conditionType": gate})).collect();
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": "web"}},
        "spec": {"nodeName": "n1", "containers": [{"name": "c", "image": "web"}], "readinessGates": gates},
    });
    pod = world.api.create(Resource::Pods, pod).unwrap();
    let address = format!("10.1.0.{}", world.api.list(Resource::Pods).len());
    pod["status"] = json!({"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]});
    world.api.update_status(Resource::Pods, pod).unwrap();
    start(world, name, "False");
}

fn pod(world: &World, name: &str) -> Value {
    world.api.get(Resource::Pods, "default", name).unwrap()
}

/// A condition of a pod: status, reason and message.
fn condition(pod: &Value, kind: &str) -> Option<[String; 3]> {
    let found = pod["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)?;
    Some(["status", "reason", "message"].map(|field| found[field].as_str().unwrap_or_default().to_owned()))
}

pub(crate) fn gate(world: &World, name: &str) -> Option<[String; 3]> {
    condition(&pod(world, name), GATE)
}

fn is_true(pod: &Value, kind: &str) -> bool {
    condition(pod, kind).is_some_and(|[status, ..]| status == "True")
}

fn set(pod: &mut Value, kind: &str, status: &str) {
    let mut all = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
    all.retain(|condition| condition["type"] != kind);
    all.push(json!({"type": kind, "status": status, "lastProbeTime": null, "lastTransitionTime": null}));
    pod["status"]["conditions"] = json!(all);
}

/// Says whether the containers of a pod are ready, as its kubelet does.
pub(crate) fn start(world: &World, name: &str, ready: &str) {
    let mut pod = pod(world, name);
    set(&mut pod, "ContainersReady", ready);
    world.api.update_status(Resource::Pods, pod).unwrap();
    kubelet(world);
}

/// Says which pods are ready, as kubelets and the controllers of endpoints do.
fn kubelet(world: &World) {
    for mut pod in world.api.list(Resource::Pods) {
        let gates = pod["spec"]["readinessGates"].as_array().cloned().unwrap_or_default();
        let is_open = |gate: &Value| is_true(&pod, gate["conditionType"].as_str().unwrap());
        let ready = is_true(&pod, "ContainersReady") && gates.iter().all(is_open);
        if condition(&pod, "Ready").is_none() || is_true(&pod, "Ready") != ready {
            set(&mut pod, "Ready", if ready { "True" } else { "False" });
            world.api.update_status(Resource::Pods, pod).unwrap();
        }
    }
    world.api.settle_endpoints();
}

fn requests(world: &World, verb: Verb, resource: &str) -> u64 {
    world.api.faults().requests().get(&(verb, resource.to_owned())).copied().unwrap_or_default()
}

/// Pods in a call that are not ready and are targets all the same.
fn waiting(call: &Call) -> Vec<String> {
    let endpoints = call.lb.iter().flat_map(|lb| &lb.endpoints);
    let waiting = endpoints.filter(|endpoint| !endpoint.ready && !endpoint.gates.is_empty());
    waiting.filter_map(|endpoint| endpoint.pod.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn aws_194_a_pod_waits_as_a_target_and_is_ready_once_that_is_healthy() {
    let world = world().await;
    add_pod(&world, "a", &[GATE]);
    world.pass_time(POLL * 4).await;
    assert_eq!(gate(&world, "a"), None, "its containers are not ready: nobody waits for us");
    assert_eq!(world.cloud.count(Op::Gates), 0);
    assert!(world.cloud.calls().iter().all(|call| waiting(call).is_empty()));

    start(&world, "a", "True");
    world.pass_time(POLL * 2).await;
    assert_eq!(waiting(world.cloud.calls_of(Op::Update).last().unwrap()), ["a"]);
    assert_eq!(gate(&world, "a"), Some(["False", "Initial", "being checked"].map(str::to_owned)));
    assert!(!is_true(&pod(&world, "a"), "Ready"));

    world.cloud.heal("a");
    world.pass_time(POLL).await;
    assert_eq!(gate(&world, "a"), Some(["True", "", ""].map(str::to_owned)));
    kubelet(&world);
    world.pass_time(POLL).await;
    assert!(is_true(&pod(&world, "a"), "Ready"));
    let last = world.cloud.calls_of(Op::Update).pop().unwrap().lb.unwrap();
    assert!(last.endpoints[0].ready && last.endpoints[0].gates.is_empty());

    world.cloud.forget_calls();
    world.api.faults().reset_counts();
    world.pass_time(HOUR).await;
    assert_eq!(world.cloud.calls().len(), 0, "all gates are open");
    assert_eq!(requests(&world, Verb::Get, "pods") + requests(&world, Verb::Patch, "pods/status"), 0);
}

#[tokio::test(start_paused = true)]
async fn aws_194_gates_are_polled_every_15_s_and_written_when_they_differ() {
    let world = world().await;
    add_pod(&world, "a", &[GATE]);
    start(&world, "a", "True");
    world.pass_time(POLL).await;
    let first = pod(&world, "a");
    world.cloud.forget_calls();
    world.api.faults().reset_counts();
    world.pass_time(POLL * 20).await;
    assert_eq!(world.cloud.count(Op::Gates), 20);
    assert_eq!(requests(&world, Verb::Get, "pods"), 20, "only the pod that waits");
    assert_eq!(requests(&world, Verb::Patch, "pods/status"), 0);
    assert_eq!(pod(&world, "a"), first);
    assert_eq!(world.cloud.overlaps(), 0, "W-2: in the lane of the Service");
}

#[tokio::test(start_paused = true)]
async fn aws_194_the_interval_is_a_setting() {
    let world = unstarted()
        .options(|options| options.with_gate_interval(Duration::from_mins(1)))
        .ready(&[web()])
        .await;
    add_pod(&world, "a", &[GATE]);
    start(&world, "a", "True");
    world.pass_time(Duration::from_mins(2)).await;
    world.cloud.forget_calls();
    world.pass_time(Duration::from_mins(10)).await;
    assert_eq!(world.cloud.count(Op::Gates), 10);
}

#[tokio::test(start_paused = true)]
async fn aws_194_pods_without_gates_cost_one_read_and_no_call() {
    let world = world().await;
    add_pod(&world, "plain", &[]);
    add_pod(&world, "other", &["others.example/x"]);
    start(&world, "other", "True");
    world.pass_time(HOUR).await;
    assert_eq!(world.cloud.count(Op::Gates), 0);
    assert_eq!(requests(&world, Verb::Get, "pods"), 2);
    assert_eq!(requests(&world, Verb::Patch, "pods/status"), 0);
    assert_eq!(requests(&world, Verb::List, "pods") + requests(&world, Verb::Watch, "pods"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_fills_in_no_gates_reads_no_pods() {
    let world = World::with(|capabilities| capabilities.pod_targets = true).ready(&[web()]).await;
    add_pod(&world, "a", &[GATE]);
    start(&world, "a", "True");
    world.pass_time(HOUR).await;
    assert_eq!((requests(&world, Verb::Get, "pods"), world.cloud.count(Op::Gates)), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn aws_194_gates_open_before_the_load_balancer_goes() {
    for end in ["deletion", "another type"] {
        let world = world().await;
        add_pod(&world, "a", &[GATE]);
        add_pod(&world, "late", &[GATE]);
        start(&world, "a", "True");
        world.pass_time(POLL * 2).await;
        assert_eq!(gate(&world, "a").unwrap()[0], "False");
        world.cloud.next(Op::Delete, Answer::Pending(Duration::from_secs(30), "draining"));
        if end == "deletion" {
            world.delete_service("web");
        } else {
            world.change_service("web", |service| service["spec"]["type"] = json!("ClusterIP"));
        }
        world.until("asked to delete", |world| world.cloud.count(Op::Delete) == 1).await;
        let open = [
            "True".to_owned(),
            "LoadBalancerDeleted".to_owned(),
            "the load balancer of Service default/web is deleted".to_owned(),
        ];
        assert_eq!(gate(&world, "a"), Some(open.clone()), "{end}");
        assert_eq!(gate(&world, "late"), Some(open), "{end}: also where containers are not ready yet");
        world.pass_time(HOUR).await;
        assert_eq!(world.cloud.existing(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn aws_195_a_gate_of_a_pod_that_is_no_target_says_why() {
    let world = world().await;
    world.cloud.refuse("a");
    add_pod(&world, "a", &[GATE]);
    start(&world, "a", "True");
    world.pass_time(POLL * 2).await;
    assert_eq!(gate(&world, "a"), Some(["False", "NoTarget", "no target"].map(str::to_owned)));

    let full = || Answer::Fail(Error::new(ErrorKind::Quota, "too many targets"));
    for _ in 0..3 {
        world.cloud.next(Op::Update, full());
    }
    world.add_node("n3");
    world.pass_time(POLL * 2).await;
    let [_, reason, message] = gate(&world, "a").unwrap();
    assert_eq!((reason.as_str(), message.as_str()), ("NoTarget", "no target; too many targets"));

    world.pass_time(Duration::from_mins(5)).await;
    assert_eq!(gate(&world, "a").unwrap()[2], "no target", "handed over by now");
    world.cloud.next(Op::Ensure, Answer::Fail(Error::new(ErrorKind::InvalidInput, "no such subnet")));
    world.change_service("web", |service| service["spec"]["ports"][0]["port"] = json!(81));
    world.pass_time(POLL * 2).await;
    let message = gate(&world, "a").unwrap()[2].clone();
    assert!(message.starts_with("no target; failed to ensure load balancer: no such subnet"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn aws_194_a_pod_that_waits_stays_a_target_when_the_controller_starts_anew() {
    let mut world = world().await;
    add_pod(&world, "a", &[GATE]);
    start(&world, "a", "True");
    world.pass_time(POLL * 2).await;
    world.stop().await.unwrap();
    world.cloud.forget_calls();
    world.launch();
    world.pass_time(Duration::from_mins(1)).await;
    let handed: Vec<Vec<String>> =
        world.cloud.calls().iter().filter(|call| call.lb.is_some()).map(waiting).collect();
    assert!(!handed.is_empty() && handed.iter().all(|pods| pods == &["a"]), "{handed:?}");
    assert!(world.cloud.count(Op::Gates) > 0);
    world.cloud.heal("a");
    world.pass_time(POLL).await;
    assert_eq!(gate(&world, "a").unwrap()[0], "True");
}

#[tokio::test(start_paused = true)]
async fn aws_194_a_pod_that_cannot_be_read_is_not_taken_for_one_that_does_not_wait() {
    let world = world().await;
    add_pod(&world, "a", &[GATE]);
    start(&world, "a", "True");
    world.pass_time(POLL * 2).await;
    world.cloud.forget_calls();
    world.api.faults().inject(Verb::Get, Resource::Pods, Fault::Fail(500), 6);
    add_pod(&world, "b", &[GATE]);
    world.pass_time(POLL * 4).await;
    assert!(world.cloud.calls().iter().filter(|call| call.lb.is_some()).all(|call| waiting(call) == ["a"]));
    start(&world, "b", "True");
    world.pass_time(POLL * 4).await;
    assert_eq!(waiting(world.cloud.calls_of(Op::Update).last().unwrap()), ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn aws_194_a_poll_that_fails_is_made_again_and_does_not_hold_up_others() {
    let world = world().await;
    add_pod(&world, "a", &[GATE]);
    start(&world, "a", "True");
    world.cloud.next(Op::Gates, Answer::Fail(Error::new(ErrorKind::PermissionDenied, "not yours")));
    world.cloud.next(Op::Gates, Answer::Hang);
    world.api.faults().inject(Verb::Patch, Resource::Pods, Fault::Fail(503), 1);
    world.pass_time(POLL * 3).await;
    world.add_service(lb("api"));
    world.until_ready("api").await;
    world.cloud.heal("a");
    world.until("open", |world| gate(world, "a").is_some_and(|gate| gate[0] == "True")).await;
    assert_eq!(world.cloud.overlaps(), 0);
}

#[tokio::test(start_paused = true)]
async fn aws_194_a_pod_of_the_same_name_is_looked_at_anew() {
    let world = world().await;
    add_pod(&world, "a", &[GATE]);
    start(&world, "a", "True");
    world.cloud.heal("a");
    world.pass_time(POLL * 2).await;
    assert_eq!(gate(&world, "a").unwrap()[0], "True");
    world.api.delete(Resource::Pods, "default", "a").unwrap();
    add_pod(&world, "a", &[GATE]);
    start(&world, "a", "True");
    assert_eq!(gate(&world, "a"), None);
    world.pass_time(POLL * 2).await;
    assert_eq!(gate(&world, "a").unwrap()[0], "True");
}
