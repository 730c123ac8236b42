use super::*;

fn apply(object: &Value, wanted: &Value, manager: &str, force: bool) -> Result<Value, ApiError> {
    let options = ApplyOptions { manager: manager.to_owned(), force };
    server_side_apply(object, wanted, Resource::Services, &options)
}

fn service(spec: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": spec})
}

#[test]
fn fields_left_out_are_removed_and_foreign_ones_stay() {
    let first =
        service(&json!({"selector": {"a": "1"}, "ports": [{"port": 80, "name": "web"}, {"port": 81}]}));
    let mut object = apply(&Value::Null, &first, "me", false).unwrap();
    object_mut(object.pointer_mut("/spec").unwrap()).insert("clusterIP".to_owned(), json!("10.0.0.1"));
    let second = service(&json!({"selector": {"b": "2"}, "ports": [{"port": 80}]}));
    let object = apply(&object, &second, "me", false).unwrap();
    let expected = json!({"selector": {"b": "2"}, "ports": [{"port": 80}], "clusterIP": "10.0.0.1"});
    assert_eq!(object.get("spec"), Some(&expected));
}

#[test]
fn another_managers_field_is_a_conflict_until_forced() {
    let object = apply(&Value::Null, &service(&json!({"type": "NodePort"})), "one", false).unwrap();
    let wanted = service(&json!({"type": "LoadBalancer"}));
    let refused = apply(&object, &wanted, "two", false).unwrap_err();
    assert_eq!((refused.code(), refused.reason()), (409, "Conflict"));
    assert_eq!(refused.to_string(), "Apply failed with 1 conflict: conflict with \"one\": .spec.type");
    let object = apply(&object, &wanted, "two", true).unwrap();
    assert_eq!(text(&object, "/spec/type"), "LoadBalancer");
    let owners = list(&object, "/metadata/managedFields");
    assert_eq!(owners[0].pointer("/fieldsV1/f:spec"), None, "{owners:?}");
}

#[test]
fn the_same_apply_again_changes_nothing() {
    let wanted =
        service(&json!({"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}));
    let once = apply(&Value::Null, &wanted, "me", false).unwrap();
    let twice = apply(&once, &wanted, "me", false).unwrap();
    assert_eq!(once, twice);
}
