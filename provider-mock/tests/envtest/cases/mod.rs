//! The table of requests.

mod discovery;
mod events;
mod lists;
mod nodes;
mod patches;
mod pods;
mod refusals;
mod services;
mod slices;
mod validation;
mod watches;
mod writes;

use serde_json::{Value, json};

use crate::compare::Scenario;

/// Everything that is compared.
pub(crate) fn all() -> Vec<Scenario> {
    let parts = [
        discovery::scenarios(),
        services::scenarios(),
        refusals::scenarios(),
        writes::scenarios(),
        patches::scenarios(),
        validation::scenarios(),
        lists::scenarios(),
        watches::scenarios(),
        nodes::scenarios(),
        pods::scenarios(),
        slices::scenarios(),
        events::scenarios(),
    ];
    parts.into_iter().flatten().collect()
}

/// The path of a core kind in the namespace of the scenario; `rest` may name an object.
fn core(rest: &str) -> String {
    format!("/api/v1/namespaces/$(ns)/{rest}")
}

/// A Service with one port and a selector.
fn service(name: &str, spec: Value) -> Value {
    let mut service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [{"port": 80}]}});
    merge(&mut service["spec"], spec);
    service
}

fn config(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "b"}})
}

/// Sets the fields of `more`; null takes a field away.
fn merge(object: &mut Value, more: Value) {
    let Value::Object(fields) = more else {
        *object = more;
        return;
    };
    if !object.is_object() {
        *object = json!({});
    }
    for (key, value) in fields {
        match value {
            Value::Null => drop(object.as_object_mut().and_then(|object| object.remove(&key))),
            value => merge(&mut object[key.as_str()], value),
        }
    }
}
