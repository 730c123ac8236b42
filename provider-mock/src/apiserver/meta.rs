//! The metadata that the server owns.

use super::field::FieldError;
use super::json::{child_mut, object_mut, put, text};
use super::resource::Endpoint;
use super::status::ApiError;
use super::store::Key;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Letters of generated names: no vowels, so that no words come out (as in apimachinery's `rand`).
const SUFFIX_LETTERS: [char; 27] = [
    'b', 'c', 'd', 'f', 'g', 'h', 'j', 'k', 'l', 'm', 'n', 'p', 'q', 'r', 's', 't', 'v', 'w', 'x', 'z', '2',
    '4', '5', '6', '7', '8', '9',
];

/// The fields of metadata that only the server writes.
const SERVER_OWNED: [&str; 5] =
    ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"];

/// The wall clock of the server, read here only.
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// A time as Kubernetes writes it: UTC, whole seconds.
pub(crate) fn format_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `name`, or `generateName` with five random letters.
///
/// # Errors
/// `Invalid` where the object has neither.
pub(crate) fn name_of(
    object: &Value,
    endpoint: &Endpoint,
    random: &mut fastrand::Rng,
) -> Result<String, ApiError> {
    let name = text(object, "/metadata/name");
    if !name.is_empty() {
        return Ok(name.to_owned());
    }
    let base = text(object, "/metadata/generateName");
    if base.is_empty() {
        let error = FieldError::required("metadata.name", "name or generateName is required");
        return Err(ApiError::invalid(endpoint, "", vec![error]));
    }
    let suffix = (0..5).filter_map(|_| random.choice(SUFFIX_LETTERS));
    Ok(base.chars().chain(suffix).collect())
}

/// Fills in the metadata of a new object.
pub(crate) fn begin(object: &mut Value, key: &Key, random: &mut fastrand::Rng) {
    let Key { resource, namespace, name } = key;
    let stored = resource.stored_as();
    put(object, "kind", Some(json!(stored.kind)));
    put(object, "apiVersion", Some(json!(stored.api_version())));
    let metadata = child_mut(object, "metadata");
    for field in SERVER_OWNED {
        metadata.remove(field);
    }
    metadata.insert("name".to_owned(), json!(name));
    metadata.insert("uid".to_owned(), json!(new_uid(random)));
    metadata.insert("creationTimestamp".to_owned(), json!(format_time(now())));
    if resource.namespaced() {
        metadata.insert("namespace".to_owned(), json!(namespace));
    } else {
        metadata.remove("namespace");
    }
    if resource.has_generation() {
        metadata.insert("generation".to_owned(), json!(1));
    }
}

fn new_uid(random: &mut fastrand::Rng) -> String {
    uuid::Builder::from_random_bytes(random.u128(..).to_be_bytes()).into_uuid().to_string()
}

/// Restores what only the server writes from the stored object.
pub(crate) fn carry_over(object: &mut Value, old: &Value) {
    for field in ["kind", "apiVersion"] {
        put(object, field, old.get(field).cloned());
    }
    let stored = old.get("metadata");
    let metadata = child_mut(object, "metadata");
    for field in SERVER_OWNED.into_iter().chain(["name", "namespace", "resourceVersion"]) {
        match stored.and_then(|stored| stored.get(field)) {
            Some(value) => metadata.insert(field.to_owned(), value.clone()),
            None => metadata.remove(field),
        };
    }
}

/// Drops empty maps and lists of the metadata, as the real server does when it encodes.
pub(crate) fn tidy(object: &mut Value) {
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    };
    child_mut(object, "metadata").retain(|_, value| !empty(value));
}

/// Counts a change of anything but metadata and status.
pub(crate) fn bump_generation(object: &mut Value, old: &Value) {
    let Some(generation) = old.pointer("/metadata/generation").and_then(Value::as_u64) else { return };
    if specification(object) != specification(old) {
        child_mut(object, "metadata").insert("generation".to_owned(), json!(generation + 1));
    }
}

fn specification(object: &Value) -> Value {
    let mut rest = object.clone();
    object_mut(&mut rest).retain(|key, _| key != "metadata" && key != "status");
    rest
}
