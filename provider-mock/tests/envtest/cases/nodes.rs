//! Nodes.

use serde_json::{Value, json};

use crate::compare::{Scenario, scenario};
use crate::step::{Patch, Step};

const NODES: &str = "/api/v1/nodes";

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![life(), refused()]
}

fn node(name: &str, more: Value) -> Value {
    let mut node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}});
    super::merge(&mut node, more);
    node
}

fn life() -> Scenario {
    let ready = json!([{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "",
                        "lastHeartbeatTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z"}]);
    let status = json!({"status": {"conditions": ready, "capacity": {"cpu": "4", "memory": "8Gi"},
                        "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]}});
    let one = format!("{NODES}/compared-1");
    let steps = vec![
        Step::post(NODES, node("compared-1", json!({"spec": {"providerID": "mock:///1"}}))),
        Step::post(NODES, node("compared-1", json!({}))),
        Step::patch(format!("{one}/status"), Patch::Strategic, status),
        Step::patch(
            format!("{one}/status"),
            Patch::Strategic,
            json!({"status": {"conditions": [{"type": "Other", "status": "False"}]}}),
        ),
        Step::patch(one.clone(), Patch::Merge, json!({"spec": {"unschedulable": true}})),
        Step::patch(one.clone(), Patch::Merge, json!({"status": {"capacity": {"cpu": "8"}}})),
        Step::patch(
            one.clone(),
            Patch::Strategic,
            json!({"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}}),
        ),
        Step::patch(
            one.clone(),
            Patch::Merge,
            json!({"metadata": {"labels": {"topology.kubernetes.io/zone": "z1"}}}),
        ),
        Step::get(one.clone()),
        Step::get(one.clone()).table(),
        Step::delete(one.clone()),
        Step::get(one),
    ];
    scenario("nodes", steps)
}

fn refused() -> Scenario {
    let create = |name: &str, more: Value| Step::post(format!("{NODES}?dryRun=All"), node(name, more));
    let two = format!("{NODES}/compared-2");
    let steps = vec![
        create("A_b", json!({})),
        create("compared-2", json!({"spec": {"taints": [{"key": "a", "effect": "Never"}]}})),
        create(
            "compared-2",
            json!({"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}, {"key": "a", "effect": "NoSchedule"}]}}),
        ),
        create("compared-2", json!({"spec": {"taints": [{"key": "a"}]}})),
        create("compared-2", json!({"spec": {"podCIDRs": ["10.0.0.0/8", "10.1.0.0/33"]}})),
        create("compared-2", json!({"metadata": {"namespace": "default"}})),
        Step::post(
            NODES,
            node(
                "compared-2",
                json!({"spec": {"providerID": "mock:///2", "podCIDR": "10.1.0.0/24", "podCIDRs": ["10.1.0.0/24"]}}),
            ),
        ),
        Step::patch(two.clone(), Patch::Merge, json!({"spec": {"providerID": "mock:///3"}})),
        Step::patch(
            two.clone(),
            Patch::Merge,
            json!({"spec": {"podCIDR": "10.2.0.0/24", "podCIDRs": ["10.2.0.0/24"]}}),
        ),
        Step::patch(format!("{two}/status"), Patch::Merge, json!({"status": {"capacity": {"cpu": "-1"}}})),
        Step::patch(
            format!("{two}/status"),
            Patch::Merge,
            json!({"status": {"addresses": [
            {"type": "InternalIP", "address": "10.0.0.1"}, {"type": "InternalIP", "address": "10.0.0.1"}]}}),
        ),
        Step::delete(two),
    ];
    scenario("invalid-nodes", steps)
}
