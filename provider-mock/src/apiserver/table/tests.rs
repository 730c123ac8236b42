use super::*;

fn row(resource: Resource, object: &Value) -> Vec<String> {
    let shown = |cell: &Value| cell.as_str().map_or_else(|| cell.to_string(), str::to_owned);
    cells(resource, object, "2026-01-01T00:01:00Z".parse().unwrap()).iter().map(shown).collect()
}

#[test]
fn every_kind_has_as_many_cells_as_columns() {
    for endpoint in &crate::apiserver::resource::ENDPOINTS {
        let resource = endpoint.resource;
        assert_eq!(columns(resource).len(), row(resource, &json!({})).len(), "{resource:?}");
    }
}

#[test]
fn services_of_each_type() {
    let service = |kind: &str, ingress: Value| {
        json!({
            "metadata": {"name": "x", "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {
                "type": kind, "clusterIP": "10.96.0.7", "selector": {"app": "a", "tier": "b"},
                "ports": [{"port": 80, "nodePort": 30008, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]},
            "status": {"loadBalancer": {"ingress": ingress}}})
    };
    let cases = [
        ("LoadBalancer", json!([]), "<pending>"),
        ("LoadBalancer", json!([{"ip": "127.0.0.9"}, {"hostname": "a.example"}]), "127.0.0.9,a.example"),
        ("NodePort", json!([]), "<none>"),
    ];
    for (kind, ingress, external) in cases {
        let expected = ["x", kind, "10.96.0.7", external, "80:30008/TCP,53/UDP", "60s", "app=a,tier=b"];
        assert_eq!(row(Resource::Services, &service(kind, ingress)), expected);
    }
}

#[test]
fn nodes_show_readiness_cordon_and_roles() {
    let node = json!({
        "metadata": {"name": "n", "labels": {"node-role.kubernetes.io/control-plane": ""}},
        "spec": {"unschedulable": true},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "addresses": [{"type": "InternalIP", "address": "127.0.0.2"}],
            "nodeInfo": {"kubeletVersion": "v1.33.0"}}});
    let shown = row(Resource::Nodes, &node);
    assert_eq!(
        shown[1..6],
        ["Ready,SchedulingDisabled", "control-plane", "<unknown>", "v1.33.0", "127.0.0.2"]
    );
}

#[test]
fn many_endpoints_are_shortened() {
    let addresses: Vec<Value> = (1..6).map(|n| json!({"ip": format!("10.0.0.{n}")})).collect();
    let object = json!({"subsets": [{"addresses": addresses, "ports": [{"port": 80}]}]});
    assert_eq!(row(Resource::Endpoints, &object)[1], "10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 2 more...");
}
