//! UDP: sessions, their bounds and their end.

use std::net::SocketAddr;
use std::time::Duration;

use provider_mock::dataplane::{Affinity, HealthState, ProbePort};
use provider_mock::net::Transport;
use tokio::net::UdpSocket;

use super::World;
use super::sockets::{TcpBackend, eventually, udp_echo, within};

async fn client(from: [u8; 4], to: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind(SocketAddr::from((from, 0))).await.unwrap();
    // Connected: answers from any other address would not be received.
    socket.connect(to).await.unwrap();
    socket
}

async fn ask(socket: &UdpSocket, question: &[u8]) -> String {
    socket.send(question).await.unwrap();
    let mut answer = vec![0; 65_535];
    let length = within("a datagram", socket.recv(&mut answer)).await.unwrap();
    String::from_utf8(answer[..length].to_vec()).unwrap()
}

#[tokio::test]
async fn answers_come_from_the_load_balancer_and_silence_ends_the_session() {
    let world = World::new();
    let one = world.backend("one");
    let _backend = udp_echo(&world.net, one.address, "one");
    let _health = TcpBackend::greet(&world.net, one.address, "");
    let mut frontend = world.frontend(Transport::Udp, &[&one]);
    frontend.idle_timeout = Duration::from_millis(200);
    let real = world.serve(frontend).await;
    let client = client([127, 9, 0, 1], real).await;
    assert_eq!(ask(&client, b"hello").await, "one:hello");
    let long = "x".repeat(20_000);
    assert_eq!(ask(&client, long.as_bytes()).await, format!("one:{long}"));
    assert_eq!(ask(&client, b"").await, "one:");
    eventually("the session is over", async || world.active() == 0).await;
    assert_eq!(ask(&client, b"again").await, "one:again");
    let stats = &world.plane.stats()[0].backends[0];
    assert!(stats.total >= 2 && stats.bytes_in == 20_010 && stats.bytes_out == 20_026, "{stats:?}");
}

#[tokio::test]
async fn a_session_moves_when_its_backend_becomes_unhealthy() {
    let world = World::new();
    let (one, two) = (world.backend("one"), world.backend("two"));
    let _backends = [udp_echo(&world.net, one.address, "one"), udp_echo(&world.net, two.address, "two")];
    let health = |target: &provider_mock::dataplane::BackendTarget| {
        TcpBackend::greet(&world.net, SocketAddr::new(target.address.ip(), 10_256), "")
    };
    let (first, _second) = (health(&one), health(&two));
    let mut frontend = world.frontend(Transport::Udp, &[&one, &two]);
    frontend.health_check.port = ProbePort::Fixed(10_256);
    frontend.affinity = Affinity::ClientIp { timeout: Duration::from_mins(10) };
    let real = world.serve(frontend).await;
    // Find a client of the backend that is to go.
    let mut lasts = 1..;
    let client = loop {
        let client = client([127, 9, 0, lasts.next().unwrap()], real).await;
        if ask(&client, b"?").await == "one:?" {
            break client;
        }
    };
    for _ in 0..5 {
        assert_eq!(ask(&client, b"stay").await, "one:stay");
    }
    drop(first);
    eventually("unhealthy", async || world.states()["one"] == HealthState::Unhealthy).await;
    assert_eq!(ask(&client, b"moved").await, "two:moved");
}

#[tokio::test]
async fn sessions_are_bounded_and_source_ranges_hold() {
    let world = World::new();
    let one = world.backend("one");
    let _backend = udp_echo(&world.net, one.address, "one");
    let _health = TcpBackend::greet(&world.net, one.address, "");
    let mut frontend = world.frontend(Transport::Udp, &[&one]);
    frontend.flow_limit = 1;
    frontend.source_ranges = vec!["127.9.0.0/24".parse().unwrap()];
    let real = world.serve(frontend).await;
    let first = client([127, 9, 0, 1], real).await;
    assert_eq!(ask(&first, b"a").await, "one:a");
    client([127, 9, 0, 2], real).await.send(b"one too many").await.unwrap();
    client([127, 9, 9, 1], real).await.send(b"not from there").await.unwrap();
    eventually("both are refused", async || world.plane.stats()[0].refused == 2).await;
    assert_eq!(ask(&first, b"b").await, "one:b");
}
