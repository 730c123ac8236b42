//! Nodes come, go and waver.

use cloud_lb_core::k8s::{AUTOSCALER_TAINT, EXCLUDE_LABEL};
use provider_mock::apiserver::Resource;
use serde_json::{Value, json};

use crate::ready::ready_node;
use crate::world::World;

/// Most nodes that there are.
const MOST: usize = 5;

impl World {
    pub(crate) fn add_node(&mut self) {
        let number = self.rng.usize(1..=MOST);
        self.add_numbered_node(number);
    }

    pub(crate) fn add_numbered_node(&mut self, number: usize) {
        let mut node = ready_node(number);
        if self.rng.bool() {
            node["spec"] = json!({"providerID": format!("mock:///n{number}")});
        }
        if self.api.create(Resource::Nodes, node).is_ok() {
            tracing::info!(target: "simulation", number, "a node joins");
            self.count("node changes");
        }
    }

    pub(crate) fn change_some_node(&mut self) {
        let mut nodes = self.api.list(Resource::Nodes);
        // The first one stays.
        nodes.retain(|node| node["metadata"]["name"] != "n0");
        if nodes.is_empty() {
            return self.add_node();
        }
        let mut node = self.pick(&nodes);
        let name = node["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        self.count("node changes");
        if self.once_in(5) {
            tracing::info!(target: "simulation", name, "a node goes");
            return self.api.delete(Resource::Nodes, "", &name).unwrap();
        }
        let what = self.change(&mut node, &name);
        tracing::info!(target: "simulation", name, what, "a node changes");
        self.api.update_status(Resource::Nodes, node.clone()).unwrap();
        node["metadata"]["resourceVersion"] = Value::Null;
        self.api.update(Resource::Nodes, node).unwrap();
    }

    fn change(&mut self, node: &mut Value, name: &str) -> &'static str {
        match self.rng.u8(..6) {
            0 => {
                node["spec"]["providerID"] = json!(format!("mock:///{name}"));
                "provider id"
            }
            1 => {
                let taint = json!([{"key": AUTOSCALER_TAINT, "value": "1", "effect": "NoSchedule"}]);
                node["spec"]["taints"] = if node["spec"]["taints"].is_array() { Value::Null } else { taint };
                "taint"
            }
            2 => {
                let labels = &mut node["metadata"]["labels"];
                *labels = if labels.is_object() { Value::Null } else { json!({ EXCLUDE_LABEL: "" }) };
                "exclusion"
            }
            3 | 4 => {
                let ready = node["status"]["conditions"][0]["status"] == "True";
                node["status"]["conditions"][0]["status"] = json!(if ready { "False" } else { "True" });
                "readiness"
            }
            _ => {
                let last = self.rng.u8(10..250);
                node["status"]["addresses"][0]["address"] = json!(format!("10.0.1.{last}"));
                "address"
            }
        }
    }
}
