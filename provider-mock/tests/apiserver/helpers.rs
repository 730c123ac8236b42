//! Objects and clients of the tests.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper that fails fails its test")]

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use k8s_openapi::api::core::v1::Service;
use kube::{Api, Client};
use provider_mock::apiserver::{ApiServer, ResponseBody};
use serde_json::{Value, json};
use tower::ServiceExt;

pub(crate) fn services(server: &ApiServer) -> Api<Service> {
    Api::default_namespaced(Client::new(server.clone(), "default"))
}

pub(crate) fn service(name: &str) -> Service {
    serde_json::from_value(service_json(name)).unwrap()
}

pub(crate) fn service_json(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"type": "LoadBalancer", "selector": {"app": name},
                 "ports": [{"name": "web", "port": 80, "protocol": "TCP", "targetPort": 8080}]}})
}

/// The refusal that an operation must meet: code, reason and message.
pub(crate) fn refusal<T: std::fmt::Debug>(result: kube::Result<T>) -> (u16, String, String) {
    match result {
        Err(kube::Error::Api(status)) => (status.code, status.reason.clone(), status.message.clone()),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// One raw request: method, path, body, headers.
pub(crate) async fn send(
    server: &ApiServer,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    body: &Value,
) -> Response<ResponseBody> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    server.clone().oneshot(request.body(Full::new(body)).unwrap()).await.unwrap()
}

/// The code and JSON of the answer to a raw request.
pub(crate) async fn answer(
    server: &ApiServer,
    target: (&str, &str),
    headers: &[(&str, &str)],
    body: &Value,
) -> (StatusCode, Value) {
    let response = send(server, target, headers, body).await;
    let code = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (code, serde_json::from_slice(&bytes).unwrap())
}

/// The next event of an open watch.
pub(crate) async fn next_event(body: &mut ResponseBody) -> Option<Value> {
    let frame = body.frame().await?.unwrap();
    Some(serde_json::from_slice(frame.data_ref().unwrap()).unwrap())
}
