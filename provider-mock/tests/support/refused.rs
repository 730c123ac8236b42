//! Requests that do not fit what is served: methods, media types and kinds.

use serde_json::{Value, json};

/// Method, path, a header, a body; the code and the reason of the refusal.
pub(crate) type Refused =
    (&'static str, &'static str, (&'static str, &'static str), Value, u16, &'static str);

pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");

pub(crate) fn cases() -> [Refused; 6] {
    let services = "/api/v1/namespaces/default/services";
    let pod = || json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a"}});
    let protobuf = ("accept", "application/vnd.kubernetes.protobuf");
    [
        ("POST", services, ("content-type", "application/x-unknown"), pod(), 415, "UnsupportedMediaType"),
        ("POST", services, JSON, pod(), 400, "BadRequest"),
        ("GET", services, protobuf, Value::Null, 406, "NotAcceptable"),
        ("POST", "/api/v1/services", JSON, pod(), 405, "MethodNotAllowed"),
        ("GET", "/apis/apps/v1/nothing", JSON, Value::Null, 404, "NotFound"),
        ("GET", "/api/v1/services?limit=many", JSON, Value::Null, 400, "BadRequest"),
    ]
}
