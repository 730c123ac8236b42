//! Bodies of requests: media type, JSON, kind, and strict field validation.

use super::events;
use super::json::{put, text};
use super::protobuf;
use super::request::content_type;
use super::resource::{ENDPOINTS, Endpoint, Resource};
use super::status::ApiError;
use super::strict;
use http::HeaderMap;
use serde_json::Value;

/// Where the real server keeps its kinds, as its messages tell.
const SCHEME: &str = "pkg/api/legacyscheme/scheme.go:30";

/// What happens to fields that the API does not know (`fieldValidation`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    Strict,
    Warn,
    Ignore,
}

impl FieldValidation {
    /// What an option says that has been checked.
    pub(crate) fn parse(text: &str) -> Self {
        match text {
            "Strict" => Self::Strict,
            "Ignore" => Self::Ignore,
            _ => Self::Warn,
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
    let mut object = match content_type(headers) {
        "application/json" => typed_json(endpoint, body)?,
        protobuf::MEDIA_TYPE => protobuf::decode(body).map_err(ApiError::bad_request)?,
        _ => {
            return Err(ApiError::unsupported_media_type(
                "application/json, application/vnd.kubernetes.protobuf",
            ));
        }
    };
    check_kind(endpoint, &mut object)?;
    let stored = to_stored(endpoint, &object);
    known_fields(endpoint, &stored, validation).map_err(|message| {
        let version = endpoint.version;
        let kind = endpoint.kind;
        ApiError::bad_request(format!(
            "{kind} in version {version:?} cannot be handled as a {kind}: {message}"
        ))
    })
}

/// A JSON body that is to be an object of a kind.
fn typed_json(endpoint: &Endpoint, body: &[u8]) -> Result<Value, ApiError> {
    let object: serde_json::Result<serde_json::Map<String, Value>> = serde_json::from_slice(body);
    object.map(Value::Object).map_err(|error| {
        ApiError::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): couldn't get version/kind; json parse error: {error} ({})",
            endpoint.kind,
            summary(body)
        ))
    })
}

/// The beginning of a body: as text where it may be JSON, else in hexadecimal digits.
fn summary(body: &[u8]) -> String {
    const SHOWN: usize = 30;
    let (start, more) = match body.get(..SHOWN) {
        Some(start) if body.len() > SHOWN => (start, " ..."),
        _ => (body, ""),
    };
    let told = match start.first() {
        None => "<empty>".to_owned(),
        Some(b'{') => String::from_utf8_lossy(start).into_owned(),
        Some(_) => start.iter().fold(String::new(), |told, byte| told + &format!("{byte:02x}")),
    };
    format!("{told}{more}")
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

/// Fills in a kind and a version that are not told, and refuses others than those of the endpoint.
fn check_kind(endpoint: &Endpoint, object: &mut Value) -> Result<(), ApiError> {
    let wanted = endpoint.api_version();
    for (field, default) in [("kind", endpoint.kind), ("apiVersion", wanted.as_str())] {
        if text(object, &format!("/{field}")).is_empty() {
            put(object, field, Some(default.into()));
        }
    }
    let (kind, version) = (text(object, "/kind"), text(object, "/apiVersion"));
    if kind == endpoint.kind && version == wanted {
        return Ok(());
    }
    let other = ENDPOINTS.iter().find(|other| other.kind == kind && other.api_version() == version);
    let why = match other {
        Some(other) if other.resource == endpoint.resource => {
            return Err(ApiError::bad_request(format!(
                "the API version in the data ({version}) does not match the expected API version ({wanted})"
            )));
        }
        Some(other) => format!(
            "converting ({}.{kind}) to ({}.{}): unknown conversion",
            other.version,
            endpoint.package(),
            endpoint.kind
        ),
        None => format!("no kind {kind:?} is registered for version {version:?} in scheme \"{SCHEME}\""),
    };
    let short = version.rsplit('/').next().unwrap_or_default();
    let message = format!("{kind} in version {short:?} cannot be handled as a {}: {why}", endpoint.kind);
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
