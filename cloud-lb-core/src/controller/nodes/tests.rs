use serde_json::json;

use super::*;

fn node(name: &str, version: u32, extra: &serde_json::Value) -> Node {
    let mut node = json!({
        "metadata": {"name": name, "resourceVersion": version.to_string()},
        "spec": {"providerID": format!("mock:///{name}")},
        "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]}
    });
    for (part, fields) in extra.as_object().into_iter().flatten() {
        for (field, value) in fields.as_object().into_iter().flatten() {
            node[part][field] = value.clone();
        }
    }
    serde_json::from_value(node).unwrap()
}

fn nodes() -> Nodes {
    Nodes::new(NodePolicy::default(), Debounce::new(Duration::from_secs(1), Duration::from_secs(5)))
}

#[tokio::test(start_paused = true)]
async fn w_1_a_burst_of_joining_nodes_is_one_pass() {
    let (mut nodes, start) = (nodes(), Instant::now());
    for index in 0..100 {
        let now = start + Duration::from_millis(index * 5);
        nodes.apply(Event::Apply(node(&format!("node-{index:03}"), 1, &json!({}))), now);
        assert!(!nodes.begin_pass(now));
    }
    let due = nodes.due().unwrap();
    assert_eq!(due - start, Duration::from_millis(99 * 5 + 1000), "a second after the last");
    assert!(nodes.begin_pass(due));
    assert_eq!((nodes.current().generation, nodes.current().nodes.len()), (1, 100));
    assert_eq!(nodes.due(), None);
}

#[tokio::test(start_paused = true)]
async fn an_endless_burst_does_not_hold_a_pass_back_for_ever() {
    let (mut debounce, start) =
        (Debounce::new(Duration::from_secs(1), Duration::from_secs(5)), Instant::now());
    for half_seconds in 0..12 {
        debounce.touch(start + Duration::from_millis(500 * half_seconds));
    }
    assert_eq!(debounce.due(), Some(start + Duration::from_secs(5)));
}

#[tokio::test(start_paused = true)]
async fn sc_96_what_does_not_concern_load_balancers_makes_no_pass_and_no_new_generation() {
    let spurious = [
        json!({"metadata": {"labels": {"team": "blue"}}}),
        json!({"spec": {"unschedulable": true}}),
        json!({"spec": {"taints": [{"key": "foreign", "effect": "NoSchedule"}]}}),
        json!({"status": {"conditions": [{"type": "Ready", "status": "False"}]}}),
        json!({"status": {"addresses": [{"type": "InternalIP", "address": "10.9.9.9"}]}}),
    ];
    for change in spurious {
        let (mut nodes, now) = (nodes(), Instant::now());
        nodes.apply(Event::Apply(node("a", 1, &json!({}))), now);
        let later = nodes.due().unwrap();
        assert!(nodes.begin_pass(later));
        let before = nodes.current().generation;
        nodes.apply(Event::Apply(node("a", 2, &change)), later);
        assert_eq!(nodes.due(), None, "{change}");
        assert_eq!(nodes.current().generation, before, "{change}");
    }
}

#[tokio::test(start_paused = true)]
async fn changes_that_make_no_pass_still_reach_the_next_ensure() {
    let (mut nodes, now) = (nodes(), Instant::now());
    nodes.apply(Event::Apply(node("a", 1, &json!({}))), now);
    nodes.current();
    let moved = json!({"status": {"addresses": [{"type": "InternalIP", "address": "10.9.9.9"}]}});
    nodes.apply(Event::Apply(node("a", 2, &moved)), now);
    assert_eq!(nodes.current().nodes[0].addresses, ["10.9.9.9".parse::<std::net::IpAddr>().unwrap()]);
}

#[tokio::test(start_paused = true)]
async fn what_concerns_load_balancers_makes_a_pass_and_a_new_generation() {
    let relevant = [
        json!({"metadata": {"labels": {crate::k8s::EXCLUDE_LABEL: ""}}}),
        json!({"spec": {"providerID": "mock:///other"}}),
        json!({"spec": {"taints": [{"key": crate::k8s::AUTOSCALER_TAINT, "effect": "NoSchedule"}]}}),
    ];
    for change in relevant {
        let (mut nodes, now) = (nodes(), Instant::now());
        nodes.apply(Event::Apply(node("a", 1, &json!({}))), now);
        let later = nodes.due().unwrap();
        nodes.begin_pass(later);
        let before = nodes.current().generation;
        nodes.apply(Event::Apply(node("a", 2, &change)), later);
        assert!(nodes.due().is_some(), "{change}");
        assert_eq!(nodes.current().generation, before + 1, "{change}");
    }
}
