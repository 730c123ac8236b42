use super::*;

/// The complaints about a spec; one of several at a time, in order.
fn complaints(spec: &Value) -> Vec<String> {
    create(spec, &mut Allocators::default())
        .map_or_else(|errors| errors, |object| panic!("accepted: {object}"))
}

/// Checks specs, each with all its complaints in order.
fn check<const N: usize>(cases: [(Value, Vec<String>); N]) {
    for (spec, expected) in cases {
        assert_eq!(complaints(&spec), expected, "{spec}");
    }
}

#[test]
fn ports_are_checked_each_by_itself_and_together() {
    check([

        (json!({}), vec!["spec.ports: Required value".to_owned()]),
        (
            json!({"ports": [{"port": 99999}]}),
            vec![
                "spec.ports[0].port: Invalid value: 99999: must be between 1 and 65535, inclusive".to_owned(),
                "spec.ports[0].targetPort: Invalid value: 99999: must be between 1 and 65535, inclusive".to_owned(),
            ],
        ),
        (
            json!({"ports": [{"port": 80}, {"port": 81}]}),
            vec!["spec.ports[0].name: Required value".to_owned(), "spec.ports[1].name: Required value".to_owned()],
        ),
        (
            json!({"ports": [{"name": "a", "port": 80}, {"name": "a", "port": 80}]}),
            vec![
                r#"spec.ports[1].name: Duplicate value: "a""#.to_owned(),
                r#"spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}"#.to_owned(),
            ],
        ),
        (
            json!({"ports": [{"port": 80, "protocol": "HTTP"}]}),
            vec![r#"spec.ports[0].protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP""#.to_owned()],
        ),
        (
            json!({"ports": [{"port": 80, "targetPort": "a--b"}]}),
            vec![r#"spec.ports[0].targetPort: Invalid value: "a--b": must not contain consecutive hyphens"#.to_owned()],
        ),
        (
            json!({"ports": [{"port": 80, "nodePort": 30000}]}),
            vec!["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'".to_owned()],
        ),
    ]);
}

#[test]
fn each_type_has_its_fields() {
    let only = "may only be used when `type` is 'LoadBalancer'";
    check([
        (
            json!({"type": "Foo", "ports": port()}),
            vec![r#"spec.type: Unsupported value: "Foo": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort""#.to_owned()],
        ),
        (
            json!({"type": "LoadBalancer", "ports": port(), "loadBalancerSourceRanges": ["10.0.0.0/8", " 10.0.0.0/33 "]}),
            vec![r#"spec.LoadBalancerSourceRanges[1]: Invalid value: "10.0.0.0/33": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"#.to_owned()],
        ),
        (
            json!({"ports": port(), "loadBalancerSourceRanges": ["10.0.0.0/8"]}),
            vec![format!("spec.LoadBalancerSourceRanges: Forbidden: {only}")],
        ),
        (
            json!({"ports": port(), "loadBalancerClass": "a/b"}),
            vec![format!("spec.loadBalancerClass: Forbidden: {only}")],
        ),
        (
            json!({"ports": port(), "allocateLoadBalancerNodePorts": false}),
            vec![format!("spec.allocateLoadBalancerNodePorts: Forbidden: {only}")],
        ),
        (
            json!({"type": "LoadBalancer", "ports": port(), "loadBalancerClass": "a/"}),
            vec![
                r#"spec.loadBalancerClass: Invalid value: "a/": name part must be non-empty"#.to_owned(),
                r#"spec.loadBalancerClass: Invalid value: "a/": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"#.to_owned(),
            ],
        ),
        (
            json!({"type": "NodePort", "ports": port(), "healthCheckNodePort": 30000}),
            vec!["spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'".to_owned()],
        ),
        (json!({"type": "ExternalName"}), vec!["spec.externalName: Required value".to_owned()]),
    ]);
}

#[test]
fn addresses_and_families_fit_together() {
    check([
        (
            json!({"type": "LoadBalancer", "ports": port(), "clusterIP": "None"}),
            vec![r#"spec.clusterIPs[0]: Invalid value: "None": may not be set to 'None' for LoadBalancer services"#.to_owned()],
        ),
        (
            json!({"type": "ExternalName", "externalName": "example.com", "clusterIP": "10.96.0.1"}),
            vec!["spec.clusterIPs: Forbidden: may not be set for ExternalName services".to_owned()],
        ),
        (
            json!({"ports": port(), "ipFamilies": ["IPv5"]}),
            vec![r#"spec.ipFamilies[0]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6""#.to_owned()],
        ),
        (
            json!({"ports": port(), "ipFamilies": ["IPv4", "IPv4"]}),
            vec![r#"spec.ipFamilies[1]: Duplicate value: "IPv4""#.to_owned()],
        ),
        (
            json!({"ports": port(), "ipFamilies": ["IPv4", "IPv6"]}),
            vec![r#"spec.ipFamilyPolicy: Invalid value: "SingleStack": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified"#.to_owned()],
        ),
        (
            json!({"ports": port(), "ipFamilyPolicy": "Any"}),
            vec![r#"spec.ipFamilyPolicy: Unsupported value: "Any": supported values: "PreferDualStack", "RequireDualStack", "SingleStack""#.to_owned()],
        ),
        (
            json!({"ports": port(), "clusterIP": "10.96.0.1", "ipFamilies": ["IPv6"]}),
            vec![r#"spec.clusterIPs[0]: Invalid value: "10.96.0.1": expected an IPv6 value as indicated by `ipFamilies[0]`"#.to_owned()],
        ),
        (
            json!({"ports": port(), "clusterIP": "ten"}),
            vec![r#"spec.clusterIPs[0]: Invalid value: "ten": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"#.to_owned()],
        ),
        (
            json!({"ports": port(), "clusterIPs": ["10.96.0.1"]}),
            vec![r#"spec.clusterIPs: Invalid value: ["10.96.0.1"]: must be empty when `clusterIP` is not specified"#.to_owned()],
        ),
        (
            json!({"ports": port(), "externalIPs": ["127.0.0.1"]}),
            vec![r#"spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)"#.to_owned()],
        ),
    ]);
}

#[test]
fn policies_and_affinity_are_checked() {
    check([
        (
            json!({"ports": port(), "sessionAffinity": "Cookie"}),
            vec![r#"spec.sessionAffinity: Unsupported value: "Cookie": supported values: "ClientIP", "None""#.to_owned()],
        ),
        (
            json!({"ports": port(), "sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 86401}}}),
            vec!["spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400".to_owned()],
        ),
        (
            json!({"ports": port(), "externalTrafficPolicy": "Local"}),
            vec![r#"spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services"#.to_owned()],
        ),
        (
            json!({"type": "NodePort", "ports": port(), "externalTrafficPolicy": "Near"}),
            vec![r#"spec.externalTrafficPolicy: Unsupported value: "Near": supported values: "Cluster", "Local""#.to_owned()],
        ),
        (
            json!({"ports": port(), "internalTrafficPolicy": "Near"}),
            vec![r#"spec.internalTrafficPolicy: Unsupported value: "Near": supported values: "Cluster", "Local""#.to_owned()],
        ),
    ]);
}

#[test]
fn a_node_port_twice_with_one_protocol_is_named() {
    let ports =
        json!([{"name": "a", "port": 80, "nodePort": 30080}, {"name": "b", "port": 80, "nodePort": 30080}]);
    assert_eq!(
        complaints(&json!({"type": "NodePort", "ports": ports})),
        [
            "spec.ports[1].nodePort: Duplicate value: 30080",
            r#"spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}"#,
        ]
    );
}

#[test]
fn names_are_those_of_rfc_1035() {
    let mut object = service(&json!({"ports": port()}));
    object["metadata"]["name"] = json!("1a");
    assert_eq!(
        create_object(object, &mut Allocators::default()).unwrap_err(),
        [
            r#"metadata.name: Invalid value: "1a": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"#
        ]
    );
}

#[test]
fn source_ranges_may_be_in_an_annotation() {
    let annotation = "service.beta.kubernetes.io/load-balancer-source-ranges";
    let mut object = service(&json!({"type": "LoadBalancer", "ports": port()}));
    object["metadata"]["annotations"] = json!({annotation: "10.0.0.0/8, bad"});
    assert_eq!(
        create_object(object.clone(), &mut Allocators::default()).unwrap_err(),
        [format!(
            r#"metadata.annotations[{annotation}]: Invalid value: "bad": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"#
        )]
    );
    object["metadata"]["annotations"] = json!({annotation: "10.0.0.0/8"});
    object["spec"]["type"] = json!("ClusterIP");
    assert_eq!(
        create_object(object, &mut Allocators::default()).unwrap_err(),
        [format!(
            "metadata.annotations[{annotation}]: Forbidden: may only be used when `type` is 'LoadBalancer'"
        )]
    );
}

#[test]
fn the_status_is_checked() {
    let old = create(&json!({"type": "LoadBalancer", "ports": port()}), &mut Allocators::default()).unwrap();
    let complaints = |old: &Value, ingress: Value| {
        let mut object = old.clone();
        object["status"]["loadBalancer"]["ingress"] = ingress;
        texts(&ServiceStrategy.validate_status(&object, old))
    };
    assert!(complaints(&old, json!([{"ip": "192.0.2.1", "ipMode": "VIP"}, {"hostname": "a.b"}])).is_empty());
    let field = "status.loadBalancer.ingress[0]";
    let cases = [
        (
            json!({"ip": "192.0.2.1"}),
            format!("{field}.ipMode: Required value: must be specified when `ip` is set"),
        ),
        (
            json!({"hostname": "a.b", "ipMode": "VIP"}),
            format!("{field}.ipMode: Forbidden: may not be specified when `ip` is not set"),
        ),
        (
            json!({"ip": "192.0.2.1", "ipMode": "Direct"}),
            format!(r#"{field}.ipMode: Unsupported value: "Direct": supported values: "Proxy", "VIP""#),
        ),
        (
            json!({"ip": "x", "ipMode": "VIP"}),
            format!(
                r#"{field}.ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"#
            ),
        ),
        (
            json!({"hostname": "192.0.2.1"}),
            format!(r#"{field}.hostname: Invalid value: "192.0.2.1": must be a DNS name, not an IP address"#),
        ),
    ];
    for (point, expected) in cases {
        assert_eq!(complaints(&old, json!([point])), [expected]);
    }
    let plain = create(&json!({"ports": port()}), &mut Allocators::default()).unwrap();
    assert_eq!(
        complaints(&plain, json!([{"hostname": "a.b"}])),
        ["status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'"]
    );
}
