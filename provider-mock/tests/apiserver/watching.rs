#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that fails fails its test"
)]
use crate::helpers::{next_event, send, service, services};
use futures::StreamExt;
use kube::api::{ListParams, PostParams};
use kube::runtime::watcher::{self, Event, watcher};
use provider_mock::apiserver::{ApiServer, Fault, Resource, ResponseBody, Verb};
use serde_json::{Value, json};

async fn open(server: &ApiServer, query: &str) -> ResponseBody {
    let path = format!("/api/v1/namespaces/default/services?watch=true&{query}");
    let response = send(server, ("GET", &path), &[], &Value::Null).await;
    assert_eq!(response.status(), 200);
    response.into_body()
}

async fn create(server: &ApiServer, name: &str) {
    services(server).create(&PostParams::default(), &service(name)).await.unwrap();
}

fn said(event: &Value) -> (&str, &str) {
    (event["type"].as_str().unwrap(), event["object"]["metadata"]["name"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn changes_after_a_version_are_told_in_order() {
    let server = ApiServer::new();
    let version = *server.changes().borrow();
    create(&server, "a").await;
    let mut watch = open(&server, &format!("resourceVersion={version}")).await;
    let mut object = server.get(Resource::Services, "default", "a").unwrap();
    object["metadata"]["labels"] = json!({"x": "y"});
    server.update(Resource::Services, object).unwrap();
    server.delete(Resource::Services, "default", "a").unwrap();
    for expected in ["ADDED", "MODIFIED", "DELETED"] {
        assert_eq!(said(&next_event(&mut watch).await.unwrap()), (expected, "a"));
    }
}

#[tokio::test]
async fn an_object_that_leaves_the_selection_is_deleted_for_the_watch() {
    let server = ApiServer::new();
    let version = *server.changes().borrow();
    let mut watch = open(&server, &format!("resourceVersion={version}&labelSelector=app%3Da")).await;
    create(&server, "b").await;
    create(&server, "a").await;
    let mut object = server.get(Resource::Services, "default", "a").unwrap();
    object["metadata"]["labels"] = json!({"app": "other"});
    let updated = server.update(Resource::Services, object).unwrap();
    assert_eq!(said(&next_event(&mut watch).await.unwrap()), ("ADDED", "a"));
    let left = next_event(&mut watch).await.unwrap();
    assert_eq!(said(&left), ("DELETED", "a"));
    assert_eq!(left["object"]["metadata"]["labels"], json!({"app": "a"}), "the object as the watch knew it");
    assert_eq!(left["object"]["metadata"]["resourceVersion"], updated["metadata"]["resourceVersion"]);
}

#[tokio::test]
async fn a_streamed_list_ends_with_a_marked_bookmark() {
    let server = ApiServer::new();
    create(&server, "a").await;
    let query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let mut watch = open(&server, query).await;
    assert_eq!(said(&next_event(&mut watch).await.unwrap()), ("ADDED", "a"));
    let bookmark = next_event(&mut watch).await.unwrap();
    assert_eq!(bookmark["type"], "BOOKMARK");
    assert_eq!(bookmark["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
}

#[tokio::test(start_paused = true)]
async fn a_quiet_watch_sends_bookmarks_and_ends_in_time() {
    let server = ApiServer::new();
    let version = *server.changes().borrow();
    let query = format!("resourceVersion={version}&allowWatchBookmarks=true&timeoutSeconds=25");
    let mut watch = open(&server, &query).await;
    let mut bookmarks = 0;
    while let Some(event) = next_event(&mut watch).await {
        assert_eq!(said(&event), ("BOOKMARK", ""));
        assert_eq!(event["object"]["metadata"]["resourceVersion"], version.to_string());
        bookmarks += 1;
    }
    assert_eq!(bookmarks, 3, "two in 25 s and one at the end");
}

#[tokio::test]
async fn a_watch_from_before_the_history_is_told_410_in_the_stream() {
    let server = ApiServer::new();
    let version = *server.changes().borrow();
    create(&server, "a").await;
    server.compact();
    let mut watch = open(&server, &format!("resourceVersion={version}")).await;
    let error = next_event(&mut watch).await.unwrap();
    assert_eq!((error["type"].as_str(), error["object"]["code"].as_u64()), (Some("ERROR"), Some(410)));
    assert_eq!(next_event(&mut watch).await, None);
}

#[tokio::test]
async fn an_open_watch_that_falls_behind_ends_with_an_error() {
    let server = ApiServer::new();
    let mut watch = open(&server, &format!("resourceVersion={}", *server.changes().borrow())).await;
    create(&server, "a").await;
    server.compact();
    let error = next_event(&mut watch).await.unwrap();
    assert_eq!((error["type"].as_str(), error["object"]["code"].as_u64()), (Some("ERROR"), Some(410)));
    assert_eq!(error["object"]["reason"], "Expired");
    assert_eq!(next_event(&mut watch).await, None);
}

#[tokio::test]
async fn a_table_watch_sends_rows() {
    let server = ApiServer::new();
    create(&server, "a").await;
    let accept = ("accept", "application/json;as=Table;v=v1;g=meta.k8s.io");
    let response = send(&server, ("GET", "/api/v1/services?watch=true"), &[accept], &Value::Null).await;
    let event = next_event(&mut response.into_body()).await.unwrap();
    assert_eq!(
        (event["object"]["kind"].as_str(), event["object"]["rows"][0]["cells"][0].as_str()),
        (Some("Table"), Some("a"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_kube_watcher_recovers_from_dropped_watches_errors_and_410() {
    let server = ApiServer::new();
    create(&server, "a").await;
    for config in [watcher::Config::default(), watcher::Config::default().streaming_lists()] {
        let mut events = watcher(services(&server), config).boxed();
        wait_for(&mut events, |event| matches!(event, Event::InitDone)).await;
        server.faults().drop_watches();
        server.faults().inject(Verb::Watch, Resource::Services, Fault::Fail(503), 1);
        create(&server, "b").await;
        wait_for(&mut events, |event| named(event, "b")).await;
        server.faults().drop_watches();
        server.faults().inject(Verb::Watch, Resource::Services, Fault::Fail(410), 1);
        create(&server, "c").await;
        wait_for(&mut events, |event| named(event, "c")).await;
        for name in ["b", "c"] {
            server.delete(Resource::Services, "default", name).unwrap();
        }
    }
    let list = services(&server).list(&ListParams::default()).await.unwrap();
    assert_eq!(list.items.len(), 1);
}

type ServiceEvent = Event<k8s_openapi::api::core::v1::Service>;

fn named(event: &ServiceEvent, name: &str) -> bool {
    matches!(event, Event::Apply(object) | Event::InitApply(object) if object.metadata.name.as_deref() == Some(name))
}

/// Reads the watcher, errors included, until an event fits.
async fn wait_for(
    events: &mut (impl futures::Stream<Item = watcher::Result<ServiceEvent>> + Unpin),
    fits: impl Fn(&ServiceEvent) -> bool,
) {
    for _ in 0..100 {
        if events.next().await.unwrap().is_ok_and(|event| fits(&event)) {
            return;
        }
    }
    panic!("the watcher did not recover");
}
