use super::*;
use crate::apiserver::allocate::Family;

fn load_balancer(allocators: &mut Allocators) -> Value {
    let spec = json!({"type": "LoadBalancer", "externalTrafficPolicy": "Local", "loadBalancerClass": "a/b",
        "ports": [{"name": "http", "port": 80}], "selector": {"a": "b"}});
    let mut object = create(&spec, allocators).unwrap();
    object["status"]["loadBalancer"] = json!({"ingress": [{"ip": "192.0.2.1", "ipMode": "VIP"}]});
    object
}

fn number(object: &Value, pointer: &str) -> i32 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap().try_into().unwrap()
}

#[test]
fn the_same_manifest_again_changes_nothing() {
    let mut allocators = Allocators::default();
    let old = load_balancer(&mut allocators);
    let new = update(&old, &mut allocators, |object| {
        object["spec"] = json!({"type": "LoadBalancer", "externalTrafficPolicy": "Local", "loadBalancerClass": "a/b",
            "ports": [{"name": "http", "port": 80}], "selector": {"a": "b"}});
        object["status"] = json!({});
    })
    .unwrap();
    assert_eq!(new, old);
}

#[test]
fn load_balancer_to_cluster_ip_and_back_releases_and_allocates() {
    let mut allocators = Allocators::default();
    let old = load_balancer(&mut allocators);
    let (node_port, health) =
        (number(&old, "/spec/ports/0/nodePort"), number(&old, "/spec/healthCheckNodePort"));
    let plain = update(&old, &mut allocators, |object| object["spec"]["type"] = json!("ClusterIP")).unwrap();
    assert_eq!(
        plain["spec"],
        json!({
            "type": "ClusterIP", "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 80}],
            "selector": {"a": "b"}, "clusterIP": "10.96.1.1", "clusterIPs": ["10.96.1.1"],
            "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "sessionAffinity": "None",
            "internalTrafficPolicy": "Cluster",
        })
    );
    assert_eq!(plain["status"], json!({"loadBalancer": {}}));
    assert!(!allocators.ports().holds(node_port) && !allocators.ports().holds(health));

    let again =
        update(&plain, &mut allocators, |object| object["spec"]["type"] = json!("LoadBalancer")).unwrap();
    assert_eq!(again["spec"]["clusterIP"], "10.96.1.1");
    assert_eq!(again["spec"]["allocateLoadBalancerNodePorts"], true);
    assert_eq!(again["spec"]["externalTrafficPolicy"], "Cluster");
    assert!(allocators.ports().holds(number(&again, "/spec/ports/0/nodePort")));
    assert_eq!(again["spec"].get("healthCheckNodePort"), None);
}

#[test]
fn load_balancer_to_node_port_keeps_the_node_port() {
    let mut allocators = Allocators::default();
    let old = load_balancer(&mut allocators);
    let new = update(&old, &mut allocators, |object| object["spec"]["type"] = json!("NodePort")).unwrap();
    assert_eq!(new["spec"]["ports"], old["spec"]["ports"]);
    assert_eq!(new["spec"]["externalTrafficPolicy"], "Local");
    for field in ["healthCheckNodePort", "loadBalancerClass", "allocateLoadBalancerNodePorts"] {
        assert_eq!(new["spec"].get(field), None, "{field}");
    }
    assert!(!allocators.ports().holds(number(&old, "/spec/healthCheckNodePort")));
}

#[test]
fn external_name_releases_the_cluster_ip_and_back_allocates_one() {
    let mut allocators = Allocators::default();
    let old =
        create(&json!({"ports": port(), "ipFamilyPolicy": "PreferDualStack"}), &mut allocators).unwrap();
    let named = update(&old, &mut allocators, |object| {
        object["spec"]["type"] = json!("ExternalName");
        object["spec"]["externalName"] = json!("example.com.");
    })
    .unwrap();
    for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
        assert_eq!(named["spec"].get(field), None, "{field}");
    }
    assert!(!allocators.addresses(Family::V4).holds("10.96.1.1".parse().unwrap()));
    assert!(!allocators.addresses(Family::V6).holds("fd00:10:96::101".parse().unwrap()));
    let back = update(&named, &mut allocators, |object| {
        object["spec"]["type"] = json!("ClusterIP");
        object["spec"].as_object_mut().unwrap().remove("externalName");
    })
    .unwrap();
    assert_eq!(back["spec"]["ipFamilyPolicy"], "SingleStack");
    assert!(back["spec"]["clusterIP"].as_str().unwrap().starts_with("10.96.1."));
}

#[test]
fn local_to_cluster_releases_the_health_check_port_and_back_allocates_one() {
    let mut allocators = Allocators::default();
    let old = load_balancer(&mut allocators);
    let health = number(&old, "/spec/healthCheckNodePort");
    let cluster =
        update(&old, &mut allocators, |object| object["spec"]["externalTrafficPolicy"] = json!("Cluster"))
            .unwrap();
    assert_eq!(cluster["spec"].get("healthCheckNodePort"), None);
    assert!(!allocators.ports().holds(health));
    let local =
        update(&cluster, &mut allocators, |object| object["spec"]["externalTrafficPolicy"] = json!("Local"))
            .unwrap();
    assert!(allocators.ports().holds(number(&local, "/spec/healthCheckNodePort")));
}

#[test]
fn ports_keep_their_node_port_by_name_and_removed_ones_give_it_back() {
    let mut allocators = Allocators::default();
    let ports =
        json!([{"name": "a", "port": 80, "nodePort": 30080}, {"name": "b", "port": 81, "nodePort": 30081}]);
    let old = create(&json!({"type": "NodePort", "ports": ports}), &mut allocators).unwrap();
    let new = update(&old, &mut allocators, |object| {
        object["spec"]["ports"] =
            json!([{"name": "c", "port": 82, "nodePort": 30082}, {"name": "a", "port": 8080}]);
    })
    .unwrap();
    assert_eq!(new["spec"]["ports"][1]["nodePort"], 30080);
    assert!(allocators.ports().holds(30082) && !allocators.ports().holds(30081));

    // A port that asks for the node port of another takes it, and the other gets a new one.
    let swapped = update(&new, &mut allocators, |object| {
        object["spec"]["ports"] =
            json!([{"name": "c", "port": 82, "nodePort": 30080}, {"name": "a", "port": 8080}]);
    })
    .unwrap();
    assert_eq!(swapped["spec"]["ports"][0]["nodePort"], 30080);
    let other = number(&swapped, "/spec/ports/1/nodePort");
    assert!(other != 30080 && allocators.ports().holds(other) && !allocators.ports().holds(30082));
}

#[test]
fn tcp_and_udp_may_ask_for_one_node_port_in_an_update() {
    let mut allocators = Allocators::default();
    let old = create(&json!({"type": "NodePort", "ports": port()}), &mut allocators).unwrap();
    let shared = |protocol: &str| {
        json!([{"name": "t", "port": 53, "nodePort": 30053},
            {"name": "u", "port": 53, "nodePort": 30053, "protocol": protocol}])
    };
    assert_eq!(
        update(&old, &mut allocators, |object| object["spec"]["ports"] = shared("TCP")).unwrap_err(),
        ["duplicate nodePort: {TCP 30053}"]
    );
    let new = update(&old, &mut allocators, |object| object["spec"]["ports"] = shared("UDP")).unwrap();
    assert_eq!(new["spec"]["ports"][1]["nodePort"], 30053);
}

#[test]
fn dual_stack_comes_and_goes_with_the_policy() {
    let mut allocators = Allocators::default();
    let v6 = "fd00:10:96::101".parse().unwrap();
    let old = create(&json!({"ports": port()}), &mut allocators).unwrap();
    let dual =
        update(&old, &mut allocators, |object| object["spec"]["ipFamilyPolicy"] = json!("RequireDualStack"))
            .unwrap();
    assert_eq!(dual["spec"]["clusterIPs"], json!(["10.96.1.1", "fd00:10:96::101"]));
    assert_eq!(dual["spec"]["ipFamilies"], json!(["IPv4", "IPv6"]));
    assert!(allocators.addresses(Family::V6).holds(v6));
    assert_eq!(
        update(&dual, &mut allocators, |object| object["spec"]["clusterIPs"] = json!(["10.96.1.1"]))
            .unwrap_err(),
        [
            r#"spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be 'SingleStack' to release the secondary cluster IP"#
        ]
    );
    let single =
        update(&dual, &mut allocators, |object| object["spec"]["ipFamilyPolicy"] = json!("SingleStack"))
            .unwrap();
    assert_eq!(single["spec"]["clusterIPs"], json!(["10.96.1.1"]));
    assert!(!allocators.addresses(Family::V6).holds(v6));
}

#[test]
fn what_is_set_once_stays() {
    let mut allocators = Allocators::default();
    let old = load_balancer(&mut allocators);
    let health = number(&old, "/spec/healthCheckNodePort");
    let cases: [(&str, Value, Vec<&str>); 4] = [
        (
            "clusterIP",
            json!("10.96.0.9"),
            vec![r#"spec.clusterIPs[0]: Invalid value: ["10.96.0.9"]: may not change once set"#],
        ),
        (
            "loadBalancerClass",
            Value::Null,
            vec![r#"spec.loadBalancerClass: Invalid value: "null": may not change once set"#],
        ),
        (
            "healthCheckNodePort",
            json!(health - 1),
            vec!["spec.healthCheckNodePort: Forbidden: field is immutable"],
        ),
        (
            "clusterIP",
            json!("None"),
            vec![
                r#"spec.clusterIPs[0]: Invalid value: ["None"]: may not change once set"#,
                r#"spec.clusterIPs[0]: Invalid value: "None": may not be set to 'None' for LoadBalancer services"#,
            ],
        ),
    ];
    for (field, value, expected) in cases {
        let before = allocators.clone();
        let errors =
            update(&old, &mut allocators, |object| object["spec"][field] = value.clone()).unwrap_err();
        assert_eq!(errors, expected, "{field}: {value}");
        assert_eq!(format!("{before:?}"), format!("{allocators:?}"));
    }
}

#[test]
fn a_node_port_named_together_with_the_type_change_is_refused() {
    let mut allocators = Allocators::default();
    let old = load_balancer(&mut allocators);
    let errors = update(&old, &mut allocators, |object| {
        object["spec"]["type"] = json!("ClusterIP");
        object["spec"]["ports"][0]["nodePort"] = json!(30000);
    });
    assert_eq!(
        errors.unwrap_err(),
        ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"]
    );
    assert!(allocators.ports().holds(number(&old, "/spec/ports/0/nodePort")));
}
