//! Which endpoint answers at a nodePort.

use std::collections::BTreeSet;

use provider_mock::net::{IpFamily, Transport};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UdpSocket};

use super::sockets::{connect_from, is_reset, within};
use super::{NODE_PORT, World, get, local, ready, service};

#[tokio::test]
async fn every_node_forwards_to_all_ready_endpoints_and_hides_the_client() {
    let mut world = World::new(&["a", "b", "c"], IpFamily::V4);
    world.serve(json!({}), &[(0, ready()), (1, ready()), (2, json!({"ready": false}))]).await;
    for node in 0..3 {
        let mut pods = BTreeSet::new();
        for _ in 0..4 {
            let answer = world.web(node).await.unwrap();
            let client: std::net::SocketAddr = answer["client"].as_str().unwrap().parse().unwrap();
            assert_eq!(client.ip(), world.node(node));
            pods.insert(answer["pod"].as_str().unwrap().to_owned());
        }
        assert_eq!(pods, BTreeSet::from(["pod-a".to_owned(), "pod-b".to_owned()]));
    }
}

#[tokio::test]
async fn terminating_endpoints_serve_only_where_none_is_ready() {
    let leaving = json!({"ready": false, "serving": true, "terminating": true});
    let failing = json!({"ready": false, "serving": false, "terminating": true});
    let mut world = World::new(&["a", "b"], IpFamily::V4);
    world.serve(json!({}), &[(0, leaving.clone()), (1, failing.clone())]).await;
    for _ in 0..3 {
        assert_eq!(world.web(1).await.unwrap()["pod"], "pod-a");
    }
    world.serve(json!({}), &[(0, leaving), (1, ready())]).await;
    for _ in 0..3 {
        assert_eq!(world.web(1).await.unwrap()["pod"], "pod-b");
    }
    world.serve(json!({}), &[(0, failing)]).await;
    world.web(1).await.unwrap_err();
}

#[tokio::test]
async fn local_policy_keeps_to_the_node_and_shows_the_client() {
    let mut world = World::new(&["a", "b"], IpFamily::V4);
    world.serve(local(), &[(0, ready())]).await;
    let stream = connect_from([127, 9, 3, 4], world.real(0, NODE_PORT, Transport::Tcp)).await.unwrap();
    let (_, answer) = get(stream, "/").await.unwrap();
    assert_eq!(answer["pod"], "pod-a");
    assert!(answer["client"].as_str().unwrap().starts_with("127.9.3.4:"), "{answer}");
    let mut refused = TcpStream::connect(world.real(1, NODE_PORT, Transport::Tcp)).await.unwrap();
    assert!(is_reset(&mut refused).await);
}

#[tokio::test]
async fn client_affinity_holds() {
    let mut world = World::new(&["a", "b", "c"], IpFamily::V4);
    let endpoints = [(0, ready()), (1, ready()), (2, ready())];
    world.serve(json!({"sessionAffinity": "ClientIP"}), &endpoints).await;
    let mut pods = BTreeSet::new();
    for last in 1..=10 {
        let mut own = BTreeSet::new();
        for _ in 0..3 {
            let real = world.real(0, NODE_PORT, Transport::Tcp);
            let (_, answer) = get(connect_from([127, 9, 0, last], real).await.unwrap(), "/").await.unwrap();
            own.insert(answer["pod"].as_str().unwrap().to_owned());
        }
        assert_eq!(own.len(), 1, "client {last} was sent to {own:?}");
        pods.extend(own);
    }
    assert!(pods.len() > 1);
}

#[tokio::test]
async fn datagrams_go_the_same_way_and_leave_an_endpoint_that_is_gone() {
    let mut world = World::new(&["a", "b"], IpFamily::V4);
    world.serve(json!({}), &[(0, ready())]).await;
    let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    client.connect(world.real(1, NODE_PORT, Transport::Udp)).await.unwrap();
    let ask = async |question: &str| {
        client.send(question.as_bytes()).await.unwrap();
        let mut answer = vec![0; 1500];
        let length = within("a datagram", client.recv(&mut answer)).await.unwrap();
        String::from_utf8(answer[..length].to_vec()).unwrap()
    };
    assert_eq!(ask("hello").await, "pod-a node-a hello");
    world.serve(json!({}), &[(1, ready())]).await;
    assert_eq!(ask("hello").await, "pod-b node-b hello");
}

#[tokio::test]
async fn ipv6_is_served_by_ipv6_endpoints_only() {
    let mut world = World::new(&["a"], IpFamily::V6);
    world.serve(json!({"ipFamilies": ["IPv6"]}), &[(0, ready())]).await;
    assert_eq!(world.web(0).await.unwrap()["pod"], "pod-a");
    world.serve(json!({"ipFamilies": ["IPv4"]}), &[(0, ready())]).await;
    let address = (world.node(0), NODE_PORT).into();
    assert_eq!(world.net.lookup(address, Transport::Tcp), None);
}

#[tokio::test]
async fn connections_outlive_the_endpoint_but_not_the_pod() {
    let mut world = World::new(&["a", "b"], IpFamily::V4);
    world.serve(json!({}), &[(0, ready())]).await;
    let mut stream = TcpStream::connect(world.real(1, NODE_PORT, Transport::Tcp)).await.unwrap();
    stream.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nfirst").await.unwrap();
    super::sockets::expect(&mut stream, "HTTP/1.1 200 OK").await;
    world.serve(json!({}), &[(1, ready())]).await;
    assert_eq!(world.web(1).await.unwrap()["pod"], "pod-b");
    stream.write_all(b"later").await.unwrap();
    let mut answer = String::new();
    while !answer.ends_with("later") {
        let byte = within("the rest", tokio::io::AsyncReadExt::read_u8(&mut stream)).await.unwrap();
        answer.push(char::from(byte));
    }
    assert!(answer.ends_with("firstlater") && answer.contains("content-length: 10"), "{answer}");
    world.cluster.pods.remove(0);
    world.sim.sync(world.cluster.clone()).await.unwrap();
    assert!(is_reset(&mut stream).await);
}

#[tokio::test]
async fn types_without_node_ports_are_not_served_and_conflicts_are_named() {
    let mut world = World::new(&["a"], IpFamily::V4);
    world.serve(json!({"type": "ClusterIP"}), &[(0, ready())]).await;
    let address = (world.node(0), NODE_PORT).into();
    assert_eq!(world.net.lookup(address, Transport::Tcp), None);
    let mut other = service(json!({}));
    other.metadata.name = Some("other".to_owned());
    world.cluster.services = vec![service(json!({})), other];
    let error = world.sim.sync(world.cluster.clone()).await.unwrap_err();
    assert_eq!(error.failures.len(), 2);
    assert!(error.to_string().contains(&format!("TCP {address}: claimed twice")), "{error}");
    assert_eq!(world.web(0).await.unwrap()["pod"], "pod-a", "the first has it");
}
