//! Kinds that only hold data: Secrets, `ConfigMaps` and Leases.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::{Strategy, entries, format, meta, set_default, text};
use crate::apiserver::allocate::Allocators;
use crate::apiserver::field::{FieldError, distinct};

/// All values of a Secret or a `ConfigMap` together.
const DATA_LIMIT: usize = 1024 * 1024;
const IMMUTABLE: &str = "field is immutable when `immutable` is set";

/// The strategy of Secrets.
#[derive(Debug)]
pub(super) struct SecretStrategy;

impl Strategy for SecretStrategy {
    fn default(&self, object: &mut Value) {
        set_default(object, "type", "Opaque");
        // `stringData` is for writing only: it goes into `data`.
        let Some(object) = object.as_object_mut() else { return };
        if let Some(Value::Object(texts)) = object.remove("stringData") {
            let data = object.entry("data").or_insert_with(|| Value::Object(Map::new()));
            for (key, value) in texts {
                if let (Some(data), Some(value)) = (data.as_object_mut(), value.as_str()) {
                    data.insert(key, STANDARD.encode(value).into());
                }
            }
        }
    }

    fn prepare_update(
        &self,
        object: &mut Value,
        old: &Value,
        _: &mut Allocators,
    ) -> Result<(), Vec<FieldError>> {
        // The type cannot change, so an update that does not name it means the stored one.
        if text(object, "/type").is_empty() {
            super::keep(object, old, "type");
        }
        Ok(())
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate(object, meta::NAMESPACED_SUBDOMAIN);
        errors.extend(validate_keys(object, "data"));
        if data_size(object, "data") > DATA_LIMIT {
            errors.push(FieldError::too_long("data", DATA_LIMIT));
        }
        errors.extend(validate_typed_secret(object));
        errors
    }

    fn validate_update(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        let kind = text(object, "/type");
        if kind != text(old, "/type") {
            errors.push(FieldError::invalid("type", kind, "field is immutable"));
        }
        errors.extend(validate_immutable(object, old, &["data"]));
        errors.extend(self.validate_create(object));
        distinct(errors)
    }
}

/// The strategy of `ConfigMaps`.
#[derive(Debug)]
pub(super) struct ConfigMapStrategy;

impl Strategy for ConfigMapStrategy {
    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate(object, meta::NAMESPACED_SUBDOMAIN);
        errors.extend(validate_keys(object, "data"));
        for (key, _) in entries(object, "/data") {
            if entries(object, "/binaryData").any(|(other, _)| other == key) {
                let detail = "duplicate of key present in binaryData";
                errors.push(FieldError::invalid(format!("data[{key}]"), key.as_str(), detail));
            }
        }
        errors.extend(validate_keys(object, "binaryData"));
        let texts: usize = entries(object, "/data").map(|(_, value)| text(value, "").len()).sum();
        if texts + data_size(object, "binaryData") > DATA_LIMIT {
            // The server names no field; this is what `field.NewPath("")` prints.
            errors.push(FieldError::too_long("[]", DATA_LIMIT));
        }
        errors
    }

    fn validate_update(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        errors.extend(validate_immutable(object, old, &["data", "binaryData"]));
        errors.extend(self.validate_create(object));
        distinct(errors)
    }
}

/// The strategy of Leases.
#[derive(Debug)]
pub(super) struct LeaseStrategy;

impl Strategy for LeaseStrategy {
    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate(object, meta::NAMESPACED_SUBDOMAIN);
        errors.extend(validate_lease(object));
        errors
    }

    fn validate_update(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        errors.extend(validate_lease(object));
        errors
    }
}

fn validate_keys(object: &Value, field: &str) -> Vec<FieldError> {
    let pointer = format!("/{field}");
    let mut errors = Vec::new();
    for (key, _) in entries(object, &pointer) {
        let key = key.as_str();
        let complaints = format::config_key(key);
        errors
            .extend(complaints.iter().map(|text| FieldError::invalid(format!("{field}[{key}]"), key, text)));
    }
    errors
}

/// Bytes of the decoded values, to within the padding.
fn data_size(object: &Value, field: &str) -> usize {
    entries(object, &format!("/{field}")).map(|(_, value)| text(value, "").len() / 4 * 3).sum()
}

fn validate_immutable(object: &Value, old: &Value, fields: &[&str]) -> Vec<FieldError> {
    let immutable = |object: &Value| object.get("immutable") == Some(&Value::Bool(true));
    if !immutable(old) {
        return vec![];
    }
    let mut errors = Vec::new();
    if !immutable(object) {
        errors.push(FieldError::forbidden("immutable", IMMUTABLE));
    }
    let changed = fields.iter().filter(|field| object.get(**field) != old.get(**field));
    errors.extend(changed.map(|field| FieldError::forbidden(*field, IMMUTABLE)));
    errors
}

/// The keys that the typed Secrets must have.
fn validate_typed_secret(object: &Value) -> Vec<FieldError> {
    let has = |key: &str| entries(object, "/data").any(|(other, _)| other == key);
    let required: &[&str] = match text(object, "/type") {
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        "kubernetes.io/basic-auth" if !has("username") && !has("password") => &["username", "password"],
        _ => &[],
    };
    let missing = required.iter().filter(|key| !has(key));
    missing.map(|key| FieldError::required(format!("data[{key}]"), "")).collect()
}

fn validate_lease(object: &Value) -> Vec<FieldError> {
    let number = |field: &str| object.pointer(&format!("/spec/{field}")).and_then(Value::as_i64);
    let mut errors = Vec::new();
    if let Some(seconds @ ..=0) = number("leaseDurationSeconds") {
        errors.push(FieldError::invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0"));
    }
    if let Some(transitions @ ..=-1) = number("leaseTransitions") {
        let detail = "must be greater than or equal to 0";
        errors.push(FieldError::invalid("spec.leaseTransitions", transitions, detail));
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn texts(errors: &[FieldError]) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn string_data_goes_into_data() {
        let mut secret = json!({"data": {"a": "YQ=="}, "stringData": {"b": "b"}});
        SecretStrategy.default(&mut secret);
        assert_eq!(secret, json!({"type": "Opaque", "data": {"a": "YQ==", "b": "Yg=="}}));
    }

    #[test]
    fn secrets_are_checked_by_type_and_stay_immutable() {
        let meta = json!({"name": "s", "namespace": "d", "uid": "u", "resourceVersion": "1"});
        let mut secret = json!({"metadata": meta, "type": "kubernetes.io/tls", "immutable": true});
        assert_eq!(
            texts(&SecretStrategy.validate_create(&secret)),
            ["data[tls.crt]: Required value", "data[tls.key]: Required value"]
        );
        secret["data"] = json!({"tls.crt": "", "tls.key": ""});
        assert_eq!(SecretStrategy.validate_create(&secret), vec![]);
        let mut new = secret.clone();
        new["data"]["tls.crt"] = json!("YQ==");
        new["type"] = json!("Opaque");
        assert_eq!(
            texts(&SecretStrategy.validate_update(&new, &secret)),
            [
                r#"type: Invalid value: "Opaque": field is immutable"#,
                "data: Forbidden: field is immutable when `immutable` is set",
            ]
        );
    }

    #[test]
    fn config_maps_have_each_key_once() {
        let map = json!({"metadata": {"name": "c", "namespace": "d"}, "data": {"k": "v"}, "binaryData": {"k": "YQ=="}});
        assert_eq!(
            texts(&ConfigMapStrategy.validate_create(&map)),
            [r#"data[k]: Invalid value: "k": duplicate of key present in binaryData"#]
        );
    }

    #[test]
    fn leases_have_a_duration() {
        let lease = json!({"metadata": {"name": "l", "namespace": "d"},
            "spec": {"leaseDurationSeconds": 0, "leaseTransitions": -1}});
        assert_eq!(
            texts(&LeaseStrategy.validate_create(&lease)),
            [
                "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
                "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0",
            ]
        );
    }
}
