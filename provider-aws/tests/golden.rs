//! Golden files: each holds one case of the specification, as a Service with variants, and its snapshot
//! the desired resources (or the error that the user sees) and warnings of each variant.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

#[path = "support/case.rs"]
mod case;

use std::path::Path;

use case::{Case, Variant};
use provider_aws::{build, check_deletion, takes, warnings};
use serde_json::{Map, Value, json};

fn outcome(case: &Case, variant: &Variant) -> Value {
    let (config, account) = (variant.config(), variant.account());
    config.validate().unwrap_or_else(|error| assert!(config.cluster_name.is_empty(), "{error}"));
    let lb = variant.service(&config.cluster_name);
    if variant.deleted {
        let refusal = check_deletion(&lb.service, &lb.annotations).err().map(|error| error.to_string());
        return json!({ "taken": takes(&lb, &config), "deletion refused": refusal });
    }
    let mut outcome = Map::new();
    match build(&lb, &account, &config) {
        Ok(graph) => {
            let order = graph.order().unwrap();
            let all = order.iter().filter(|key| case.show.is_empty() || case.show.contains_key(key.kind));
            for key in all {
                let spec = serde_json::to_value(&graph.get(key).unwrap().spec).unwrap();
                outcome.insert(key.to_string(), shown(spec, case.show.get(key.kind)));
            }
        }
        Err(error) => _ = outcome.insert("error".to_owned(), json!(error.to_string())),
    }
    let warnings: Vec<String> =
        warnings(&lb, &account, &config).iter().map(|w| format!("{}: {}", w.reason, w.message)).collect();
    if !warnings.is_empty() {
        outcome.insert("warnings".to_owned(), json!(warnings));
    }
    Value::Object(outcome)
}

fn shown(spec: Value, fields: Option<&Vec<String>>) -> Value {
    match (spec, fields) {
        (Value::Object(mut spec), Some(fields)) if !fields.is_empty() => {
            spec.retain(|field, _| fields.contains(field));
            Value::Object(spec)
        }
        (spec, _) => spec,
    }
}

fn golden(path: &Path) -> String {
    let case = Case::read(path);
    let outcomes = case.variants.iter().map(|(name, variant)| {
        let outcome = outcome(&case, &variant.clone().on(&case.base));
        format!("## {name}\n{}\n", serde_saphyr::to_string(&outcome).unwrap())
    });
    outcomes.collect()
}

#[test]
fn services_become_resources() {
    insta::glob!("golden/*.yaml", |path| insta::assert_snapshot!(golden(path)));
}
