//! Bodies of requests: media type, JSON, kind, and strict field validation.

use super::events;
use super::json::text;
use super::protobuf;
use super::request::content_type;
use super::resource::{Endpoint, Resource};
use super::status::ApiError;
use super::strict;
use http::HeaderMap;
use serde_json::Value;

/// What happens to fields that the API does not know (`fieldValidation`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    Strict,
    Warn,
    Ignore,
}

impl FieldValidation {
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        match text {
            "Strict" => Ok(Self::Strict),
            "" | "Warn" => Ok(Self::Warn),
            "Ignore" => Ok(Self::Ignore),
            other => Err(ApiError::bad_request(format!(
                "invalid fieldValidation {other:?}: must be one of Ignore, Strict, Warn"
            ))),
        }
    }
}

/// A decoded object and what the client is to be warned of.
#[derive(Debug)]
pub(crate) struct Body {
    pub object: Value,
    pub warnings: Vec<String>,
}

/// The object in the body of a create or an update, in the version it is stored as.
pub(crate) fn object(
    endpoint: &Endpoint,
    headers: &HeaderMap,
    body: &[u8],
    validation: FieldValidation,
) -> Result<Body, ApiError> {
    let object = match content_type(headers) {
        "application/json" => json(body)?,
        protobuf::MEDIA_TYPE => protobuf::decode(body).map_err(ApiError::bad_request)?,
        _ => {
            return Err(ApiError::unsupported_media_type(
                "application/json, application/vnd.kubernetes.protobuf",
            ));
        }
    };
    check_kind(endpoint, &object)?;
    let stored = to_stored(endpoint, &object);
    known_fields(endpoint, &stored, validation).map_err(|message| {
        let version = endpoint.version;
        let kind = endpoint.kind;
        ApiError::bad_request(format!(
            "{kind} in version {version:?} cannot be handled as a {kind}: {message}"
        ))
    })
}

/// Any JSON body.
pub(crate) fn json(body: &[u8]) -> Result<Value, ApiError> {
    serde_json::from_slice(body).map_err(|error| {
        ApiError::bad_request(format!("the object provided is unrecognized: couldn't parse JSON: {error}"))
    })
}

/// A body that may be absent.
pub(crate) fn optional_json(body: &[u8]) -> Result<Value, ApiError> {
    if body.is_empty() { Ok(Value::Null) } else { json(body) }
}

/// Checks an object whose kind is right.
///
/// # Errors
/// The message of the real decoder for a value of the wrong type and, if strict, for unknown fields.
pub(crate) fn known_fields(
    endpoint: &Endpoint,
    object: &Value,
    validation: FieldValidation,
) -> Result<Body, String> {
    let decoded = strict::decode(endpoint.kind, object);
    if let Some(error) = decoded.error {
        return Err(error);
    }
    let warnings = match validation {
        FieldValidation::Strict if !decoded.unknown.is_empty() => {
            return Err(format!("strict decoding error: {}", decoded.unknown.join(", ")));
        }
        FieldValidation::Warn => decoded.unknown,
        FieldValidation::Strict | FieldValidation::Ignore => Vec::new(),
    };
    Ok(Body { object: decoded.object, warnings })
}

fn check_kind(endpoint: &Endpoint, object: &Value) -> Result<(), ApiError> {
    let (kind, version) = (text(object, "/kind"), text(object, "/apiVersion"));
    if kind.is_empty() {
        return Err(ApiError::bad_request("Object 'Kind' is missing in the body of the request"));
    }
    let wanted = endpoint.api_version();
    if kind == endpoint.kind && version == wanted {
        return Ok(());
    }
    let message = format!(
        "{kind} in version {version:?} cannot be handled as a {}: expected kind {} in apiVersion {wanted}",
        endpoint.kind, endpoint.kind
    );
    Err(ApiError::bad_request(message))
}

/// The object in the version in which its kind is stored.
pub(crate) fn to_stored(endpoint: &Endpoint, object: &Value) -> Value {
    if endpoint.resource == Resource::Events && !endpoint.group.is_empty() {
        events::from_events_v1(object)
    } else {
        object.clone()
    }
}
