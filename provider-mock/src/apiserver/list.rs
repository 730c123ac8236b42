//! Lists: selectors, pages and versions.

use super::render::ListMeta;
use super::request::{Query, Target};
use super::selector::Selector;
use super::status::ApiError;
use super::store::{Key, Store};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

const INVALID_TOKEN: &str = "invalid continue token: continue key is not valid";
const EXPIRED_TOKEN: &str = "The provided continue parameter is too old to display a consistent list result. You \
                             must start a new list without the continue parameter.";

/// Where the next page starts: after this object, in the list as it was at this version.
#[derive(Debug, Serialize, Deserialize)]
struct Token {
    #[serde(rename = "rv")]
    version: u64,
    namespace: String,
    name: String,
}

impl Token {
    fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    fn decode(text: &str) -> Result<Self, ApiError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        bytes
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .ok_or_else(|| ApiError::bad_request(INVALID_TOKEN))
    }
}

/// The page that the query asks for.
pub(crate) fn page(
    store: &Store,
    target: &Target,
    query: &Query,
) -> Result<(Vec<Arc<Value>>, ListMeta), ApiError> {
    let resource = target.endpoint.resource;
    let selector = Selector::parse(query.text("labelSelector"), query.text("fieldSelector"), resource)?;
    let token =
        Some(query.text("continue")).filter(|text| !text.is_empty()).map(Token::decode).transpose()?;
    let version = match &token {
        Some(_) if !matches!(query.text("resourceVersion"), "" | "0") => {
            return Err(ApiError::bad_request(
                "specifying resource version is not allowed when using continue",
            ));
        }
        Some(token) => Some(token.version),
        None => exact_version(store, query)?,
    };
    let expired = || ApiError::expired(EXPIRED_TOKEN);
    let mut all = match version {
        Some(version) => store.list_at(resource, &target.namespace, version).ok_or_else(expired)?,
        None => store.list(resource, &target.namespace),
    };
    if let Some(token) = &token {
        let last = Key::new(resource, &token.namespace, &token.name);
        all.retain(|(key, _)| *key > last);
    }
    all.retain(|(_, object)| selector.matches(object));
    let mut metadata =
        ListMeta { version: version.unwrap_or_else(|| store.version()), ..ListMeta::default() };
    let limit =
        query.number("limit")?.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0);
    if let Some(limit) = limit.filter(|limit| *limit < all.len()) {
        metadata.remaining = selector.is_everything().then_some(all.len() - limit);
        all.truncate(limit);
        metadata.continue_token = all.last().map(|(key, _)| {
            Token { version: metadata.version, namespace: key.namespace.clone(), name: key.name.clone() }
                .encode()
        });
    }
    Ok((all.into_iter().map(|(_, object)| object).collect(), metadata))
}

/// The version that `resourceVersionMatch=Exact` asks for; other versions are served from now.
fn exact_version(store: &Store, query: &Query) -> Result<Option<u64>, ApiError> {
    let version = query.number("resourceVersion")?;
    match version {
        Some(version) if version > store.version() => Err(ApiError::too_new(version, store.version())),
        Some(version) if query.text("resourceVersionMatch") == "Exact" => Ok(Some(version)),
        _ => Ok(None),
    }
}
