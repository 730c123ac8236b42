//! Nodes as the API server has them.

use serde_json::{Value, json};

/// A ready node `n1`, `n2` and so on, with addresses of both families.
pub(crate) fn ready_node(number: usize) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": format!("n{number}")},
        "status": {
            "addresses": [
                {"type": "InternalIP", "address": format!("10.0.0.{number}")},
                {"type": "InternalIP", "address": format!("fd00::{number}")},
            ],
            "conditions": [{"type": "Ready", "status": "True"}],
        }
    })
}
