use super::*;
use serde_json::json;

fn texts(errors: &[FieldError]) -> Vec<String> {
    errors.iter().map(ToString::to_string).collect()
}

fn object(metadata: &Value) -> Value {
    json!({ "metadata": metadata })
}

#[test]
fn good_metadata_passes() {
    let object = object(&json!({
        "name": "a", "namespace": "default", "generateName": "a-", "labels": {"app.kubernetes.io/name": "x", "e": ""},
        "annotations": {"Example.com/Key": "any text"}, "finalizers": ["service.kubernetes.io/load-balancer-cleanup"],
        "ownerReferences": [{"apiVersion": "v1", "kind": "Service", "name": "s", "uid": "u", "controller": true}],
    }));
    assert_eq!(validate(&object, NAMESPACED_LABEL_1035), vec![]);
}

#[test]
fn bad_metadata_is_named_field_by_field() {
    let cases = [
        (json!({"namespace": "d"}), vec!["metadata.name: Required value: name or generateName is required"]),
        (json!({"name": "a"}), vec!["metadata.namespace: Required value"]),
        (
            json!({"name": "a", "namespace": "d.e"}),
            vec![r#"metadata.namespace: Invalid value: "d.e": must not contain dots"#],
        ),
        (
            json!({"name": "a", "namespace": "d", "finalizers": ["orphan", "foregroundDeletion"]}),
            vec![
                r#"metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and foregroundDeletion cannot be both set"#,
            ],
        ),
        (
            json!({"name": "a", "namespace": "d", "ownerReferences": [{"kind": "Pod", "name": "p", "uid": "u"}]}),
            vec![r#"metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty"#],
        ),
        (
            json!({"name": "a", "namespace": "d", "annotations": {"k": "v".repeat(ANNOTATIONS_LIMIT)}}),
            vec!["metadata.annotations: Too long: may not be more than 262144 bytes"],
        ),
    ];
    for (metadata, expected) in cases {
        assert_eq!(texts(&validate(&object(&metadata), NAMESPACED_SUBDOMAIN)), expected);
    }
    let cluster = object(&json!({"name": "n", "namespace": "d"}));
    assert_eq!(
        texts(&validate(&cluster, CLUSTER_SUBDOMAIN)),
        ["metadata.namespace: Forbidden: not allowed on this type"]
    );
}

#[test]
fn labels_name_the_key_or_the_value() {
    let errors = validate_labels(&json!({"a": "b c", "-x": "y"}), "spec.selector");
    let texts = texts(&errors);
    assert_eq!(texts.len(), 2);
    assert!(
        texts[0].starts_with(r#"spec.selector: Invalid value: "-x": name part must consist of"#),
        "{texts:?}"
    );
    assert!(
        texts[1].starts_with(r#"spec.selector: Invalid value: "b c": a valid label must be"#),
        "{texts:?}"
    );
}

#[test]
fn an_update_keeps_identity_and_adds_no_finalizer_to_a_dying_object() {
    let old = object(&json!({"name": "a", "namespace": "d", "uid": "1", "resourceVersion": "3",
        "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["x/a"]}));
    let mut new = old.clone();
    assert_eq!(validate_update(&new, &old), vec![]);
    new["metadata"]["finalizers"] = json!(["x/a", "x/b"]);
    new["metadata"]["uid"] = json!("2");
    new["metadata"]["resourceVersion"] = json!("");
    assert_eq!(
        texts(&validate_update(&new, &old)),
        [
            "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found \
             new finalizers []string{\"x/b\"}",
            r#"metadata.resourceVersion: Invalid value: "": must be specified for an update"#,
            r#"metadata.uid: Invalid value: "2": field is immutable"#,
        ]
    );
}
