//! Services that are refused, each with all its messages. They are dry runs: nothing stays.

use serde_json::{Value, json};

use super::{core, merge, service};
use crate::compare::{Scenario, scenario};
use crate::step::Step;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario("invalid-specs", specs().into_iter().map(|spec| dry(service("web", spec))).collect()),
        scenario(
            "invalid-metadata",
            metadata().into_iter().map(|metadata| dry(with_metadata(metadata))).collect(),
        ),
    ]
}

fn dry(body: Value) -> Step {
    Step::post(core("services?dryRun=All"), body)
}

fn with_metadata(metadata: Value) -> Value {
    let mut service = service("web", json!({}));
    merge(&mut service["metadata"], metadata);
    service
}

fn specs() -> Vec<Value> {
    let ports = |ports: Value| json!({"ports": ports});
    vec![
        ports(json!([])),
        ports(json!([{"port": 0}])),
        ports(json!([{"port": 70000}])),
        ports(json!([{"port": -1, "targetPort": 70000}])),
        ports(json!([{"port": 80, "protocol": "HTTP"}])),
        ports(json!([{"port": 80}, {"port": 81}])),
        ports(json!([{"name": "a", "port": 80}, {"name": "a", "port": 81}])),
        ports(json!([{"name": "a", "port": 80}, {"name": "b", "port": 80}])),
        ports(json!([{"name": "A_b", "port": 80}])),
        ports(json!([{"port": 80, "targetPort": "no good name"}])),
        ports(json!([{"port": 80, "targetPort": "12"}])),
        ports(json!([{"port": 80, "targetPort": ""}])),
        ports(json!([{"port": 80, "appProtocol": "a b"}])),
        ports(json!([{"port": 80, "nodePort": 30125}])),
        json!({"type": "Foo"}),
        json!({"type": "NodePort", "clusterIP": "None"}),
        json!({"type": "NodePort", "ports": [{"name": "a", "port": 80, "nodePort": 30126}, {"name": "b", "port": 81, "nodePort": 30126}]}),
        json!({"type": "ExternalName"}),
        json!({"type": "ExternalName", "externalName": "no_name"}),
        json!({"type": "ExternalName", "externalName": "example.com", "clusterIP": "10.96.0.99"}),
        json!({"sessionAffinity": "Cookie"}),
        json!({"sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10}}}),
        json!({"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 0}}}),
        json!({"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 86401}}}),
        json!({"externalTrafficPolicy": "Local"}),
        json!({"type": "NodePort", "externalTrafficPolicy": "Near"}),
        json!({"internalTrafficPolicy": "Near"}),
        json!({"healthCheckNodePort": 30127}),
        json!({"loadBalancerClass": "example.com/lb"}),
        json!({"type": "LoadBalancer", "loadBalancerClass": "a b"}),
        json!({"allocateLoadBalancerNodePorts": true}),
        json!({"loadBalancerSourceRanges": ["10.0.0.0/8"]}),
        json!({"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0/8", "10.0.0.1/33", "here"]}),
        json!({"externalIPs": ["127.0.0.1", "0.0.0.0", "169.254.0.1", "224.0.0.1", "here"]}),
        json!({"selector": {"a b": "c", "d": "e f"}}),
        json!({"trafficDistribution": "PreferFar"}),
    ]
}

fn metadata() -> Vec<Value> {
    vec![
        json!({"name": "Web"}),
        json!({"name": "1web"}),
        json!({"name": "a.b"}),
        json!({"name": "a".repeat(64)}),
        json!({"name": null}),
        json!({"name": "$(ns)", "namespace": "elsewhere"}),
        json!({"name": null, "generateName": "Web-"}),
        json!({"labels": {"a/b/c": "d"}}),
        json!({"labels": {"a": "b c"}}),
        json!({"labels": {"a".repeat(64): "b"}}),
        json!({"labels": {"a": "b".repeat(64)}}),
        json!({"annotations": {"a b": "c"}}),
        json!({"annotations": {"a": "b".repeat(262_144)}}),
        json!({"finalizers": ["unqualified"]}),
        json!({"finalizers": ["example.com/a b"]}),
        json!({"ownerReferences": [{"apiVersion": "", "kind": "", "name": "", "uid": ""}]}),
        json!({"resourceVersion": "17"}),
        json!({"uid": "mine"}),
        json!({"generation": 7, "creationTimestamp": "2020-01-01T00:00:00Z", "deletionGracePeriodSeconds": 3}),
    ]
}
