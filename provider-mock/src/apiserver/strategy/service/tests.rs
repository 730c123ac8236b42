mod change;
mod create;
mod invalid;
mod properties;

use serde_json::{Value, json};

use super::ServiceStrategy;
use crate::apiserver::allocate::Allocators;
use crate::apiserver::field::FieldError;
use crate::apiserver::strategy::Strategy;

/// A Service `s` in `shop` with this spec.
fn service(spec: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "shop"}, "spec": spec})
}

/// What the server makes of a new Service.
fn create(spec: &Value, allocators: &mut Allocators) -> Result<Value, Vec<String>> {
    create_object(service(spec), allocators)
}

fn create_object(mut object: Value, allocators: &mut Allocators) -> Result<Value, Vec<String>> {
    let mut trial = allocators.clone();
    ServiceStrategy.default(&mut object);
    ServiceStrategy.prepare_create(&mut object, &mut trial).map_err(|errors| texts(&errors))?;
    let errors = ServiceStrategy.validate_create(&object);
    if !errors.is_empty() {
        return Err(texts(&errors));
    }
    *allocators = trial;
    object["metadata"]["uid"] = json!("u");
    object["metadata"]["resourceVersion"] = json!("1");
    Ok(object)
}

/// What the server makes of an update of `old` that `edit` describes.
fn update(
    old: &Value,
    allocators: &mut Allocators,
    edit: impl FnOnce(&mut Value),
) -> Result<Value, Vec<String>> {
    let mut object = old.clone();
    edit(&mut object);
    let mut trial = allocators.clone();
    ServiceStrategy.default(&mut object);
    ServiceStrategy.prepare_update(&mut object, old, &mut trial).map_err(|errors| texts(&errors))?;
    let errors = ServiceStrategy.validate_update(&object, old);
    if !errors.is_empty() {
        return Err(texts(&errors));
    }
    *allocators = trial;
    Ok(object)
}

fn texts(errors: &[FieldError]) -> Vec<String> {
    errors.iter().map(ToString::to_string).collect()
}

fn port() -> Value {
    json!([{"port": 80}])
}
