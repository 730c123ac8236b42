use crate::helpers::{answer, refusal, send, service, service_json, services};
use crate::refused::{self, JSON};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::PostParams;
use kube::{Api, Client};
use provider_mock::apiserver::{ApiServer, Resource};
use serde_json::{Value, json};

#[tokio::test]
async fn create_fills_in_metadata_and_get_returns_it() {
    let server = ApiServer::new();
    let created = services(&server).create(&PostParams::default(), &service("a")).await.unwrap();
    let metadata = &created.metadata;
    assert!(
        metadata.uid.is_some()
            && metadata.creation_timestamp.is_some()
            && metadata.resource_version.is_some()
    );
    assert_eq!((metadata.generation, metadata.namespace.as_deref()), (None, Some("default")));
    assert_eq!(services(&server).get("a").await.unwrap(), created);
}

#[tokio::test]
async fn refusals_say_what_a_real_server_says() {
    let server = ApiServer::new();
    let api = services(&server);
    api.create(&PostParams::default(), &service("a")).await.unwrap();
    let (code, reason, message) = refusal(api.create(&PostParams::default(), &service("a")).await);
    assert_eq!((code, reason.as_str()), (409, "AlreadyExists"));
    assert_eq!(message, "services \"a\" already exists");
    let (code, reason, message) = refusal(api.get("b").await);
    assert_eq!((code, reason.as_str(), message.as_str()), (404, "NotFound", "services \"b\" not found"));
    let elsewhere: kube::Api<k8s_openapi::api::core::v1::Service> =
        kube::Api::namespaced(kube::Client::new(server.clone(), "default"), "nowhere");
    let (code, _, message) = refusal(elsewhere.create(&PostParams::default(), &service("a")).await);
    assert_eq!((code, message.as_str()), (404, "namespaces \"nowhere\" not found"));
}

#[tokio::test]
async fn an_update_of_an_old_version_conflicts() {
    let server = ApiServer::new();
    let api = services(&server);
    let old = api.create(&PostParams::default(), &service("a")).await.unwrap();
    let mut newer = old.clone();
    newer.metadata.labels = Some([("x".to_owned(), "y".to_owned())].into());
    api.replace("a", &PostParams::default(), &newer).await.unwrap();
    let (code, reason, message) = refusal(api.replace("a", &PostParams::default(), &old).await);
    assert_eq!((code, reason.as_str()), (409, "Conflict"));
    assert_eq!(
        message,
        "Operation cannot be fulfilled on services \"a\": the object has been modified; please apply your changes to \
         the latest version and try again"
    );
}

/// Of Services the API server keeps no generation (kubernetes#113961).
#[tokio::test]
async fn generation_counts_changes_of_the_specification_only_and_not_those_of_services() {
    let server = ApiServer::new();
    let api: Api<EndpointSlice> = Api::default_namespaced(Client::new(server.clone(), "default"));
    let slice = json!({"metadata": {"name": "a"}, "addressType": "IPv4", "endpoints": []});
    let params = PostParams::default();
    let mut slice = api.create(&params, &serde_json::from_value(slice).unwrap()).await.unwrap();
    slice.metadata.labels = Some([("x".to_owned(), "y".to_owned())].into());
    let mut slice = api.replace("a", &params, &slice).await.unwrap();
    assert_eq!(slice.metadata.generation, Some(1), "labels are no specification");
    slice.endpoints = vec![serde_json::from_value(json!({"addresses": ["10.0.0.1"]})).unwrap()];
    assert_eq!(api.replace("a", &params, &slice).await.unwrap().metadata.generation, Some(2));

    let services = services(&server);
    let mut object = services.create(&params, &service("a")).await.unwrap();
    object.spec.as_mut().unwrap().session_affinity = Some("ClientIP".to_owned());
    let object = services.replace("a", &params, &object).await.unwrap();
    assert_eq!(object.metadata.generation, None);
    let again = services.replace("a", &params, &object).await.unwrap();
    assert_eq!(again.metadata.resource_version, object.metadata.resource_version, "no change, no version");
}

#[tokio::test]
async fn the_status_subresource_and_the_object_do_not_write_each_other() {
    let server = ApiServer::new();
    let path = "/api/v1/namespaces/default/services/a";
    answer(&server, ("POST", "/api/v1/namespaces/default/services"), &[JSON], &service_json("a")).await;
    let mut object = server.get(Resource::Services, "default", "a").unwrap();
    object["status"] = json!({"loadBalancer": {"ingress": [{"ip": "10.1.1.1"}]}});
    object["spec"]["selector"] = json!({"app": "other"});
    let (code, after_status) = answer(&server, ("PUT", &format!("{path}/status")), &[JSON], &object).await;
    assert_eq!(code, 200, "{after_status}");
    assert_eq!(after_status["status"]["loadBalancer"]["ingress"][0]["ip"], "10.1.1.1");
    assert_eq!(after_status["spec"]["selector"], json!({"app": "a"}));
    object["metadata"]["resourceVersion"] = after_status["metadata"]["resourceVersion"].clone();
    object["status"] = json!({});
    let (_, after_spec) = answer(&server, ("PUT", path), &[JSON], &object).await;
    assert_eq!(after_spec["spec"]["selector"], json!({"app": "other"}));
    assert_eq!(after_spec["status"]["loadBalancer"]["ingress"][0]["ip"], "10.1.1.1");
}

#[tokio::test]
async fn dry_runs_check_everything_and_keep_nothing() {
    let server = ApiServer::new();
    let before = *server.changes().borrow();
    let path = "/api/v1/namespaces/default/services?dryRun=All";
    let (code, object) = answer(&server, ("POST", path), &[JSON], &service_json("a")).await;
    assert_eq!((code.as_u16(), object["metadata"]["name"].as_str()), (201, Some("a")));
    assert_eq!(server.get(Resource::Services, "default", "a"), None);
    assert_eq!(*server.changes().borrow(), before);
}

#[tokio::test]
async fn generated_names_differ() {
    let server = ApiServer::new();
    let object = json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"generateName": "x-"}});
    let mut names = Vec::new();
    for _ in 0..3 {
        let created = server.create(Resource::ConfigMaps, object.clone()).unwrap();
        names.push(created["metadata"]["name"].as_str().unwrap().to_owned());
    }
    names.dedup();
    assert_eq!(names.len(), 3);
    assert!(names.iter().all(|name| name.len() == 7 && name.starts_with("x-")), "{names:?}");
}

#[tokio::test]
async fn media_types_methods_and_kinds_that_do_not_fit_are_refused() {
    let server = ApiServer::new();
    for (method, path, header, body, code, reason) in refused::cases() {
        let (found, status) = answer(&server, (method, path), &[header], &body).await;
        assert_eq!(
            (found.as_u16(), status["reason"].as_str()),
            (code, Some(reason)),
            "{method} {path}: {status}"
        );
        assert_eq!((status["kind"].as_str(), status["code"].as_u64()), (Some("Status"), Some(code.into())));
    }
}

#[tokio::test]
async fn unknown_fields_are_refused_warned_of_or_ignored() {
    let server = ApiServer::new();
    let mut object = service_json("a");
    object["spec"]["types"] = json!("NodePort");
    let path = |validation: &str| {
        format!("/api/v1/namespaces/default/services?dryRun=All&fieldValidation={validation}")
    };
    let (code, status) = answer(&server, ("POST", &path("Strict")), &[JSON], &object).await;
    assert_eq!(code, 400);
    assert_eq!(
        status["message"],
        "Service in version \"v1\" cannot be handled as a Service: strict decoding error: unknown field \"spec.types\""
    );
    let warned = send(&server, ("POST", &path("Warn")), &[JSON], &object).await;
    assert_eq!(warned.status(), 201);
    assert_eq!(warned.headers()["warning"], "299 - \"unknown field \\\"spec.types\\\"\"");
    let ignored = send(&server, ("POST", &path("Ignore")), &[JSON], &object).await;
    assert!(ignored.status() == 201 && !ignored.headers().contains_key("warning"));
}

#[tokio::test]
async fn events_are_the_same_objects_in_both_versions() {
    let server = ApiServer::new();
    let event = json!({
        "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "e", "namespace": "default"},
        "eventTime": "2026-01-01T00:00:00.000000Z", "reportingController": "cloud-lb", "reportingInstance": "x",
        "action": "Sync", "reason": "Synced", "type": "Normal", "note": "done",
        "regarding": {"kind": "Service", "name": "a", "namespace": "default"}});
    let path = "/apis/events.k8s.io/v1/namespaces/default/events";
    let (code, created) = answer(&server, ("POST", path), &[JSON], &event).await;
    assert_eq!((code.as_u16(), created["note"].as_str()), (201, Some("done")), "{created}");
    let selected = "/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3Da,reason%3DSynced";
    let (_, list) = answer(&server, ("GET", selected), &[], &Value::Null).await;
    assert_eq!(list["items"][0]["message"], "done");
    assert_eq!(list["items"][0]["reportingComponent"], "cloud-lb");
}

#[tokio::test]
async fn what_the_server_itself_cannot_allocate_is_its_own_failure() {
    let server = ApiServer::new();
    let api = services(&server);
    let local = |name: &str| {
        let mut service = service(name);
        let spec = service.spec.as_mut().unwrap();
        spec.external_traffic_policy = Some("Local".to_owned());
        spec.health_check_node_port = Some(32_000);
        service
    };
    api.create(&PostParams::default(), &local("a")).await.unwrap();
    let (code, reason, message) = refusal(api.create(&PostParams::default(), &local("b")).await);
    assert_eq!((code, reason.as_str()), (500, "InternalError"));
    assert!(message.starts_with("Internal error occurred: "), "{message}");
    assert!(message.contains("provided port is already allocated"), "{message}");
}
