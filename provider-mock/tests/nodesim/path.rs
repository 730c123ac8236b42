//! The whole path: client, load balancer, node, pod.

use std::time::Duration;

use provider_mock::dataplane::{BackendTarget, ClientHeader, Dataplane, Frontend, HealthCheck, HealthState};
use provider_mock::net::{IpFamily, Transport};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::sockets::{eventually, expect, is_reset};
use super::{NODE_PORT, World, get, ready};

fn frontend(world: &World) -> Frontend {
    let address = world.net.load_balancer_address(IpFamily::V4).unwrap();
    let mut frontend = Frontend::new("web", address, 8080, Transport::Tcp);
    let target = |node: &provider_mock::nodesim::SimNode| BackendTarget {
        id: node.name.clone(),
        address: (node.addresses[0], NODE_PORT).into(),
    };
    frontend.backends = world.cluster.nodes.iter().map(target).collect();
    frontend.health_check = HealthCheck {
        interval: Duration::from_millis(20),
        healthy_threshold: 1,
        unhealthy_threshold: 1,
        ..HealthCheck::default()
    };
    frontend
}

async fn healthy(plane: &Dataplane, count: usize) {
    let now = || plane.health().iter().filter(|health| health.state == HealthState::Healthy).count();
    eventually("the expected number of nodes is healthy", async || now() == count).await;
}

#[tokio::test]
async fn requests_go_on_when_a_node_dies_and_it_comes_back() {
    let mut world = World::new(&["a", "b", "c"], IpFamily::V4);
    world.serve(json!({}), &[(0, ready()), (1, ready()), (2, ready())]).await;
    let plane = Dataplane::new(world.net.clone());
    let real = plane.apply(vec![frontend(&world)]).await.unwrap()[0].binding.real;
    healthy(&plane, 3).await;

    let mut cut = TcpStream::connect(world.real(0, NODE_PORT, Transport::Tcp)).await.unwrap();
    cut.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nfirst").await.unwrap();
    expect(&mut cut, "HTTP/1.1 200 OK").await;
    world.sim.kill("node-a").await;
    assert!(is_reset(&mut cut).await);
    assert_eq!(world.net.lookup((world.node(0), NODE_PORT).into(), Transport::Tcp), None);
    // Until its endpoint is gone, other nodes still try the dead pod, and pass to the next.
    for _ in 0..12 {
        let (_, answer) = get(TcpStream::connect(real).await.unwrap(), "/").await.unwrap();
        assert_ne!(answer["node"], "node-a");
    }
    healthy(&plane, 2).await;
    world.sim.sync(world.cluster.clone()).await.unwrap();
    assert_eq!(world.sim.dead().await.into_iter().collect::<Vec<_>>(), ["node-a"], "dead until revived");
    world.sim.revive("node-a").await.unwrap();
    healthy(&plane, 3).await;
    assert!(world.web(0).await.is_ok());
    world.sim.shutdown().await;
    healthy(&plane, 0).await;
}

#[tokio::test]
async fn pods_understand_the_proxy_header() {
    let mut world = World::new(&["a"], IpFamily::V4);
    world.serve(json!({}), &[(0, ready())]).await;
    let plane = Dataplane::new(world.net.clone());
    let mut frontend = frontend(&world);
    frontend.client_header = ClientHeader::ProxyV2;
    let destination = frontend.socket_address().to_string();
    let real = plane.apply(vec![frontend]).await.unwrap()[0].binding.real;
    healthy(&plane, 1).await;
    let stream = TcpStream::connect(real).await.unwrap();
    let client = stream.local_addr().unwrap().to_string();
    let (_, answer) = get(stream, "/some/path").await.unwrap();
    assert_eq!(answer["proxied"], json!({"client": client, "destination": destination}));
    assert_eq!((&answer["path"], &answer["namespace"]), (&json!("/some/path"), &json!("default")));
}

#[tokio::test]
async fn pods_keep_connections_alive_between_requests() {
    let mut world = World::new(&["a"], IpFamily::V4);
    world.serve(json!({}), &[(0, ready())]).await;
    let mut stream = TcpStream::connect(world.real(0, NODE_PORT, Transport::Tcp)).await.unwrap();
    for _ in 0..3 {
        stream.write_all(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nping").await.unwrap();
        expect(&mut stream, "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n").await;
        let mut rest = String::new();
        while !rest.ends_with("\r\n\r\nping") {
            let byte = tokio::io::AsyncReadExt::read_u8(&mut stream).await.unwrap();
            rest.push(char::from(byte));
        }
    }
    let (head, _) = get(stream, "/").await.unwrap();
    assert!(head.contains("connection: close"), "{head}");
}
