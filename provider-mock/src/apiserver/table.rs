//! Tables: what `kubectl get` prints, with the columns of `pkg/printers/internalversion` of Kubernetes.

mod age;
mod cells;
mod pod;

use super::meta;
use super::resource::Resource;
use cells::cells;
use serde_json::{Value, json};

/// A Table of objects; each row is computed from the stored object and carries the second value.
pub(super) fn build<'a>(
    resource: Resource,
    rows: impl Iterator<Item = (&'a Value, Value)>,
    metadata: &Value,
) -> Value {
    let now = meta::now();
    let rows: Vec<Value> =
        rows.map(|(stored, shown)| json!({"cells": cells(resource, stored, now), "object": shown})).collect();
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": columns(resource).iter().map(definition).collect::<Vec<_>>(),
        "rows": rows,
    })
}

/// A column: its heading, and whether only `-o wide` shows it.
struct Column(&'static str, Shown);

#[derive(Clone, Copy, PartialEq)]
enum Shown {
    Always,
    Wide,
}

use Shown::{Always, Wide};

fn definition(column: &Column) -> Value {
    let Column(name, shown) = column;
    let (kind, format) = match *name {
        "Name" => ("string", "name"),
        "Data" | "Count" => ("integer", ""),
        _ => ("string", ""),
    };
    let priority = i32::from(*shown == Wide);
    json!({"name": name, "type": kind, "format": format, "description": "", "priority": priority})
}

const SERVICES: &[Column] = &[
    Column("Name", Always),
    Column("Type", Always),
    Column("Cluster-IP", Always),
    Column("External-IP", Always),
    Column("Port(s)", Always),
    Column("Age", Always),
    Column("Selector", Wide),
];

const NODES: &[Column] = &[
    Column("Name", Always),
    Column("Status", Always),
    Column("Roles", Always),
    Column("Age", Always),
    Column("Version", Always),
    Column("Internal-IP", Wide),
    Column("External-IP", Wide),
    Column("OS-Image", Wide),
    Column("Kernel-Version", Wide),
    Column("Container-Runtime", Wide),
];

const PODS: &[Column] = &[
    Column("Name", Always),
    Column("Ready", Always),
    Column("Status", Always),
    Column("Restarts", Always),
    Column("Age", Always),
    Column("IP", Wide),
    Column("Node", Wide),
    Column("Nominated Node", Wide),
    Column("Readiness Gates", Wide),
];

const EVENTS: &[Column] = &[
    Column("Last Seen", Always),
    Column("Type", Always),
    Column("Reason", Always),
    Column("Object", Always),
    Column("Subobject", Wide),
    Column("Source", Wide),
    Column("Message", Always),
    Column("First Seen", Wide),
    Column("Count", Wide),
    Column("Name", Wide),
];

/// The columns of a kind, in the order of its cells.
fn columns(resource: Resource) -> &'static [Column] {
    match resource {
        Resource::Services => SERVICES,
        Resource::Nodes => NODES,
        Resource::Pods => PODS,
        Resource::Events => EVENTS,
        Resource::Endpoints => &[Column("Name", Always), Column("Endpoints", Always), Column("Age", Always)],
        Resource::EndpointSlices => &[
            Column("Name", Always),
            Column("AddressType", Always),
            Column("Ports", Always),
            Column("Endpoints", Always),
            Column("Age", Always),
        ],
        Resource::Leases => &[Column("Name", Always), Column("Holder", Always), Column("Age", Always)],
        Resource::Namespaces => &[Column("Name", Always), Column("Status", Always), Column("Age", Always)],
        Resource::TokenReviews | Resource::SubjectAccessReviews => {
            &[Column("Name", Always), Column("Age", Always)]
        }
        Resource::Secrets => {
            &[Column("Name", Always), Column("Type", Always), Column("Data", Always), Column("Age", Always)]
        }
        Resource::ConfigMaps => &[Column("Name", Always), Column("Data", Always), Column("Age", Always)],
    }
}

#[cfg(test)]
mod tests;
