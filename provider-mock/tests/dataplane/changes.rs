//! Changes while traffic flows: draining, reconfiguration, the end.

use std::time::Duration;

use provider_mock::dataplane::{Frontend, HealthState};
use provider_mock::net::{IpFamily, Transport};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::World;
use super::sockets::{TcpBackend, eventually, expect, is_reset};

#[tokio::test]
async fn a_deregistered_backend_drains_and_is_then_cut() {
    let world = World::new();
    let (one, two) = (world.backend("one"), world.backend("two"));
    let _first = TcpBackend::greet(&world.net, one.address, "one");
    let mut frontend = world.frontend(Transport::Tcp, &[&one]);
    let real = world.serve(frontend.clone()).await;
    let mut old = TcpStream::connect(real).await.unwrap();
    expect(&mut old, "one").await;

    let _second = TcpBackend::greet(&world.net, two.address, "two");
    frontend.backends = vec![two.clone()];
    world.apply(frontend.clone()).await;
    eventually("healthy", async || world.states()["two"] == HealthState::Healthy).await;
    assert_eq!(world.states()["one"], HealthState::Draining);
    for _ in 0..4 {
        expect(&mut TcpStream::connect(real).await.unwrap(), "two").await;
    }
    old.write_all(b"still served").await.unwrap();
    expect(&mut old, "still served").await;

    // Registered again it keeps its connection; deregistered with a short timeout it loses it.
    frontend.backends = vec![one.clone(), two.clone()];
    world.serve(frontend.clone()).await;
    old.write_all(b"and again").await.unwrap();
    expect(&mut old, "and again").await;
    frontend.backends = vec![two];
    frontend.drain_timeout = Duration::from_millis(50);
    world.apply(frontend).await;
    assert!(is_reset(&mut old).await);
    eventually("drained", async || !world.states().contains_key("one")).await;
}

#[tokio::test]
async fn changes_do_not_cut_connections_that_they_do_not_concern() {
    let world = World::new();
    let (one, two) = (world.backend("one"), world.backend("two"));
    let _first = TcpBackend::greet(&world.net, one.address, "one");
    let mut frontend = world.frontend(Transport::Tcp, &[&one]);
    let real = world.serve(frontend.clone()).await;
    let mut old = TcpStream::connect(real).await.unwrap();
    expect(&mut old, "one").await;

    frontend.backends = vec![two, one];
    frontend.idle_timeout = Duration::from_secs(77);
    frontend.health_check.interval = Duration::from_millis(30);
    frontend.source_ranges = vec!["203.0.113.0/24".parse().unwrap()];
    let other = Frontend::new("other", world.address, 8081, Transport::Tcp);
    let bound = world.plane.apply(vec![frontend.clone(), other]).await.unwrap();
    assert_eq!(bound.iter().map(|bound| bound.id.as_str()).collect::<Vec<_>>(), ["other", "web"]);
    assert_eq!(world.states()["one"], HealthState::Healthy, "health outlives a change of the check");
    world.plane.apply(vec![frontend]).await.unwrap();
    old.write_all(b"still served").await.unwrap();
    expect(&mut old, "still served").await;
    let backend =
        world.plane.stats()[0].backends.iter().find(|backend| backend.id == "one").cloned().unwrap();
    assert_eq!((backend.active, backend.total), (1, 1));
}

#[tokio::test]
async fn a_frontend_that_is_gone_leaves_nothing() {
    let world = World::new();
    let one = world.backend("one");
    let _first = TcpBackend::greet(&world.net, one.address, "one");
    let frontend = world.frontend(Transport::Tcp, &[&one]);
    let real = world.serve(frontend.clone()).await;
    let mut old = TcpStream::connect(real).await.unwrap();
    expect(&mut old, "one").await;
    world.plane.apply(Vec::new()).await.unwrap();
    assert!(is_reset(&mut old).await);
    assert!(TcpStream::connect(real).await.is_err());
    assert_eq!(world.net.lookup(frontend.socket_address(), Transport::Tcp), None);
    // The same address serves again at once, also under another id and after a plain drop.
    let mut renamed = frontend.clone();
    renamed.id = "renamed".to_owned();
    world.apply(frontend.clone()).await;
    world.apply(renamed).await;
    let World { net, plane, .. } = world;
    drop(plane);
    eventually("the address is free", async || {
        net.lookup(frontend.socket_address(), Transport::Tcp).is_none()
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_served_is_named_and_the_rest_is_served() {
    let world = World::new();
    let frontend = world.frontend(Transport::Tcp, &[]);
    let mut same_address = frontend.clone();
    same_address.id = "twin".to_owned();
    let mut udp = frontend.clone();
    (udp.id, udp.transport) = ("udp".to_owned(), Transport::Udp);
    let taken = world.net.bind_tcp((world.address, 9090).into()).unwrap();
    let blocked = Frontend::new("blocked", world.address, 9090, Transport::Tcp);
    let frontends = vec![frontend.clone(), same_address, udp, blocked];
    let error = world.plane.apply(frontends).await.unwrap_err();
    let failed: Vec<_> = error.failures.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(failed, ["twin", "blocked"]);
    assert!(error.to_string().contains("frontend blocked: TCP"), "{error}");
    let served: Vec<_> = world.plane.bound().into_iter().map(|bound| bound.id).collect();
    assert_eq!(served, ["udp", "web"]);
    drop(taken);
}

#[tokio::test]
async fn ipv6_addresses_are_mapped_to_the_one_loopback_address() {
    let world = World::new();
    let address = world.net.load_balancer_address(IpFamily::V6).unwrap();
    let node = world.net.node_address(IpFamily::V6).unwrap();
    let one =
        provider_mock::dataplane::BackendTarget { id: "one".to_owned(), address: (node, 30_080).into() };
    let _first = TcpBackend::greet(&world.net, one.address, "one");
    let mut frontend = world.frontend(Transport::Tcp, &[&one]);
    frontend.address = address;
    let real = world.serve(frontend).await;
    assert!(real.ip().is_loopback());
    expect(&mut TcpStream::connect(real).await.unwrap(), "one").await;
}
