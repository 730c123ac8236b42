//! Services: defaults, cluster IPs, node ports, type changes and validation.

mod addresses;
mod change;
mod defaults;
mod families;
mod ports;
mod status;
mod validate;
mod validate_addresses;
mod view;

use k8s_openapi::api::core::v1::ServiceSpec;
use serde_json::{Value, json};

use super::{Strategy, meta};
use crate::apiserver::allocate::Allocators;
use crate::apiserver::field::{FieldError, FieldErrorKind, distinct};

/// The strategy of Services.
#[derive(Debug)]
pub(super) struct ServiceStrategy;

impl Strategy for ServiceStrategy {
    fn default(&self, object: &mut Value) {
        // What does not decode is left as it is; decoding has refused it, or validation will.
        let Ok(mut spec) = read(object) else { return };
        defaults::apply(&mut spec);
        status::default_ip_mode(object, &spec);
        write(object, &spec);
    }

    fn prepare_create(&self, object: &mut Value, allocators: &mut Allocators) -> Result<(), Vec<FieldError>> {
        let mut spec = read(object)?;
        addresses::normalize(&mut spec, None);
        families::init(&mut spec, None)?;
        addresses::allocate(&mut spec, allocators)?;
        ports::allocate(&mut spec, allocators)?;
        write(object, &spec);
        clear_status(object);
        Ok(())
    }

    fn prepare_update(
        &self,
        object: &mut Value,
        old: &Value,
        allocators: &mut Allocators,
    ) -> Result<(), Vec<FieldError>> {
        let (mut spec, before) = (read(object)?, read(old)?);
        change::keep_allocated(&mut spec, &before);
        addresses::normalize(&mut spec, Some(&before));
        families::init(&mut spec, Some(&before))?;
        addresses::update(&mut spec, &before, allocators)?;
        ports::update(&mut spec, &before, allocators)?;
        change::drop_dependent(&mut spec, &before);
        write(object, &spec);
        super::keep(object, old, "status");
        if view::kind(&spec) != view::LOAD_BALANCER {
            clear_load_balancer(object);
        }
        Ok(())
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        distinct(validate(object))
    }

    fn validate_update(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        if let (Ok(spec), Ok(before)) = (read(object), read(old)) {
            errors.extend(validate_addresses::validate_update(&spec, &before));
            errors.extend(validate::validate_update(&spec, &before));
        }
        errors.extend(validate(object));
        distinct(errors)
    }

    fn validate_status(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        errors.extend(status::validate(object));
        errors
    }

    fn release(&self, object: &Value, allocators: &mut Allocators) {
        if let Ok(spec) = read(object) {
            addresses::release(&spec, allocators);
            ports::release(&spec, allocators);
        }
    }
}

fn validate(object: &Value) -> Vec<FieldError> {
    let mut errors = meta::validate(object, meta::NAMESPACED_LABEL_1035);
    match read(object) {
        Ok(spec) => errors.extend(validate::validate(object, &spec)),
        Err(unreadable) => errors.extend(unreadable),
    }
    errors
}

fn read(object: &Value) -> Result<ServiceSpec, Vec<FieldError>> {
    let spec = object.get("spec").cloned().unwrap_or_else(|| json!({}));
    serde_json::from_value(spec).map_err(|error| {
        let message = format!("Invalid value: {error}");
        vec![FieldError { kind: FieldErrorKind::TypeInvalid, field: "spec".to_owned(), message }]
    })
}

fn write(object: &mut Value, spec: &ServiceSpec) {
    // Serialising a plain struct to JSON cannot fail.
    if let (Some(object), Ok(spec)) = (object.as_object_mut(), serde_json::to_value(spec)) {
        object.insert("spec".to_owned(), spec);
    }
}

fn clear_status(object: &mut Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert("status".to_owned(), json!({ "loadBalancer": {} }));
    }
}

fn clear_load_balancer(object: &mut Value) {
    if let Some(status) = object.pointer_mut("/status").and_then(Value::as_object_mut) {
        status.insert("loadBalancer".to_owned(), json!({}));
    }
}

#[cfg(test)]
mod tests;
