//! Events, in the form of core/v1 in which both versions are stored (`pkg/apis/core/validation/events.go`).
//!
//! The version of the request is not known here, so events of events.k8s.io/v1 pass the rules of core/v1 only.

use serde_json::Value;

use super::{Strategy, format, text};
use crate::apiserver::field::FieldError;

/// Bytes of `reportingInstance`, `action` and `reason`.
const TEXT_LIMIT: usize = 128;
/// Bytes of the message.
const NOTE_LIMIT: usize = 1024;

/// The strategy of Events.
#[derive(Debug)]
pub(super) struct EventStrategy;

impl Strategy for EventStrategy {
    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        validate(object)
    }

    fn validate_update(&self, object: &Value, _old: &Value) -> Vec<FieldError> {
        validate(object)
    }
}

fn validate(object: &Value) -> Vec<FieldError> {
    let namespace = text(object, "/metadata/namespace");
    let about = text(object, "/involvedObject/namespace");
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

/// Events with an `eventTime` say who does what and why.
fn validate_new_style(object: &Value) -> Vec<FieldError> {
    let controller = text(object, "/reportingComponent");
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
    errors.extend(limit(text(object, "/message"), "message", NOTE_LIMIT));
    errors
}

fn limit(value: &str, field: &str, limit: usize) -> Option<FieldError> {
    let detail = format!("can have at most {limit} characters");
    (value.len() > limit).then(|| FieldError::invalid(field, "", detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn texts(object: &Value) -> Vec<String> {
        EventStrategy.validate_create(object).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_event_is_in_the_namespace_of_what_it_is_about() {
        let mut event =
            json!({"metadata": {"name": "e", "namespace": "shop"}, "involvedObject": {"namespace": "shop"}});
        assert!(texts(&event).is_empty());
        event["involvedObject"]["namespace"] = json!("other");
        assert_eq!(
            texts(&event),
            [r#"involvedObject.namespace: Invalid value: "other": does not match event.namespace"#]
        );
    }

    #[test]
    fn an_event_with_a_time_is_complete() {
        let mut event = json!({"metadata": {"name": "e", "namespace": "shop"}, "involvedObject": {"namespace": "shop"},
            "eventTime": "2026-01-01T00:00:00.000000Z", "reportingComponent": "cloud-lb", "reportingInstance": "i",
            "action": "Ensure", "reason": "Ensured"});
        assert!(texts(&event).is_empty());
        event["action"] = json!("");
        event["message"] = json!("n".repeat(1025));
        assert_eq!(
            texts(&event),
            ["action: Required value", r#"message: Invalid value: "": can have at most 1024 characters"#]
        );
    }
}
