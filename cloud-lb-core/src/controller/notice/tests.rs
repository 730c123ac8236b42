use std::collections::BTreeMap;

use super::*;
use crate::model::{NodeState, Readiness};

fn nodes(names: impl IntoIterator<Item = String>) -> Vec<Node> {
    let node = |name| Node {
        name,
        addresses: Vec::new(),
        provider_id: None,
        zone: None,
        labels: BTreeMap::new(),
        state: NodeState::Active,
        readiness: Readiness::Ready,
    };
    names.into_iter().map(node).collect()
}

#[test]
fn section_12_reasons_and_texts_to_the_letter() {
    let expected = [
        (Notice::ensuring(), "Normal EnsuringLoadBalancer: Ensuring load balancer"),
        (Notice::ensured(), "Normal EnsuredLoadBalancer: Ensured load balancer"),
        (Notice::sync_failed(&"E"), "Warning SyncLoadBalancerFailed: Error syncing load balancer: E"),
        (Notice::deleting(), "Normal DeletingLoadBalancer: Deleting load balancer"),
        (Notice::deleted(), "Normal DeletedLoadBalancer: Deleted load balancer"),
        (Notice::delete_failed(&"E"), "Warning DeleteLoadBalancerFailed: Error deleting load balancer: E"),
        (
            Notice::gates_failed(&Error::new(ErrorKind::Unavailable, "E")),
            "Warning ReadinessGatesFailed: Error updating readiness gates of pods, which stay closed until it \
             succeeds: E; it is tried again",
        ),
        (
            Notice::gates_failed(
                &Error::new(ErrorKind::PermissionDenied, "E").during("DescribeTargetHealth"),
            ),
            "Warning ReadinessGatesFailed: Error updating readiness gates of pods, which stay closed until it \
             succeeds: E; give the controller's credentials for the cloud the right to DescribeTargetHealth",
        ),
        (
            Notice::gates_left(&Error::new(ErrorKind::PermissionDenied, "E").during("get pods")),
            "Warning ReadinessGatesFailed: Error opening readiness gates of pods before the load balancer is \
             deleted: E; give the controller's service account in the cluster the right to get pods; pods that stay \
             unready need the condition of the gate set by hand, or to be made anew without it",
        ),
        (
            Notice::no_nodes(),
            "Warning UnAvailableLoadBalancer: There are no available nodes for LoadBalancer",
        ),
        (Notice::updated(), "Normal UpdatedLoadBalancer: Updated load balancer with new hosts"),
        (
            Notice::update_failed(&nodes(["n2".to_owned(), "n1".to_owned()]), &"E"),
            "Warning UpdateLoadBalancerFailed: Error updating load balancer with new hosts [n1 n2] \
             [node names limited, total number of nodes: 2], error: E",
        ),
    ];
    for (notice, text) in expected {
        let Notice { severity, reason, message } = &notice;
        assert_eq!(format!("{} {reason}: {message}", severity.as_str()), text);
    }
}

#[test]
fn sc_1201_the_first_20_names_sorted_and_the_number_of_the_others() {
    let all = nodes((1..=23).rev().map(|number| format!("n{number:02}")));
    let names = node_names(&all);
    assert!(names.starts_with("[n04 n05 n06 "), "{names}");
    assert!(names.ends_with(" n22 n23 <3 more>]"), "{names}");
    assert!(!node_names(&all[..20]).contains("more"));
    assert_eq!(node_names(&[]), "[]");
}

#[test]
fn a_message_that_is_too_long_is_cut_at_a_character() {
    let notice = Notice::sync_failed(&"ü".repeat(2000));
    assert!(notice.message.len() <= MAX_MESSAGE && notice.message.ends_with("ü..."));
}
