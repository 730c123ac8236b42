//! What the API server does for each kind beyond storing it: defaults, allocation and validation.
//!
//! The rules and their messages are those of `k8s.io/kubernetes` 1.33, `pkg/apis/*/validation` and
//! `pkg/registry/core/*/strategy.go`.

mod endpoints;
mod event;
mod format;
mod meta;
mod namespace;
mod node;
mod pod;
mod service;
mod storage;

use std::fmt::Debug;

use serde_json::Value;

use super::allocate::Allocators;
use super::field::FieldError;
use super::json::{entries, list, text};

/// What the API server does for one kind beyond storing it. `object`s are full JSON objects.
///
/// The order of a create is `default`, `prepare_create`, `validate_create`; of an update `default`,
/// `prepare_update`, `validate_update`; of an update of the status `default`, `validate_status`, with everything but
/// `status` and `metadata` taken from the stored object before. All run under the lock of the store.
pub(crate) trait Strategy: Send + Sync + Debug {
    /// Fills in the defaults of the API.
    fn default(&self, _object: &mut Value) {}

    /// Allocates what the server assigns and clears what a client may not set when it creates an object.
    fn prepare_create(
        &self,
        _object: &mut Value,
        _allocators: &mut Allocators,
    ) -> Result<(), Vec<FieldError>> {
        Ok(())
    }

    /// The same for an update of the stored object `old`; releases what the change releases.
    fn prepare_update(
        &self,
        _object: &mut Value,
        _old: &Value,
        _allocators: &mut Allocators,
    ) -> Result<(), Vec<FieldError>> {
        Ok(())
    }

    /// What is wrong with a new object.
    fn validate_create(&self, object: &Value) -> Vec<FieldError>;

    /// What is wrong with the new state of a stored object.
    fn validate_update(&self, object: &Value, old: &Value) -> Vec<FieldError>;

    /// What is wrong with the new status of a stored object.
    fn validate_status(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        meta::validate_update(object, old)
    }

    /// Gives back what the object held; called after it is removed.
    fn release(&self, _object: &Value, _allocators: &mut Allocators) {}
}

/// The strategy of a kind; kinds without rules of their own get those of metadata.
pub(crate) fn strategy_for(kind: &str) -> &'static dyn Strategy {
    match kind {
        "Service" => &service::ServiceStrategy,
        "Node" => &node::NodeStrategy,
        "Pod" => &pod::PodStrategy,
        "Namespace" => &namespace::NamespaceStrategy,
        "Endpoints" => &endpoints::EndpointsStrategy,
        "EndpointSlice" => &endpoints::EndpointSliceStrategy,
        "Event" => &event::EventStrategy,
        "Secret" => &storage::SecretStrategy,
        "ConfigMap" => &storage::ConfigMapStrategy,
        "Lease" => &storage::LeaseStrategy,
        _ => &Plain,
    }
}

/// The strategy of kinds without rules of their own.
#[derive(Debug)]
struct Plain;

impl Strategy for Plain {
    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        meta::validate(object, meta::NAMESPACED_SUBDOMAIN)
    }

    fn validate_update(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        meta::validate_update(object, old)
    }
}

/// Puts `value` where the object has no value of its own for `key`.
fn set_default(object: &mut Value, key: &str, value: impl Into<Value>) {
    let Some(object) = object.as_object_mut() else { return };
    let unset = match object.get(key) {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(_) => false,
    };
    if unset {
        object.insert(key.to_owned(), value.into());
    }
}

/// The objects in the list at a JSON pointer, for changing them.
fn list_mut<'a>(object: &'a mut Value, pointer: &str) -> impl Iterator<Item = &'a mut Value> + use<'a> {
    object.pointer_mut(pointer).and_then(Value::as_array_mut).into_iter().flatten()
}

/// Takes `key` from the stored object, so that a client cannot change it; drops it where that has none.
fn keep(object: &mut Value, old: &Value, key: &str) {
    let Some(object) = object.as_object_mut() else { return };
    match old.get(key) {
        Some(value) => object.insert(key.to_owned(), value.clone()),
        None => object.remove(key),
    };
}
