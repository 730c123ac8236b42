//! `OpenAPI`, as much as kubectl needs: which kinds there are, that the server validates fields itself,
//! and one paragraph a kind for `kubectl explain`.
//!
//! The documents do not describe the fields: kubectl leaves validation to the server as soon as PATCH
//! has the parameter `fieldValidation`, and makes strategic merge patches of these kinds from the Go
//! types that are compiled into it.

use super::discovery::root;
use super::resource::{Endpoint, endpoints_of, group_versions};
use serde_json::{Map, Value, json};

/// An `OpenAPI` v2 document with nothing in it: field 1 (`swagger`) is `2.0`.
pub(crate) const EMPTY_V2_PROTOBUF: &[u8] = b"\x0a\x032.0";

/// The same as JSON.
pub(crate) fn empty_v2() -> Value {
    json!({"swagger": "2.0", "info": {"title": "Kubernetes", "version": "v1.33.0"}, "paths": {}, "definitions": {}})
}

/// The list of the documents, one for each group and version.
pub(crate) fn index() -> Value {
    let entry = |(group, version)| {
        let path = root(group, version);
        let name = path.trim_start_matches('/').to_owned();
        (name, json!({"serverRelativeURL": format!("/openapi/v3{path}?hash=1")}))
    };
    json!({"paths": group_versions().into_iter().map(entry).collect::<Map<_, _>>()})
}

/// The document for `api/v1` or `apis/<group>/<version>`.
pub(crate) fn document(name: &str) -> Option<Value> {
    let (group, version) = match name.split('/').collect::<Vec<_>>().as_slice() {
        ["api", version] => ("", *version),
        ["apis", group, version] => (*group, *version),
        _ => return None,
    };
    let endpoints: Vec<_> = endpoints_of(group, version).collect();
    endpoints.first()?;
    let mut paths = Map::new();
    let mut schemas = Map::new();
    for endpoint in endpoints {
        for (path, item) in path_items(endpoint) {
            paths.insert(path, item);
        }
        schemas.insert(schema_name(endpoint), schema(endpoint));
    }
    Some(json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.33.0"},
        "paths": paths,
        "components": {"schemas": schemas},
    }))
}

fn schema_name(endpoint: &Endpoint) -> String {
    let group = match endpoint.group.split('.').next() {
        None | Some("") => "core",
        Some(group) => group,
    };
    format!("io.k8s.api.{group}.{}.{}", endpoint.version, endpoint.kind)
}

fn gvk(endpoint: &Endpoint) -> Value {
    json!({"group": endpoint.group, "version": endpoint.version, "kind": endpoint.kind})
}

fn path_items(endpoint: &Endpoint) -> [(String, Value); 2] {
    let base = root(endpoint.group, endpoint.version);
    let scope = if endpoint.namespaced { "/namespaces/{namespace}" } else { "" };
    let collection = format!("{base}{scope}/{}", endpoint.plural);
    let object = format!("{collection}/{{name}}");
    let operation = |action: &str| operation(endpoint, action);
    [
        (
            collection,
            json!({"get": operation("list"), "post": operation("post"), "delete": operation("deletecollection")}),
        ),
        (
            object,
            json!({"get": operation("get"), "put": operation("put"), "patch": operation("patch"), "delete": operation("delete")}),
        ),
    ]
}

fn operation(endpoint: &Endpoint, action: &str) -> Value {
    let parameter =
        |name: &str| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}});
    let writes = matches!(action, "post" | "put" | "patch");
    let names: &[&str] = if writes { &["dryRun", "fieldManager", "fieldValidation"] } else { &[] };
    let content = json!({"schema": {"$ref": format!("#/components/schemas/{}", schema_name(endpoint))}});
    json!({
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": gvk(endpoint),
        "parameters": names.iter().copied().map(parameter).collect::<Vec<_>>(),
        "responses": {"200": {"description": "OK", "content": {"application/json": content}}},
    })
}

fn schema(endpoint: &Endpoint) -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    let open = |description: &str| json!({"type": "object", "description": description, "x-kubernetes-preserve-unknown-fields": true});
    let mut properties = json!({
        "apiVersion": text("APIVersion defines the versioned schema of this representation of an object."),
        "kind": text("Kind is a string value representing the REST resource this object represents."),
        "metadata": open("Standard object's metadata."),
    });
    let rest = match endpoint.kind {
        "Service" | "Node" | "Pod" | "Namespace" => vec![
            (
                "spec",
                open("The specification of the object; the server validates its fields on every write."),
            ),
            ("status", open("The most recently observed status of the object, which the system writes.")),
        ],
        "Lease" => vec![("spec", open("The specification of the Lease."))],
        _ => Vec::new(),
    };
    for (name, property) in rest {
        super::json::put(&mut properties, name, Some(property));
    }
    json!({
        "type": "object",
        "description": endpoint.description,
        "properties": properties,
        "x-kubernetes-preserve-unknown-fields": true,
        "x-kubernetes-group-version-kind": [gvk(endpoint)],
    })
}
