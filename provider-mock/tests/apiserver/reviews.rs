//! Users with tokens, and reviews of who they are and what they may do.

use http::StatusCode;
use provider_mock::apiserver::{ApiServer, Rights};
use serde_json::{Value, json};

use crate::helpers::answer;

const JSON: (&str, &str) = ("content-type", "application/json");
const TOKENS: &str = "/apis/authentication.k8s.io/v1/tokenreviews";
const ACCESS: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

/// A service account that may list Services in `shop`, and get the paths below `/logs/`.
fn server() -> ApiServer {
    let subjects = json!([{"kind": "ServiceAccount", "namespace": "ns", "name": "me"}]);
    let paths = json!([{"nonResourceURLs": ["/metrics", "/logs/*"], "verbs": ["get"]}]);
    let manifests = [
        json!({"kind": "ClusterRole", "metadata": {"name": "paths"}, "rules": paths}),
        json!({"kind": "Role", "metadata": {"name": "list", "namespace": "shop"}, "rules": [
            {"apiGroups": [""], "resources": ["services", "pods/log"], "verbs": ["list"]},
            {"nonResourceURLs": ["/secret"], "verbs": ["get"]},
        ]}),
        json!({"kind": "ClusterRoleBinding", "roleRef": {"kind": "ClusterRole", "name": "paths"}, "subjects": subjects}),
        json!({"kind": "RoleBinding", "metadata": {"namespace": "shop"}, "roleRef": {"kind": "Role", "name": "list"},
               "subjects": subjects}),
    ];
    let server = ApiServer::new();
    server.admit("open sesame", Rights::of_service_account("ns", "me", &manifests));
    server
}

async fn token_review(server: &ApiServer, token: &str) -> (StatusCode, Value) {
    let body =
        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}});
    answer(server, ("POST", TOKENS), &[JSON], &body).await
}

async fn access_review(server: &ApiServer, spec: Value) -> (StatusCode, Value) {
    let body = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec});
    answer(server, ("POST", ACCESS), &[JSON], &body).await
}

#[tokio::test]
async fn a_token_names_its_user() {
    let server = server();
    let (code, review) = token_review(&server, "open sesame").await;
    assert_eq!((code, &review["kind"]), (StatusCode::CREATED, &json!("TokenReview")));
    let groups = ["system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"];
    let user = json!({"username": "system:serviceaccount:ns:me", "groups": groups});
    assert_eq!(review["status"], json!({"authenticated": true, "user": user}));
    let (code, review) = token_review(&server, "guess").await;
    assert_eq!(code, StatusCode::CREATED);
    assert_eq!(review["status"], json!({"user": {}, "error": "invalid bearer token"}));
    let (code, status) = token_review(&server, "").await;
    assert_eq!((code, &status["reason"]), (StatusCode::BAD_REQUEST, &json!("BadRequest")));
}

#[tokio::test]
async fn a_user_may_what_the_rules_say() {
    let server = server();
    let path = |path: &str, verb: &str| json!({"nonResourceAttributes": {"path": path, "verb": verb}});
    let resource = |resource: &str, part: &str, namespace: &str| json!({"resourceAttributes": {"resource": resource, "subresource": part, "verb": "list", "namespace": namespace}});
    for (mut spec, expected) in [
        (path("/metrics", "get"), true),
        (path("/metrics", "post"), false),
        (path("/metrics/more", "get"), false),
        (path("/logs/today", "get"), true),
        (path("/secret", "get"), false),
        (resource("services", "", "shop"), true),
        (resource("services", "", ""), false),
        (resource("services", "status", "shop"), false),
        (resource("pods", "log", "shop"), true),
        (resource("pods", "", "shop"), false),
    ] {
        spec["user"] = json!("system:serviceaccount:ns:me");
        let (code, review) = access_review(&server, spec.clone()).await;
        assert_eq!((code, &review["status"]), (StatusCode::CREATED, &json!({"allowed": expected})), "{spec}");
        spec["user"] = json!("system:serviceaccount:ns:you");
        assert_eq!(access_review(&server, spec).await.1["status"]["allowed"], false);
    }
    let (code, status) = access_review(&server, json!({})).await;
    assert_eq!(code, StatusCode::UNPROCESSABLE_ENTITY);
    let message = status["message"].as_str().unwrap();
    assert!(message.contains("spec.user") && message.contains("spec.resourceAttributes"), "{message}");
}

#[tokio::test]
async fn reviews_are_asked_and_never_found_again() {
    let server = server();
    let (code, list) = answer(&server, ("GET", "/apis/authentication.k8s.io/v1"), &[], &Value::Null).await;
    assert_eq!((code, &list["resources"][0]["verbs"]), (StatusCode::OK, &json!(["create"])));
    for (method, path) in
        [("GET", TOKENS.to_owned()), ("GET", format!("{ACCESS}/x")), ("DELETE", TOKENS.to_owned())]
    {
        let (code, _) = answer(&server, (method, &path), &[], &Value::Null).await;
        assert_eq!(code, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
    }
}

#[tokio::test]
async fn requests_with_a_token_are_those_of_its_user() {
    let server = server();
    let list = |namespace: &'static str, token: Option<&'static str>| {
        let server = server.clone();
        async move {
            let path = format!("/api/v1/namespaces/{namespace}/services");
            let header = token.map(|token| ("authorization", token));
            answer(&server, ("GET", &path), header.as_slice(), &Value::Null).await.0
        }
    };
    assert_eq!(list("shop", Some("Bearer open sesame")).await, StatusCode::OK);
    assert_eq!(list("default", Some("Bearer open sesame")).await, StatusCode::FORBIDDEN);
    assert_eq!(list("shop", Some("Bearer guess")).await, StatusCode::UNAUTHORIZED);
    assert_eq!(list("default", None).await, StatusCode::OK);
}
