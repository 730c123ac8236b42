//! What the cloud demands of each kind. Pure.

use serde_json::Value;

/// Start of every id.
pub(super) const ID_PREFIX: &str = "mock:";
/// Start of a reference from one part of a container to another: a JSON pointer.
pub(super) const PART_PREFIX: &str = "#/";

/// Kinds that need time to be made and to go, and that real clouds charge for.
const COSTLY: &[&str] = &["LoadBalancer", "ForwardingRule", "Address", "PublicAddress"];
/// Kinds that get addresses, for each of `families`, or for `family`.
const ADDRESSED: &[&str] = &["LoadBalancer", "Address", "PublicAddress"];

pub(super) fn is_slow(kind: &str) -> bool {
    COSTLY.contains(&kind)
}

/// Whether a cloud charges for resources of the kind as long as they exist.
pub(crate) fn is_billed(kind: &str) -> bool {
    COSTLY.contains(&kind)
}

/// Fields that a write cannot change.
pub(super) fn fixed(kind: &str) -> &'static [&'static str] {
    match kind {
        "TargetGroup" => &["protocol", "family"],
        "LoadBalancer" => &["requestedAddress"],
        "Address" | "PublicAddress" => &["family", "requestedAddress"],
        "ForwardingRule" => &["address", "protocol", "family"],
        _ => &[],
    }
}

/// Families of the addresses that a resource gets.
pub(super) fn families(kind: &str, body: &Value) -> Vec<String> {
    if !ADDRESSED.contains(&kind) {
        return Vec::new();
    }
    let list = body.get("families").and_then(Value::as_array).cloned().unwrap_or_default();
    let all = list.iter().chain(body.get("family"));
    all.filter_map(|family| family.as_str().map(str::to_owned)).collect()
}

/// Places that only one resource of the kind can hold.
pub(super) fn slots(kind: &str, body: &Value) -> Vec<String> {
    match kind {
        "Listener" => vec![format!("port {} of {}", text(body, "port"), text(body, "loadBalancer"))],
        "ForwardingRule" => vec![format!("{} of {}", text(body, "protocol"), text(body, "address"))],
        _ => parts(body, "rules").filter(|part| part.get("frontend").is_some()).map(part_slot).collect(),
    }
}

fn part_slot(part: &Value) -> String {
    format!("{} port {} of {}", text(part, "protocol"), text(part, "port"), text(part, "frontend"))
}

fn text(body: &Value, field: &str) -> String {
    match body.get(field) {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    }
}

fn parts<'a>(body: &'a Value, collection: &str) -> impl Iterator<Item = &'a Value> {
    body.get(collection).and_then(Value::as_object).into_iter().flat_map(|parts| parts.values())
}

/// The collections of parts in a container, with their sizes.
pub(super) fn collections(body: &Value) -> Vec<(&str, usize)> {
    const COLLECTIONS: &[&str] = &["frontends", "rules", "probes"];
    COLLECTIONS
        .iter()
        .map(|name| (*name, parts(body, name).count()))
        .filter(|(_, count)| *count > 0)
        .collect()
}

/// References to other resources and among parts, wherever they stand.
pub(crate) fn references(body: &Value) -> Vec<&str> {
    match body {
        Value::String(text) if text.starts_with(ID_PREFIX) || text.starts_with(PART_PREFIX) => vec![text],
        Value::Array(items) => items.iter().flat_map(references).collect(),
        Value::Object(fields) => fields.values().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// Ports outside of 1-65535, by field.
pub(super) fn bad_ports(body: &Value) -> Vec<String> {
    let Some(fields) = body.as_object() else { return Vec::new() };
    let ports = fields.iter().filter(|(name, _)| name.to_lowercase().ends_with("port"));
    let bad = ports.filter(|(_, value)| value.as_u64().is_none_or(|port| !(1..=65_535).contains(&port)));
    let mut found: Vec<String> = bad.map(|(name, value)| format!("{name} is {value}")).collect();
    found.extend(fields.values().flat_map(bad_ports));
    found
}
