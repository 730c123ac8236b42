//! The row of a Pod.

use super::age::since;
use super::cells::{NONE, or};
use crate::apiserver::json::{list, text};
use crate::apiserver::store::is_terminating;
use jiff::Timestamp;
use serde_json::{Value, json};

pub(super) fn cells(object: &Value, name: Value, age: Value, now: Timestamp) -> Vec<Value> {
    let statuses = list(object, "/status/containerStatuses");
    let ready = statuses.iter().filter(|status| status.get("ready") == Some(&json!(true))).count();
    let wide = |pointer: &str| json!(or(text(object, pointer), NONE));
    vec![
        name,
        json!(format!("{ready}/{}", list(object, "/spec/containers").len())),
        json!(status(object, statuses)),
        json!(restarts(statuses, now)),
        age,
        wide("/status/podIP"),
        wide("/spec/nodeName"),
        wide("/status/nominatedNodeName"),
        json!(readiness_gates(object)),
    ]
}

fn status(object: &Value, statuses: &[Value]) -> String {
    if is_terminating(object) {
        return "Terminating".to_owned();
    }
    let reason = |status: &Value| {
        let waiting = text(status, "/state/waiting/reason");
        or(waiting, text(status, "/state/terminated/reason")).to_owned()
    };
    let from_containers = statuses.iter().map(reason).find(|reason| !reason.is_empty()).unwrap_or_default();
    let from_pod = or(text(object, "/status/reason"), text(object, "/status/phase"));
    or(&from_containers, or(from_pod, "Unknown")).to_owned()
}

/// `3 (5m ago)`
fn restarts(statuses: &[Value], now: Timestamp) -> String {
    let count: i64 =
        statuses.iter().filter_map(|status| status.get("restartCount").and_then(Value::as_i64)).sum();
    let last = statuses
        .iter()
        .map(|status| text(status, "/lastState/terminated/finishedAt"))
        .max()
        .unwrap_or_default();
    if count == 0 || last.is_empty() {
        count.to_string()
    } else {
        format!("{count} ({} ago)", since(last, now))
    }
}

fn readiness_gates(object: &Value) -> String {
    let gates = list(object, "/spec/readinessGates");
    let holds = |gate: &&Value| {
        list(object, "/status/conditions").iter().any(|condition| {
            text(condition, "/type") == text(gate, "/conditionType") && text(condition, "/status") == "True"
        })
    };
    match gates.len() {
        0 => NONE.to_owned(),
        all => format!("{}/{all}", gates.iter().filter(holds).count()),
    }
}
