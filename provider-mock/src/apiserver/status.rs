//! Errors of the API as the `Status` objects of a real server.

use super::field::{FieldError, FieldErrorKind, distinct};
use super::resource::Endpoint;
use serde_json::{Value, json};
use std::fmt;
use std::time::Duration;

/// A refused request: the HTTP code, the machine-readable reason and the message of the real API server.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError {
    code: u16,
    reason: &'static str,
    message: String,
    details: Value,
    retry_after: Option<Duration>,
}

impl std::error::Error for ApiError {}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl ApiError {
    /// The HTTP code, such as 409.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The reason, such as `AlreadyExists`; it tells a 409 of one kind from a 409 of another.
    pub fn reason(&self) -> &'static str {
        self.reason
    }

    /// How long the server asks the client to wait, with 429 and some 5xx.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The `Status` object that the server answers.
    pub fn to_status(&self) -> Value {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "details": self.details,
            "code": self.code,
        });
        if self.details.is_null() {
            super::json::put(&mut status, "details", None);
        }
        if let (Some(wait), Some(details)) = (self.retry_after, status.pointer_mut("/details")) {
            super::json::put(details, "retryAfterSeconds", Some(json!(wait.as_secs())));
        }
        status
    }

    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Value::Null, retry_after: None }
    }

    fn about(mut self, endpoint: &Endpoint, name: &str) -> Self {
        self.details = details(endpoint, name, endpoint.plural);
        self
    }

    pub(crate) fn not_found(endpoint: &Endpoint, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", endpoint.qualified());
        Self::new(404, "NotFound", message).about(endpoint, name)
    }

    /// The answer to a path that nothing serves.
    pub(crate) fn no_such_path() -> Self {
        Self {
            details: json!({}),
            ..Self::new(404, "NotFound", "the server could not find the requested resource")
        }
    }

    pub(crate) fn already_exists(endpoint: &Endpoint, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", endpoint.qualified());
        Self::new(409, "AlreadyExists", message).about(endpoint, name)
    }

    /// The object changed since the client read it.
    pub(crate) fn conflict(endpoint: &Endpoint, name: &str) -> Self {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict_because(endpoint, name, why)
    }

    pub(crate) fn conflict_because(endpoint: &Endpoint, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", endpoint.qualified());
        Self::new(409, "Conflict", message).about(endpoint, name)
    }

    /// The object is not the one that a delete is about.
    pub(crate) fn other_object(endpoint: &Endpoint, name: &str, why: &str) -> Self {
        let kind = endpoint.qualified_kind();
        let message = format!("Operation cannot be fulfilled on {kind} \"{name}\": {why}");
        Self { details: details(endpoint, name, endpoint.kind), ..Self::new(409, "Conflict", message) }
    }

    /// Server-side apply met fields of other managers; `causes` are (manager, field) pairs.
    pub(crate) fn apply_conflict(causes: &[(String, String)]) -> Self {
        let describe = |(manager, field): &(String, String)| format!("conflict with \"{manager}\": {field}");
        let count = causes.len();
        let plural = if count == 1 { "conflict" } else { "conflicts" };
        let listed: Vec<_> = causes.iter().map(describe).collect();
        let message = format!("Apply failed with {count} {plural}: {}", listed.join("\n"));
        let causes: Vec<_> = causes
            .iter()
            .map(|(manager, field)| {
                json!({"reason": "FieldManagerConflict", "message": format!("conflict with \"{manager}\""), "field": field})
            })
            .collect();
        Self { details: json!({ "causes": causes }), ..Self::new(409, "Conflict", message) }
    }

    /// Fields with wrong values, all of them; or the server's own failure, if one of them is that.
    pub(crate) fn invalid(endpoint: &Endpoint, name: &str, errors: Vec<FieldError>) -> Self {
        let errors = distinct(errors);
        if let Some(error) = errors.iter().find(|error| error.kind == FieldErrorKind::Internal) {
            return Self::new(500, "InternalError", format!("Internal error occurred: {error}"));
        }
        let details = details(endpoint, name, endpoint.kind);
        Self::invalid_fields(&endpoint.qualified_kind(), name, details, &errors)
    }

    /// Options of a request with wrong values, such as `ListOptions`.
    pub(crate) fn invalid_options(kind: &str, errors: Vec<FieldError>) -> Self {
        let details = json!({"group": "meta.k8s.io", "kind": kind});
        Self::invalid_fields(&format!("{kind}.meta.k8s.io"), "", details, &distinct(errors))
    }

    /// A patch that does not leave an object of the kind.
    pub(crate) fn invalid_patch(patched: &Value, why: &str) -> Self {
        let error = FieldError::invalid("patch", patched.to_string(), why);
        Self::invalid_fields("", "", json!({}), &[error])
    }

    fn invalid_fields(kind: &str, name: &str, mut details: Value, errors: &[FieldError]) -> Self {
        let listed: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let listed = match listed.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let causes = errors
            .iter()
            .map(|error| json!({"reason": error.reason(), "message": error.message, "field": error.field}));
        super::json::put(&mut details, "causes", Some(causes.collect()));
        let message = format!("{kind} \"{name}\" is invalid: {listed}");
        Self { details, ..Self::new(422, "Invalid", message) }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// A patch that is well-formed but cannot be applied, such as a failed `test` operation.
    pub(crate) fn unprocessable(message: &str) -> Self {
        Self { details: json!({}), ..Self::new(422, "Invalid", message) }
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    pub(crate) fn forbidden(endpoint: &Endpoint, name: &str, why: &str) -> Self {
        // A list or a create may be about no name.
        let named = if name.is_empty() { String::new() } else { format!(" \"{name}\"") };
        let message = format!("{}{named} is forbidden: {why}", endpoint.qualified());
        Self::new(403, "Forbidden", message).about(endpoint, name)
    }

    pub(crate) fn method_not_allowed() -> Self {
        Self {
            details: json!({}),
            ..Self::new(
                405,
                "MethodNotAllowed",
                "the server does not allow this method on the requested resource",
            )
        }
    }

    pub(crate) fn unsupported_media_type(accepted: &str) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {accepted}"
        );
        Self::new(415, "UnsupportedMediaType", message)
    }

    pub(crate) fn not_acceptable() -> Self {
        Self::new(406, "NotAcceptable", "only the following media types are accepted: application/json")
    }

    pub(crate) fn too_large() -> Self {
        Self::new(413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728")
    }

    /// A watch or list from before the history that the server keeps.
    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// A read of a version that the server has not reached.
    pub(crate) fn too_new(version: u64, current: u64) -> Self {
        let message = format!("Timeout: Too large resource version: {version}, current: {current}");
        let cause = json!({"reason": "ResourceVersionTooLarge", "message": "Too large resource version"});
        Self {
            details: json!({ "causes": [cause] }),
            retry_after: Some(Duration::from_secs(1)),
            ..Self::new(504, "Timeout", message)
        }
    }

    /// The answer of an injected fault.
    pub(crate) fn injected(code: u16) -> Self {
        let reason = match code {
            400 => "BadRequest",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "NotFound",
            409 => "Conflict",
            410 => "Expired",
            422 => "Invalid",
            429 => "TooManyRequests",
            503 => "ServiceUnavailable",
            504 => "Timeout",
            _ => "InternalError",
        };
        let retry_after = (code == 429).then_some(Duration::from_secs(1));
        let message = format!("injected fault: {reason}");
        Self { details: json!({}), retry_after, ..Self::new(code, reason, message) }
    }
}

fn details(endpoint: &Endpoint, name: &str, kind: &str) -> Value {
    let mut details = json!({"kind": kind});
    super::json::put(&mut details, "name", Some(json!(name)).filter(|name| name != ""));
    if !endpoint.group.is_empty() {
        super::json::put(&mut details, "group", Some(json!(endpoint.group)));
    }
    details
}
