use super::*;
use serde_json::json;

fn error(kind: &str, object: &Value) -> String {
    decode(kind, object).error.unwrap_or_else(|| panic!("accepted: {object}"))
}

fn service(spec: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": spec})
}

#[test]
fn unknown_fields_are_named_and_dropped() {
    let object = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "lables": {"a": "b"}, "creationTimestamp": null},
        "spec": {"types": "LoadBalancer", "ports": [{"port": 80}, {"port": 81, "nodeport": 1}], "selector": {"any": "key"}},
        "extra": [1],
    });
    let decoded = decode("Service", &object);
    assert_eq!(
        decoded.unknown,
        [
            r#"unknown field "extra""#,
            r#"unknown field "metadata.lables""#,
            r#"unknown field "spec.ports[1].nodeport""#,
            r#"unknown field "spec.types""#,
        ]
    );
    assert_eq!(decoded.error, None);
    assert_eq!(
        decoded.object,
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"},
            "spec": {"ports": [{"port": 80}, {"port": 81}], "selector": {"any": "key"}},
        })
    );
}

#[test]
fn a_good_object_stays_as_it_is() {
    let object = service(&json!({"type": "LoadBalancer", "ports": [{"port": 80, "targetPort": "http"}]}));
    assert_eq!(decode("Service", &object), Decoded { unknown: vec![], error: None, object });
    let other = json!({"kind": "Other", "any": {"thing": 1}});
    assert_eq!(decode("Other", &other).object, other);
}

#[test]
fn values_of_the_wrong_type_are_described_as_go_does() {
    let cases = [
        (
            json!({"ports": [{"port": 80}, {"port": "http"}]}),
            "string into Go struct field ServicePort.spec.ports.port of type int32",
        ),
        (
            json!({"ports": [{"port": 99_999_999_999_i64}]}),
            "number 99999999999 into Go struct field ServicePort.spec.ports.port of type int32",
        ),
        (
            json!({"ports": [{"port": 80.5}]}),
            "number 80.5 into Go struct field ServicePort.spec.ports.port of type int32",
        ),
        (
            json!({"ports": [{"targetPort": true}]}),
            "bool into Go struct field ServicePort.spec.ports.targetPort of type int32",
        ),
        (
            json!({"ports": {"port": 80}}),
            "object into Go struct field ServiceSpec.spec.ports of type []v1.ServicePort",
        ),
        (json!({"ports": [80]}), "number into Go struct field ServiceSpec.spec.ports of type v1.ServicePort"),
        (json!({"type": 7}), "number into Go struct field ServiceSpec.spec.type of type string"),
        (
            json!({"selector": "a=b"}),
            "string into Go struct field ServiceSpec.spec.selector of type map[string]string",
        ),
        (
            json!({"selector": {"a": "b", "c": 1}}),
            "number into Go struct field ServiceSpec.spec.selector of type string",
        ),
        (
            json!({"externalIPs": "1.2.3.4"}),
            "string into Go struct field ServiceSpec.spec.externalIPs of type []string",
        ),
        (
            json!({"publishNotReadyAddresses": "yes"}),
            "string into Go struct field ServiceSpec.spec.publishNotReadyAddresses of type bool",
        ),
        (json!("spec"), "string into Go struct field Service.spec of type v1.ServiceSpec"),
    ];
    for (spec, expected) in cases {
        assert_eq!(error("Service", &service(&spec)), format!("json: cannot unmarshal {expected}"), "{spec}");
    }
    let labels = json!({"metadata": {"name": "s", "annotations": {"a": true}}});
    assert_eq!(
        error("Pod", &labels),
        "json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.annotations of type string"
    );
}

#[test]
fn malformed_texts_are_described_too() {
    let lease = json!({"metadata": {"name": "l"}, "spec": {"renewTime": "yesterday"}});
    assert_eq!(
        error("Lease", &lease),
        r#"parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006""#
    );
    assert_eq!(
        error("Secret", &json!({"data": {"a": "YQ==", "b": "a b"}})),
        "illegal base64 data at input byte 1"
    );
}

#[test]
fn quantities_may_be_numbers() {
    let node = json!({"metadata": {"name": "n"}, "status": {"capacity": {"cpu": 4, "memory": "8Gi"}}});
    let decoded = decode("Node", &node);
    assert_eq!(decoded.error, None);
    assert_eq!(decoded.object["status"]["capacity"], json!({"cpu": "4", "memory": "8Gi"}));
}

#[test]
fn a_large_object_is_searched_quickly() {
    let mut data: serde_json::Map<String, Value> =
        (0..5000).map(|index| (format!("key{index:04}"), json!("x".repeat(20)))).collect();
    data.insert("key4999".to_owned(), json!(1));
    let map = json!({"metadata": {"name": "c"}, "data": data});
    assert_eq!(
        error("ConfigMap", &map),
        "json: cannot unmarshal number into Go struct field ConfigMap.data of type string"
    );
}
