//! Strategies (local stand-in).
use super::allocate::Allocators;
use super::field::FieldError;
use serde_json::Value;

pub(crate) trait Strategy: Send + Sync + std::fmt::Debug {
    fn default(&self, _object: &mut Value) {}
    fn prepare_create(
        &self,
        _object: &mut Value,
        _allocators: &mut Allocators,
    ) -> Result<(), Vec<FieldError>> {
        Ok(())
    }
    fn prepare_update(
        &self,
        _object: &mut Value,
        _old: &Value,
        _allocators: &mut Allocators,
    ) -> Result<(), Vec<FieldError>> {
        Ok(())
    }
    fn validate_create(&self, _object: &Value) -> Vec<FieldError> {
        vec![]
    }
    fn validate_update(&self, _object: &Value, _old: &Value) -> Vec<FieldError> {
        vec![]
    }
    fn validate_status(&self, _object: &Value, _old: &Value) -> Vec<FieldError> {
        vec![]
    }
    fn release(&self, _object: &Value, _allocators: &mut Allocators) {}
}

#[derive(Debug)]
struct Plain;
impl Strategy for Plain {}

pub(crate) fn strategy_for(_kind: &str) -> &'static dyn Strategy {
    &Plain
}
