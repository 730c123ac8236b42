use crate::helpers::{answer, refusal, service, services};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use provider_mock::apiserver::{ApiServer, Resource};
use serde_json::{Value, json};

#[tokio::test]
async fn finalizers_hold_a_deleted_object_until_the_last_is_gone() {
    let server = ApiServer::new();
    let api = services(&server);
    let mut object = service("a");
    object.metadata.finalizers = Some(vec!["one".to_owned(), "two".to_owned()]);
    api.create(&PostParams::default(), &object).await.unwrap();
    let pending = api.delete("a", &DeleteParams::default()).await.unwrap().left().unwrap();
    assert!(pending.metadata.deletion_timestamp.is_some());
    api.delete("a", &DeleteParams::default()).await.unwrap();
    let add = Patch::Merge(json!({"metadata": {"finalizers": ["one", "two", "three"]}}));
    let (code, _, message) = refusal(api.patch("a", &PatchParams::default(), &add).await);
    assert_eq!(code, 422);
    assert!(message.contains("no new finalizers can be added if the object is being deleted"), "{message}");
    for rest in [vec!["two"], vec![]] {
        let patch = Patch::Merge(json!({"metadata": {"finalizers": rest}}));
        assert!(api.get_opt("a").await.unwrap().is_some());
        api.patch("a", &PatchParams::default(), &patch).await.unwrap();
    }
    assert_eq!(api.get_opt("a").await.unwrap(), None);
}

#[tokio::test]
async fn preconditions_protect_another_object_of_the_same_name() {
    let server = ApiServer::new();
    let api = services(&server);
    let object = api.create(&PostParams::default(), &service("a")).await.unwrap();
    let only = |uid: &str| {
        let preconditions = Preconditions { uid: Some(uid.to_owned()), resource_version: None };
        DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() }
    };
    let (code, reason, message) = refusal(api.delete("a", &only("another")).await);
    assert_eq!((code, reason.as_str()), (409, "Conflict"));
    assert!(
        message.contains("the UID in the precondition (another) does not match the UID in record"),
        "{message}"
    );
    api.delete("a", &only(object.metadata.uid.as_deref().unwrap())).await.unwrap();
    assert_eq!(api.get_opt("a").await.unwrap(), None);
}

#[tokio::test]
async fn a_namespace_takes_its_content_along_and_waits_for_finalizers() {
    let server = ApiServer::new();
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}});
    server.create(Resource::Namespaces, namespace).unwrap();
    let config = |name: &str, finalizers: Value| {
        let metadata = json!({"name": name, "namespace": "n", "finalizers": finalizers});
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    };
    server.create(Resource::ConfigMaps, config("free", json!([]))).unwrap();
    server.create(Resource::ConfigMaps, config("held", json!(["x"]))).unwrap();
    server.delete(Resource::Namespaces, "", "n").unwrap();
    assert_eq!(server.get(Resource::ConfigMaps, "n", "free"), None);
    let namespace = server.get(Resource::Namespaces, "", "n").unwrap();
    assert_eq!(namespace["status"]["phase"], "Terminating");
    let refused = server.create(Resource::ConfigMaps, config("late", json!([]))).unwrap_err();
    assert_eq!(refused.code(), 403);
    assert!(refused.to_string().contains("because it is being terminated"), "{refused}");
    server.update(Resource::ConfigMaps, config("held", json!([]))).unwrap();
    assert_eq!(server.get(Resource::Namespaces, "", "n"), None);
    assert_eq!(server.delete(Resource::Namespaces, "", "default").unwrap_err().code(), 403);
}

#[tokio::test]
async fn what_an_object_owned_goes_with_it() {
    let server = ApiServer::new();
    let owner = services(&server).create(&PostParams::default(), &service("a")).await.unwrap();
    let uid = owner.metadata.uid.unwrap();
    let reference = json!([{"apiVersion": "v1", "kind": "Service", "name": "a", "uid": uid}]);
    let dependent = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owned", "ownerReferences": reference}});
    server.create(Resource::ConfigMaps, dependent).unwrap();
    server.delete(Resource::Services, "default", "a").unwrap();
    assert_eq!(server.get(Resource::ConfigMaps, "default", "owned"), None);
}

#[tokio::test]
async fn a_collection_is_deleted_by_selector() {
    let server = ApiServer::new();
    for name in ["a", "b"] {
        services(&server).create(&PostParams::default(), &service(name)).await.unwrap();
    }
    let path = "/api/v1/namespaces/default/services?labelSelector=app%3Da";
    let (code, list) = answer(&server, ("DELETE", path), &[], &Value::Null).await;
    assert_eq!((code.as_u16(), list["items"].as_array().unwrap().len()), (200, 1));
    let left = server.list(Resource::Services);
    assert_eq!((left.len(), left[0]["metadata"]["name"].as_str()), (1, Some("b")));
}

#[tokio::test]
async fn a_dry_run_in_the_body_deletes_nothing() {
    let server = ApiServer::new();
    services(&server).create(&PostParams::default(), &service("a")).await.unwrap();
    services(&server).delete("a", &DeleteParams::default().dry_run()).await.unwrap();
    assert!(server.get(Resource::Services, "default", "a").is_some());
}
