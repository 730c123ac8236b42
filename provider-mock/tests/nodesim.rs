//! The simulated machines, with real sockets on loopback.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests; clippy exempts only functions marked as such"
)]

#[path = "support/sockets.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest")]
mod sockets;

#[path = "nodesim/health.rs"]
mod health;
#[path = "nodesim/kubelet.rs"]
mod kubelet;
#[path = "nodesim/path.rs"]
mod path;
#[path = "nodesim/routing.rs"]
mod routing;

use std::net::{IpAddr, SocketAddr};

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use provider_mock::net::{IpFamily, Net, Transport};
use provider_mock::nodesim::{Cluster, NodeSim, PodIdentity, SimNode, SimPod};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use sockets::{ask, connect_from};

const NODE_PORT: u16 = 30_008;
const HEALTH_CHECK_PORT: u16 = 31_000;

/// Nodes `node-a`, `node-b`, … with one pod `pod-a`, `pod-b`, … each, and the Service `default/web`.
struct World {
    net: Net,
    sim: NodeSim,
    cluster: Cluster,
}

impl World {
    fn new(nodes: &[&str], family: IpFamily) -> Self {
        let net = Net::new();
        let mut cluster = Cluster::default();
        for letter in nodes {
            let name = format!("node-{letter}");
            let addresses = vec![net.node_address(family).unwrap()];
            cluster.nodes.push(SimNode { name: name.clone(), addresses, eligible: true });
            cluster.pods.push(SimPod {
                identity: PodIdentity {
                    namespace: "default".into(),
                    pod: format!("pod-{letter}"),
                    node: name,
                },
                addresses: vec![net.pod_address(family).unwrap()],
                tcp_ports: [8080].into(),
                udp_ports: [5353].into(),
            });
        }
        Self { sim: NodeSim::new(net.clone()), net, cluster }
    }

    /// Serves these endpoints: a pod's position, and its conditions.
    async fn serve(&mut self, spec: Value, endpoints: &[(usize, Value)]) {
        self.cluster.services = vec![service(spec)];
        self.cluster.slices = vec![self.slice(endpoints)];
        self.sim.sync(self.cluster.clone()).await.unwrap();
    }

    fn slice(&self, endpoints: &[(usize, Value)]) -> EndpointSlice {
        let one = |(index, conditions): &(usize, Value)| {
            let pod = &self.cluster.pods[*index];
            json!({"addresses": [pod.addresses[0]], "nodeName": pod.identity.node, "conditions": conditions})
        };
        let address_type = if self.cluster.pods[0].addresses[0].is_ipv4() { "IPv4" } else { "IPv6" };
        serde_json::from_value(json!({
            "metadata": {"name": "web-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "web"}},
            "addressType": address_type,
            "ports": [
                {"name": "http", "protocol": "TCP", "port": 8080},
                {"name": "dns", "protocol": "UDP", "port": 5353},
            ],
            "endpoints": endpoints.iter().map(one).collect::<Vec<_>>(),
        }))
        .unwrap()
    }

    fn node(&self, index: usize) -> IpAddr {
        self.cluster.nodes[index].addresses[0]
    }

    /// Where a port of a node is really bound.
    fn real(&self, index: usize, port: u16, transport: Transport) -> SocketAddr {
        self.net.lookup(SocketAddr::new(self.node(index), port), transport).unwrap()
    }

    /// Asks the Service through a node; the pod's answer.
    async fn web(&self, index: usize) -> std::io::Result<Value> {
        let stream = TcpStream::connect(self.real(index, NODE_PORT, Transport::Tcp)).await?;
        Ok(get(stream, "/").await?.1)
    }

    async fn page(&self, index: usize, port: u16, path: &str) -> (String, Value) {
        let stream = connect_from([127, 0, 0, 1], self.real(index, port, Transport::Tcp)).await.unwrap();
        get(stream, path).await.unwrap()
    }
}

/// The head and the JSON body of an answer.
async fn get(stream: TcpStream, path: &str) -> std::io::Result<(String, Value)> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n");
    let answer = ask(stream, request.as_bytes()).await?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| std::io::Error::other(answer.clone()))?;
    Ok((head.to_owned(), serde_json::from_str(body)?))
}

/// A Service with the spec's fields and both its nodePorts.
fn service(spec: Value) -> Service {
    let mut whole = json!({
        "type": "NodePort",
        "ports": [
            {"name": "http", "protocol": "TCP", "port": 80, "targetPort": 8080, "nodePort": NODE_PORT},
            {"name": "dns", "protocol": "UDP", "port": 53, "targetPort": 5353, "nodePort": NODE_PORT},
        ],
    });
    let Value::Object(spec) = spec else { panic!("a spec is an object: {spec}") };
    whole.as_object_mut().unwrap().extend(spec);
    serde_json::from_value(json!({"metadata": {"name": "web", "namespace": "default"}, "spec": whole}))
        .unwrap()
}

fn local() -> Value {
    json!({
        "type": "LoadBalancer", "externalTrafficPolicy": "Local", "healthCheckNodePort": HEALTH_CHECK_PORT,
    })
}

fn ready() -> Value {
    json!({"ready": true})
}
