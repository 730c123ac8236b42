//! Which changes of a node bring on a pass: the condensed upstream cases 90 to 136.
//!
//! Upstream asks whether a node *may* matter (SC-90, SC-91) and lets the pass find out. Here a pass begins
//! only if what the provider uses of the nodes is another (W-19, W-30), and a node that starts or stops to
//! drain is another (W-18). Where that gives another answer, the row says so.

use serde_json::{Value, json};

use super::{Event, Instant, list, node, nodes, pass};
use crate::k8s::{AUTOSCALER_TAINT, EXCLUDE_LABEL};

/// A node as the cases tell them apart.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "independent yes-or-no facts, read by name")]
struct Look {
    provider_id: &'static str,
    excluded: bool,
    tainted: bool,
    /// Status of the `Ready` condition.
    ready: Option<&'static str>,
    other_taint: bool,
    other_label: bool,
    other_condition: &'static str,
    deleting: bool,
}

const PLAIN: Look = Look {
    provider_id: "id-1",
    excluded: false,
    tainted: false,
    ready: Some("True"),
    other_taint: false,
    other_label: false,
    other_condition: "False",
    deleting: false,
};

const TAINTED: Look = Look { tainted: true, ..PLAIN };
const EXCLUDED: Look = Look { excluded: true, ..PLAIN };
const NOT_READY: Look = Look { ready: Some("False"), ..PLAIN };
const NO_CONDITION: Look = Look { ready: None, ..PLAIN };
const WITHOUT_ID: Look = Look { provider_id: "", ..PLAIN };

impl Look {
    fn id(self, provider_id: &'static str) -> Self {
        Self { provider_id, ..self }
    }

    fn excluded(self) -> Self {
        Self { excluded: true, ..self }
    }

    fn tainted(self) -> Self {
        Self { tainted: true, ..self }
    }

    fn unready(self) -> Self {
        Self { ready: Some("False"), ..self }
    }

    fn other_taint(self) -> Self {
        Self { other_taint: true, ..self }
    }

    fn other_label(self) -> Self {
        Self { other_label: true, ..self }
    }

    fn other_condition(self) -> Self {
        Self { other_condition: "True", ..self }
    }

    fn deleting(self) -> Self {
        Self { deleting: true, ..self }
    }

    fn object(self) -> Value {
        let taint = |key: &str| json!({"key": key, "value": "1234567890", "effect": "NoSchedule"});
        let (mut taints, mut labels) = (Vec::new(), serde_json::Map::new());
        let mut conditions = vec![json!({"type": "DiskPressure", "status": self.other_condition})];
        taints.extend(self.tainted.then(|| taint(AUTOSCALER_TAINT)));
        taints.extend(self.other_taint.then(|| taint("other")));
        labels.extend(self.excluded.then(|| (EXCLUDE_LABEL.to_owned(), json!("true"))));
        labels.extend(self.other_label.then(|| ("other".to_owned(), json!("x"))));
        conditions.extend(self.ready.map(|status| json!({"type": "Ready", "status": status})));
        let deletion = self.deleting.then_some("2026-01-01T00:00:00Z");
        json!({
            "metadata": {"labels": labels, "deletionTimestamp": deletion},
            "spec": {"providerID": self.provider_id, "taints": taints},
            "status": {"conditions": conditions},
        })
    }
}

/// Whether this change brings on a pass.
fn triggers(old: Look, new: Look) -> bool {
    let mut nodes = nodes();
    list(&mut nodes, [node("other", &json!({})), node("a", &old.object())]);
    assert!(pass(&mut nodes));
    nodes.apply(Event::Apply(node("a", &new.object())), Instant::now());
    pass(&mut nodes)
}

/// The case, what changes, and whether that brings on a pass.
type Row = (&'static str, Look, Look, bool);

fn check(rows: &[Row]) {
    for (case, old, new, expected) in rows {
        assert_eq!(triggers(*old, *new), *expected, "{case}: {old:?} -> {new:?}");
    }
}

/// SC-25: a change that makes no pass reaches no load balancer.
#[tokio::test(start_paused = true)]
async fn sc_90_single_changes() {
    check(&[
        ("b090", PLAIN, PLAIN, false),
        ("b091", PLAIN, PLAIN.excluded(), true),
        ("b092", PLAIN.excluded(), PLAIN, true),
        ("b093", PLAIN.excluded(), PLAIN.excluded(), false),
        ("b094", PLAIN, PLAIN.other_taint(), false),
        ("b095", PLAIN.other_taint(), PLAIN, false),
        ("b096", PLAIN, PLAIN.other_label(), false),
        ("b097", PLAIN.other_label(), PLAIN, false),
        ("b098", NOT_READY, NOT_READY, false),
        ("b099", NOT_READY, NO_CONDITION, false),
        ("b100", NO_CONDITION, NOT_READY, false),
        ("b101", NO_CONDITION, NO_CONDITION, false),
        ("b102", NOT_READY, NOT_READY.other_condition(), false),
        ("b103", NOT_READY.other_condition(), NOT_READY, false),
        ("b104", PLAIN, PLAIN.other_condition(), false),
        ("b105", PLAIN.other_condition(), PLAIN, false),
        // W-18: it starts to drain.
        ("b106", PLAIN, PLAIN.deleting(), true),
        ("b107", WITHOUT_ID, PLAIN, true),
        ("b108", PLAIN, WITHOUT_ID, true),
        ("b109", PLAIN, PLAIN.id("id-2"), true),
    ]);
}

#[tokio::test(start_paused = true)]
async fn sc_90_changes_of_a_tainted_node() {
    check(&[
        ("b110", TAINTED, TAINTED.excluded(), true),
        ("b111", TAINTED.excluded(), TAINTED, true),
        ("b112", TAINTED.id(""), TAINTED, true),
        ("b113", TAINTED, TAINTED.id(""), true),
        ("b114", TAINTED, TAINTED.id("id-2"), true),
        ("b115", TAINTED.unready(), TAINTED, false),
        ("b116", TAINTED, TAINTED.unready(), false),
    ]);
}

#[tokio::test(start_paused = true)]
async fn sc_90_changes_of_an_excluded_node() {
    check(&[
        ("b117", EXCLUDED, EXCLUDED.tainted(), false),
        ("b118", EXCLUDED.tainted(), EXCLUDED, false),
        ("b119", EXCLUDED.unready(), EXCLUDED, false),
        ("b120", EXCLUDED, EXCLUDED.unready(), false),
        // W-30: upstream's pass finds the same nodes as before, because this one is not among them.
        ("b121", EXCLUDED.id(""), EXCLUDED, false),
        ("b122", EXCLUDED, EXCLUDED.id(""), false),
        ("b123", EXCLUDED, EXCLUDED.id("id-2"), false),
    ]);
}

#[tokio::test(start_paused = true)]
async fn sc_90_changes_of_a_node_that_is_not_ready() {
    check(&[
        // W-18: it starts or stops to drain.
        ("b124", NOT_READY, NOT_READY.tainted(), true),
        ("b125", NOT_READY.tainted(), NOT_READY, true),
        ("b126", NOT_READY, NOT_READY.excluded(), true),
        ("b127", NOT_READY.excluded(), NOT_READY, true),
        ("b128", NOT_READY.id(""), NOT_READY, true),
        ("b129", NOT_READY, NOT_READY.id(""), true),
        ("b130", NOT_READY, NOT_READY.id("id-2"), true),
    ]);
}

#[tokio::test(start_paused = true)]
async fn sc_90_changes_of_a_node_without_provider_id() {
    check(&[
        ("b131", WITHOUT_ID, WITHOUT_ID.excluded(), true),
        ("b132", WITHOUT_ID.excluded(), WITHOUT_ID, true),
        ("b133", WITHOUT_ID.unready(), WITHOUT_ID, false),
        ("b134", WITHOUT_ID, WITHOUT_ID.unready(), false),
        // W-18: it starts or stops to drain.
        ("b135", WITHOUT_ID, WITHOUT_ID.tainted(), true),
        ("b136", WITHOUT_ID.tainted(), WITHOUT_ID, true),
    ]);
}

#[tokio::test(start_paused = true)]
async fn sc_91_a_cordon_and_a_moved_address_do_not_matter() {
    for change in [
        json!({"spec": {"unschedulable": true}}),
        json!({"status": {"addresses": [{"type": "InternalIP", "address": "10.9.9.9"}]}}),
    ] {
        let mut nodes = nodes();
        list(&mut nodes, [node("a", &json!({}))]);
        assert!(pass(&mut nodes));
        nodes.apply(Event::Apply(node("a", &change)), Instant::now());
        assert_eq!(nodes.due(), None, "{change}");
    }
}
