//! Rules SC-88 to SC-931, W-16 and W-18; numbers in comments are those of the condensed upstream cases.

use proptest::prelude::*;

use super::super::fixtures::{address, condition, deleted, labelled, node, tainted};
use super::*;

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
fn sc_88_upstream_filter_cases_77_to_86() {
    let parity = NodePolicy::parity();
    // (node, in the set, ready): upstream's cases ask for both at once (SC-882).
    let mut without_id = node("a");
    without_id.spec = None;
    let mut not_ready = node("a");
    not_ready.status.as_mut().unwrap().conditions = Some(vec![condition("Ready", "False")]);
    for (case, node, usable, ready) in [
        (77, Node::default(), true, false),
        (78, node("a"), true, true),
        (79, without_id, true, true),
        (80, not_ready, true, false),
        (82, excluded(""), false, true),
        (83, excluded("false"), true, true),
        (84, excluded("true"), false, true),
        (85, excluded("foo"), false, true),
        (86, tainted(node("a"), AUTOSCALER_TAINT), false, true),
    ] {
        assert_eq!(is_in(&node, &parity), usable, "case {case}");
        assert_eq!(is_ready(&node), ready, "case {case}");
    }
    assert!(!is_in(&deleting(), &parity));
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
    assert!(nodes[0].addresses.is_empty() && !nodes[0].ready);
}

#[test]
fn w_18_three_states_whichever_sign_comes_first() {
    let policy = NodePolicy {
        drain_taints: BTreeSet::from(["a/spot".to_owned(), AUTOSCALER_TAINT.to_owned()]),
        ..NodePolicy::default()
    };
    for leaving in [tainted(node("a"), AUTOSCALER_TAINT), tainted(node("a"), "a/spot"), deleting()] {
        assert_eq!(policy.state(&leaving), Some(NodeState::Draining), "{leaving:?}");
        assert!(policy.concerns(&node("a"), &leaving));
        assert!(policy.concerns(&leaving, &node("a")));
    }
    assert_eq!(policy.state(&node("a")), Some(NodeState::Active));
    assert_eq!(policy.state(&tainted(excluded(""), AUTOSCALER_TAINT)), None);
    let both = tainted(deleting(), AUTOSCALER_TAINT);
    assert!(!policy.concerns(&tainted(node("a"), AUTOSCALER_TAINT), &both), "already draining");
    assert!(!policy.concerns(&node("a"), &tainted(node("a"), "other")));
}

#[test]
fn w_16_nodes_wait_for_their_provider_id_where_it_is_needed() {
    let policy = NodePolicy { require_provider_id: true, ..NodePolicy::default() };
    let mut waiting = node("a");
    waiting.spec.as_mut().unwrap().provider_id = Some(String::new());
    assert!(!is_in(&waiting, &policy));
    assert!(is_in(&waiting, &NodePolicy::default()));
    assert!(policy.concerns(&waiting, &node("a")));
}

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
    assert!(translated.ready);
}

#[test]
fn sc_931_names_provider_ids_and_states_make_targets_the_same() {
    let policy = NodePolicy::default();
    let of = |nodes: &[Node]| usable_nodes(nodes, &policy);
    let other_id = {
        let mut node = node("b");
        node.spec.as_mut().unwrap().provider_id = Some("mock:///other".to_owned());
        node
    };
    let pair = of(&[node("a"), node("b")]);
    assert!(same_targets(&[], &[]));
    assert!(same_targets(&pair, &of(&[node("b"), labelled(node("a"), "x", "y")])), "case 32");
    assert!(!same_targets(&pair, &of(&[node("a"), other_id])), "case 31");
    assert!(!same_targets(&pair, &of(&[node("a"), node("c")])), "case 33");
    assert!(!same_targets(&pair, &of(&[node("a")])));
    assert!(!same_targets(&pair, &of(&[node("a"), tainted(node("b"), AUTOSCALER_TAINT)])), "W-18");
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
