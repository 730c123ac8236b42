//! The four kinds of patches.

use serde_json::{Value, json};

use super::{config, core, service};
use crate::compare::{Scenario, scenario};
use crate::step::{Patch, Step};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![json_patches(), merge_patches(), strategic_patches(), applies(), media_types()]
}

fn web() -> Step {
    let ports = json!([{"name": "a", "port": 80}, {"name": "b", "port": 81}]);
    Step::post(core("services"), service("web", json!({"ports": ports})))
}

fn patch(kind: Patch, body: Value) -> Step {
    Step::patch(core("services/web"), kind, body)
}

fn json_patches() -> Scenario {
    let operation = |op: &str, path: &str, value: Value| json!({"op": op, "path": path, "value": value});
    let steps = vec![
        web(),
        patch(Patch::Json, json!([operation("replace", "/spec/ports/1/port", json!(82))])),
        patch(
            Patch::Json,
            json!([
                operation("add", "/metadata/labels", json!({"a": "b"})),
                operation("test", "/metadata/labels/a", json!("b"))
            ]),
        ),
        patch(Patch::Json, json!([operation("test", "/metadata/labels/a", json!("c"))])),
        patch(Patch::Json, json!([{"op": "remove", "path": "/metadata/nothing"}])),
        patch(Patch::Json, json!([operation("replace", "/spec/nothing/more", json!(1))])),
        patch(Patch::Json, json!([operation("turn", "/spec", json!(1))])),
        patch(Patch::Json, json!({"spec": {}})),
        patch(Patch::Json, json!([operation("replace", "/spec/ports/0/port", json!("x"))])),
        patch(Patch::Json, json!([operation("replace", "/spec/ports/0/port", json!(0))])),
        patch(Patch::Json, json!([])),
    ];
    scenario("json-patches", steps)
}

fn merge_patches() -> Scenario {
    let steps = vec![
        web(),
        patch(Patch::Merge, json!({"spec": {"ports": [{"name": "c", "port": 83}]}})),
        patch(Patch::Merge, json!({"spec": {"selector": null}})),
        patch(Patch::Merge, json!({"spec": {"ports": "none"}})),
        patch(Patch::Merge, json!({"spec": {"ports": [{"port": 0}]}})),
        patch(Patch::Merge, json!({"spec": {"unknown": 1}})),
        Step::patch(
            core("services/web?fieldValidation=Strict"),
            Patch::Merge,
            json!({"spec": {"unknown": 1}}),
        ),
        patch(Patch::Merge, json!([1])),
        patch(Patch::Merge, json!({})),
    ];
    scenario("merge-patches", steps)
}

fn strategic_patches() -> Scenario {
    let steps = vec![
        web(),
        patch(Patch::Strategic, json!({"spec": {"ports": [{"port": 80, "targetPort": 8080}]}})),
        patch(Patch::Strategic, json!({"spec": {"ports": [{"name": "c", "port": 83}]}})),
        patch(Patch::Strategic, json!({"spec": {"ports": [{"$patch": "delete", "port": 81}]}})),
        patch(Patch::Strategic, json!({"spec": {"$setElementOrder/ports": [{"port": 83}, {"port": 80}]}})),
        patch(
            Patch::Strategic,
            json!({"spec": {"ports": [{"$patch": "replace"}, {"name": "z", "port": 90}]}}),
        ),
        patch(Patch::Strategic, json!({"spec": {"selector": {"$patch": "replace", "x": "y"}}})),
        patch(Patch::Strategic, json!({"metadata": {"finalizers": ["example.com/a"]}})),
        patch(Patch::Strategic, json!({"metadata": {"finalizers": ["example.com/b"]}})),
        patch(
            Patch::Strategic,
            json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["example.com/a"]}}),
        ),
        patch(Patch::Strategic, json!({"spec": {"ports": [{"targetPort": 1}]}})),
        patch(Patch::Strategic, json!({"spec": {"ports": [{"$patch": "turn", "port": 90}]}})),
        patch(Patch::Strategic, json!({"metadata": {"finalizers": null}})),
    ];
    scenario("strategic-patches", steps)
}

fn applies() -> Scenario {
    let apply = |manager: &str, query: &str, body: Value| {
        Step::patch(core(&format!("services/web?fieldManager={manager}{query}")), Patch::Apply, body)
    };
    let with_port = |port: u16| service("web", json!({"ports": [{"name": "a", "port": port}]}));
    let labelled = |value: &str| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "labels": {"a": value}}});
    let status = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
                        "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}});
    let mut managed = labelled("x");
    managed["metadata"]["managedFields"] = json!([{"manager": "one"}]);
    let steps = vec![
        apply("one", "", with_port(80)),
        apply("one", "", with_port(80)),
        apply("two", "", labelled("b")),
        apply("three", "", labelled("c")),
        apply("three", "&force=true", labelled("c")),
        apply("one", "", with_port(81)),
        apply("", "", with_port(80)),
        apply("four", "", json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "other"}})),
        apply("four", "", json!({"metadata": {"name": "web"}})),
        apply("four", "", managed),
        Step::patch(core("services/web/status?fieldManager=five"), Patch::Apply, status),
        Step::patch(core("services/none/status?fieldManager=five"), Patch::Apply, labelled("d")),
        Step::patch(core("services/web?fieldManager=five&force=true"), Patch::Merge, json!({})),
        Step::get(core("services/web")),
    ];
    scenario("applies", steps)
}

fn media_types() -> Scenario {
    let raw = |kind: &str, body: &str| {
        Step::other("PATCH", core("configmaps/a"), body).header("content-type", kind)
    };
    let steps = vec![
        Step::post(core("configmaps"), config("a")),
        raw("application/json", "{}"),
        raw("text/plain", "{}"),
        raw("application/merge-patch+json", "{"),
        raw("application/json-patch+json", "{"),
        raw("application/strategic-merge-patch+json", "{"),
        raw("application/apply-patch+yaml", "{}"),
    ];
    scenario("patch-media-types", steps)
}
