//! Whatever is sent to the API server, it answers; and what it accepts, typed clients can read.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use k8s_openapi::api::core::v1::{Node, Service};
use proptest::prelude::*;
use provider_mock::apiserver::{ApiServer, Resource};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::helpers::service_json;

#[derive(Debug, Clone)]
struct Sent {
    method: &'static str,
    path: String,
    query: Vec<(String, String)>,
    content_type: &'static str,
    body: Vec<u8>,
}

fn words(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop_oneof![8 => prop::sample::select(words).prop_map(ToOwned::to_owned), 1 => "[a-z0-9%/.-]{0,8}"]
}

fn path() -> impl Strategy<Value = String> {
    let kind = words(&["services", "nodes", "events", "namespaces", "pods", "configmaps", "endpoints"]);
    let name = words(&["web", "a", "default", "kube-system"]);
    let root = words(&[
        "/api/v1/",
        "/api/v1/namespaces/default/",
        "/apis/discovery.k8s.io/v1/namespaces/default/",
        "/apis/coordination.k8s.io/v1/",
        "/openapi/v3/",
        "/apis/",
    ]);
    (root, kind, prop::option::of(name), words(&["", "", "/status", "/x"])).prop_map(
        |(root, kind, name, sub)| {
            let name = name.map(|name| format!("/{name}{sub}")).unwrap_or_default();
            format!("/{}{kind}{name}", root.trim_start_matches('/'))
        },
    )
}

fn query() -> impl Strategy<Value = Vec<(String, String)>> {
    let keys = words(&[
        "labelSelector",
        "fieldSelector",
        "limit",
        "continue",
        "resourceVersion",
        "resourceVersionMatch",
        "dryRun",
        "fieldManager",
        "fieldValidation",
        "force",
        "propagationPolicy",
    ]);
    let values = prop_oneof![
        4 => prop::sample::select(vec![
            "app=web", "app in (a,b", "a notin (,)", "!x,y>3", "metadata.name=web", "1", "0", "All", "Strict", "true",
            "NotOlderThan", "me", "Foreground",
        ])
        .prop_map(ToOwned::to_owned),
        1 => "[ -~]{0,12}",
    ];
    prop::collection::vec((keys, values), 0..3)
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[ -~]{0,8}".prop_map(Value::from),
        prop::sample::select(vec!["10.0.0.0/8", "TCP", "web", "-", "$patch", "delete"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let key =
            words(&["name", "port", "metadata", "spec", "ports", "$patch", "$setElementOrder/ports", "op"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..3).prop_map(|map| json!(map)),
        ]
    })
}

/// A Service of which something else is in one place.
fn service() -> impl Strategy<Value = Value> {
    let pointers = prop::sample::select(vec![
        "/spec",
        "/spec/ports",
        "/spec/ports/0",
        "/spec/ports/0/port",
        "/metadata",
        "/metadata/labels",
        "/metadata/name",
        "/spec/selector",
        "/kind",
        "/apiVersion",
        "/spec/type",
    ]);
    (pointers, any_json(), any::<bool>()).prop_map(|(pointer, other, replaced)| {
        let mut service = service_json("web");
        if let (Some(place), true) = (service.pointer_mut(pointer), replaced) {
            *place = other;
        }
        service
    })
}

fn operations() -> impl Strategy<Value = Value> {
    let operation = prop::sample::select(vec!["add", "remove", "replace", "move", "copy", "test", "x"]);
    let place = prop::sample::select(vec![
        "",
        "/spec",
        "/spec/ports/0",
        "/spec/ports/-",
        "/metadata/labels/app",
        "/metadata/finalizers",
        "/x/y",
        "no",
    ]);
    let operation = (operation, place.clone(), place, any_json())
        .prop_map(|(op, path, from, value)| json!({"op": op, "path": path, "from": from, "value": value}));
    prop::collection::vec(operation, 0..3).prop_map(Value::from)
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let json = prop_oneof![3 => service(), 1 => operations(), 1 => any_json()];
    let text =
        (json, any::<prop::sample::Index>(), prop::bool::weighted(0.2)).prop_map(|(json, end, cut)| {
            let mut text = json.to_string().into_bytes();
            if cut {
                text.truncate(end.index(text.len().max(1)));
            }
            text
        });
    let protobuf = prop::collection::vec(prop_oneof![Just(10_u8), Just(18), 0..20_u8, any::<u8>()], 0..40)
        .prop_map(|bytes| [b"k8s\0".to_vec(), bytes].concat());
    prop_oneof![5 => text, 1 => protobuf, 1 => prop::collection::vec(any::<u8>(), 0..20)]
}

fn sent() -> impl Strategy<Value = Sent> {
    let method = prop::sample::select(vec!["GET", "POST", "PUT", "PATCH", "PATCH", "DELETE", "OPTIONS"]);
    let content_type = prop::sample::select(vec![
        "application/json",
        "application/json",
        "application/json-patch+json",
        "application/merge-patch+json",
        "application/strategic-merge-patch+json",
        "application/apply-patch+yaml",
        "application/vnd.kubernetes.protobuf",
        "text/plain",
    ]);
    (method, path(), query(), content_type, body()).prop_map(|(method, path, query, content_type, body)| {
        Sent { method, path, query, content_type, body }
    })
}

async fn send(server: &ApiServer, sent: &Sent) -> StatusCode {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&sent.query).finish();
    let request = Request::builder()
        .method(sent.method)
        .uri(format!("{}?{query}", sent.path.replace('%', "%25")))
        .header("content-type", sent.content_type)
        .body(Full::new(Bytes::from(sent.body.clone())))
        .unwrap();
    let answer = server.clone().oneshot(request).await.unwrap();
    let code = answer.status();
    answer.into_body().collect().await.unwrap();
    code
}

/// Whether everything that is stored is what clients of its kind understand.
fn readable(server: &ApiServer) -> Result<(), String> {
    for service in server.list(Resource::Services) {
        serde_json::from_value::<Service>(service.clone()).map_err(|error| format!("{error}: {service}"))?;
    }
    for node in server.list(Resource::Nodes) {
        serde_json::from_value::<Node>(node.clone()).map_err(|error| format!("{error}: {node}"))?;
    }
    Ok(())
}

proptest! {
    #[test]
    fn anything_is_answered_and_what_is_accepted_can_be_read(all in prop::collection::vec(sent(), 1..6)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let server = ApiServer::new();
            server.create(Resource::Services, service_json("web")).unwrap();
            for sent in &all {
                let code = send(&server, sent).await;
                prop_assert!(code != StatusCode::INTERNAL_SERVER_ERROR, "{:?}", sent);
                prop_assert_eq!(readable(&server), Ok(()), "{:?}", sent);
            }
            Ok(())
        })?;
    }
}
