//! The controller against the embedded API with exactly the rights of `deploy/rbac.yaml`: they are enough,
//! and none of them can be spared.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper that fails fails its test")]

#[path = "controller/cloud.rs"]
#[expect(dead_code, reason = "shared with the tests of the controller, which use the rest")]
mod cloud;
#[path = "controller/cluster.rs"]
#[expect(dead_code, reason = "shared with the tests of the controller, which use the rest")]
mod cluster;
#[path = "support/envtest/mod.rs"]
#[expect(dead_code, unused_imports, reason = "shared with the tests of the controller, which use the rest")]
mod envtest;
#[path = "rbac/life.rs"]
mod life;
#[path = "controller/remote.rs"]
#[expect(dead_code, reason = "shared with the tests of the controller, which use the rest")]
mod remote;
#[path = "controller/world.rs"]
#[expect(dead_code, reason = "shared with the tests of the controller, which use the rest")]
mod world;

use std::collections::BTreeSet;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Node, Service};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, Client};
use provider_mock::apiserver::{ApiServer, Resource, Right, Rights};
use serde_json::{Value, json};

use life::live;

/// The rights that the manifests give the controller's service account.
fn rights() -> Rights {
    let manifests: Vec<Value> = serde_saphyr::from_multiple(include_str!("../../deploy/rbac.yaml")).unwrap();
    Rights::of_service_account("kube-system", "cloud-lb", &manifests)
}

/// The rights of the server of `/metrics`, which is part of the binary: `tests/cli/access.rs` runs that with them.
fn is_review(right: &Right) -> bool {
    right.verb == "create" && ["tokenreviews", "subjectaccessreviews"].contains(&right.resource.as_str())
}

/// The rights of the controller and its leader election.
fn needed() -> BTreeSet<Right> {
    rights().granted().iter().filter(|right| !is_review(right)).cloned().collect()
}

fn told(rights: impl IntoIterator<Item = Right>) -> Vec<String> {
    rights.into_iter().map(|right| right.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn the_rights_of_the_manifests_are_enough_and_all_are_used() {
    let rights = rights();
    let world = live(&rights).await.unwrap();
    assert!(rights.denied().is_empty(), "{:#?}", rights.denied());
    assert_eq!(told(rights.used()), told(needed()));
    assert_eq!(rights.granted().len(), needed().len() + 2, "and the two reviews");

    let reasons: BTreeSet<String> = world.reasons().into_iter().collect();
    let expected = [
        "DeletedLoadBalancer",
        "DeletingLoadBalancer",
        "EnsuredLoadBalancer",
        "EnsuringLoadBalancer",
        "OrphanedLoadBalancer",
        "RepairedLoadBalancer",
        "UpdatedLoadBalancer",
    ];
    assert_eq!(reasons.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    assert_eq!((world.cloud.existing(), world.exists("web")), (0, false));
    assert_eq!(world::finalizers(&world, "api"), Vec::<String>::new());
    let lease = world.api.get(Resource::Leases, "kube-system", "cloud-lb").unwrap();
    assert_eq!(lease["spec"]["holderIdentity"], "", "given back");
}

#[tokio::test(start_paused = true)]
async fn without_any_single_right_something_is_refused() {
    for right in needed() {
        let less = rights().without(&right);
        // How much of the life is left, is not what this is about.
        let _ = live(&less).await;
        let (Right { group, resource, verb, .. }, denied) = (&right, less.denied());
        let words = format!("cannot {verb} resource {resource:?} in API group {group:?}");
        assert!(!denied.is_empty(), "nobody missed: {right}");
        assert!(denied.keys().all(|message| message.contains(&words)), "without {right}: {denied:#?}");
    }
}

/// The code and message of a refusal.
fn refusal<T: std::fmt::Debug>(result: kube::Result<T>) -> (u16, String) {
    match result.unwrap_err() {
        kube::Error::Api(status) => (status.code, status.message.clone()),
        other => panic!("no answer of the API server: {other}"),
    }
}

fn forbidden(rest: &str) -> (u16, String) {
    let user = "User \"system:serviceaccount:kube-system:cloud-lb\"";
    (403, rest.replace("USER", user))
}

#[tokio::test]
async fn refusals_have_the_words_of_kubernetes() {
    let (api, rights) = (ApiServer::new(), rights());
    let restricted = api.restricted_to(rights.clone());
    let client = Client::new(restricted.clone(), "default");
    let services = Api::<Service>::namespaced(client.clone(), "default");
    let leases = |namespace: &str| Api::<Lease>::namespaced(client.clone(), namespace);
    let nodes = Api::<Node>::all(client.clone());
    assert_eq!(
        refusal(services.get("web").await),
        forbidden(
            "services \"web\" is forbidden: USER cannot get resource \"services\" in API group \"\" in the namespace \"default\""
        )
    );
    assert_eq!(
        refusal(nodes.delete_collection(&DeleteParams::default(), &ListParams::default()).await),
        forbidden(
            "nodes is forbidden: USER cannot deletecollection resource \"nodes\" in API group \"\" at the cluster scope"
        )
    );
    assert_eq!(
        refusal(services.get_status("web").await),
        forbidden(
            "services \"web\" is forbidden: USER cannot get resource \"services/status\" in API group \"\" in the namespace \"default\""
        )
    );
    let elsewhere = "leases.coordination.k8s.io is forbidden: USER cannot create resource \"leases\" in API group \"coordination.k8s.io\" in the namespace \"default\"";
    let created = leases("default").create(&PostParams::default(), &Lease::default()).await;
    assert_eq!(refusal(created), forbidden(elsewhere));
    let other = "leases.coordination.k8s.io \"other\" is forbidden: USER cannot get resource \"leases\" in API group \"coordination.k8s.io\" in the namespace \"kube-system\"";
    assert_eq!(refusal(leases("kube-system").get("other").await), forbidden(other));
    assert_eq!(rights.denied().values().sum::<u64>(), 5);
    assert_eq!(refusal(leases("kube-system").get("cloud-lb").await).0, 404, "allowed, but not there");
    assert!(services.list(&ListParams::default()).await.unwrap().items.is_empty());
    assert!(client.apiserver_version().await.is_ok(), "whoever is known may ask for the version");
    let unrestricted = Api::<Node>::all(Client::new(api, "default"));
    assert!(unrestricted.delete_collection(&DeleteParams::default(), &ListParams::default()).await.is_ok());
}

#[tokio::test]
async fn names_namespaces_and_wildcards_of_rules_hold() {
    let subjects = json!([{"kind": "ServiceAccount", "namespace": "ns", "name": "me"}]);
    let manifests = [
        json!({"kind": "ClusterRole", "metadata": {"name": "r"}, "rules": [
            {"apiGroups": ["*"], "resources": ["*/status"], "verbs": ["*"]},
            {"apiGroups": [""], "resources": ["nodes"], "resourceNames": ["n1"], "verbs": ["list"]},
        ]}),
        // Of the same name, but of another namespace and bound by nobody.
        json!({"kind": "Role", "metadata": {"name": "r", "namespace": "other"}, "rules": [
            {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
        ]}),
        json!({"kind": "Role", "metadata": {"name": "r", "namespace": "default"}, "rules": [
            {"apiGroups": [""], "resources": ["services"], "verbs": ["list"]},
        ]}),
        json!({"kind": "ClusterRoleBinding", "roleRef": {"kind": "ClusterRole", "name": "r"}, "subjects": subjects}),
        json!({"kind": "RoleBinding", "metadata": {"namespace": "default"}, "subjects": subjects,
               "roleRef": {"kind": "Role", "name": "r"}}),
        json!({"kind": "RoleBinding", "metadata": {"namespace": "default"}, "subjects": subjects,
               "roleRef": {"kind": "Role", "name": "missing"}}),
    ];
    let rights = Rights::of_service_account("ns", "me", &manifests);
    assert_eq!(told(rights.granted().clone()), ["list nodes n1", "list services in default", "* */status.*"]);
    assert!(Rights::of_service_account("ns", "you", &manifests).granted().is_empty());

    let client = Client::new(ApiServer::new().restricted_to(rights), "default");
    let (all, named) = (ListParams::default(), ListParams::default().fields("metadata.name=n1"));
    let nodes = Api::<Node>::all(client.clone());
    assert_eq!(refusal(nodes.list(&all).await).0, 403);
    assert!(nodes.list(&named).await.is_ok());
    assert_eq!(refusal(nodes.get_status("n2").await).0, 404, "allowed, but not there");
    assert!(Api::<Service>::namespaced(client.clone(), "default").list(&all).await.is_ok());
    assert_eq!(refusal(Api::<Service>::namespaced(client.clone(), "other").list(&all).await).0, 403);
    assert_eq!(refusal(Api::<Service>::all(client).list(&all).await).0, 403);
}
