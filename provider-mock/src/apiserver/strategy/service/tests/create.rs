use super::*;
use crate::apiserver::allocate::Family;

#[test]
fn the_manifest_of_the_demo_gets_all_its_defaults() {
    let mut allocators = Allocators::default();
    let spec = json!({"type": "LoadBalancer", "ports": [{"targetPort": 80, "port": 80, "nodePort": 30008}],
        "selector": {"app": "myapp", "type": "front-end"}});
    let object = create(&spec, &mut allocators).unwrap();
    assert_eq!(
        object["spec"],
        json!({
            "type": "LoadBalancer",
            "ports": [{"protocol": "TCP", "targetPort": 80, "port": 80, "nodePort": 30008}],
            "selector": {"app": "myapp", "type": "front-end"},
            "clusterIP": "10.96.1.1", "clusterIPs": ["10.96.1.1"],
            "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
            "sessionAffinity": "None", "externalTrafficPolicy": "Cluster", "internalTrafficPolicy": "Cluster",
            "allocateLoadBalancerNodePorts": true,
        })
    );
    assert_eq!(object["status"], json!({"loadBalancer": {}}));
    assert!(allocators.ports().holds(30008));
}

#[test]
fn a_cluster_ip_service_gets_no_node_port_and_affinity_its_timeout() {
    let mut allocators = Allocators::default();
    let spec = json!({"ports": [{"port": 53, "protocol": "UDP", "targetPort": "dns"}], "sessionAffinity": "ClientIP",
        "clusterIPs": [], "selector": {}, "externalName": ""});
    let object = create(&spec, &mut allocators).unwrap();
    assert_eq!(
        object["spec"],
        json!({
            "type": "ClusterIP", "ports": [{"port": 53, "protocol": "UDP", "targetPort": "dns"}],
            "clusterIP": "10.96.1.1", "clusterIPs": ["10.96.1.1"],
            "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster",
            "sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10800}},
        })
    );
}

#[test]
fn families_follow_the_policy() {
    let cases = [
        (json!({}), json!(["IPv4"]), "SingleStack"),
        (json!({"ipFamilyPolicy": "PreferDualStack"}), json!(["IPv4", "IPv6"]), "PreferDualStack"),
        (
            json!({"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv6"]}),
            json!(["IPv6", "IPv4"]),
            "RequireDualStack",
        ),
        (json!({"ipFamilies": ["IPv6"]}), json!(["IPv6"]), "SingleStack"),
        (json!({"clusterIP": "fd00:10:96::5"}), json!(["IPv6"]), "SingleStack"),
        (json!({"clusterIP": "None", "selector": {"a": "b"}}), json!(["IPv4"]), "SingleStack"),
        (json!({"clusterIP": "None"}), json!(["IPv4", "IPv6"]), "RequireDualStack"),
    ];
    for (mut spec, families, policy) in cases {
        spec["ports"] = port();
        let object = create(&spec, &mut Allocators::default()).unwrap();
        assert_eq!(object["spec"]["ipFamilies"], families, "{spec}");
        assert_eq!(object["spec"]["ipFamilyPolicy"], policy, "{spec}");
        let headless = spec["clusterIP"] == "None";
        let count = if headless { 1 } else { families.as_array().unwrap().len() };
        assert_eq!(object["spec"]["clusterIPs"].as_array().unwrap().len(), count, "{spec}");
        assert_eq!(object["spec"]["clusterIP"], object["spec"]["clusterIPs"][0], "{spec}");
    }
}

#[test]
fn tcp_and_udp_on_one_port_share_a_node_port() {
    let mut allocators = Allocators::default();
    let ports = json!([{"name": "t", "port": 53}, {"name": "u", "port": 53, "protocol": "UDP"}, {"name": "m", "port": 9}]);
    let object = create(&json!({"type": "NodePort", "ports": ports}), &mut allocators).unwrap();
    let given: Vec<i64> = object["spec"]["ports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|port| port["nodePort"].as_i64().unwrap())
        .collect();
    assert_eq!(given[0], given[1]);
    assert_ne!(given[0], given[2]);
    assert!(given.iter().all(|port| (30_000..=32_767).contains(port)));

    let ports = json!([{"name": "t", "port": 53, "nodePort": 30053},
        {"name": "u", "port": 53, "nodePort": 30053, "protocol": "UDP"}]);
    let object = create(&json!({"type": "NodePort", "ports": ports}), &mut allocators).unwrap();
    assert_eq!(object["spec"]["ports"][1]["nodePort"], 30053);
}

#[test]
fn node_ports_are_not_assigned_where_they_are_switched_off() {
    let spec = json!({"type": "LoadBalancer", "allocateLoadBalancerNodePorts": false,
        "ports": [{"name": "a", "port": 80}, {"name": "b", "port": 81, "nodePort": 30081}]});
    let object = create(&spec, &mut Allocators::default()).unwrap();
    assert_eq!(object["spec"]["ports"][0].get("nodePort"), None);
    assert_eq!(object["spec"]["ports"][1]["nodePort"], 30081);
}

#[test]
fn a_local_load_balancer_gets_a_health_check_port() {
    let mut allocators = Allocators::default();
    let spec = json!({"type": "LoadBalancer", "externalTrafficPolicy": "Local", "ports": port()});
    let object = create(&spec, &mut allocators).unwrap();
    let health = object["spec"]["healthCheckNodePort"].as_i64().unwrap();
    assert_ne!(object["spec"]["ports"][0]["nodePort"].as_i64().unwrap(), health);

    let mut taken = spec.clone();
    taken["healthCheckNodePort"] = json!(health);
    assert_eq!(
        create(&taken, &mut allocators).unwrap_err(),
        [format!(
            "failed to allocate requested HealthCheck NodePort {health}: provided port is already allocated"
        )]
    );
    ServiceStrategy.release(&object, &mut allocators);
    create(&taken, &mut allocators).unwrap();
}

#[test]
fn taken_addresses_and_ports_are_refused_and_nothing_leaks() {
    let mut allocators = Allocators::default();
    let spec =
        json!({"type": "NodePort", "clusterIP": "10.96.0.10", "ports": [{"port": 80, "nodePort": 30008}]});
    let first = create(&spec, &mut allocators).unwrap();
    let cases = [
        (
            json!({"clusterIP": "10.96.0.10", "ports": port()}),
            r#"spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP 10.96.0.10: provided IP is already allocated"#,
        ),
        (
            json!({"clusterIP": "192.0.2.1", "ports": port()}),
            r#"spec.clusterIPs: Invalid value: ["192.0.2.1"]: failed to allocate IP 192.0.2.1: the provided network does not match the current range"#,
        ),
        (
            json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": 30008}]}),
            "spec.ports[0].nodePort: Invalid value: 30008: provided port is already allocated",
        ),
        (
            json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": 29999}]}),
            "spec.ports[0].nodePort: Invalid value: 29999: provided port is not in the valid range. The range of valid ports is 30000-32767",
        ),
        (
            json!({"type": "NodePort", "ports": [{"name": "a", "port": 80, "nodePort": 30100}, {"name": "b", "port": 81, "nodePort": 30100, "protocol": "UDP"}]}),
            "spec.ports[1].nodePort: Invalid value: 30100: provided port is already allocated",
        ),
    ];
    for (spec, text) in cases {
        assert_eq!(create(&spec, &mut allocators).unwrap_err(), [text], "{spec}");
    }
    assert!(!allocators.ports().holds(30100));
    ServiceStrategy.release(&first, &mut allocators);
    assert!(!allocators.ports().holds(30008));
    assert!(!allocators.addresses(Family::V4).holds("10.96.0.10".parse().unwrap()));
    create(&spec, &mut allocators).unwrap();
}

#[test]
fn the_status_is_the_server_s_and_ingress_ips_are_virtual() {
    let mut object = service(&json!({"type": "LoadBalancer", "ports": port()}));
    object["status"] =
        json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}, {"hostname": "lb.example.com"}]}});
    ServiceStrategy.default(&mut object);
    assert_eq!(
        object["status"]["loadBalancer"]["ingress"],
        json!([{"ip": "192.0.2.1", "ipMode": "VIP"}, {"hostname": "lb.example.com"}])
    );
    ServiceStrategy.prepare_create(&mut object, &mut Allocators::default()).unwrap();
    assert_eq!(object["status"], json!({"loadBalancer": {}}));
}
