//! The comparison: with stand-ins everywhere, with a real API server where there is one.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use kube::{Client, Config};
use provider_mock::apiserver::ApiServer;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use crate::cases;
use crate::compare::{Difference, compare, scenario};
use crate::differences::KNOWN;
use crate::envtest::{Access, Assets, Authority, ControlPlane, Https, Identity, standin};
use crate::known::{Known, check};
use crate::side::{History, Side};
use crate::step::Step;

/// How long a control plane may take to start; a real one needs some seconds.
const PATIENCE: Duration = Duration::from_mins(2);

/// Compares the embedded API in this process with another server.
async fn beside(mut theirs: Side) -> (Vec<Difference>, usize) {
    compare(&cases::all(), &mut Side::embedded(&ApiServer::new()), &mut theirs).await
}

#[tokio::test]
async fn a_real_api_server_answers_as_the_embedded_one() {
    let Some(assets) = Assets::find("the comparison with a real API server").expect("a usable folder") else {
        return;
    };
    let plane = ControlPlane::start(&assets, &std::env::temp_dir(), PATIENCE)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let etcd = Client::try_from(Config::new(plane.etcd_url.parse().unwrap())).unwrap();
    let (differences, requests) = beside(Side::new(plane.client(Identity::Token), History::Etcd(etcd))).await;
    println!("{requests} requests compared, {} fields differ", differences.len());
    check(&differences, KNOWN).unwrap_or_else(|told| panic!("{told}"));
}

#[tokio::test]
async fn the_comparison_runs_on_stand_ins_for_the_programs_by_token() {
    let folder = tempfile::tempdir().unwrap();
    let plane = ControlPlane::start(&standin::ready(folder.path()), folder.path(), PATIENCE).await.unwrap();
    let (differences, requests) = beside(Side::new(plane.client(Identity::Token), History::Kept)).await;
    check(&differences, &[]).unwrap_or_else(|told| panic!("{told}"));
    assert!(requests > 300, "{requests}");
}

#[tokio::test]
async fn the_comparison_runs_over_https_with_a_certificate() {
    let authority = Authority::new("cloud-lb tests");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let access = Access::new(listener.local_addr().unwrap().port(), &authority);
    let (api, serving) = (ApiServer::new(), authority.server(&["127.0.0.1"]));
    tokio::spawn(Https::new(api.clone(), &serving, authority.der(), &[]).run(listener));
    let theirs = Side::new(access.client(Identity::Certificate), History::Embedded(api));
    let (differences, _) = beside(theirs).await;
    check(&differences, &[]).unwrap_or_else(|told| panic!("{told}"));
}

/// The embedded API with answers to POSTs that are changed on the way.
fn twisted(twist: fn(StatusCode, Value) -> (StatusCode, Value)) -> Client {
    let api = ApiServer::new();
    let service = tower::service_fn(move |request: Request<kube::client::Body>| {
        let api = api.clone();
        async move {
            let is_namespace = request.uri().path() == "/api/v1/namespaces";
            let (parts, body) = api.oneshot(request).await.unwrap().into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let value: Value = serde_json::from_slice(&body).unwrap();
            let (code, body) = if is_namespace { (parts.status, value) } else { twist(parts.status, value) };
            let mut answer = Response::new(Full::new(Bytes::from(body.to_string())));
            *answer.status_mut() = code;
            answer.headers_mut().insert("content-type", "application/json".parse().unwrap());
            Ok::<_, std::convert::Infallible>(answer)
        }
    });
    Client::new(service, "default")
}

async fn differences_of(twist: fn(StatusCode, Value) -> (StatusCode, Value)) -> Vec<Difference> {
    let config =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "b"}});
    let steps = vec![Step::post("/api/v1/namespaces/$(ns)/configmaps", config)];
    let mut theirs = Side::new(twisted(twist), History::Kept);
    compare(&[scenario("one", steps)], &mut Side::embedded(&ApiServer::new()), &mut theirs).await.0
}

#[tokio::test]
async fn what_differs_is_told_by_request_and_field_with_both_values() {
    let differences = differences_of(|_, mut body| {
        body["data"]["a"] = json!("c");
        body["metadata"]["managedFields"] = json!([{"manager": "x"}]);
        (StatusCode::OK, body)
    })
    .await;
    let told = check(&differences, &[]).unwrap_err();
    let request = "one: POST /api/v1/namespaces/$(ns)/configmaps";
    let expected = format!(
        "3 unknown differences, 0 entries without one\n\
         {request}\n  body.data.a\n    ours:   \"b\"\n    theirs: \"c\"\n\
         {request}\n  body.metadata.managedFields\n    ours:   nothing\n    theirs: [{{\"manager\":\"x\"}}]\n\
         {request}\n  code\n    ours:   201\n    theirs: 200"
    );
    assert_eq!(told, expected);
}

#[tokio::test]
async fn known_differences_are_exactly_those_that_there_are() {
    let differences = differences_of(|code, mut body| {
        body["data"]["a"] = json!("c");
        (code, body)
    })
    .await;
    let known = Known { request: "one: *", field: "body.data.*", reason: "a test" };
    assert_eq!(check(&differences, &[known]), Ok(()));
    let stale = Known { field: "code", ..known };
    let told = check(&differences, &[known, stale]).unwrap_err();
    assert_eq!(
        told,
        "0 unknown differences, 1 entries without one\none: *\n  code\n    known (a test), but it does not differ"
    );
    let elsewhere = Known { request: "two: *", ..known };
    assert!(
        check(&differences, &[elsewhere])
            .unwrap_err()
            .starts_with("1 unknown differences, 1 entries without one\n")
    );
}

#[test]
fn every_known_difference_has_its_reason_and_fits_a_request_of_the_table() {
    let table: Vec<String> = cases::all()
        .iter()
        .flat_map(|scenario| scenario.steps.iter().map(|step| format!("{}: {}", scenario.name, step.told())))
        .collect();
    for known in KNOWN {
        assert!(!known.reason.is_empty(), "{known:?}");
        assert!(table.iter().any(|request| known.is_about(request)), "no request fits {known:?}");
    }
}
