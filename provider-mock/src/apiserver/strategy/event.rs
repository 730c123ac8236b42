//! Events, in the form of core/v1 and of events.k8s.io/v1 (`pkg/apis/core/validation/events.go`).

use serde_json::Value;

use super::{Strategy, format, meta, text};
use crate::apiserver::field::{FieldError, distinct};

/// Bytes of `reportingInstance`, `action` and `reason`.
const TEXT_LIMIT: usize = 128;
/// Bytes of the message.
const NOTE_LIMIT: usize = 1024;

/// The strategy of Events.
#[derive(Debug)]
pub(super) struct EventStrategy;

impl Strategy for EventStrategy {
    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = validate_legacy(object);
        if is_new_api(object) {
            errors.extend(meta::validate(object, meta::NAMESPACED_SUBDOMAIN));
            errors.extend(validate_strict(object));
        }
        distinct(errors)
    }

    fn validate_update(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = validate_legacy(object);
        if is_new_api(object) {
            errors.extend(meta::validate_update(object, old));
            errors.extend(validate_series(object));
            for field in ["reason", "type", "eventTime", "action", "reportingController", "reportingInstance"]
            {
                if object.get(field) != old.get(field) {
                    let value = object.get(field).cloned().unwrap_or_default();
                    errors.push(FieldError::invalid(field, value, "field is immutable"));
                }
            }
        }
        distinct(errors)
    }
}

fn is_new_api(object: &Value) -> bool {
    text(object, "/apiVersion").starts_with("events.k8s.io/")
}

/// The name of a field in the version of the object, and its value.
fn versioned<'a>(object: &'a Value, core: &'static str, new: &'static str) -> &'a str {
    let new_value = text(object, new);
    if new_value.is_empty() { text(object, core) } else { new_value }
}

fn validate_legacy(object: &Value) -> Vec<FieldError> {
    let namespace = text(object, "/metadata/namespace");
    let about = versioned(object, "/involvedObject/namespace", "/regarding/namespace");
    let new_style = !text(object, "/eventTime").is_empty();
    let fits = match (new_style, about) {
        (false, "") => matches!(namespace, "" | "default"),
        (false, about) => about == namespace,
        (true, "") => matches!(namespace, "default" | "kube-system"),
        (true, _) => true,
    };
    let mut errors = Vec::new();
    if !fits {
        let detail = "does not match event.namespace";
        errors.push(FieldError::invalid("involvedObject.namespace", about, detail));
    }
    if new_style {
        errors.extend(validate_new_style(object));
    }
    let complaints = format::dns1123_subdomain(namespace);
    errors.extend(complaints.iter().map(|text| FieldError::invalid("namespace", namespace, text)));
    errors
}

fn validate_new_style(object: &Value) -> Vec<FieldError> {
    let controller = versioned(object, "/reportingComponent", "/reportingController");
    let mut errors = Vec::new();
    if controller.is_empty() {
        errors.push(FieldError::required("reportingController", ""));
    }
    let complaints = format::qualified_name(controller);
    errors.extend(complaints.iter().map(|text| FieldError::invalid("reportingController", controller, text)));
    for field in ["reportingInstance", "action", "reason"] {
        let value = text(object, &format!("/{field}"));
        if value.is_empty() {
            errors.push(FieldError::required(field, ""));
        }
        errors.extend(limit(value, field, TEXT_LIMIT));
    }
    errors.extend(limit(versioned(object, "/message", "/note"), "message", NOTE_LIMIT));
    errors
}

fn limit(value: &str, field: &str, limit: usize) -> Option<FieldError> {
    let detail = format!("can have at most {limit} characters");
    (value.len() > limit).then(|| FieldError::invalid(field, "", detail))
}

fn validate_strict(object: &Value) -> Vec<FieldError> {
    let mut errors = validate_series(object);
    if text(object, "/eventTime").is_empty() {
        errors.push(FieldError::required("eventTime", ""));
    }
    let kind = text(object, "/type");
    if !matches!(kind, "Normal" | "Warning") {
        errors.push(FieldError::invalid("type", "", format!("has invalid value: {kind}")));
    }
    for (field, old) in [
        ("firstTimestamp", "deprecatedFirstTimestamp"),
        ("lastTimestamp", "deprecatedLastTimestamp"),
        ("count", "deprecatedCount"),
    ] {
        if object.get(old).is_some() {
            errors.push(FieldError::invalid(field, "", "needs to be unset"));
        }
    }
    errors
}

fn validate_series(object: &Value) -> Vec<FieldError> {
    let Some(series) = object.get("series") else { return vec![] };
    let mut errors = Vec::new();
    if series.get("count").and_then(Value::as_i64).unwrap_or_default() < 2 {
        errors.push(FieldError::invalid("series.count", "", "should be at least 2"));
    }
    if text(series, "/lastObservedTime").is_empty() {
        errors.push(FieldError::required("series.lastObservedTime", ""));
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
    fn events_of_core_v1_are_checked_for_their_namespace_only() {
        let mut event = json!({"apiVersion": "v1", "metadata": {"name": "e", "namespace": "shop"},
            "involvedObject": {"namespace": "shop"}});
        assert_eq!(EventStrategy.validate_create(&event), vec![]);
        event["involvedObject"]["namespace"] = json!("other");
        assert_eq!(
            texts(&EventStrategy.validate_create(&event)),
            [r#"involvedObject.namespace: Invalid value: "other": does not match event.namespace"#]
        );
    }

    #[test]
    fn events_of_the_new_api_are_checked_in_full() {
        let mut event = json!({"apiVersion": "events.k8s.io/v1", "metadata": {"name": "e", "namespace": "shop"},
            "regarding": {"namespace": "shop"}, "eventTime": "2026-01-01T00:00:00.000000Z", "type": "Normal",
            "reportingController": "cloud-lb", "reportingInstance": "i", "action": "Ensure", "reason": "Ensured"});
        assert_eq!(EventStrategy.validate_create(&event), vec![]);
        event["type"] = json!("Bad");
        event["action"] = json!("");
        event["note"] = json!("n".repeat(1025));
        event["series"] = json!({"count": 1});
        assert_eq!(
            texts(&EventStrategy.validate_create(&event)),
            [
                "action: Required value",
                r#"message: Invalid value: "": can have at most 1024 characters"#,
                r#"series.count: Invalid value: "": should be at least 2"#,
                "series.lastObservedTime: Required value",
                r#"type: Invalid value: "": has invalid value: Bad"#,
            ]
        );
    }
}
