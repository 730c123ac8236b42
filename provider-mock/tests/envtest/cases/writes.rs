//! Creates, updates and deletes, and what they insist on.

use serde_json::{Value, json};

use super::{config, core, service};
use crate::compare::{Scenario, scenario};
use crate::step::{Patch, Step};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![creates(), updates(), dry_runs(), deletes(), finalizers(), leases(), namespaces(), secrets()]
}

fn creates() -> Scenario {
    let generated = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "made-"}});
    let steps = vec![
        Step::post(core("configmaps"), config("a")),
        Step::post(core("configmaps"), config("a")),
        Step::post(core("configmaps"), generated).keep("made", "/metadata/name"),
        Step::get(core("configmaps/$(made)")),
        Step::post("/api/v1/namespaces/nowhere/configmaps", config("a")),
        Step::get(core("configmaps/none")),
        Step::get("/api/v1/namespaces/nowhere/configmaps/a"),
        Step::get("/api/v1/namespaces/nowhere/configmaps"),
        Step::put(core("configmaps/none"), config("none")),
        Step::delete(core("configmaps/none")),
        Step::patch(core("configmaps/none"), Patch::Merge, json!({"data": {}})),
    ];
    scenario("creates", steps)
}

fn updates() -> Scenario {
    let versioned = |version: &str, data: &str| {
        let mut object = config("a");
        object["metadata"]["resourceVersion"] = json!(version);
        object["data"] = json!({"a": data});
        object
    };
    let mut other_uid = service("web", json!({}));
    other_uid["metadata"]["uid"] = json!("257b9655-5137-4ad2-b091-ef3f07043ad3");
    let steps = vec![
        Step::post(core("configmaps"), config("a")).keep("old", "/metadata/resourceVersion"),
        Step::put(core("configmaps/a"), versioned("$(old)", "c")),
        Step::put(core("configmaps/a"), versioned("$(old)", "d")),
        Step::put(core("configmaps/a"), versioned("", "e")),
        Step::put(core("configmaps/b"), config("a")),
        Step::patch(
            core("configmaps/a"),
            Patch::Merge,
            json!({"metadata": {"resourceVersion": "$(old)"}, "data": {"a": "f"}}),
        ),
        Step::patch(core("configmaps/a"), Patch::Merge, json!({"immutable": true})),
        Step::patch(core("configmaps/a"), Patch::Merge, json!({"data": {"a": "g"}})),
        Step::post(core("services"), service("web", json!({}))),
        Step::put(core("services/web"), service("web", json!({"sessionAffinity": "ClientIP"}))),
        Step::put(core("services/web"), other_uid),
        Step::put(core("services/new"), service("new", json!({}))),
    ];
    scenario("updates", steps)
}

fn dry_runs() -> Scenario {
    let steps = vec![
        Step::post(core("services?dryRun=All"), service("web", json!({"type": "LoadBalancer"}))),
        Step::get(core("services/web")),
        Step::post(core("services"), service("web", json!({}))),
        Step::patch(
            core("services/web?dryRun=All"),
            Patch::Merge,
            json!({"spec": {"sessionAffinity": "ClientIP"}}),
        ),
        Step::delete(core("services/web?dryRun=All")),
        Step::get(core("services/web")),
        Step::post(core("services?dryRun=Some"), service("web", json!({}))),
    ];
    scenario("dry-runs", steps)
}

fn deletes() -> Scenario {
    let only_if =
        |conditions: Value| json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": conditions});
    let other = "257b9655-5137-4ad2-b091-ef3f07043ad3";
    let steps = vec![
        Step::post(core("services"), service("web", json!({}))).keep("uid", "/metadata/uid"),
        Step::delete_with(core("services/web"), only_if(json!({"uid": other}))),
        Step::delete_with(core("services/web"), only_if(json!({"resourceVersion": "1"}))),
        Step::delete_with(core("services/web"), only_if(json!({"uid": "$(uid)"}))),
        Step::get(core("services/web")),
        Step::post(core("configmaps"), config("a")),
        Step::delete(core("configmaps/a")),
        Step::post(core("configmaps"), config("b")),
        Step::post(core("configmaps"), config("c")),
        Step::delete(core("configmaps?fieldSelector=metadata.name%3Db")),
        Step::get(core("configmaps")).only("/items", "/metadata/name", &["a", "b", "c"]),
        Step::delete_with(
            core("configmaps/c"),
            json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Sometimes"}),
        ),
        Step::delete_with(
            core("configmaps/c"),
            json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}),
        ),
        Step::delete("/api/v1/namespaces/default"),
    ];
    scenario("deletes", steps)
}

fn finalizers() -> Scenario {
    let mut held = service("web", json!({}));
    held["metadata"]["finalizers"] = json!(["example.com/one", "example.com/two"]);
    let set = |finalizers: Value| {
        Step::patch(core("services/web"), Patch::Merge, json!({"metadata": {"finalizers": finalizers}}))
    };
    let steps = vec![
        Step::post(core("services"), held),
        Step::delete(core("services/web")),
        Step::delete(core("services/web")),
        Step::get(core("services/web")),
        set(json!(["example.com/one", "example.com/three"])),
        set(json!(["example.com/one"])),
        Step::patch(core("services/web"), Patch::Merge, json!({"spec": {"sessionAffinity": "ClientIP"}})),
        set(json!([])),
        Step::get(core("services/web")),
    ];
    scenario("finalizers", steps)
}

fn leases() -> Scenario {
    let path = "/apis/coordination.k8s.io/v1/namespaces/$(ns)/leases";
    let lease = |spec: Value| json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "a"}, "spec": spec});
    let renewed = |holder: &str| {
        json!({"holderIdentity": holder, "leaseDurationSeconds": 15, "leaseTransitions": 0,
               "acquireTime": "2026-01-01T00:00:00.000000Z", "renewTime": "2026-01-01T00:00:01.500000Z"})
    };
    let mut versioned = lease(renewed("b"));
    versioned["metadata"]["resourceVersion"] = json!("$(version)");
    let steps = vec![
        Step::post(path, lease(renewed("a"))).keep("version", "/metadata/resourceVersion"),
        Step::put(format!("{path}/a"), versioned.clone()),
        Step::put(format!("{path}/a"), versioned),
        Step::put(format!("{path}/a"), lease(renewed("c"))),
        Step::post(path, lease(json!({"leaseDurationSeconds": 0, "leaseTransitions": -1}))),
        Step::patch(format!("{path}/a"), Patch::Merge, json!({"spec": {"leaseDurationSeconds": 0}})),
        Step::patch(format!("{path}/a"), Patch::Merge, json!({"spec": {"holderIdentity": ""}})),
        Step::patch(format!("{path}/a"), Patch::Merge, json!({"spec": {"leaseDurationSeconds": "x"}})),
        Step::patch(format!("{path}/a"), Patch::Merge, json!({"spec": {"renewTime": "yesterday"}})),
        Step::get(path),
        Step::get(path).table(),
        Step::delete(format!("{path}/a")),
    ];
    scenario("leases", steps)
}

fn namespaces() -> Scenario {
    let namespace = |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    let steps = vec![
        Step::get("/api/v1/namespaces/$(ns)"),
        Step::get("/api/v1/namespaces/$(ns)").table(),
        Step::post("/api/v1/namespaces", namespace("$(ns)")),
        Step::post("/api/v1/namespaces", namespace("A.b")),
        Step::patch(
            "/api/v1/namespaces/$(ns)",
            Patch::Merge,
            json!({"metadata": {"labels": {"a": "b", "kubernetes.io/metadata.name": null}}}),
        ),
        Step::patch(
            "/api/v1/namespaces/$(ns)",
            Patch::Merge,
            json!({"spec": {"finalizers": []}, "status": {"phase": "Terminating"}}),
        ),
        Step::get("/api/v1/namespaces/none"),
    ];
    scenario("namespaces", steps)
}

fn secrets() -> Scenario {
    let secret = |name: &str, more: Value| {
        let mut secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}});
        super::merge(&mut secret, more);
        Step::post(core("secrets"), secret)
    };
    let steps = vec![
        secret("a", json!({"stringData": {"x": "y"}, "data": {"z": "eg=="}})),
        secret("b", json!({"type": "kubernetes.io/tls", "data": {}})),
        secret("c", json!({"data": {"a b": "eg=="}})),
        secret("d", json!({"data": {"a": "no base64!"}})),
        Step::patch(core("secrets/a"), Patch::Merge, json!({"type": "example.com/other"})),
        Step::patch(core("secrets/a"), Patch::Merge, json!({"immutable": true})),
        Step::patch(core("secrets/a"), Patch::Merge, json!({"immutable": false})),
    ];
    scenario("secrets", steps)
}
