//! Services of every type: defaults, allocations, changes.

use serde_json::{Value, json};

use super::{core, service};
use crate::compare::{Scenario, scenario};
use crate::step::{Patch, Step};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![types(), ports(), families(), type_changes(), addresses(), status(), immutable()]
}

fn create(name: &str, spec: Value) -> Step {
    Step::post(core("services"), service(name, spec))
}

fn types() -> Scenario {
    let steps = vec![
        create("plain", json!({})),
        create("headless", json!({"clusterIP": "None"})),
        create("headless-bare", json!({"clusterIP": "None", "ports": null, "selector": null})),
        create("node-port", json!({"type": "NodePort"})),
        create("balanced", json!({"type": "LoadBalancer"})),
        create("classed", json!({"type": "LoadBalancer", "loadBalancerClass": "example.com/lb"})),
        create("no-node-ports", json!({"type": "LoadBalancer", "allocateLoadBalancerNodePorts": false})),
        create("local", json!({"type": "LoadBalancer", "externalTrafficPolicy": "Local"})),
        create("local-node-port", json!({"type": "NodePort", "externalTrafficPolicy": "Local"})),
        create("inside", json!({"internalTrafficPolicy": "Local"})),
        create(
            "name",
            json!({"type": "ExternalName", "externalName": "example.com", "ports": null, "selector": null}),
        ),
        create("sticky", json!({"sessionAffinity": "ClientIP"})),
        create(
            "ranges",
            json!({"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0/8", " 192.168.0.0/16"]}),
        ),
        create("external", json!({"externalIPs": ["203.0.113.7"]})),
        create("close", json!({"trafficDistribution": "PreferClose"})),
        Step::get(core("services/plain")),
        Step::get(core("services/balanced")),
        Step::get(core("services?limit=500")).table(),
        Step::get(core("services/node-port")).table(),
    ];
    scenario("service-types", steps)
}

fn ports() -> Scenario {
    let fixed = json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": 30123}]});
    let two = json!({"ports": [{"name": "a", "port": 80, "targetPort": "web"}, {"name": "b", "port": 80, "protocol": "UDP"}]});
    let health =
        json!({"type": "LoadBalancer", "externalTrafficPolicy": "Local", "healthCheckNodePort": 30777});
    let steps = vec![
        create("fixed", fixed.clone()),
        create("taken", fixed),
        create("two", two),
        create("app", json!({"ports": [{"port": 443, "appProtocol": "https"}]})),
        create("text", json!({"ports": [{"port": 443, "targetPort": "8443"}]})),
        create("health", health.clone()),
        create("health-taken", health),
        create("outside", json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": 80}]})),
        create("sctp", json!({"ports": [{"port": 80, "protocol": "SCTP"}]})),
    ];
    scenario("service-ports", steps)
}

fn families() -> Scenario {
    let steps = vec![
        create("prefer", json!({"ipFamilyPolicy": "PreferDualStack"})),
        create("require", json!({"ipFamilyPolicy": "RequireDualStack"})),
        create("second", json!({"ipFamilies": ["IPv6"]})),
        create("turned", json!({"ipFamilies": ["IPv6", "IPv4"], "ipFamilyPolicy": "RequireDualStack"})),
        create("headless", json!({"clusterIP": "None", "ipFamilyPolicy": "PreferDualStack"})),
        create("headless-bare", json!({"clusterIP": "None", "selector": null})),
        create("single-with-two", json!({"ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "SingleStack"})),
        create("unknown", json!({"ipFamilies": ["IPv5"]})),
        create("policy", json!({"ipFamilyPolicy": "Sometimes"})),
        Step::patch(
            core("services/prefer"),
            Patch::Merge,
            json!({"spec": {"ipFamilyPolicy": "SingleStack"}}),
        ),
        Step::patch(
            core("services/second"),
            Patch::Merge,
            json!({"spec": {"ipFamilyPolicy": "RequireDualStack"}}),
        ),
        Step::patch(
            core("services/require"),
            Patch::Merge,
            json!({"spec": {"ipFamilies": ["IPv6", "IPv4"]}}),
        ),
    ];
    scenario("service-families", steps)
}

fn type_changes() -> Scenario {
    let to = |spec: Value| Step::patch(core("services/web"), Patch::Merge, json!({"spec": spec}));
    let steps = vec![
        create("web", json!({})),
        to(json!({"type": "NodePort"})),
        to(json!({"type": "LoadBalancer", "externalTrafficPolicy": "Local"})),
        to(json!({"externalTrafficPolicy": "Cluster"})),
        to(json!({"type": "NodePort"})),
        to(json!({"type": "ClusterIP"})),
        to(json!({"type": "ExternalName", "externalName": "example.com"})),
        to(json!({"type": "LoadBalancer", "loadBalancerClass": "example.com/lb"})),
        to(json!({"type": "ClusterIP"})),
        Step::get(core("services/web")),
    ];
    scenario("service-type-changes", steps)
}

fn addresses() -> Scenario {
    let steps = vec![
        create("fixed", json!({"clusterIP": "10.96.33.44"})),
        create("taken", json!({"clusterIP": "10.96.33.44"})),
        create("outside", json!({"clusterIP": "192.0.2.1"})),
        create("nonsense", json!({"clusterIP": "here"})),
        create("both", json!({"clusterIP": "10.96.33.45", "clusterIPs": ["10.96.33.46"]})),
        create("only-list", json!({"clusterIPs": ["10.96.33.47"]})),
        Step::patch(
            core("services/fixed"),
            Patch::Merge,
            json!({"spec": {"clusterIP": "10.96.33.48", "clusterIPs": ["10.96.33.48"]}}),
        ),
        Step::patch(core("services/fixed"), Patch::Merge, json!({"spec": {"clusterIP": "None"}})),
        Step::delete(core("services/fixed")),
        create("taken", json!({"clusterIP": "10.96.33.44"})),
    ];
    scenario("service-addresses", steps)
}

fn status() -> Scenario {
    let path = core("services/web/status");
    let ingress = |address: Value| json!({"status": {"loadBalancer": {"ingress": [address]}}});
    let write = |body: Value| Step::patch(path.clone(), Patch::Merge, body);
    let condition = json!([{"type": "Ready", "status": "True", "reason": "Is", "message": "m", "lastTransitionTime": "2020-01-01T00:00:00Z"}]);
    let bare = json!([{"type": "Ready", "status": "Perhaps"}]);
    let steps = vec![
        create("web", json!({"type": "LoadBalancer"})),
        write(ingress(json!({"ip": "192.0.2.1"}))),
        write(ingress(
            json!({"ip": "192.0.2.1", "ipMode": "Proxy", "ports": [{"port": 80, "protocol": "TCP"}]}),
        )),
        write(ingress(json!({"hostname": "lb.example.com"}))),
        write(ingress(json!({"ip": "nowhere"}))),
        write(ingress(json!({"ip": "192.0.2.1", "ipMode": "Sometimes"}))),
        write(ingress(json!({"hostname": "192.0.2.1"}))),
        write(ingress(json!({"hostname": "lb.example.com", "ipMode": "VIP"}))),
        write(json!({"status": {"conditions": condition}})),
        write(json!({"status": {"conditions": bare}})),
        write(json!({"spec": {"type": "ClusterIP"}, "metadata": {"labels": {"a": "b"}}})),
        Step::get(path.clone()),
        Step::patch(core("services/web"), Patch::Merge, ingress(json!({"ip": "192.0.2.9"}))),
        Step::patch(core("services/web"), Patch::Merge, json!({"spec": {"type": "ClusterIP"}})),
        Step::patch(core("services/none/status"), Patch::Merge, json!({"status": {}})),
    ];
    scenario("service-status", steps)
}

fn immutable() -> Scenario {
    let steps = vec![
        create("classed", json!({"type": "LoadBalancer", "loadBalancerClass": "example.com/lb"})),
        create(
            "local",
            json!({"type": "LoadBalancer", "externalTrafficPolicy": "Local", "healthCheckNodePort": 30778}),
        ),
        Step::patch(
            core("services/classed"),
            Patch::Merge,
            json!({"spec": {"loadBalancerClass": "example.com/other"}}),
        ),
        Step::patch(core("services/classed"), Patch::Merge, json!({"spec": {"loadBalancerClass": null}})),
        Step::patch(core("services/local"), Patch::Merge, json!({"spec": {"healthCheckNodePort": 30779}})),
        Step::patch(core("services/local"), Patch::Merge, json!({"metadata": {"name": "other"}})),
        Step::patch(core("services/local"), Patch::Merge, json!({"metadata": {"uid": "other"}})),
    ];
    scenario("service-immutable", steps)
}
