use super::*;

const GATE: &str = "health.example/web";

fn gate(status: GateStatus, reason: &str, message: &str) -> Gate {
    Gate {
        pod: "a".to_owned(),
        condition: GATE.to_owned(),
        status,
        reason: reason.to_owned(),
        message: message.to_owned(),
    }
}

fn pod(gates: &[&str], conditions: &Value) -> Pod {
    let gates: Vec<Value> = gates.iter().map(|kind| json!({"conditionType": kind})).collect();
    serde_json::from_value(json!({
        "metadata": {"name": "a", "uid": "u1"},
        "spec": {"containers": [], "readinessGates": gates},
        "status": {"conditions": conditions}
    }))
    .unwrap()
}

fn slice(endpoints: &Value) -> EndpointSlice {
    serde_json::from_value(json!({"addressType": "IPv4", "metadata": {}, "endpoints": endpoints})).unwrap()
}

#[test]
fn aws_194_only_pods_that_are_not_ready_and_stay_are_looked_at() {
    let endpoint = |name: &str, conditions: Value| {
        json!({"addresses": ["10.0.0.1"], "conditions": conditions,
               "targetRef": {"kind": "Pod", "name": name, "uid": format!("u-{name}")}})
    };
    let slice = slice(&json!([
        endpoint("ready", json!({"ready": true, "serving": true})),
        endpoint("unknown", json!({})),
        endpoint("waiting", json!({"ready": false, "serving": false})),
        endpoint("old-server", json!({"ready": false})),
        endpoint("published", json!({"ready": true, "serving": false})),
        endpoint("leaving", json!({"ready": false, "serving": false, "terminating": true})),
        {"addresses": ["10.0.0.9"], "conditions": {"ready": false}, "targetRef": {"kind": "Node", "name": "n", "uid": "u"}},
        {"addresses": ["10.0.0.9"], "conditions": {"ready": false}},
    ]));
    let names: Vec<(String, String)> = unready_pods([&slice]).into_iter().collect();
    let expected = ["old-server", "published", "waiting"].map(|name| (name.to_owned(), format!("u-{name}")));
    assert_eq!(names, expected);
}

#[test]
fn aws_194_gates_of_others_are_none_of_ours() {
    let others = pod(&["other.example/x"], &json!([]));
    assert_eq!(GatedPod::of(&others, "health.example/"), None);
    let both = pod(&["other.example/x", GATE], &json!([{"type": "ContainersReady", "status": "True"}]));
    let gated = GatedPod::of(&both, "health.example/").unwrap();
    assert_eq!(gated.gates(), BTreeSet::from([GATE.to_owned()]));
    assert!(gated.containers_ready);
    let foreign = Gate { condition: "other.example/x".to_owned(), ..gate(GateStatus::Open, "", "") };
    assert_eq!(gated.patch(&[&foreign], Timestamp::UNIX_EPOCH), None);
}

#[test]
fn aws_194_the_transition_time_changes_with_the_status_and_nothing_is_written_twice() {
    let time = |seconds| Timestamp::from_second(seconds).unwrap();
    let text = |seconds| json!(Time(time(seconds)));
    let mut conditions = json!([]);
    let mut write = |gate: &Gate, at| {
        let gated = GatedPod::of(&pod(&[GATE], &conditions), "health.example/").unwrap();
        let patch = gated.patch(&[gate], time(at))?;
        assert_eq!(patch["metadata"]["uid"], "u1");
        conditions = patch["status"]["conditions"].clone();
        Some(conditions[0].clone())
    };
    let initial = gate(GateStatus::Closed, "Initial", "being checked");
    let first = write(&initial, 10).unwrap();
    assert_eq!((&first["type"], &first["status"]), (&json!(GATE), &json!("False")));
    assert_eq!((&first["lastTransitionTime"], &first["lastProbeTime"]), (&text(10), &text(10)));
    assert_eq!(write(&initial, 20), None, "it says so");
    let failing = write(&gate(GateStatus::Closed, "Failed", "no answer"), 30).unwrap();
    assert_eq!((&failing["reason"], &failing["message"]), (&json!("Failed"), &json!("no answer")));
    assert_eq!((&failing["lastTransitionTime"], &failing["lastProbeTime"]), (&text(10), &text(30)));
    let healthy = write(&gate(GateStatus::Open, "", ""), 40).unwrap();
    assert_eq!((&healthy["status"], &healthy["lastTransitionTime"]), (&json!("True"), &text(40)));
    assert_eq!((&healthy["reason"], &healthy["message"]), (&Value::Null, &Value::Null), "taken away");
    assert_eq!(write(&gate(GateStatus::Open, "", ""), 50), None);
}

#[test]
fn aws_194_a_gate_is_closed_until_its_condition_is_true() {
    let closed = |conditions: Value| {
        GatedPod::of(&pod(&[GATE], &conditions), "health.example/").unwrap().closed().len()
    };
    assert_eq!(closed(json!([])), 1);
    assert_eq!(closed(json!([{"type": GATE, "status": "False"}])), 1);
    assert_eq!(closed(json!([{"type": GATE, "status": "Unknown"}])), 1);
    assert_eq!(closed(json!([{"type": GATE, "status": "True"}])), 0);
}
