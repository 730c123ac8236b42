//! Pods.

use serde_json::{Value, json};

use super::core;
use crate::compare::{Scenario, scenario};
use crate::step::{Patch, Step};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![life(), refused()]
}

fn pod(name: &str, more: Value) -> Value {
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
                         "spec": {"containers": [{"name": "c", "image": "web"}]}});
    super::merge(&mut pod, more);
    pod
}

fn life() -> Scenario {
    let full = json!({"spec": {
        "readinessGates": [{"conditionType": "example.com/gate"}], "terminationGracePeriodSeconds": 5,
        "containers": [{"name": "c", "image": "example.com/web:1", "ports": [{"containerPort": 80, "name": "http"}],
                        "resources": {"requests": {"cpu": "100m"}}, "readinessProbe": {"httpGet": {"port": 80}}}]}});
    let ready = json!({"status": {"phase": "Running", "podIP": "10.1.0.1", "podIPs": [{"ip": "10.1.0.1"}],
        "conditions": [{"type": "Ready", "status": "True"}, {"type": "example.com/gate", "status": "True"}]}});
    let steps = vec![
        Step::post(core("pods"), pod("plain", json!({}))),
        Step::post(core("pods"), pod("full", full)),
        Step::patch(core("pods/full/status"), Patch::Strategic, ready),
        Step::patch(core("pods/full"), Patch::Merge, json!({"metadata": {"labels": {"a": "b"}}})),
        Step::patch(
            core("pods/full"),
            Patch::Strategic,
            json!({"spec": {"containers": [{"name": "c", "image": "example.com/web:2"}]}}),
        ),
        Step::patch(core("pods/full"), Patch::Merge, json!({"spec": {"restartPolicy": "Never"}})),
        Step::get(core("pods/full")),
        Step::get(core("pods")).table(),
        Step::delete(core("pods/plain")),
        Step::get(core("pods/plain")),
    ];
    scenario("pods", steps)
}

fn refused() -> Scenario {
    let create = |more: Value| Step::post(core("pods?dryRun=All"), pod("a", more));
    let container = |container: Value| json!({"spec": {"containers": [container]}});
    let port = |port: Value| container(json!({"name": "c", "image": "web", "ports": [port]}));
    let steps = vec![
        create(json!({"spec": {"containers": []}})),
        create(json!({"spec": null})),
        create(container(json!({"name": "c"}))),
        create(container(json!({"image": "web"}))),
        create(container(json!({"name": "C", "image": " web"}))),
        create(json!({"spec": {"containers": [{"name": "c", "image": "a"}, {"name": "c", "image": "b"}]}})),
        create(port(json!({"containerPort": 0}))),
        create(port(json!({"containerPort": 70000}))),
        create(port(json!({"containerPort": 80, "protocol": "HTTP"}))),
        create(port(json!({"containerPort": 80, "name": "No"}))),
        create(json!({"spec": {"restartPolicy": "Sometimes"}})),
        create(json!({"spec": {"dnsPolicy": "Sometimes"}})),
        create(json!({"spec": {"nodeName": "A_b"}})),
        create(json!({"metadata": {"name": "A"}})),
    ];
    scenario("invalid-pods", steps)
}
