//! Machines that follow the embedded API.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use provider_mock::apiserver::{ApiServer, Resource};
use provider_mock::net::{IpFamily, Net, Transport};
use provider_mock::nodesim::Kubelets;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_util::task::AbortOnDropHandle;

use super::get;
use super::sockets::eventually;

struct World {
    net: Net,
    api: ApiServer,
    kubelets: Kubelets,
}

impl World {
    async fn with_nodes(count: usize, families: &[IpFamily]) -> Self {
        let (net, api) = (Net::new(), ApiServer::new());
        let kubelets = Kubelets::start(api.clone(), net.clone());
        kubelets.register_nodes(count, families).await.unwrap();
        Self { net, api, kubelets }
    }

    fn create_pod(&self, name: &str) {
        self.create_gated_pod(name, &[]);
    }

    fn create_gated_pod(&self, name: &str, gates: &[&str]) {
        let gates: Vec<Value> = gates.iter().map(|gate| json!({"conditionType": gate})).collect();
        let container =
            json!({"name": "c", "image": "web", "ports": [{"containerPort": 8080, "protocol": "TCP"}]});
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "default", "labels": {"app": "web"}},
            "spec": {"containers": [container], "readinessGates": gates},
        });
        self.api.create(Resource::Pods, pod).unwrap();
    }

    fn pod(&self, name: &str) -> Value {
        self.api.get(Resource::Pods, "default", name).unwrap()
    }

    async fn running(&self, name: &str) -> Value {
        eventually("the pod runs", async || self.pod(name)["status"]["phase"] == "Running").await;
        self.pod(name)
    }

    fn node(&self, name: &str) -> Value {
        self.api.get(Resource::Nodes, "", name).unwrap()
    }

    fn real(&self, ip: &Value, port: u16) -> Option<SocketAddr> {
        let ip: IpAddr = ip.as_str().unwrap().parse().unwrap();
        self.net.lookup((ip, port).into(), Transport::Tcp)
    }
}

/// The status of a condition of an object.
fn condition<'a>(object: &'a Value, kind: &str) -> &'a str {
    let conditions = object["status"]["conditions"].as_array().unwrap();
    conditions.iter().find(|one| one["type"] == kind).unwrap()["status"].as_str().unwrap()
}

#[tokio::test]
async fn nodes_have_what_a_provider_looks_at() {
    let world = World::with_nodes(4, &[IpFamily::V4, IpFamily::V6]).await;
    let zones: Vec<_> = world
        .api
        .list(Resource::Nodes)
        .iter()
        .map(|node| {
            let zone = node["metadata"]["labels"]["topology.kubernetes.io/zone"].as_str().unwrap();
            let name = node["metadata"]["name"].as_str().unwrap();
            assert_eq!(node["spec"]["providerID"], format!("mock://{zone}/{name}"));
            assert_eq!(condition(node, "Ready"), "True");
            let types: Vec<_> =
                node["status"]["addresses"].as_array().unwrap().iter().map(|a| a["type"].clone()).collect();
            assert_eq!(types, ["InternalIP", "InternalIP", "Hostname"]);
            zone.to_owned()
        })
        .collect();
    assert_eq!(zones, ["zone-a", "zone-b", "zone-c", "zone-a"]);
    assert_eq!(world.kubelets.register_nodes(1, &[IpFamily::V4]).await.unwrap(), ["node-5"]);
}

#[tokio::test]
async fn pods_are_spread_run_and_stop() {
    let world = World::with_nodes(3, &[IpFamily::V4]).await;
    let mut nodes = BTreeMap::new();
    for name in ["one", "two", "three"] {
        world.create_pod(name);
        let pod = world.running(name).await;
        assert_eq!(condition(&pod, "Ready"), "True");
        assert_eq!(pod["status"]["containerStatuses"][0]["ready"], true);
        eventually("the pod listens", async || world.real(&pod["status"]["podIP"], 8080).is_some()).await;
        let real = world.real(&pod["status"]["podIP"], 8080).unwrap();
        let (_, answer) = get(TcpStream::connect(real).await.unwrap(), "/").await.unwrap();
        assert_eq!((&answer["pod"], &answer["node"]), (&json!(name), &pod["spec"]["nodeName"]));
        nodes.insert(pod["spec"]["nodeName"].as_str().unwrap().to_owned(), pod);
    }
    assert_eq!(nodes.keys().collect::<Vec<_>>(), ["node-1", "node-2", "node-3"]);
    let ip = &world.pod("two")["status"]["podIP"];
    world.api.delete(Resource::Pods, "default", "two").unwrap();
    eventually("the pod is gone", async || world.real(ip, 8080).is_none()).await;
}

#[tokio::test]
async fn node_ports_work_and_a_dead_machine_is_reported() {
    let world = World::with_nodes(2, &[IpFamily::V4]).await;
    world.create_pod("one");
    let pod = world.running("one").await;
    let home = pod["spec"]["nodeName"].as_str().unwrap();
    let other = if home == "node-1" { "node-2" } else { "node-1" };
    // Without a selector nothing else makes slices for it.
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default"},
        "spec": {"type": "NodePort", "ports": [{"port": 80, "protocol": "TCP", "targetPort": 8080, "nodePort": 30008}]},
    });
    world.api.create(Resource::Services, service).unwrap();
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {
            "name": "web-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "web"},
        },
        "addressType": "IPv4",
        "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
        "endpoints": [{"addresses": [pod["status"]["podIP"]], "nodeName": home, "conditions": {"ready": true}}],
    });
    world.api.create(Resource::EndpointSlices, slice).unwrap();
    let through = async |node: &str| {
        let real = world.real(&world.node(node)["status"]["addresses"][0]["address"], 30_008);
        let real = real.ok_or(std::io::ErrorKind::ConnectionRefused)?;
        get(TcpStream::connect(real).await?, "/").await
    };
    eventually("the nodePort answers", async || through(other).await.is_ok()).await;

    world.kubelets.kill(home).await;
    assert_eq!(condition(&world.node(home), "Ready"), "Unknown");
    assert_eq!(condition(&world.pod("one"), "Ready"), "False");
    assert!(through(home).await.is_err() && through(other).await.is_err());
    world.create_pod("two");
    assert_eq!(world.running("two").await["spec"]["nodeName"], other);
    world.kubelets.revive(home).await;
    assert_eq!(condition(&world.node(home), "Ready"), "True");
    assert_eq!(condition(&world.pod("one"), "Ready"), "True");
    assert_eq!(through(home).await.unwrap().1["pod"], "one");

    let address = world.node(other)["status"]["addresses"][0]["address"].clone();
    assert!(world.real(&address, 30_008).is_some());
    world.api.delete(Resource::Nodes, "", other).unwrap();
    assert!(world.kubelets.settle().await);
    assert_eq!(world.real(&address, 30_008), None);
    assert!(through(home).await.is_ok());
}

#[tokio::test]
async fn a_settled_cluster_is_left_alone() {
    let world = World::with_nodes(2, &[IpFamily::V4]).await;
    world.create_pod("one");
    world.running("one").await;
    assert!(world.kubelets.settle().await);
    let version = *world.api.changes().borrow();
    assert!(world.kubelets.settle().await);
    assert_eq!(*world.api.changes().borrow(), version);
}

/// The demo's default manifest, on pods that declare no port.
#[tokio::test]
async fn a_service_with_a_selector_is_served_through_every_node_and_survives_one() {
    let world = World::with_nodes(3, &[IpFamily::V4]).await;
    let (api, stop) = (world.api.clone(), tokio_util::sync::CancellationToken::new());
    let endless = stop.clone();
    let _endpoints = AbortOnDropHandle::new(tokio::spawn(async move { api.run_endpoints(endless).await }));
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "myapp-service"},
        "spec": {
            "type": "LoadBalancer",
            "ports": [{"targetPort": 80, "port": 80, "nodePort": 30008}],
            "selector": {"app": "myapp", "type": "front-end"},
        },
    });
    world.api.create(Resource::Services, service).unwrap();
    for name in ["one", "two", "three"] {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "labels": {"app": "myapp", "type": "front-end"}},
            "spec": {"containers": [{"name": "web", "image": "web"}]},
        });
        world.api.create(Resource::Pods, pod).unwrap();
    }
    let pods_through = async |node: &str, count: usize| {
        let address = world.node(node)["status"]["addresses"][0]["address"].clone();
        let mut pods = std::collections::BTreeSet::new();
        for _ in 0..count {
            let real = world.real(&address, 30_008)?;
            let (_, answer) = get(TcpStream::connect(real).await.ok()?, "/").await.ok()?;
            pods.insert(answer["pod"].as_str()?.to_owned());
        }
        Some(pods.len())
    };
    for node in ["node-1", "node-2", "node-3"] {
        eventually("all pods answer through each node", async || pods_through(node, 6).await == Some(3))
            .await;
    }
    world.kubelets.kill("node-1").await;
    // The dead pod is passed over at once, and soon is no endpoint any more.
    assert!(pods_through("node-2", 10).await.is_some());
    eventually("two pods are left", async || pods_through("node-2", 6).await == Some(2)).await;
    assert_eq!(pods_through("node-1", 1).await, None);
    world.kubelets.revive("node-1").await;
    eventually("three pods again", async || pods_through("node-1", 6).await == Some(3)).await;
    stop.cancel();
}

#[tokio::test]
async fn a_pod_is_ready_while_its_readiness_gates_are_open() {
    const GATE: &str = "health.example/web";
    let world = World::with_nodes(1, &[IpFamily::V4]).await;
    world.create_gated_pod("one", &[GATE]);
    let pod = world.running("one").await;
    assert_eq!((condition(&pod, "ContainersReady"), condition(&pod, "Ready")), ("True", "False"));
    for (status, ready) in [("True", "True"), ("False", "False"), ("True", "True")] {
        let mut pod = world.pod("one");
        let conditions = pod["status"]["conditions"].as_array_mut().unwrap();
        conditions.retain(|condition| condition["type"] != GATE);
        conditions.push(json!({"type": GATE, "status": status}));
        world.api.update_status(Resource::Pods, pod).unwrap();
        world.kubelets.settle().await;
        let pod = world.pod("one");
        assert_eq!((condition(&pod, GATE), condition(&pod, "Ready")), (status, ready));
    }
    world.kubelets.kill("node-1").await;
    assert_eq!(condition(&world.pod("one"), "Ready"), "False");
    world.kubelets.revive("node-1").await;
    assert_eq!(condition(&world.pod("one"), "Ready"), "True");
}
