#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::helpers::{answer, refusal, service, services};
use k8s_openapi::api::core::v1::Service;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use provider_mock::apiserver::{ApiServer, Resource};
use serde_json::{Value, json};

async fn with_finalizers(finalizers: &[&str]) -> (ApiServer, Api<Service>) {
    let server = ApiServer::new();
    let api = services(&server);
    let mut object = service("a");
    object.metadata.finalizers = Some(finalizers.iter().map(|name| (*name).to_owned()).collect());
    api.create(&PostParams::default(), &object).await.unwrap();
    (server, api)
}

async fn patch_status(api: &Api<Service>, patch: Value) -> Service {
    api.patch_status("a", &PatchParams::default(), &Patch::Strategic(patch)).await.unwrap()
}

#[tokio::test]
async fn sc82_sc83_finalizers_change_through_the_status_subresource() {
    let (_, api) = with_finalizers(&["foo"]).await;
    let add = json!({"metadata": {"$setElementOrder/finalizers": ["foo", "ours"], "finalizers": ["ours"]}});
    let object = patch_status(&api, add).await;
    assert_eq!(object.metadata.finalizers.unwrap(), ["foo", "ours"]);
    let remove = json!({"metadata": {
        "$deleteFromPrimitiveList/finalizers": ["ours"], "$setElementOrder/finalizers": ["foo"]}});
    let object = patch_status(&api, remove).await;
    assert_eq!(object.metadata.finalizers.unwrap(), ["foo"]);
}

#[tokio::test]
async fn sc83_sc84_a_concurrent_foreign_finalizer_survives() {
    let (server, api) = with_finalizers(&["foo"]).await;
    let mut foreign = server.get(Resource::Services, "default", "a").unwrap();
    foreign["metadata"]["finalizers"] = json!(["foo", "foreign"]);
    server.update(Resource::Services, foreign).unwrap();
    let add = json!({"metadata": {"$setElementOrder/finalizers": ["foo", "ours"], "finalizers": ["ours"]}});
    let finalizers = patch_status(&api, add).await.metadata.finalizers.unwrap();
    assert_eq!(finalizers, ["foo", "ours", "foreign"]);
}

#[tokio::test]
async fn sc83_ingress_is_replaced_and_spec_is_ignored() {
    let (_, api) = with_finalizers(&[]).await;
    let ingress = |ip: &str| json!({"status": {"loadBalancer": {"ingress": [{"ip": ip}]}}, "spec": {"type": "NodePort"}});
    patch_status(&api, ingress("10.0.0.1")).await;
    let object = patch_status(&api, ingress("10.0.0.2")).await;
    let ingress = object.status.unwrap().load_balancer.unwrap().ingress.unwrap();
    assert_eq!(ingress.iter().map(|entry| entry.ip.as_deref().unwrap()).collect::<Vec<_>>(), ["10.0.0.2"]);
    assert_eq!(object.spec.unwrap().type_.as_deref(), Some("LoadBalancer"));
}

#[tokio::test]
async fn sc81_removing_the_last_finalizer_of_a_deleted_service_removes_it() {
    let (server, api) = with_finalizers(&["ours"]).await;
    server.delete(Resource::Services, "default", "a").unwrap();
    let remove = json!({"metadata": {
        "$deleteFromPrimitiveList/finalizers": ["ours"], "$setElementOrder/finalizers": []}});
    patch_status(&api, remove).await;
    assert_eq!(api.get_opt("a").await.unwrap(), None);
}

#[tokio::test]
async fn json_patches_test_and_change() {
    let (_, api) = with_finalizers(&[]).await;
    let operations = |expected: &str| {
        let operations = json!([
            {"op": "test", "path": "/spec/type", "value": expected},
            {"op": "add", "path": "/metadata/annotations", "value": {"x": "y"}}]);
        Patch::<Service>::Json(serde_json::from_value(operations).unwrap())
    };
    let object = api.patch("a", &PatchParams::default(), &operations("LoadBalancer")).await.unwrap();
    assert_eq!(object.metadata.annotations.unwrap()["x"], "y");
    let (code, reason, message) =
        refusal(api.patch("a", &PatchParams::default(), &operations("NodePort")).await);
    assert_eq!((code, reason.as_str()), (422, "Invalid"), "{message}");
}

#[tokio::test]
async fn a_patch_with_an_old_version_conflicts() {
    let (_, api) = with_finalizers(&[]).await;
    let patch = Patch::Merge(json!({"metadata": {"resourceVersion": "1", "labels": {"x": "y"}}}));
    let (code, reason, _) = refusal(api.patch("a", &PatchParams::default(), &patch).await);
    assert_eq!((code, reason.as_str()), (409, "Conflict"));
}

#[tokio::test]
async fn server_side_apply_creates_changes_and_takes_back() {
    let server = ApiServer::new();
    let api = services(&server);
    let apply = |selector: Value| {
        Patch::Apply(json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"},
            "spec": {"selector": selector, "ports": [{"port": 80, "protocol": "TCP"}]}}))
    };
    let params = PatchParams::apply("tests");
    let created = api.patch("a", &params, &apply(json!({"a": "1", "b": "2"}))).await.unwrap();
    assert_eq!(created.spec.unwrap().selector.unwrap().len(), 2);
    let changed = api.patch("a", &params, &apply(json!({"a": "1"}))).await.unwrap();
    assert_eq!(changed.spec.unwrap().selector.unwrap().len(), 1);
    let again = api.patch("a", &params, &apply(json!({"a": "1"}))).await.unwrap();
    assert_eq!(again.metadata.resource_version, changed.metadata.resource_version);
    let other = PatchParams::apply("other");
    let (code, _, message) = refusal(api.patch("a", &other, &apply(json!({"a": "9"}))).await);
    assert_eq!(code, 409);
    assert_eq!(message, "Apply failed with 1 conflict: conflict with \"tests\": .spec.selector.a");
    api.patch("a", &other.force(), &apply(json!({"a": "9"}))).await.unwrap();
}

#[tokio::test]
async fn an_unknown_patch_type_is_refused_with_the_known_ones() {
    let (server, _) = with_finalizers(&[]).await;
    let path = "/api/v1/namespaces/default/services/a";
    let (code, status) =
        answer(&server, ("PATCH", path), &[("content-type", "text/plain")], &json!({})).await;
    assert_eq!(code, 415);
    assert!(
        status["message"].as_str().unwrap().contains("application/strategic-merge-patch+json"),
        "{status}"
    );
}
