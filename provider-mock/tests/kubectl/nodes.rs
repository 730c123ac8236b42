use crate::harness::{Cluster, text};
use provider_mock::apiserver::Resource;
use serde_json::json;

const NODE: &str = "
apiVersion: v1
kind: Node
metadata: {name: node-1}
";

#[tokio::test(flavor = "multi_thread")]
async fn taint_cordon_and_label_a_node() {
    let Some(cluster) = Cluster::start().await else { return };
    let file = cluster.file("node.yaml", NODE);
    cluster.run(&["create", "-f", text(&file)]).await;
    let mut node = cluster.server.get(Resource::Nodes, "", "node-1").unwrap();
    node["status"] = json!({"conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": {"kubeletVersion": "v1.33.0"}});
    cluster.server.update_status(Resource::Nodes, node).unwrap();
    cluster.run(&["taint", "node", "node-1", "a=b:NoSchedule"]).await;
    cluster.run(&["cordon", "node-1"]).await;
    cluster
        .run(&["label", "node", "node-1", "node.kubernetes.io/exclude-from-external-load-balancers=true"])
        .await;
    let nodes = cluster.run(&["get", "nodes"]).await;
    assert!(nodes.contains("Ready,SchedulingDisabled") && nodes.contains("v1.33.0"), "{nodes}");
    let node = cluster.server.get(Resource::Nodes, "", "node-1").unwrap();
    assert_eq!(node["spec"]["taints"][0]["key"], "a");
    let described = cluster.run(&["describe", "node", "node-1"]).await;
    assert!(described.contains("a=b:NoSchedule"), "{described}");
    cluster.run(&["uncordon", "node-1"]).await;
    cluster.run(&["taint", "node", "node-1", "a-"]).await;
    let node = cluster.server.get(Resource::Nodes, "", "node-1").unwrap();
    assert_eq!((node["spec"].get("taints"), node["spec"].get("unschedulable")), (None, None), "{node}");
    cluster.run(&["delete", "node", "node-1"]).await;
    assert_eq!(cluster.server.list(Resource::Nodes).len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_made_from_the_command_line() {
    let Some(cluster) = Cluster::start().await else { return };
    cluster.run(&["create", "namespace", "shop"]).await;
    cluster.run(&["-n", "shop", "create", "configmap", "c", "--from-literal=a=b"]).await;
    cluster.run(&["-n", "shop", "create", "secret", "generic", "s", "--from-literal=a=b"]).await;
    cluster.run(&["-n", "shop", "create", "service", "loadbalancer", "l", "--tcp=80:8080"]).await;
    cluster.run(&["-n", "shop", "expose", "service", "l", "--name=m", "--port=81", "--type=NodePort"]).await;
    let stored = |resource, name| cluster.server.get(resource, "shop", name).unwrap();
    assert_eq!(stored(Resource::ConfigMaps, "c")["data"], json!({"a": "b"}));
    assert_eq!(stored(Resource::Secrets, "s")["data"], json!({"a": "Yg=="}));
    let service = stored(Resource::Services, "l");
    assert_eq!(
        (service["spec"]["type"].as_str(), service["spec"]["selector"]["app"].as_str()),
        (Some("LoadBalancer"), Some("l"))
    );
    let port = &service["spec"]["ports"][0];
    assert_eq!((port["port"].as_u64(), port["targetPort"].as_u64()), (Some(80), Some(8080)), "{port}");
    assert_eq!(stored(Resource::Services, "m")["spec"]["type"], "NodePort");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_is_made_and_deleted_with_its_content() {
    let Some(cluster) = Cluster::start().await else { return };
    let manifest = "
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data: {a: b}
";
    let file = cluster.file("shop.yaml", manifest);
    cluster.run(&["apply", "-f", text(&file)]).await;
    let maps = cluster.run(&["get", "cm", "-A", "--no-headers"]).await;
    assert!(maps.starts_with("shop") && maps.contains("settings"), "{maps}");
    cluster.run(&["delete", "ns", "shop", "--wait"]).await;
    assert_eq!(cluster.server.list(Resource::ConfigMaps).len(), 0);
}
