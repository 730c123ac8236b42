//! What contradicts a request, and what each surface may write.

use super::{Preconditions, Surface};
use crate::apiserver::field::FieldError;
use crate::apiserver::json::{child_mut, put, text};
use crate::apiserver::meta;
use crate::apiserver::resource::{Endpoint, Resource};
use crate::apiserver::status::ApiError;
use crate::apiserver::store::Key;
use serde_json::{Value, json};

/// Refuses a new object that contradicts its request.
pub(super) fn check_new(object: &Value, namespace: &str, endpoint: &Endpoint) -> Result<(), ApiError> {
    let own = text(object, "/metadata/namespace");
    if endpoint.namespaced && !own.is_empty() && own != namespace {
        let message = format!(
            "the namespace of the provided object does not match the namespace sent on the request ({own} != {namespace})"
        );
        return Err(ApiError::bad_request(message));
    }
    if !text(object, "/metadata/resourceVersion").is_empty() {
        return Err(ApiError::bad_request("resourceVersion should not be set on objects to be created"));
    }
    Ok(())
}

/// Refuses a replacement of another object, or of another version of it.
pub(super) fn check_replaced(object: &Value, old: &Value, key: &Key) -> Result<(), ApiError> {
    let endpoint = key.resource.stored_as();
    let sent = |pointer: &str| Some(text(object, pointer)).filter(|value| !value.is_empty());
    if let Some(name) = sent("/metadata/name").filter(|name| *name != key.name) {
        let message =
            format!("the name of the object ({name}) does not match the name on the URL ({})", key.name);
        return Err(ApiError::bad_request(message));
    }
    if sent("/metadata/resourceVersion").is_none() && key.resource.needs_version_on_update() {
        let error = FieldError::invalid("metadata.resourceVersion", 0, "must be specified for an update");
        return Err(ApiError::invalid(endpoint, &key.name, vec![error]));
    }
    if sent("/metadata/resourceVersion")
        .is_some_and(|version| version != text(old, "/metadata/resourceVersion"))
    {
        return Err(ApiError::conflict(endpoint, &key.name));
    }
    let (sent, actual) = (sent("/metadata/uid"), text(old, "/metadata/uid"));
    if let Some(sent) = sent.filter(|sent| *sent != actual) {
        let why = format!(
            "StorageError: invalid object, Code: 4, Key: {}, ResourceVersion: 0, AdditionalErrorMsg: Precondition \
             failed: UID in precondition: {sent}, UID in object meta: {actual}",
            place(key)
        );
        return Err(ApiError::conflict_because(endpoint, &key.name, &why));
    }
    Ok(())
}

/// Where the real server stores an object, as its messages tell.
fn place(key: &Key) -> String {
    let kind = match key.resource {
        Resource::Services => "services/specs",
        Resource::Endpoints => "services/endpoints",
        Resource::Nodes => "minions",
        other => other.plural(),
    };
    let namespace = if key.namespace.is_empty() { String::new() } else { format!("{}/", key.namespace) };
    format!("/registry/{kind}/{namespace}{}", key.name)
}

pub(super) fn check_preconditions(old: &Value, only_if: &Preconditions, key: &Key) -> Result<(), ApiError> {
    let checks = [
        ("UID", &only_if.uid, text(old, "/metadata/uid"), "deleted and then recreated"),
        ("ResourceVersion", &only_if.resource_version, text(old, "/metadata/resourceVersion"), "modified"),
    ];
    for (what, wanted, actual, fate) in checks {
        if let Some(wanted) = wanted.as_deref().filter(|wanted| *wanted != actual) {
            let why = format!(
                "the {what} in the precondition ({wanted}) does not match the {what} in record ({actual}). The object \
                 might have been {fate}"
            );
            return Err(ApiError::other_object(key.resource.stored_as(), &key.name, &why));
        }
    }
    Ok(())
}

/// Takes from the stored object the half that `surface` does not name.
pub(super) fn restrict(object: &mut Value, old: &Value, surface: Surface, resource: Resource) {
    match surface {
        Surface::Main if resource.stored_as().has_status => put(object, "status", old.get("status").cloned()),
        Surface::Main => {}
        Surface::Status => {
            let mut merged = old.clone();
            for field in ["metadata", "status"] {
                put(&mut merged, field, object.get(field).cloned());
            }
            *object = merged;
        }
    }
}

/// The object with its deletion begun.
pub(super) fn terminating(old: &Value, resource: Resource) -> Value {
    let mut object = old.clone();
    let generation = old.pointer("/metadata/generation").and_then(Value::as_u64);
    let metadata = child_mut(&mut object, "metadata");
    metadata.insert("deletionTimestamp".to_owned(), json!(meta::format_time(meta::now())));
    metadata.insert("deletionGracePeriodSeconds".to_owned(), json!(0));
    if let Some(generation) = generation {
        metadata.insert("generation".to_owned(), json!(generation + 1));
    }
    if resource == Resource::Namespaces {
        child_mut(&mut object, "status").insert("phase".to_owned(), json!("Terminating"));
    }
    object
}
