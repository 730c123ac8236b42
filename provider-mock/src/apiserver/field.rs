//! Errors of single fields, worded as the API server words them.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

/// What is wrong with a field; each kind has its label in the message and its reason in the `Status` cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldErrorKind {
    /// A value that is required is missing.
    Required,
    /// A value that must be unique occurs twice.
    Duplicate,
    /// A value has the wrong form or is out of bounds.
    Invalid,
    /// A value is none of the values of an enumeration.
    NotSupported,
    /// A value is well formed and yet not permitted here.
    Forbidden,
    /// A value is longer than the limit.
    TooLong,
    /// A list has more items than the limit.
    TooMany,
    /// No fault of the client: the server answers 500 `InternalError`, with the message as it stands and
    /// without the name of a field.
    Internal,
    /// A value has another type than the field.
    TypeInvalid,
}

impl FieldErrorKind {
    fn label(self) -> &'static str {
        match self {
            Self::Required => "Required value",
            Self::Duplicate => "Duplicate value",
            Self::Invalid | Self::TypeInvalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooMany => "Too many",
            Self::Internal => "Internal error",
        }
    }
}

/// One wrong field of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldError {
    /// What kind of error it is.
    pub kind: FieldErrorKind,
    /// The path of the field, such as `spec.ports[0].nodePort`.
    pub field: String,
    /// The whole text without the path, such as `Invalid value: 0: must be between 1 and 65535, inclusive`.
    pub message: String,
}

impl FieldError {
    /// A value of the wrong form; the message quotes it as JSON.
    pub(crate) fn invalid(
        field: impl Into<String>,
        value: impl Into<Value>,
        detail: impl AsRef<str>,
    ) -> Self {
        Self::with_value(FieldErrorKind::Invalid, field.into(), &value.into(), detail.as_ref())
    }

    /// A missing value; `detail` may be empty.
    pub(crate) fn required(field: impl Into<String>, detail: &str) -> Self {
        Self::plain(FieldErrorKind::Required, field.into(), detail)
    }

    /// A value that occurs twice.
    pub(crate) fn duplicate(field: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::with_value(FieldErrorKind::Duplicate, field.into(), &value.into(), "")
    }

    /// A value that is not permitted here.
    pub(crate) fn forbidden(field: impl Into<String>, detail: impl AsRef<str>) -> Self {
        Self::plain(FieldErrorKind::Forbidden, field.into(), detail.as_ref())
    }

    /// A value outside an enumeration; the message lists `supported` in the order given.
    pub(crate) fn not_supported(
        field: impl Into<String>,
        value: impl Into<Value>,
        supported: &[&str],
    ) -> Self {
        let quoted: Vec<String> = supported.iter().map(|value| format!("\"{value}\"")).collect();
        let detail = format!("supported values: {}", quoted.join(", "));
        Self::with_value(FieldErrorKind::NotSupported, field.into(), &value.into(), &detail)
    }

    /// A value of more than `limit` bytes.
    pub(crate) fn too_long(field: impl Into<String>, limit: usize) -> Self {
        Self::plain(FieldErrorKind::TooLong, field.into(), &format!("may not be more than {limit} bytes"))
    }

    /// A list of `actual` items, more than `limit`.
    pub(crate) fn too_many(field: impl Into<String>, actual: usize, limit: usize) -> Self {
        let detail = format!("must have at most {limit} items");
        Self::with_value(FieldErrorKind::TooMany, field.into(), &Value::from(actual), &detail)
    }

    /// An error that is none of the client's making; see [`FieldErrorKind::Internal`].
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self { kind: FieldErrorKind::Internal, field: String::new(), message: message.into() }
    }

    /// The reason of the `Status` cause.
    pub(crate) fn reason(&self) -> &'static str {
        match self.kind {
            FieldErrorKind::Required => "FieldValueRequired",
            FieldErrorKind::Duplicate => "FieldValueDuplicate",
            FieldErrorKind::Invalid => "FieldValueInvalid",
            FieldErrorKind::NotSupported => "FieldValueNotSupported",
            FieldErrorKind::Forbidden => "FieldValueForbidden",
            FieldErrorKind::TooLong => "FieldValueTooLong",
            FieldErrorKind::TooMany => "FieldValueTooMany",
            FieldErrorKind::Internal => "InternalError",
            FieldErrorKind::TypeInvalid => "FieldValueTypeInvalid",
        }
    }

    fn plain(kind: FieldErrorKind, field: String, detail: &str) -> Self {
        Self { kind, field, message: join(kind.label(), detail) }
    }

    fn with_value(kind: FieldErrorKind, field: String, value: &Value, detail: &str) -> Self {
        Self { kind, field, message: join(&format!("{}: {value}", kind.label()), detail) }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            return f.write_str(&self.message);
        }
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// Drops errors whose text has occurred before, as the server does before it answers.
pub(crate) fn distinct(errors: Vec<FieldError>) -> Vec<FieldError> {
    let mut seen = BTreeSet::new();
    errors.into_iter().filter(|error| seen.insert(error.to_string())).collect()
}

/// What the server prints for a pointer that is not set.
pub(crate) fn unset() -> Value {
    Value::from("null")
}

fn join(start: &str, detail: &str) -> String {
    if detail.is_empty() { start.to_owned() } else { format!("{start}: {detail}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_those_of_the_api_server() {
        let cases = [
            (
                FieldError::invalid("spec.ports[0].port", 99999, "must be between 1 and 65535, inclusive"),
                "spec.ports[0].port: Invalid value: 99999: must be between 1 and 65535, inclusive",
                "FieldValueInvalid",
            ),
            (FieldError::required("spec.ports", ""), "spec.ports: Required value", "FieldValueRequired"),
            (
                FieldError::not_supported("spec.type", "Foo", &["ClusterIP", "NodePort"]),
                r#"spec.type: Unsupported value: "Foo": supported values: "ClusterIP", "NodePort""#,
                "FieldValueNotSupported",
            ),
            (
                FieldError::invalid("spec.loadBalancerClass", unset(), "may not change once set"),
                r#"spec.loadBalancerClass: Invalid value: "null": may not change once set"#,
                "FieldValueInvalid",
            ),
            (
                FieldError::invalid("spec.clusterIPs", vec!["10.96.0.10"], "taken"),
                r#"spec.clusterIPs: Invalid value: ["10.96.0.10"]: taken"#,
                "FieldValueInvalid",
            ),
            (
                FieldError::duplicate("spec.ports[1].name", "http"),
                r#"spec.ports[1].name: Duplicate value: "http""#,
                "FieldValueDuplicate",
            ),
            (
                FieldError::too_long("metadata.annotations", 262_144),
                "metadata.annotations: Too long: may not be more than 262144 bytes",
                "FieldValueTooLong",
            ),
            (
                FieldError::too_many("ports", 101, 100),
                "ports: Too many: 101: must have at most 100 items",
                "FieldValueTooMany",
            ),
            (FieldError::internal("range is full"), "range is full", "InternalError"),
        ];
        for (error, text, reason) in cases {
            assert_eq!(error.to_string(), text);
            assert_eq!(error.reason(), reason);
        }
    }

    #[test]
    fn the_same_error_is_reported_once() {
        let error = FieldError::required("spec.ports", "");
        assert_eq!(distinct(vec![error.clone(), error.clone()]), vec![error]);
    }
}
