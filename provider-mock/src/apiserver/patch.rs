//! Patches: JSON patch, JSON merge patch, strategic merge patch and server-side apply.

mod apply;
mod lists;
mod strategic;

pub(crate) use apply::{ApplyOptions, server_side_apply};

use super::resource::Resource;
use super::status::ApiError;
use serde_json::Value;

/// The media types of patches, in the order in which errors list them.
pub(crate) const MEDIA_TYPES: [&str; 4] = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
];

/// How many operations a JSON patch may have, as in the real server.
const MAX_OPERATIONS: usize = 10_000;

/// How a patch changes an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PatchType {
    /// RFC 6902.
    Json,
    /// RFC 7386.
    Merge,
    /// Kubernetes: lists merge by key and obey directives.
    Strategic,
    /// The body is the wanted object as one manager sees it.
    Apply,
}

impl PatchType {
    pub(crate) fn of(content_type: &str) -> Result<Self, ApiError> {
        match content_type {
            "application/json-patch+json" => Ok(Self::Json),
            "application/merge-patch+json" => Ok(Self::Merge),
            "application/strategic-merge-patch+json" => Ok(Self::Strategic),
            "application/apply-patch+yaml" => Ok(Self::Apply),
            _ => Err(ApiError::unsupported_media_type(&MEDIA_TYPES.join(", "))),
        }
    }
}

/// The object with the patch applied; server-side apply has its own function.
pub(crate) fn apply_patch(
    kind: PatchType,
    object: &Value,
    patch: Value,
    resource: Resource,
) -> Result<Value, ApiError> {
    let mut patched = object.clone();
    if kind != PatchType::Json && !patch.is_object() {
        let start = if kind == PatchType::Merge { "error decoding patch: " } else { "" };
        let told = told_type(&patch);
        let message =
            format!("{start}json: cannot unmarshal {told} into Go value of type map[string]interface {{}}");
        return Err(ApiError::bad_request(message));
    }
    match kind {
        PatchType::Json => json_patch(&mut patched, patch)?,
        PatchType::Merge => json_patch::merge(&mut patched, &patch),
        PatchType::Strategic | PatchType::Apply => {
            strategic::merge(&mut patched, &patch, resource).map_err(ApiError::bad_request)?;
        }
    }
    if patched.is_object() { Ok(patched) } else { Err(ApiError::bad_request("the patch leaves no object")) }
}

fn json_patch(object: &mut Value, patch: Value) -> Result<(), ApiError> {
    if !patch.is_array() {
        let told = told_type(&patch);
        return Err(ApiError::bad_request(format!(
            "error decoding patch: json: cannot unmarshal {told} into Go value of type []handlers.jsonPatchOp"
        )));
    }
    let failed = || ApiError::unprocessable("the server rejected our request due to an error in our request");
    let operations: Vec<json_patch::PatchOperation> = serde_json::from_value(patch).map_err(|_| failed())?;
    if operations.len() > MAX_OPERATIONS {
        return Err(ApiError::too_large());
    }
    json_patch::patch(object, &operations).map_err(|_| failed())
}

/// What Go calls the type of a JSON value.
fn told_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
