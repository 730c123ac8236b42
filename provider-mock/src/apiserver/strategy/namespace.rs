//! Namespaces.

use serde_json::{Value, json};

use super::{Strategy, keep, list, meta, text};
use crate::apiserver::allocate::Allocators;
use crate::apiserver::field::FieldError;

/// The label that each namespace carries.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// The strategy of Namespaces.
#[derive(Debug)]
pub(super) struct NamespaceStrategy;

impl Strategy for NamespaceStrategy {
    fn default(&self, object: &mut Value) {
        let name = text(object, "/metadata/name").to_owned();
        if let (false, Some(metadata)) = (name.is_empty(), object.pointer_mut("/metadata")) {
            super::set_default(metadata, "labels", json!({}));
            if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
                labels.insert(NAME_LABEL.to_owned(), name.into());
            }
        }
        super::set_default(object, "status", json!({}));
        if let Some(status) = object.get_mut("status") {
            super::set_default(status, "phase", "Active");
        }
    }

    fn prepare_create(&self, object: &mut Value, _: &mut Allocators) -> Result<(), Vec<FieldError>> {
        super::set_default(object, "spec", json!({}));
        if let Some(object) = object.as_object_mut() {
            object.insert("status".to_owned(), json!({"phase": "Active"}));
        }
        if let Some(spec) = object.get_mut("spec") {
            super::set_default(spec, "finalizers", json!(["kubernetes"]));
        }
        Ok(())
    }

    fn prepare_update(
        &self,
        object: &mut Value,
        old: &Value,
        _: &mut Allocators,
    ) -> Result<(), Vec<FieldError>> {
        keep(object, old, "spec");
        keep(object, old, "status");
        Ok(())
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate(object, meta::CLUSTER_LABEL);
        for name in list(object, "/spec/finalizers").iter().filter_map(Value::as_str) {
            if !name.contains('/') && name != "kubernetes" {
                let detail = "name is neither a standard finalizer name nor is it fully qualified";
                errors.push(FieldError::invalid("spec.finalizers", name, detail));
            }
        }
        errors
    }

    fn validate_update(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        meta::validate_update(object, old)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_gets_its_label_its_finalizer_and_its_phase() {
        let mut namespace = json!({"metadata": {"name": "shop", "labels": {"a": "b"}}});
        NamespaceStrategy.default(&mut namespace);
        NamespaceStrategy.prepare_create(&mut namespace, &mut Allocators::default()).unwrap();
        assert_eq!(
            namespace,
            json!({
                "metadata": {"name": "shop", "labels": {"a": "b", NAME_LABEL: "shop"}},
                "spec": {"finalizers": ["kubernetes"]},
                "status": {"phase": "Active"},
            })
        );
        assert_eq!(NamespaceStrategy.validate_create(&namespace), vec![]);
    }

    #[test]
    fn names_are_labels() {
        let errors = NamespaceStrategy.validate_create(&json!({"metadata": {"name": "a.b"}}));
        assert_eq!(errors[0].to_string(), r#"metadata.name: Invalid value: "a.b": must not contain dots"#);
    }
}
