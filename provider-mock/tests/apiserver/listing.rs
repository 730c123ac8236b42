#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::helpers::{answer, refusal, service, services};
use kube::api::{ListParams, PostParams};
use provider_mock::apiserver::{ApiServer, Resource};
use serde_json::Value;

async fn with_services(names: &[&str]) -> ApiServer {
    let server = ApiServer::new();
    for name in names {
        services(&server).create(&PostParams::default(), &service(name)).await.unwrap();
    }
    server
}

#[tokio::test]
async fn pages_show_the_list_as_it_was_at_the_first() {
    let server = with_services(&["a", "b", "c", "d", "e"]).await;
    let api = services(&server);
    let first = api.list(&ListParams::default().limit(2)).await.unwrap();
    assert_eq!(first.metadata.remaining_item_count, Some(3));
    server.delete(Resource::Services, "default", "d").unwrap();
    api.create(&PostParams::default(), &service("bb")).await.unwrap();
    let mut names: Vec<String> = Vec::new();
    let mut page = first;
    loop {
        names.extend(page.items.iter().map(|object| object.metadata.name.clone().unwrap()));
        let Some(token) = page.metadata.continue_.clone().filter(|token| !token.is_empty()) else { break };
        page = api.list(&ListParams::default().limit(2).continue_token(&token)).await.unwrap();
    }
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
}

#[tokio::test]
async fn an_old_page_is_gone() {
    let server = with_services(&["a", "b"]).await;
    let api = services(&server);
    let token = api.list(&ListParams::default().limit(1)).await.unwrap().metadata.continue_.unwrap();
    api.create(&PostParams::default(), &service("c")).await.unwrap();
    server.compact();
    let next = api.list(&ListParams::default().limit(1).continue_token(&token)).await;
    let (code, reason, _) = refusal(next);
    assert_eq!((code, reason.as_str()), (410, "Expired"));
}

#[tokio::test]
async fn selectors_choose() {
    let server = with_services(&["a", "b", "c"]).await;
    let names = async |params: ListParams| {
        let list = services(&server).list(&params).await.unwrap();
        list.items.into_iter().map(|object| object.metadata.name.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(names(ListParams::default().labels("app in (a,b)")).await, ["a", "b"]);
    assert_eq!(names(ListParams::default().fields("metadata.name=c")).await, ["c"]);
    assert_eq!(names(ListParams::default().labels("app!=a").fields("metadata.name!=c")).await, ["b"]);
}

#[tokio::test]
async fn a_version_that_is_yet_to_come_times_out() {
    let server = with_services(&[]).await;
    let path = "/api/v1/services?resourceVersion=999999";
    let (code, status) = answer(&server, ("GET", path), &[], &Value::Null).await;
    assert_eq!((code.as_u16(), status["reason"].as_str()), (504, Some("Timeout")));
    assert_eq!(status["details"]["causes"][0]["reason"], "ResourceVersionTooLarge");
}

#[tokio::test]
async fn tables_and_metadata_are_given_where_accept_asks() {
    let server = with_services(&["a"]).await;
    let accept = ("accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json");
    let (_, table) = answer(&server, ("GET", "/api/v1/services"), &[accept], &Value::Null).await;
    assert_eq!(
        (table["kind"].as_str(), table["columnDefinitions"][3]["name"].as_str()),
        (Some("Table"), Some("External-IP"))
    );
    assert_eq!(table["rows"][0]["cells"][3], "<pending>");
    assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
    let accept = ("accept", "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io");
    let (_, list) = answer(&server, ("GET", "/api/v1/services"), &[accept], &Value::Null).await;
    assert_eq!(list["kind"], "PartialObjectMetadataList");
    assert_eq!(list["items"][0].get("spec"), None);
}

#[tokio::test]
async fn discovery_names_every_kind_in_both_forms() {
    let server = ApiServer::new();
    let (_, plain) = answer(&server, ("GET", "/api/v1"), &[], &Value::Null).await;
    let names: Vec<&str> =
        plain["resources"].as_array().unwrap().iter().filter_map(|r| r["name"].as_str()).collect();
    for name in [
        "services",
        "services/status",
        "nodes",
        "pods",
        "endpoints",
        "namespaces",
        "events",
        "secrets",
        "configmaps",
    ] {
        assert!(names.contains(&name), "{name} is missing in {names:?}");
    }
    let accept =
        ("accept", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json");
    let (_, groups) = answer(&server, ("GET", "/apis"), &[accept], &Value::Null).await;
    let found: Vec<&Value> =
        groups["items"].as_array().unwrap().iter().map(|group| &group["metadata"]["name"]).collect();
    let expected = ["authentication", "authorization", "coordination", "discovery", "events"];
    let mut found: Vec<&str> = found.into_iter().filter_map(Value::as_str).collect();
    found.sort_unstable();
    assert_eq!(found, expected.map(|group| format!("{group}.k8s.io")));
    let client = kube::Client::new(server, "default");
    assert_eq!(client.apiserver_version().await.unwrap().minor, "33");
    assert_eq!(client.list_core_api_resources("v1").await.unwrap().resources.len(), 12);
}
