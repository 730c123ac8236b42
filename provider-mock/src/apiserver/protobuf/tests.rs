use super::*;

/// A field with bytes in it.
fn bytes(number: u8, content: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2, u8::try_from(content.len()).unwrap()];
    field.extend(content);
    field
}

fn enveloped(kind: &str, raw: &[u8]) -> Vec<u8> {
    let type_meta = [bytes(1, b"v1"), bytes(2, kind.as_bytes())].concat();
    [MAGIC.to_vec(), bytes(1, &type_meta), bytes(2, raw), bytes(3, b""), bytes(4, b"")].concat()
}

#[test]
fn a_service_becomes_json_without_its_zero_values() {
    let target = [vec![1 << 3, 1], vec![2 << 3, 0], bytes(3, b"http")].concat();
    let port =
        [bytes(1, b""), bytes(2, b"TCP"), vec![3 << 3, 0xd0, 0x01], bytes(4, &target), vec![5 << 3, 0]]
            .concat();
    let entry = [bytes(1, b"app"), bytes(2, b"a")].concat();
    let spec = [
        bytes(1, &port),
        bytes(2, &entry),
        bytes(3, b""),
        bytes(4, b"LoadBalancer"),
        vec![20 << 3 & 0x7f | 0x80, 1, 0],
    ];
    let metadata = [bytes(1, b"x"), bytes(8, b""), bytes(14, b"f")].concat();
    let object = decode(&enveloped(
        "Service",
        &[bytes(1, &metadata), bytes(2, &spec.concat()), bytes(3, b"")].concat(),
    ));
    let expected = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "x", "finalizers": ["f"]},
        "spec": {
            "type": "LoadBalancer", "selector": {"app": "a"}, "allocateLoadBalancerNodePorts": false,
            "ports": [{"protocol": "TCP", "port": 208, "targetPort": "http"}]}});
    assert_eq!(object, Ok(expected));
}

#[test]
fn secrets_carry_base64() {
    let entry = [bytes(1, b"k"), bytes(2, &[0, 255])].concat();
    let object = decode(&enveloped("Secret", &bytes(2, &entry))).unwrap();
    assert_eq!(object.pointer("/data/k"), Some(&json!("AP8=")));
}

#[test]
fn what_is_not_understood_is_refused() {
    let cases = [
        (b"{}".to_vec(), "does not start with the protobuf prefix"),
        (enveloped("Pod", b""), "Pod in version \"v1\" is accepted as application/json only"),
        (enveloped("ConfigMap", &bytes(9, b"")), "protobuf field 9 is not supported"),
        (enveloped("ConfigMap", &[2 << 3 | 2, 50]), "cut short"),
        (enveloped("ConfigMap", &[4 << 3 | 5, 0, 0, 0, 0]), "wire type 5"),
        (enveloped("ConfigMap", &[255; 12]), "too long"),
    ];
    for (body, expected) in cases {
        let error = decode(&body).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}
