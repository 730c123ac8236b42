//! Puts manifests before an API server, and turns its refusals into complaints about lines.

use http::{Method, Request, header};
use kube::Client;
use kube::core::Status;
use serde_json::Value;

use crate::cluster::explain;
use crate::failure::Failure;
use crate::hints;
use crate::manifests::Manifest;

/// What the API server is to do with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    /// Create it.
    Create,
    /// Say what creating or replacing it would give, and do nothing.
    Try,
}

/// The kinds that load balancers depend on: `apiVersion`, `kind`, path and whether in a namespace.
const KINDS: [(&str, &str, &str, bool); 3] = [
    ("v1", "Service", "services", true),
    ("v1", "Node", "nodes", false),
    ("discovery.k8s.io/v1", "EndpointSlice", "endpointslices", true),
];

/// Whether load balancers depend on objects of this kind.
///
/// # Errors
/// A known kind in an `apiVersion` that does not have it.
pub(crate) fn concerns_us(manifest: &Manifest) -> Result<bool, Failure> {
    match KINDS.iter().find(|(_, kind, ..)| *kind == manifest.kind()) {
        Some((version, kind, ..)) if *version != manifest.api_version() => {
            let found = manifest.api_version();
            let message =
                format!("apiVersion: {found:?} has no kind {kind} that is supported, expected {version:?}");
            Err(Failure::new(manifest.complain("apiVersion", message)))
        }
        known => Ok(known.is_some()),
    }
}

/// Sends an object to the API server, which checks it strictly; returns the object with all that the
/// server filled in.
///
/// # Errors
/// The server's own words for each field, with file, line and object in front.
pub(crate) async fn submit(
    client: &Client,
    url: &str,
    manifest: &Manifest,
    intent: Intent,
) -> Result<Value, Failure> {
    let answer = match intent {
        Intent::Create => send(client, Method::POST, &collection(manifest, ""), &manifest.object).await,
        Intent::Try => try_out(client, manifest).await,
    };
    answer.map_err(|error| refusal(url, manifest, &error))
}

async fn try_out(client: &Client, manifest: &Manifest) -> kube::Result<Value> {
    let item = format!("{}/{}", collection_path(manifest), manifest.name());
    let present: kube::Result<Value> = client.request(request(Method::GET, &item, Vec::new())?).await;
    let version = match present {
        Ok(object) => object.pointer("/metadata/resourceVersion").cloned(),
        Err(kube::Error::Api(status)) if status.code == 404 => {
            return send(client, Method::POST, &collection(manifest, "&dryRun=All"), &manifest.object).await;
        }
        Err(error) => return Err(error),
    };
    let mut object = manifest.object.clone();
    if let (Some(Value::Object(metadata)), Some(version)) = (object.get_mut("metadata"), version) {
        metadata.insert("resourceVersion".to_owned(), version);
    }
    send(client, Method::PUT, &format!("{item}?{QUERY}&dryRun=All"), &object).await
}

/// Every write is attributed and checked strictly.
const QUERY: &str = "fieldManager=cloud-lb&fieldValidation=Strict";

async fn send(client: &Client, method: Method, path: &str, object: &Value) -> kube::Result<Value> {
    let body = serde_json::to_vec(object).map_err(kube::Error::SerdeError)?;
    client.request(request(method, path, body)?).await
}

fn request(method: Method, path: &str, body: Vec<u8>) -> kube::Result<Request<Vec<u8>>> {
    let request =
        Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
    request.body(body).map_err(kube::Error::HttpError)
}

fn collection(manifest: &Manifest, more: &str) -> String {
    format!("{}?{QUERY}{more}", collection_path(manifest))
}

fn collection_path(manifest: &Manifest) -> String {
    let kind = KINDS.iter().find(|(_, kind, ..)| *kind == manifest.kind());
    let (version, _, plural, namespaced) = kind.copied().unwrap_or(("v1", "", "", false));
    let root = if version == "v1" { "/api/v1".to_owned() } else { format!("/apis/{version}") };
    if namespaced {
        format!("{root}/namespaces/{}/{plural}", manifest.namespace())
    } else {
        format!("{root}/{plural}")
    }
}

fn refusal(url: &str, manifest: &Manifest, error: &kube::Error) -> Failure {
    let kube::Error::Api(status) = error else { return Failure::new(explain(url, error)) };
    if matches!(status.code, 401 | 403) {
        return Failure::new(explain(url, error));
    }
    let causes = complaints(status);
    let of_field = |(field, message): (String, String)| {
        let hint = hint(manifest, &field, &message);
        manifest.complain(&field, format!("{message}{hint}"))
    };
    causes.into_iter().map(of_field).collect()
}

/// The fields that a refusal is about, each with the server's words.
fn complaints(status: &Status) -> Vec<(String, String)> {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let mut complaints: Vec<_> = causes
        .filter(|cause| !cause.field.is_empty())
        .map(|cause| (cause.field.clone(), format!("{}: {}", cause.field, cause.message)))
        .collect();
    if complaints.is_empty() {
        complaints = decoding_errors(&status.message);
    }
    if complaints.is_empty() {
        complaints.push((String::new(), status.message.clone()));
    }
    complaints
}

/// Takes `strict decoding error: unknown field "spec.a", duplicate field "spec.b"` apart, and finds the
/// field in `cannot unmarshal string into Go struct field ServicePort.spec.ports.port of type int32`.
fn decoding_errors(message: &str) -> Vec<(String, String)> {
    if let Some((_, field)) = message.split_once("Go struct field ") {
        let field = field.split(' ').next().and_then(|path| path.split_once('.')).map(|(_, path)| path);
        return vec![(field.unwrap_or_default().to_owned(), message.to_owned())];
    }
    let Some((_, errors)) = message.split_once("strict decoding error: ") else { return Vec::new() };
    let field = |error: &str| error.split('"').nth(1).unwrap_or_default().to_owned();
    errors.split(", ").map(|error| (field(error), error.to_owned())).collect()
}

/// What the server does not say: which field was meant, or what a value that is missing should be.
fn hint(manifest: &Manifest, field: &str, message: &str) -> String {
    if message.starts_with("unknown field") {
        let meant = hints::suggest(manifest.kind(), field);
        return meant.map_or(String::new(), |name| format!("; did you mean {name:?}?"));
    }
    match field {
        "spec.ports" if message.ends_with("Required value") => "; expected at least one port".to_owned(),
        _ if field.ends_with("].name") && message.ends_with("Required value") => {
            "; expected a name, because there are several ports".to_owned()
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifests::read_text;
    use serde_json::json;

    fn manifest() -> Manifest {
        let text = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  types: LoadBalancer\n  ports:\n  - port: 0\n";
        read_text("a.yaml", text).unwrap().remove(0)
    }

    fn refused(status: Value) -> String {
        let status: Status = serde_json::from_value(status).unwrap();
        refusal("http://api", &manifest(), &kube::Error::Api(status.boxed())).to_string()
    }

    #[test]
    fn each_invalid_field_has_its_line() {
        let causes = json!([
            {"reason": "FieldValueInvalid", "message": "Invalid value: 0: must be between 1 and 65535, inclusive", "field": "spec.ports[0].port"},
            {"reason": "FieldValueRequired", "message": "Required value", "field": "spec.ports[1].name"},
        ]);
        let message =
            refused(json!({"code": 422, "reason": "Invalid", "message": "m", "details": {"causes": causes}}));
        assert_eq!(
            message,
            "a.yaml:7: Service default/a: spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive\n\
             a.yaml:6: Service default/a: spec.ports[1].name: Required value; expected a name, because there are several ports"
        );
    }

    #[test]
    fn unknown_fields_have_their_line_and_a_suggestion() {
        let text = "Service in version \"v1\" cannot be handled as a Service: strict decoding error: unknown field \"spec.types\", unknown field \"spec.abc\"";
        let message = refused(json!({"code": 400, "reason": "BadRequest", "message": text}));
        assert_eq!(
            message,
            "a.yaml:5: Service default/a: unknown field \"spec.types\"; did you mean \"type\"?\n\
             a.yaml:4: Service default/a: unknown field \"spec.abc\""
        );
    }

    #[test]
    fn values_of_the_wrong_type_have_the_line_of_their_field() {
        let text = "json: cannot unmarshal string into Go struct field ServiceSpec.spec.type of type string";
        let message = refused(json!({"code": 400, "reason": "BadRequest", "message": text}));
        assert_eq!(message, format!("a.yaml:4: Service default/a: {text}"));
        let text =
            "json: cannot unmarshal string into Go struct field ServicePort.spec.ports.port of type int32";
        let message = refused(json!({"code": 400, "reason": "BadRequest", "message": text}));
        assert_eq!(message, format!("a.yaml:6: Service default/a: {text}"));
    }

    #[test]
    fn other_refusals_are_passed_on() {
        let message = refused(
            json!({"code": 409, "reason": "AlreadyExists", "message": "services \"a\" already exists"}),
        );
        assert_eq!(message, "a.yaml:1: Service default/a: services \"a\" already exists");
        let message =
            refused(json!({"code": 403, "reason": "Forbidden", "message": "services is forbidden"}));
        assert_eq!(message, "no permission in the cluster at http://api: services is forbidden");
    }

    #[test]
    fn kinds_have_their_api_version() {
        let of = |version: &str, kind: &str| {
            let text = format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}\n");
            concerns_us(&read_text("a.yaml", &text).unwrap().remove(0)).map_err(|failure| failure.to_string())
        };
        assert_eq!(of("v1", "Service"), Ok(true));
        assert_eq!(of("apps/v1", "Deployment"), Ok(false));
        assert_eq!(
            of("v2", "Service").unwrap_err(),
            "a.yaml:1: Service default/a: apiVersion: \"v2\" has no kind Service that is supported, expected \"v1\""
        );
    }
}
