use serde_json::{Value, json};

use super::*;

mod triggers;

const QUIET: Duration = Duration::from_secs(1);

/// A Node with some fields of its parts changed.
pub(super) fn node(name: &str, extra: &Value) -> Node {
    let mut node = json!({
        "metadata": {"name": name, "uid": format!("{name}-uid")},
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

fn using(policy: NodePolicy, fields: &[NodeField]) -> Nodes {
    Nodes::new(policy, fields.iter().copied().collect(), Debounce::new(QUIET, 5 * QUIET))
}

pub(super) fn nodes() -> Nodes {
    using(NodePolicy::default(), &[NodeField::ProviderId])
}

/// Takes in the first list.
pub(super) fn list(nodes: &mut Nodes, first: impl IntoIterator<Item = Node>) {
    let now = Instant::now();
    nodes.apply(Event::Init, now);
    for node in first {
        nodes.apply(Event::InitApply(node), now);
    }
    nodes.apply(Event::InitDone, now);
}

/// Whether there is a pass once nodes are quiet.
pub(super) fn pass(nodes: &mut Nodes) -> bool {
    nodes.due().is_some_and(|due| nodes.begin_pass(due))
}

fn names(nodes: &mut Nodes) -> Vec<String> {
    nodes.current().nodes.iter().map(|node| node.name.clone()).collect()
}

fn apply(nodes: &mut Nodes, name: &str, extra: &Value) {
    nodes.apply(Event::Apply(node(name, extra)), Instant::now());
}

#[tokio::test(start_paused = true)]
async fn w_1_a_burst_of_joining_nodes_is_one_pass() {
    let (mut nodes, start) = (nodes(), Instant::now());
    for index in 0..100 {
        let now = start + Duration::from_millis(index * 5);
        nodes.apply(Event::Apply(node(&format!("node-{index:03}"), &json!({}))), now);
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
    let (mut debounce, start) = (Debounce::new(QUIET, 5 * QUIET), Instant::now());
    for half_seconds in 0..12 {
        debounce.touch(start + Duration::from_millis(500 * half_seconds));
    }
    assert_eq!(debounce.due(), Some(start + Duration::from_secs(5)));
}

#[tokio::test(start_paused = true)]
async fn w_30_the_first_list_is_one_pass_and_the_same_list_again_is_none() {
    let all = || (0..1000).map(|index| node(&format!("n{index:04}"), &json!({})));
    let mut nodes = nodes();
    assert!(!nodes.is_listed());
    list(&mut nodes, all());
    assert!(nodes.is_listed() && pass(&mut nodes));
    list(&mut nodes, all());
    assert_eq!((nodes.due(), nodes.current().generation), (None, 1));
    list(&mut nodes, all().skip(1));
    assert!(pass(&mut nodes), "SC-24: a deletion that the watch missed shows in the list");
    assert_eq!((nodes.current().nodes.len(), nodes.current().generation), (999, 2));
    list(&mut nodes, []);
    assert!(pass(&mut nodes) && names(&mut nodes).is_empty());
}

#[tokio::test(start_paused = true)]
async fn sc_96_what_came_to_nothing_is_no_pass() {
    let mut nodes = nodes();
    list(&mut nodes, [node("a", &json!({})), node("b", &json!({}))]);
    assert!(pass(&mut nodes));
    nodes.apply(Event::Delete(node("b", &json!({}))), Instant::now());
    apply(&mut nodes, "b", &json!({}));
    assert!(nodes.due().is_some());
    assert!(!pass(&mut nodes));
    assert_eq!((nodes.due(), nodes.current().generation), (None, 1));
    nodes.apply(Event::Delete(node("never seen", &json!({}))), Instant::now());
    assert_eq!(nodes.due(), None);
}

#[tokio::test(start_paused = true)]
async fn sc_884_snapshots_are_sorted_and_old_ones_stay_as_they_were() {
    let mut nodes = nodes();
    for name in ["c", "a", "b"] {
        apply(&mut nodes, name, &json!({}));
    }
    let old = nodes.current();
    assert_eq!(names(&mut nodes), ["a", "b", "c"]);
    nodes.apply(Event::Delete(node("b", &json!({}))), Instant::now());
    assert_eq!(names(&mut nodes), ["a", "c"]);
    assert_eq!((old.nodes.len(), old.generation, nodes.current().generation), (3, 1, 2));
}

#[tokio::test(start_paused = true)]
async fn w_19_only_what_the_provider_uses_makes_a_pass_but_all_reaches_the_next_ensure() {
    let changes = [
        (
            NodeField::Addresses,
            json!({"status": {"addresses": [{"type": "InternalIP", "address": "10.9.9.9"}]}}),
        ),
        (NodeField::ProviderId, json!({"spec": {"providerID": "mock:///other"}})),
        (NodeField::Zone, json!({"metadata": {"labels": {"topology.kubernetes.io/zone": "z"}}})),
        (NodeField::Labels, json!({"metadata": {"labels": {"team": "blue"}}})),
        (NodeField::Readiness, json!({"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}})),
    ];
    for (field, change) in changes {
        for (fields, expected) in [([field].as_slice(), true), (&[], false)] {
            let mut nodes = using(NodePolicy::default(), fields);
            list(&mut nodes, [node("a", &json!({}))]);
            assert!(pass(&mut nodes));
            let before = nodes.current();
            apply(&mut nodes, "a", &change);
            assert_eq!(pass(&mut nodes), expected, "{field}");
            assert_eq!(nodes.current().generation, before.generation + u64::from(expected), "{field}");
            assert_ne!(nodes.current().nodes, before.nodes, "{field}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn w_16_a_node_without_the_provider_id_that_is_needed_waits_without_a_pass() {
    let mut nodes =
        using(NodePolicy { require_provider_id: true, ..NodePolicy::default() }, &[NodeField::ProviderId]);
    list(&mut nodes, [node("a", &json!({}))]);
    assert!(pass(&mut nodes));
    apply(&mut nodes, "b", &json!({"spec": {"providerID": ""}}));
    assert_eq!((nodes.due(), nodes.census().waiting), (None, 1));
    apply(&mut nodes, "b", &json!({}));
    assert!(pass(&mut nodes));
    assert_eq!(names(&mut nodes), ["a", "b"]);
}

fn ready(status: &str) -> Value {
    json!({"status": {"conditions": [{"type": "Ready", "status": status}]}})
}

fn holding_back() -> Nodes {
    let mut nodes = using(NodePolicy { new_nodes: NewNodes::WhenReady, ..NodePolicy::default() }, &[]);
    list(&mut nodes, [node("a", &ready("True")), node("b", &ready("False"))]);
    assert!(pass(&mut nodes));
    nodes
}

#[tokio::test(start_paused = true)]
async fn w_17_a_new_node_waits_until_it_is_ready_with_a_network_and_stays_when_it_flaps() {
    let mut nodes = holding_back();
    assert_eq!(names(&mut nodes), ["a", "b"], "who was there before us may serve");
    let offline = json!({"status": {"conditions": [
        {"type": "Ready", "status": "True"}, {"type": "NetworkUnavailable", "status": "True"}]}});
    for waiting in [ready("False"), ready("Unknown"), offline, json!({})] {
        apply(&mut nodes, "c", &waiting);
        assert_eq!((nodes.due(), nodes.census().waiting), (None, 1), "{waiting}");
    }
    apply(&mut nodes, "c", &ready("True"));
    assert!(pass(&mut nodes));
    for flap in ["False", "Unknown", "True"] {
        apply(&mut nodes, "c", &ready(flap));
        assert_eq!((nodes.due(), nodes.census().active), (None, 3), "{flap}");
    }
    list(&mut nodes, ["a", "b", "c", "d"].map(|name| node(name, &ready("False"))));
    assert_eq!(names(&mut nodes), ["a", "b", "c"], "a later list is no first one: d waits");
}

#[tokio::test(start_paused = true)]
async fn w_17_another_machine_of_the_same_name_waits_again() {
    for missed in [true, false] {
        let mut nodes = holding_back();
        if !missed {
            nodes.apply(Event::Delete(node("a", &json!({}))), Instant::now());
        }
        let mut anew = ready("False");
        anew["metadata"] = json!({"uid": "another"});
        apply(&mut nodes, "a", &anew);
        assert_eq!(names(&mut nodes), ["b"], "deletion missed: {missed}");
    }
}

#[tokio::test(start_paused = true)]
async fn w_18_a_node_drains_until_it_is_gone_whichever_sign_comes_first() {
    let taint = json!([{"key": "karpenter.sh/disrupted", "effect": "NoSchedule"}]);
    let tainted = json!({"spec": {"taints": taint}});
    let deleting = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}});
    let mut both = deleting.clone();
    both["spec"] = tainted["spec"].clone();
    for signs in [[&tainted, &both], [&deleting, &both]] {
        let mut nodes = nodes();
        list(&mut nodes, [node("a", &json!({})), node("b", &json!({}))]);
        assert!(pass(&mut nodes));
        let passes = signs.map(|sign| {
            apply(&mut nodes, "a", sign);
            pass(&mut nodes)
        });
        assert_eq!(passes, [true, false], "the second sign says nothing new");
        assert_eq!(nodes.census(), Census { active: 1, draining: 1, ..Census::default() });
        assert_eq!(nodes.current().nodes[0].state, NodeState::Draining);
        nodes.apply(Event::Delete(node("a", &json!({}))), Instant::now());
        assert!(pass(&mut nodes));
        assert_eq!(names(&mut nodes), ["b"]);
    }
}
