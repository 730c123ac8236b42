//! Users with tokens, and the questions of other servers: whose a token is, and what its user may do.

use super::field::{FieldError, unset};
use super::json::{list, put, text};
use super::resource::{Endpoint, Resource};
use super::rights::Rights;
use super::status::ApiError;
use http::{HeaderMap, header};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Users by the token that they show; clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Users(Arc<Mutex<BTreeMap<String, Rights>>>);

impl Users {
    pub(super) fn admit(&self, token: String, rights: Rights) {
        self.0.lock().insert(token, rights);
    }

    /// Who sends a request; `None` who shows no token.
    pub(super) fn authenticate(&self, headers: &HeaderMap) -> Result<Option<Rights>, ApiError> {
        let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(token) = value.and_then(|value| value.strip_prefix("Bearer ")) else { return Ok(None) };
        self.0.lock().get(token.trim()).cloned().map(Some).ok_or_else(ApiError::unauthorized)
    }

    /// The review with its answer in `status`.
    pub(super) fn review(&self, endpoint: &'static Endpoint, mut review: Value) -> Result<Value, ApiError> {
        let spec = review.get("spec").cloned().unwrap_or_default();
        let status = if endpoint.resource == Resource::TokenReviews {
            self.whose(text(&spec, "/token"))?
        } else {
            check(endpoint, &spec)?;
            self.may(&spec)
        };
        put(&mut review, "status", Some(status));
        Ok(review)
    }

    fn whose(&self, token: &str) -> Result<Value, ApiError> {
        if token.is_empty() {
            return Err(ApiError::bad_request("token is required for TokenReview in authentication"));
        }
        let found = self.0.lock().get(token).cloned();
        Ok(found.map_or_else(
            || json!({"user": {}, "error": "invalid bearer token"}),
            |user| json!({"authenticated": true, "user": {"username": user.user(), "groups": user.groups()}}),
        ))
    }

    fn may(&self, spec: &Value) -> Value {
        let users = self.0.lock();
        let mut named = users.values().filter(|user| user.user() == text(spec, "/user"));
        json!({"allowed": named.any(|user| user.allow(spec))})
    }
}

/// What a question must have.
fn check(endpoint: &'static Endpoint, spec: &Value) -> Result<(), ApiError> {
    let mut errors = Vec::new();
    match (spec.get("resourceAttributes"), spec.get("nonResourceAttributes")) {
        (Some(_), Some(path)) => {
            let message = "cannot be specified in combination with resourceAttributes";
            errors.push(FieldError::invalid("spec.nonResourceAttributes", path.clone(), message));
        }
        (None, None) => {
            let message = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
            errors.push(FieldError::invalid("spec.resourceAttributes", unset(), message));
        }
        _ => {}
    }
    if text(spec, "/user").is_empty() && list(spec, "/groups").is_empty() {
        let message = "at least one of user or group must be specified";
        errors.push(FieldError::invalid("spec.user", "", message));
    }
    if errors.is_empty() { Ok(()) } else { Err(ApiError::invalid(endpoint, "", errors)) }
}
