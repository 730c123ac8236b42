//! The patches that add and remove our finalizer, and leave everybody else's alone.

use serde_json::{Value, json};

/// The strategic merge patch that appends the finalizer; `None` if it is there (SC-80, SC-83).
pub(crate) fn add(finalizers: &[String], ours: &str) -> Option<Value> {
    if finalizers.iter().any(|name| name == ours) {
        return None;
    }
    let order: Vec<&str> = finalizers.iter().map(String::as_str).chain([ours]).collect();
    Some(json!({"metadata": {"$setElementOrder/finalizers": order, "finalizers": [ours]}}))
}

/// The strategic merge patch that removes the finalizer; `None` if it is absent (SC-81, SC-83).
///
/// A list that becomes empty is not set to null, as the difference of two objects would say: that would
/// take along a finalizer that somebody adds at the same time.
pub(crate) fn remove(finalizers: &[String], ours: &str) -> Option<Value> {
    let rest: Vec<&str> = finalizers.iter().map(String::as_str).filter(|name| *name != ours).collect();
    if rest.len() == finalizers.len() {
        return None;
    }
    let mut metadata = json!({"$deleteFromPrimitiveList/finalizers": [ours]});
    if let (Some(fields), false) = (metadata.as_object_mut(), rest.is_empty()) {
        fields.insert("$setElementOrder/finalizers".to_owned(), json!(rest));
    }
    Some(json!({"metadata": metadata}))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = crate::k8s::FINALIZER;

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn sc_80_sc_81_no_patch_where_nothing_changes() {
        assert_eq!(add(&list(&["foo", OURS]), OURS), None, "b069");
        assert!(add(&[], OURS).is_some(), "b070");
        assert_eq!(remove(&list(&["foo"]), OURS), None, "b071");
        assert!(remove(&list(&[OURS]), OURS).is_some(), "b072");
    }

    #[test]
    fn b152_sc_83_exact_bytes() {
        assert_eq!(
            add(&list(&["foo"]), "bar").unwrap().to_string(),
            r#"{"metadata":{"$setElementOrder/finalizers":["foo","bar"],"finalizers":["bar"]}}"#
        );
        assert_eq!(
            remove(&list(&["a", "bar", "b", "bar"]), "bar").unwrap().to_string(),
            r#"{"metadata":{"$deleteFromPrimitiveList/finalizers":["bar"],"$setElementOrder/finalizers":["a","b"]}}"#
        );
        assert_eq!(
            remove(&list(&["bar"]), "bar").unwrap().to_string(),
            r#"{"metadata":{"$deleteFromPrimitiveList/finalizers":["bar"]}}"#
        );
    }
}
