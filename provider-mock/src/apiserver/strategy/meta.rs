//! Metadata, which is alike in all kinds (`k8s.io/apimachinery/pkg/api/validation/objectmeta.go`).

use serde_json::Value;

use super::{entries, format, list, text};
use crate::apiserver::field::{FieldError, unset};

/// All annotations of an object together, keys and values.
const ANNOTATIONS_LIMIT: usize = 256 * 1024;

/// The names a kind allows, and whether it lives in a namespace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Naming {
    namespaced: bool,
    check: fn(&str) -> Vec<String>,
}

/// Kinds in a namespace whose names are DNS names.
pub(super) const NAMESPACED_SUBDOMAIN: Naming = Naming { namespaced: true, check: format::dns1123_subdomain };
/// Services.
pub(super) const NAMESPACED_LABEL_1035: Naming = Naming { namespaced: true, check: format::dns1035_label };
/// Nodes.
pub(super) const CLUSTER_SUBDOMAIN: Naming = Naming { namespaced: false, check: format::dns1123_subdomain };
/// Namespaces.
pub(super) const CLUSTER_LABEL: Naming = Naming { namespaced: false, check: format::dns1123_label };

/// What is wrong with the metadata of an object; its name has been generated before.
pub(super) fn validate(object: &Value, naming: Naming) -> Vec<FieldError> {
    let mut errors = validate_name(object, naming);
    errors.extend(validate_namespace(text(object, "/metadata/namespace"), naming.namespaced));
    errors.extend(validate_maps(object));
    errors.extend(validate_owners(list(object, "/metadata/ownerReferences")));
    errors.extend(validate_finalizers(object));
    errors
}

/// What is wrong with the metadata of an update of `old`.
pub(super) fn validate_update(object: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if old.pointer("/metadata/deletionTimestamp").is_some() {
        errors.extend(no_new_finalizers(object, old));
    }
    if text(object, "/metadata/resourceVersion").is_empty() {
        let detail = "must be specified for an update";
        errors.push(FieldError::invalid("metadata.resourceVersion", "", detail));
    }
    for field in ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp"] {
        let pointer = format!("/metadata/{field}");
        let (new, old) = (object.pointer(&pointer), old.pointer(&pointer));
        if new != old {
            let value =
                new.cloned().unwrap_or_else(|| if field.ends_with('p') { unset() } else { "".into() });
            errors.push(FieldError::invalid(format!("metadata.{field}"), value, "field is immutable"));
        }
    }
    errors.extend(validate_maps(object));
    errors.extend(validate_owners(list(object, "/metadata/ownerReferences")));
    errors.extend(validate_finalizers(object));
    errors
}

fn validate_name(object: &Value, naming: Naming) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let prefix = text(object, "/metadata/generateName");
    if !prefix.is_empty() {
        // The prefix may end in a dash, since more follows.
        let masked = prefix.strip_suffix('-').filter(|rest| !rest.is_empty()).map(|rest| format!("{rest}a"));
        let complaints = (naming.check)(masked.as_deref().unwrap_or(prefix));
        errors
            .extend(complaints.iter().map(|text| FieldError::invalid("metadata.generateName", prefix, text)));
    }
    let name = text(object, "/metadata/name");
    if name.is_empty() {
        errors.push(FieldError::required("metadata.name", "name or generateName is required"));
    } else {
        let complaints = (naming.check)(name);
        errors.extend(complaints.iter().map(|text| FieldError::invalid("metadata.name", name, text)));
    }
    errors
}

fn validate_namespace(namespace: &str, namespaced: bool) -> Vec<FieldError> {
    const FIELD: &str = "metadata.namespace";
    match (namespaced, namespace) {
        (true, "") => vec![FieldError::required(FIELD, "")],
        (true, name) => {
            let complaints = format::dns1123_label(name);
            complaints.iter().map(|text| FieldError::invalid(FIELD, name, text)).collect()
        }
        (false, "") => vec![],
        (false, _) => vec![FieldError::forbidden(FIELD, "not allowed on this type")],
    }
}

fn validate_maps(object: &Value) -> Vec<FieldError> {
    let labels = object.pointer("/metadata/labels").unwrap_or(&Value::Null);
    let mut errors = validate_labels(labels, "metadata.labels");
    let mut size = 0;
    for (key, value) in entries(object, "/metadata/annotations") {
        // Keys of annotations may have upper case letters in their prefix, for historical reasons.
        let complaints = format::qualified_name(&key.to_lowercase());
        errors.extend(
            complaints.iter().map(|text| FieldError::invalid("metadata.annotations", key.as_str(), text)),
        );
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > ANNOTATIONS_LIMIT {
        errors.push(FieldError::too_long("metadata.annotations", ANNOTATIONS_LIMIT));
    }
    errors
}

/// What is wrong with labels, or with a selector of labels, at `field`.
pub(super) fn validate_labels(labels: &Value, field: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (key, value) in entries(labels, "") {
        let value = value.as_str().unwrap_or_default();
        let keys = format::qualified_name(key);
        errors.extend(keys.iter().map(|text| FieldError::invalid(field, key.as_str(), text)));
        let values = format::label_value(value);
        errors.extend(values.iter().map(|text| FieldError::invalid(field, value, text)));
    }
    errors
}

fn validate_owners(owners: &[Value]) -> Vec<FieldError> {
    const FIELD: &str = "metadata.ownerReferences";
    let mut errors = Vec::new();
    let mut controller: Option<&str> = None;
    for owner in owners {
        for key in ["apiVersion", "kind", "name", "uid"] {
            if text(owner, &format!("/{key}")).is_empty() {
                let detail = if key == "apiVersion" { "version" } else { key };
                let detail = format!("{detail} must not be empty");
                errors.push(FieldError::invalid(format!("{FIELD}.{key}"), "", detail));
            }
        }
        if owner.pointer("/controller") == Some(&Value::Bool(true)) {
            let name = text(owner, "/name");
            if let Some(first) = controller {
                let detail = format!(
                    "Only one reference can have Controller set to true. \
                     Found \"true\" in references for {first} and {name}"
                );
                errors.push(FieldError::invalid(FIELD, owners, detail));
            } else {
                controller = Some(name);
            }
        }
    }
    errors
}

fn validate_finalizers(object: &Value) -> Vec<FieldError> {
    const FIELD: &str = "metadata.finalizers";
    let finalizers = list(object, "/metadata/finalizers");
    let mut errors = Vec::new();
    for name in finalizers.iter().filter_map(Value::as_str) {
        let complaints = format::qualified_name(name);
        errors.extend(complaints.iter().map(|text| FieldError::invalid(FIELD, name, text)));
    }
    let has = |name: &str| finalizers.iter().any(|finalizer| finalizer == name);
    if has("orphan") && has("foregroundDeletion") {
        let detail = "finalizer orphan and foregroundDeletion cannot be both set";
        errors.push(FieldError::invalid(FIELD, finalizers, detail));
    }
    errors
}

fn no_new_finalizers(object: &Value, old: &Value) -> Vec<FieldError> {
    let known = list(old, "/metadata/finalizers");
    let mut extra: Vec<&str> = list(object, "/metadata/finalizers")
        .iter()
        .filter(|finalizer| !known.contains(finalizer))
        .filter_map(Value::as_str)
        .collect();
    if extra.is_empty() {
        return vec![];
    }
    extra.sort_unstable();
    let extra: Vec<String> = extra.iter().map(|name| format!("{name:?}")).collect();
    let detail = format!(
        "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
        extra.join(", ")
    );
    vec![FieldError::forbidden("metadata.finalizers", detail)]
}

#[cfg(test)]
mod tests;
