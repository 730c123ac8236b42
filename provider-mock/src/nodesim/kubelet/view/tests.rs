use super::*;
use jiff::Timestamp;
use serde_json::{Value, json};

fn parse<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn node(index: usize) -> Node {
    parse(super::super::objects::node(index, &[IpAddr::from([127, 2, 2, 1])], Timestamp::UNIX_EPOCH))
}

fn pod(name: &str, spec: &Value) -> Pod {
    parse(json!({
        "metadata": {"name": name, "namespace": "default", "labels": {"app": "web", "tier": "front"}},
        "spec": spec,
    }))
}

fn placed(view: &View) -> Vec<(&str, String)> {
    let name = |(pod, node): (&'_ Pod, String)| (pod.metadata.name.clone().unwrap(), node);
    let all: Vec<_> = view.schedule().into_iter().map(name).collect();
    all.into_iter().map(|(pod, node)| (if pod == "one" { "one" } else { "other" }, node)).collect()
}

#[test]
fn pods_spread_over_the_nodes_that_take_them() {
    let free = || json!({"containers": []});
    let mut view = View {
        nodes: vec![node(0), node(1), node(2)],
        pods: vec![
            pod("a", &json!({"containers": [], "nodeName": "node-1"})),
            pod("one", &free()),
            pod("b", &free()),
            pod("c", &free()),
        ],
        services: vec![],
        slices: vec![],
    };
    let nodes: Vec<_> = placed(&view).into_iter().map(|(_, node)| node).collect();
    assert_eq!(nodes, ["node-2", "node-3", "node-1"]);
    view.nodes[1].spec.as_mut().unwrap().unschedulable = Some(true);
    view.nodes[2].status.as_mut().unwrap().conditions.as_mut().unwrap()[0].status = "Unknown".to_owned();
    assert!(placed(&view).iter().all(|(_, node)| node == "node-1"));
    view.pods = vec![pod(
        "one",
        &json!({
            "containers": [], "nodeSelector": {"topology.kubernetes.io/zone": "zone-b"}
        }),
    )];
    assert_eq!(placed(&view), []);
    view.nodes[1].spec.as_mut().unwrap().unschedulable = None;
    assert_eq!(placed(&view), [("one", "node-2".to_owned())]);
}

#[test]
fn ports_are_those_declared_and_those_expected() {
    let web = pod(
        "web",
        &json!({"containers": [{"name": "c", "ports": [
            {"containerPort": 8080}, {"containerPort": 53, "protocol": "UDP"}, {"containerPort": 9, "protocol": "SCTP"},
        ]}]}),
    );
    let service = |selector: Value| {
        parse::<Service>(json!({
            "metadata": {"name": "s", "namespace": "default"},
            "spec": {"selector": selector, "ports": [
                {"port": 80, "targetPort": 8081}, {"port": 81}, {"port": 82, "targetPort": "named"},
                {"port": 83, "targetPort": 84, "protocol": "UDP"},
            ]},
        }))
    };
    let declared = BTreeSet::from([(Transport::Tcp, 8080), (Transport::Udp, 53)]);
    assert_eq!(ports(&web, &[service(json!({"app": "else"})), service(json!({}))]), declared);
    let mut all = declared;
    all.extend([(Transport::Tcp, 8081), (Transport::Tcp, 81), (Transport::Udp, 84)]);
    assert_eq!(ports(&web, &[service(json!({"app": "web"}))]), all);
}
