//! Rules SC-88 to SC-931, W-16 and W-18; `bNNN` is a condensed upstream case.

use proptest::prelude::*;

use super::super::fixtures::{address, condition, deleted, labelled, node, tainted};
use super::*;
use crate::model::NodeField;

fn names(nodes: &[model::Node]) -> Vec<&str> {
    nodes.iter().map(|node| node.name.as_str()).collect()
}

fn is_in(node: &Node, policy: &NodePolicy) -> bool {
    !usable_nodes([node], policy).is_empty()
}

fn excluded(value: &str) -> Node {
    labelled(node("a"), EXCLUDE_LABEL, value)
}

fn deleting() -> Node {
    let mut node = node("a");
    node.metadata = deleted(node.metadata);
    node
}

#[test]
fn sc_88_sc_882_the_filter_and_readiness_of_upstream() {
    let parity = NodePolicy::parity();
    let mut without_id = node("a");
    without_id.spec = None;
    let mut not_ready = node("a");
    not_ready.status.as_mut().unwrap().conditions = Some(vec![condition("Ready", "False")]);
    // (node, in the set, ready): upstream's cases ask for both at once.
    for (case, node, usable, ready) in [
        ("b077", Node::default(), true, false),
        ("b078", node("a"), true, true),
        ("b079", without_id, true, true),
        ("b080", not_ready, true, false),
        ("b081", Node { spec: None, ..node("a") }, true, true),
        ("b082", excluded(""), false, true),
        ("b083", excluded("false"), true, true),
        ("b084", excluded("true"), false, true),
        ("b085", excluded("foo"), false, true),
        ("b086", tainted(node("a"), AUTOSCALER_TAINT), false, true),
    ] {
        assert_eq!(is_in(&node, &parity), usable, "{case}");
        assert_eq!(readiness(&node) == Readiness::Ready, ready, "{case}");
    }
    assert!(!is_in(&deleting(), &parity));
}

/// Upstream lists five nodes by their phase, which nodes do not have any more; here it is their standing.
#[test]
fn b087_b088_b089_nodes_are_listed_by_what_they_are() {
    let nodes = [
        node("a"),
        tainted(node("b"), AUTOSCALER_TAINT),
        node("c"),
        tainted(node("d"), AUTOSCALER_TAINT),
        tainted(node("e"), AUTOSCALER_TAINT),
    ];
    let policy = NodePolicy::default();
    let count = |standing| nodes.iter().filter(|node| policy.standing(node) == standing).count();
    assert_eq!(count(Standing::Target(NodeState::Active)), 2);
    assert_eq!(count(Standing::Target(NodeState::Draining)), 3);
    assert_eq!(count(Standing::Out), 0);
}

#[test]
fn sc_89_the_label_counts_unless_it_is_a_boolean_false() {
    for value in ["0", "f", "F", "FALSE", "false", "False"] {
        assert!(is_included(&excluded(value)), "{value}");
    }
    for value in ["1", "t", "T", "TRUE", "true", "True", "", "foo", "no", "fALSE", " false"] {
        assert!(!is_included(&excluded(value)), "{value:?}");
    }
}

#[test]
fn sc_881_cordons_other_taints_and_conditions_do_not_matter() {
    let mut cordoned = tainted(node("a"), "node.cloudprovider.kubernetes.io/uninitialized");
    cordoned.spec.as_mut().unwrap().unschedulable = Some(true);
    cordoned.status = None;
    let nodes = usable_nodes([&cordoned], &NodePolicy::default());
    assert_eq!(nodes[0].state, NodeState::Active);
    assert!(nodes[0].addresses.is_empty() && !nodes[0].is_ready());
}

#[test]
fn w_18_three_states_whichever_sign_comes_first() {
    let policy = NodePolicy::default();
    let draining = Standing::Target(NodeState::Draining);
    for leaving in [
        tainted(node("a"), AUTOSCALER_TAINT),
        tainted(node("a"), "karpenter.sh/disrupted"),
        tainted(node("a"), "aws-node-termination-handler/spot-itn"),
        deleting(),
        tainted(deleting(), AUTOSCALER_TAINT),
    ] {
        assert_eq!(policy.standing(&leaving), draining, "{leaving:?}");
        assert_eq!(NodePolicy::parity().standing(&deleting()), Standing::Out);
    }
    for staying in ["DeletionCandidateOfClusterAutoscaler", "node.kubernetes.io/unschedulable"] {
        assert_eq!(policy.standing(&tainted(node("a"), staying)), Standing::Target(NodeState::Active));
    }
    assert_eq!(policy.standing(&tainted(excluded(""), AUTOSCALER_TAINT)), Standing::Out);
    let own = NodePolicy { drain_taints: ["a/b:NoExecute".parse().unwrap()].into(), ..policy };
    assert_eq!(
        own.standing(&tainted(node("a"), "a/b")),
        Standing::Target(NodeState::Active),
        "another effect"
    );
}

#[test]
fn w_16_nodes_wait_for_their_provider_id_where_it_is_needed() {
    let policy = NodePolicy { require_provider_id: true, ..NodePolicy::default() };
    let mut waiting = node("a");
    waiting.spec.as_mut().unwrap().provider_id = Some(String::new());
    assert_eq!(policy.standing(&waiting), Standing::Waiting);
    assert!(!is_in(&waiting, &policy));
    assert!(is_in(&waiting, &NodePolicy::default()));
}

#[test]
fn aws_171_readiness_has_three_values_and_silence_is_not_ready() {
    let of = |status: Option<&str>| {
        let mut node = node("a");
        node.status.as_mut().unwrap().conditions = status.map(|status| vec![condition("Ready", status)]);
        usable_nodes([&node], &NodePolicy::default())[0].readiness
    };
    assert_eq!(of(Some("True")), Readiness::Ready);
    assert_eq!(of(Some("False")), Readiness::NotReady);
    assert_eq!(of(Some("Unknown")), Readiness::Unknown);
    assert_eq!(of(None), Readiness::NotReady);
}

#[test]
fn w_17_a_node_is_up_when_it_is_ready_and_has_a_network() {
    for (conditions, expected) in [
        (vec![("Ready", "True")], true),
        (vec![("Ready", "True"), ("NetworkUnavailable", "False")], true),
        (vec![("Ready", "True"), ("NetworkUnavailable", "True")], false),
        (vec![("Ready", "Unknown"), ("NetworkUnavailable", "False")], false),
        (vec![], false),
    ] {
        let mut node = node("a");
        let list = conditions.iter().map(|(kind, status)| condition(kind, status)).collect();
        node.status.as_mut().unwrap().conditions = Some(list);
        assert_eq!(is_up(&node), expected, "{conditions:?}");
    }
}

/// F-16: the zone reaches the provider; the core does nothing with it.
#[test]
fn nodes_carry_what_load_balancers_need() {
    let mut node = labelled(node("a"), ZONE_LABEL, "zone-1");
    node.status.as_mut().unwrap().addresses = Some(vec![
        address("Hostname", "a"),
        address("InternalIP", "10.0.0.7"),
        address("InternalIP", "fd00::7"),
        address("InternalIP", "10.0.0.7"),
        address("InternalIP", "not an address"),
        address("ExternalIP", "203.0.113.7"),
    ]);
    let translated = &usable_nodes([&node], &NodePolicy::default())[0];
    assert_eq!(translated.addresses, ["10.0.0.7".parse::<IpAddr>().unwrap(), "fd00::7".parse().unwrap()]);
    assert_eq!(translated.zone.as_deref(), Some("zone-1"));
    assert_eq!(translated.provider_id.as_deref(), Some("mock:///a"));
    assert_eq!(translated.labels.len(), 1);
    assert!(translated.is_ready());
}

#[test]
fn w_19_a_fingerprint_shows_name_state_and_the_fields_that_are_used() {
    let before = &usable_nodes([&node("a")], &NodePolicy::default())[0];
    let change = |change: fn(&mut model::Node)| {
        let mut node = before.clone();
        change(&mut node);
        node
    };
    let of = |node: &model::Node, fields: &[NodeField]| node.fingerprint(&fields.iter().copied().collect());
    for (field, after) in [
        (NodeField::Addresses, change(|node| node.addresses.clear())),
        (NodeField::ProviderId, change(|node| node.provider_id = None)),
        (NodeField::Zone, change(|node| node.zone = Some("z".to_owned()))),
        (NodeField::Labels, change(|node| _ = node.labels.insert("k".to_owned(), "v".to_owned()))),
        (NodeField::Readiness, change(|node| node.readiness = Readiness::Unknown)),
    ] {
        let others: Vec<NodeField> = NodeField::ALL.into_iter().filter(|other| *other != field).collect();
        assert_ne!(of(before, &[field]), of(&after, &[field]), "{field}");
        assert_eq!(of(before, &others), of(&after, &others), "{field}");
    }
    for after in [change(|node| node.name.push('x')), change(|node| node.state = NodeState::Draining)] {
        assert_ne!(of(before, &[]), of(&after, &[]));
    }
}

proptest! {
    #[test]
    fn sc_884_sorted_by_name_in_whatever_order_nodes_come(
        shuffled in Just(vec!["a", "b", "c", "d", "e"]).prop_shuffle()
    ) {
        let nodes: Vec<Node> = shuffled.into_iter().map(node).collect();
        let usable = usable_nodes(&nodes, &NodePolicy::default());
        prop_assert_eq!(names(&usable), ["a", "b", "c", "d", "e"]);
    }
}
