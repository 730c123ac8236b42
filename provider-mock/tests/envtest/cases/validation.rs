//! Bodies: what is not known, of the wrong type, of the wrong kind, or no document at all.

use serde_json::{Value, json};

use super::{config, core, service};
use crate::compare::{Scenario, scenario};
use crate::refused;
use crate::step::Step;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![unknown_fields(), wrong_types(), bodies(), media_types()]
}

fn unknown_fields() -> Scenario {
    let mut object = service("web", json!({"types": "NodePort"}));
    object["spec"]["ports"][0]["prot"] = json!(1);
    object["metadata"]["label"] = json!({});
    let step = |validation: &str| {
        Step::post(core(&format!("services?dryRun=All&fieldValidation={validation}")), object.clone())
    };
    let twice = r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "b"}, "data": {"a": "c"}}"#;
    let doubled = |validation: &str| {
        let path = core(&format!("configmaps?dryRun=All&fieldValidation={validation}"));
        Step::other("POST", path, twice).header("content-type", "application/json")
    };
    let steps = vec![
        step("Strict"),
        step("Warn"),
        step("Ignore"),
        step("Perhaps"),
        Step::post(core("services?dryRun=All"), object.clone()),
        doubled("Strict"),
        doubled("Warn"),
    ];
    scenario("unknown-fields", steps)
}

fn wrong_types() -> Scenario {
    let specs = [
        json!({"ports": [{"port": "80"}]}),
        json!({"ports": [{"port": 80.5}]}),
        json!({"ports": {"port": 80}}),
        json!({"ports": [80]}),
        json!({"selector": ["a"]}),
        json!({"selector": {"a": 1}}),
        json!({"type": 1}),
        json!({"publishNotReadyAddresses": "yes"}),
        json!({"ports": [{"port": 80, "targetPort": true}]}),
        json!({"ports": [{"port": 4_294_967_296_i64}]}),
    ];
    let step = |spec: &Value| Step::post(core("services?dryRun=All"), service("web", spec.clone()));
    let mut steps: Vec<Step> = specs.iter().map(step).collect();
    let mut labelled = config("a");
    labelled["metadata"]["labels"] = json!({"a": 1});
    steps.push(Step::post(core("configmaps?dryRun=All"), labelled));
    scenario("wrong-types", steps)
}

fn bodies() -> Scenario {
    let raw =
        |body: &str| Step::other("POST", core("configmaps"), body).header("content-type", "application/json");
    let mut elsewhere = config("a");
    elsewhere["metadata"]["namespace"] = json!("elsewhere");
    let mut old = config("a");
    old["apiVersion"] = json!("v0");
    let steps = vec![
        raw(""),
        raw("{"),
        raw("[]"),
        raw("\"text\""),
        raw("{}"),
        raw(r#"{"kind": "ConfigMap"}"#),
        raw(r#"{"apiVersion": "v1"}"#),
        Step::post(core("configmaps"), service("web", json!({}))),
        Step::post(core("configmaps"), elsewhere),
        Step::post(core("configmaps"), old),
    ];
    scenario("bodies", steps)
}

/// The table of the tests of the embedded API.
fn media_types() -> Scenario {
    let steps = refused::cases().into_iter().map(|(method, path, (name, value), body, ..)| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        Step::other(method, path, &body).header(name, value)
    });
    scenario("media-types", steps.collect())
}
