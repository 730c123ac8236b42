//! Discovery, health and version: what clients ask before they ask for objects.

use super::http::{Answer, answer as json_answer, bytes};
use super::openapi;
use super::resource::{Endpoint, Resource, endpoints_of, group_versions};
use super::status::ApiError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The version of Kubernetes that this server behaves like.
const VERSION: (&str, &str) = ("1", "33");

const VERBS: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const REVIEW_VERBS: [&str; 1] = ["create"];
const STATUS_VERBS: [&str; 3] = ["get", "patch", "update"];

/// Answers a GET of a path that names no objects.
pub(crate) fn answer(parts: &Parts) -> Result<Answer, ApiError> {
    let path = parts.uri.path().trim_end_matches('/');
    let accept = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if let ("/api" | "/apis", Some(aggregated)) = (path, aggregated_version(accept)) {
        return Ok(aggregated_answer(path, aggregated));
    }
    let body = match path {
        "/healthz" | "/readyz" | "/livez" => return Ok(bytes(StatusCode::OK, "text/plain", "ok".into())),
        "/openapi/v2" => return Ok(openapi_v2(accept)),
        "" => json!({"paths": paths()}),
        "/version" => version(),
        "/api" => json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}),
        "/apis" => json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups()}),
        "/openapi/v3" => openapi::index(),
        _ => match path.strip_prefix("/openapi/v3/") {
            Some(rest) => openapi::document(rest).ok_or_else(ApiError::no_such_path)?,
            None => group_or_version(path).ok_or_else(ApiError::no_such_path)?,
        },
    };
    Ok(json_answer(StatusCode::OK, &body, &[]))
}

fn paths() -> Vec<String> {
    let mut paths: Vec<String> =
        ["/api", "/apis", "/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"]
            .map(str::to_owned)
            .to_vec();
    paths.extend(group_versions().into_iter().map(|(group, version)| root(group, version)));
    paths.sort();
    paths
}

/// `/api/v1` or `/apis/discovery.k8s.io/v1`.
pub(crate) fn root(group: &str, version: &str) -> String {
    if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") }
}

fn version() -> Value {
    let (major, minor) = VERSION;
    json!({
        "major": major, "minor": minor, "gitVersion": format!("v{major}.{minor}.0+cloud-lb"),
        "gitCommit": "", "gitTreeState": "clean", "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "", "compiler": "rustc", "platform": "in-memory",
    })
}

fn groups() -> Vec<Value> {
    let named = group_versions().into_iter().filter(|(group, _)| !group.is_empty());
    named.map(|(group, version)| api_group(group, version)).collect()
}

fn api_group(group: &str, version: &str) -> Value {
    let served = json!({"groupVersion": format!("{group}/{version}"), "version": version});
    json!({"name": group, "versions": [served], "preferredVersion": served})
}

fn group_or_version(path: &str) -> Option<Value> {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let (group, version) = match segments.as_slice() {
        ["api", version] => ("", *version),
        ["apis", group, version] => (*group, *version),
        ["apis", group] => {
            let (group, version) = group_versions().into_iter().find(|(served, _)| served == group)?;
            let mut body = api_group(group, version);
            super::json::put(&mut body, "kind", Some(json!("APIGroup")));
            super::json::put(&mut body, "apiVersion", Some(json!("v1")));
            return Some(body);
        }
        _ => return None,
    };
    let endpoints: Vec<_> = endpoints_of(group, version).collect();
    let served = endpoints.first()?.api_version();
    let resources: Vec<Value> = endpoints.into_iter().flat_map(resources).collect();
    Some(
        json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": served, "resources": resources}),
    )
}

fn verbs(endpoint: &Endpoint) -> Vec<&'static str> {
    let singly = endpoint.resource == Resource::Namespaces;
    let all: &[&str] = if endpoint.resource.is_review() { &REVIEW_VERBS } else { &VERBS };
    all.iter().copied().filter(|verb| !(singly && *verb == "deletecollection")).collect()
}

/// What tells clients whether the version in which a kind is stored has changed.
fn storage_version(endpoint: &Endpoint) -> String {
    let stored = endpoint.resource.stored_as();
    let digest = Sha256::digest(format!("{}/{}/{}", stored.group, stored.version, stored.kind));
    STANDARD.encode(digest.iter().copied().take(8).collect::<Vec<u8>>())
}

/// Without lists that are empty.
fn without_empty(mut resource: Value) -> Value {
    if let Some(fields) = resource.as_object_mut() {
        fields.retain(|_, value| value.as_array().is_none_or(|list| !list.is_empty()));
    }
    resource
}

fn resources(endpoint: &Endpoint) -> Vec<Value> {
    let mut resource = json!({
        "name": endpoint.plural, "singularName": endpoint.singular, "namespaced": endpoint.namespaced,
        "kind": endpoint.kind, "verbs": verbs(endpoint), "shortNames": endpoint.short_names, "categories": endpoint.categories,
    });
    let status = json!({
        "name": format!("{}/status", endpoint.plural), "singularName": "", "namespaced": endpoint.namespaced,
        "kind": endpoint.kind, "verbs": STATUS_VERBS,
    });
    if !endpoint.resource.is_review() {
        super::json::put(&mut resource, "storageVersionHash", Some(json!(storage_version(endpoint))));
    }
    let resource = without_empty(resource);
    if endpoint.has_status { vec![resource, status] } else { vec![resource] }
}

/// The version of aggregated discovery that the client prefers; `None` where it wants none.
fn aggregated_version(accept: &str) -> Option<&'static str> {
    let wanted = accept.split(',').find(|range| range.contains("as=APIGroupDiscoveryList"))?;
    match wanted.split(';').map(str::trim).find_map(|part| part.strip_prefix("v="))? {
        "v2" => Some("v2"),
        "v2beta1" => Some("v2beta1"),
        _ => None,
    }
}

fn aggregated_answer(path: &str, version: &str) -> Answer {
    let core = path == "/api";
    let wanted = group_versions().into_iter().filter(|(group, _)| group.is_empty() == core);
    let items: Vec<Value> = wanted.map(|(group, version)| discovered_group(group, version)).collect();
    let body = json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": format!("apidiscovery.k8s.io/{version}"), "metadata": {}, "items": items,
    });
    let mut response = json_answer(StatusCode::OK, &body, &[]);
    let media = format!("application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList");
    if let Ok(value) = HeaderValue::from_str(&media) {
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    response
}

fn discovered_group(group: &str, version: &str) -> Value {
    let resources: Vec<Value> = endpoints_of(group, version).map(discovered_resource).collect();
    json!({
        "metadata": {"name": group, "creationTimestamp": null},
        "versions": [{"version": version, "freshness": "Current", "resources": resources}],
    })
}

fn discovered_resource(endpoint: &Endpoint) -> Value {
    let kind = json!({"group": endpoint.group, "version": endpoint.version, "kind": endpoint.kind});
    let status = json!({"subresource": "status", "responseKind": kind, "verbs": STATUS_VERBS});
    without_empty(json!({
        "resource": endpoint.plural, "responseKind": kind, "singularResource": endpoint.singular,
        "scope": if endpoint.namespaced { "Namespaced" } else { "Cluster" },
        "shortNames": endpoint.short_names, "categories": endpoint.categories, "verbs": verbs(endpoint),
        "subresources": if endpoint.has_status { vec![status] } else { Vec::new() },
    }))
}

/// The old `OpenAPI` document, which clients only read where the new one lacks something: without content.
fn openapi_v2(accept: &str) -> Answer {
    if accept.contains("protobuf") {
        return bytes(
            StatusCode::OK,
            "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
            Bytes::from_static(openapi::EMPTY_V2_PROTOBUF),
        );
    }
    json_answer(StatusCode::OK, &openapi::empty_v2(), &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As real servers tell them.
    #[test]
    fn the_hashes_of_stored_versions_are_those_of_kubernetes() {
        let hash = |resource: Resource| storage_version(resource.stored_as());
        assert_eq!(hash(Resource::ConfigMaps), "qFsyl6wFWjQ=");
        assert_eq!(hash(Resource::Events), "r2yiGXH7wu8=");
        assert_eq!(hash(Resource::Services), "0/CO1lhkEBI=");
    }
}
