use super::*;
use proptest::prelude::*;
use serde_json::json;

fn merged(object: &Value, patch: &Value, resource: Resource) -> Value {
    let mut object = object.clone();
    merge(&mut object, patch, resource).unwrap();
    object
}

#[test]
fn sc83_add_finalizer_keeps_foreign_ones() {
    let object = json!({"metadata": {"finalizers": ["foo", "late"]}});
    let patch = json!({"metadata": {"$setElementOrder/finalizers": ["foo", "ours"], "finalizers": ["ours"]}});
    let result = merged(&object, &patch, Resource::Services);
    assert_eq!(result, json!({"metadata": {"finalizers": ["foo", "ours", "late"]}}));
}

#[test]
fn sc83_remove_finalizer_keeps_foreign_ones() {
    let object = json!({"metadata": {"finalizers": ["foo", "ours", "late"]}});
    let patch = json!({"metadata": {
        "$deleteFromPrimitiveList/finalizers": ["ours"], "$setElementOrder/finalizers": ["foo"]}});
    let result = merged(&object, &patch, Resource::Services);
    assert_eq!(result, json!({"metadata": {"finalizers": ["foo", "late"]}}));
}

#[test]
fn sc83_ingress_is_replaced_whole() {
    let object = json!({"status": {"loadBalancer": {"ingress": [{"ip": "1.1.1.1"}, {"ip": "2.2.2.2"}]}}});
    let patch = json!({"status": {"loadBalancer": {"ingress": [{"ip": "3.3.3.3"}]}}});
    assert_eq!(merged(&object, &patch, Resource::Services), patch);
}

#[test]
fn ports_merge_by_port_and_take_the_given_order() {
    let object = json!({"spec": {"ports": [{"port": 80, "nodePort": 30008}, {"port": 443}]}});
    let patch = json!({"spec": {
        "$setElementOrder/ports": [{"port": 81}, {"port": 80}],
        "ports": [{"port": 80, "targetPort": 8080}, {"port": 81}, {"port": 443, "$patch": "delete"}]}});
    let result = merged(&object, &patch, Resource::Services);
    let ports = json!([{"port": 81}, {"port": 80, "nodePort": 30008, "targetPort": 8080}]);
    assert_eq!(result, json!({"spec": {"ports": ports}}));
}

#[test]
fn directives_replace_delete_and_retain() {
    let object =
        json!({"spec": {"selector": {"a": "1", "b": "2"}, "ports": [{"port": 80}], "type": "ClusterIP"}});
    let cases = [
        (json!({"spec": {"selector": {"$patch": "replace", "c": "3"}}}), "/spec/selector", json!({"c": "3"})),
        (json!({"spec": {"selector": {"$patch": "delete"}}}), "/spec/selector", Value::Null),
        (
            json!({"spec": {"selector": {"$retainKeys": ["a"], "d": "4"}}}),
            "/spec/selector",
            json!({"a": "1", "d": "4"}),
        ),
        (json!({"spec": {"type": null}}), "/spec/type", Value::Null),
        (
            json!({"spec": {"ports": [{"$patch": "replace"}, {"port": 9}]}}),
            "/spec/ports",
            json!([{"port": 9}]),
        ),
    ];
    for (patch, pointer, expected) in cases {
        let result = merged(&object, &patch, Resource::Services);
        assert_eq!(result.pointer(pointer).cloned().unwrap_or_default(), expected, "{patch}");
    }
}

#[test]
fn node_conditions_merge_by_type_and_taints_are_replaced() {
    let object = json!({
        "spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]},
        "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "DiskPressure", "status": "False"}]}});
    let patch = json!({"spec": {"taints": [{"key": "b"}]}, "status": {"conditions": [{"type": "Ready", "status": "False"}]}});
    let result = merged(&object, &patch, Resource::Nodes);
    assert_eq!(result.pointer("/spec/taints"), Some(&json!([{"key": "b"}])));
    let conditions =
        json!([{"type": "Ready", "status": "False"}, {"type": "DiskPressure", "status": "False"}]);
    assert_eq!(result.pointer("/status/conditions"), Some(&conditions));
}

#[test]
fn an_element_without_its_key_is_refused() {
    let mut object = json!({});
    let error =
        merge(&mut object, &json!({"spec": {"ports": [{"name": "x"}]}}), Resource::Services).unwrap_err();
    assert!(error.contains("does not contain declared merge key: port"), "{error}");
}

fn names() -> impl Strategy<Value = Vec<String>> {
    prop::collection::btree_set("[a-f]", 0..5)
        .prop_map(|names| names.into_iter().collect::<Vec<_>>())
        .prop_shuffle()
}

proptest! {
    /// SC-84: whatever finalizers came and went since the patch was computed, only ours changes.
    #[test]
    fn sc84_a_finalizer_comes_and_goes_without_touching_others(seen in names(), stored in names()) {
        let object = json!({"metadata": {"finalizers": stored}});
        let mut order = seen.clone();
        order.push("ours".to_owned());
        let add = json!({"metadata": {"$setElementOrder/finalizers": order, "finalizers": ["ours"]}});
        let with_ours = merged(&object, &add, Resource::Services);
        let twice = merged(&with_ours, &add, Resource::Services);
        prop_assert_eq!(&with_ours, &twice);
        let sorted = |object: &Value| {
            let mut names: Vec<String> =
                object["metadata"]["finalizers"].as_array().unwrap().iter().map(ToString::to_string).collect();
            names.sort();
            names
        };
        let mut expected = sorted(&object);
        expected.push("\"ours\"".to_owned());
        expected.sort();
        prop_assert_eq!(sorted(&with_ours), expected);
        let remove = json!({"metadata": {
            "$deleteFromPrimitiveList/finalizers": ["ours"], "$setElementOrder/finalizers": seen}});
        let without = merged(&with_ours, &remove, Resource::Services);
        prop_assert_eq!(sorted(&without), sorted(&object));
    }
}
