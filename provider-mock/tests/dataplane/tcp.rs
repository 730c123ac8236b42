//! TCP: bytes, ends, pressure, choice of backends.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ipnet::IpNet;
use ppp::v2::{Addresses, Command, Header};
use provider_mock::dataplane::{
    Affinity, ClientHeader, HealthState, NoneHealthy, Probe, ProbePort, SourceAddress,
};
use provider_mock::net::{Net, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::World;
use super::sockets::{DEADLINE, TcpBackend, ask, connect_from, eventually, expect, is_reset, within};

#[tokio::test]
async fn bytes_flow_both_ways_and_each_end_is_passed_on() {
    let world = World::new();
    let one = world.backend("one");
    let _backend = TcpBackend::echo(&world.net, one.address, "one");
    let real = world.serve(world.frontend(Transport::Tcp, &[&one])).await;
    // The backend answers only after the end of the question, and the client sees the end of the answer.
    let question = vec![b'x'; 300_000];
    let answer = ask(TcpStream::connect(real).await.unwrap(), &question).await.unwrap();
    assert_eq!(answer.len(), "one:".len() + question.len());
    eventually("the connection is counted as over", async || world.active() == 0).await;
    let stats = &world.plane.stats()[0].backends[0];
    assert_eq!((stats.bytes_in, stats.bytes_out, stats.total), (300_000, 300_004, 1));
}

#[tokio::test]
async fn the_backend_may_end_first_while_the_client_goes_on_sending() {
    let world = World::new();
    let one = world.backend("one");
    let received = Arc::new(AtomicU64::new(0));
    let counter = received.clone();
    let _backend = TcpBackend::start(&world.net, one.address, move |mut stream| {
        let counter = counter.clone();
        async move {
            stream.write_all(b"bye").await?;
            stream.shutdown().await?;
            let mut rest = Vec::new();
            let count = stream.read_to_end(&mut rest).await?;
            counter.fetch_add(count as u64, Ordering::SeqCst);
            Ok(())
        }
    });
    let real = world.serve(world.frontend(Transport::Tcp, &[&one])).await;
    let mut client = TcpStream::connect(real).await.unwrap();
    let mut answer = String::new();
    within("the backend's end", client.read_to_string(&mut answer)).await.unwrap();
    assert_eq!(answer, "bye");
    client.write_all(&vec![0; 100_000]).await.unwrap();
    client.shutdown().await.unwrap();
    eventually("the backend has all", async || received.load(Ordering::SeqCst) == 100_000).await;
}

#[tokio::test]
async fn a_slow_reader_holds_its_sender_back_and_loses_nothing() {
    const TOTAL: u64 = 96 << 20;
    let world = World::new();
    let one = world.backend("one");
    let _backend = TcpBackend::start(&world.net, one.address, |mut stream| async move {
        let chunk = vec![7; 1 << 20];
        for _ in 0..TOTAL >> 20 {
            stream.write_all(&chunk).await?;
        }
        stream.shutdown().await
    });
    let real = world.serve(world.frontend(Transport::Tcp, &[&one])).await;
    let mut client = TcpStream::connect(real).await.unwrap();
    let (mut last, mut same) = (0, 0);
    eventually("the transfer comes to rest", async || {
        let now = world.bytes_out();
        same = if now == last && now > 0 { same + 1 } else { 0 };
        last = now;
        same == 20
    })
    .await;
    // Only the kernel's socket buffers took anything in.
    assert!(last < TOTAL / 2, "{last} bytes went to a client that reads nothing");
    let mut received = 0;
    let mut buffer = vec![0; 1 << 20];
    while let count @ 1.. = within("more bytes", client.read(&mut buffer)).await.unwrap() {
        assert!(buffer[..count].iter().all(|byte| *byte == 7));
        received += count as u64;
    }
    assert_eq!(received, TOTAL);
}

#[tokio::test]
async fn connections_spread_evenly_and_go_on_when_a_backend_dies() {
    let world = World::new();
    let (one, two) = (world.backend("one"), world.backend("two"));
    let first = TcpBackend::echo(&world.net, one.address, "one");
    let _second = TcpBackend::echo(&world.net, two.address, "two");
    let mut frontend = world.frontend(Transport::Tcp, &[&one, &two]);
    let real = world.serve(frontend.clone()).await;
    frontend.backends.push(two);
    world.apply(frontend).await;
    let mut answers = BTreeMap::new();
    for _ in 0..10 {
        let answer = ask(TcpStream::connect(real).await.unwrap(), b"").await.unwrap();
        *answers.entry(answer).or_insert(0) += 1;
        eventually("the connection is over", async || world.active() == 0).await;
    }
    assert_eq!(answers, BTreeMap::from([("one:".to_owned(), 5), ("two:".to_owned(), 5)]));
    drop(first);
    for _ in 0..10 {
        // At first the health check does not know yet: the accept itself moves on to the other backend.
        let answer = ask(TcpStream::connect(real).await.unwrap(), b"").await;
        assert!(answer.is_ok(), "{answer:?}");
    }
    eventually("the check finds out", async || world.states()["one"] == HealthState::Unhealthy).await;
    let health = world.plane.health();
    assert!(health[0].reason.as_ref().unwrap().contains(&one.address.to_string()), "{health:?}");
    let _first = TcpBackend::echo(&world.net, one.address, "one");
    eventually("the check finds it again", async || world.states()["one"] == HealthState::Healthy).await;
}

#[tokio::test]
async fn without_a_healthy_backend_connections_are_reset_unless_told_to_try_all() {
    let world = World::new();
    let one = world.backend("one");
    // The check asks a port that nobody listens on, so that the backend is unhealthy though it would answer.
    let _backend = TcpBackend::greet(&world.net, one.address, "one");
    let mut frontend = world.frontend(Transport::Tcp, &[&one]);
    frontend.health_check.port = ProbePort::Fixed(30_081);
    let real = world.apply(frontend.clone()).await;
    eventually("unhealthy", async || world.states()["one"] == HealthState::Unhealthy).await;
    assert!(is_reset(&mut TcpStream::connect(real).await.unwrap()).await);
    assert_eq!(world.plane.stats()[0].refused, 1);
    frontend.none_healthy = NoneHealthy::TryAll;
    world.apply(frontend).await;
    expect(&mut TcpStream::connect(real).await.unwrap(), "one").await;
}

#[tokio::test]
async fn http_checks_take_only_good_answers() {
    let world = World::new();
    let one = world.backend("one");
    let _backend = TcpBackend::start(&world.net, one.address, |mut stream| async move {
        let mut request = [0; 1024];
        let count = stream.read(&mut request).await?;
        let good = request[..count].starts_with(b"GET /good HTTP/1.1\r\n");
        let answer: &[u8] = if good { b"HTTP/1.1 204 \r\n\r\n" } else { b"HTTP/1.1 503 \r\n\r\n" };
        stream.write_all(answer).await
    });
    let mut frontend = world.frontend(Transport::Tcp, &[&one]);
    frontend.health_check.probe = Probe::Http { path: "/good".to_owned() };
    world.serve(frontend.clone()).await;
    frontend.health_check.probe = Probe::Http { path: "/bad".to_owned() };
    world.apply(frontend).await;
    eventually("unhealthy", async || world.states()["one"] == HealthState::Unhealthy).await;
    let reason = world.plane.health()[0].reason.clone().unwrap();
    assert!(reason.contains("GET /bad answered 503"), "{reason}");
}

#[tokio::test]
async fn a_client_address_stays_with_its_backend() {
    let world = World::new();
    let names = ["a", "b", "c", "d"];
    let targets = names.map(|name| world.backend(name));
    let mut backends: Vec<_> =
        names.iter().zip(&targets).map(|(name, t)| TcpBackend::echo(&world.net, t.address, name)).collect();
    let mut frontend = world.frontend(Transport::Tcp, &targets.each_ref());
    frontend.affinity = Affinity::ClientIp { timeout: Duration::from_mins(10) };
    let real = world.serve(frontend).await;
    let answer =
        async |last: u8| ask(connect_from([127, 0, 0, last], real).await.unwrap(), b"").await.unwrap();
    let mut chosen = BTreeMap::new();
    for last in 1..=12 {
        let first = answer(last).await;
        assert_eq!(answer(last).await, first);
        chosen.insert(last, first);
    }
    assert!(chosen.values().collect::<std::collections::BTreeSet<_>>().len() > 1, "{chosen:?}");
    // Only the clients of the backend that dies move.
    drop(backends.remove(0));
    eventually("unhealthy", async || world.states()["a"] == HealthState::Unhealthy).await;
    for (last, before) in &chosen {
        let now = answer(*last).await;
        assert!(now != "a:" && (now == *before || before == "a:"), "{last}: {before} became {now}");
    }
}

#[tokio::test]
async fn source_ranges_close_the_door_at_once() {
    let world = World::new();
    let one = world.backend("one");
    let _backend = TcpBackend::greet(&world.net, one.address, "one");
    let mut frontend = world.frontend(Transport::Tcp, &[&one]);
    frontend.source_ranges = vec!["127.9.0.0/16".parse::<IpNet>().unwrap(), "2001:db8::/32".parse().unwrap()];
    let real = world.serve(frontend).await;
    expect(&mut connect_from([127, 9, 3, 4], real).await.unwrap(), "one").await;
    assert!(is_reset(&mut connect_from([127, 8, 3, 4], real).await.unwrap()).await);
    assert_eq!(world.plane.stats()[0].refused, 1);
}

#[tokio::test]
async fn the_proxy_header_names_the_client_and_checks_send_a_local_one() {
    let world = World::new();
    let one = world.backend("one");
    let (seen, mut headers) = tokio::sync::mpsc::channel(16);
    let _backend = TcpBackend::start(&world.net, one.address, move |mut stream| {
        let seen = seen.clone();
        async move {
            let mut header = vec![0; 16];
            stream.read_exact(&mut header).await?;
            let length = usize::from(u16::from_be_bytes([header[14], header[15]]));
            header.resize(16 + length, 0);
            stream.read_exact(&mut header[16..]).await?;
            let _ = seen.try_send(header);
            stream.write_all(b"hello").await
        }
    });
    let mut frontend = world.frontend(Transport::Tcp, &[&one]);
    frontend.client_header = ClientHeader::ProxyV2;
    frontend.health_check.interval = DEADLINE * 10;
    let real = world.serve(frontend.clone()).await;
    let check = within("the check's header", headers.recv()).await.unwrap();
    assert_eq!(Header::try_from(check.as_slice()).unwrap().command, Command::Local);

    let mut client = connect_from([127, 9, 3, 4], real).await.unwrap();
    expect(&mut client, "hello").await;
    let bytes = within("the client's header", headers.recv()).await.unwrap();
    let header = Header::try_from(bytes.as_slice()).unwrap();
    assert_eq!(header.command, Command::Proxy);
    let Addresses::IPv4(addresses) = header.addresses else { panic!("{header:?}") };
    let source = (addresses.source_address, addresses.source_port).into();
    assert_eq!(client.local_addr().unwrap(), source);
    let destination = (addresses.destination_address, addresses.destination_port).into();
    assert_eq!(frontend.socket_address(), destination);
}

#[tokio::test]
async fn backends_see_the_client_or_the_load_balancer() {
    let world = World::new();
    let one = world.backend("one");
    let _backend = TcpBackend::start(&world.net, one.address, |mut stream| async move {
        let peer = stream.peer_addr()?.ip().to_string();
        stream.write_all(peer.as_bytes()).await
    });
    let mut frontend = world.frontend(Transport::Tcp, &[&one]);
    let real = world.serve(frontend.clone()).await;
    expect(&mut connect_from([127, 9, 3, 4], real).await.unwrap(), "127.9.3.4").await;
    frontend.source_address = SourceAddress::Fixed(world.address);
    world.apply(frontend).await;
    let client = connect_from([127, 9, 3, 4], real).await.unwrap();
    expect(&mut { client }, &world.address.to_string()).await;
}

#[tokio::test]
async fn silence_ends_a_connection_with_a_reset() {
    let world = World::new();
    let one = world.backend("one");
    let _backend = TcpBackend::greet(&world.net, one.address, "one");
    let mut frontend = world.frontend(Transport::Tcp, &[&one]);
    frontend.idle_timeout = Duration::from_millis(200);
    let real = world.serve(frontend).await;
    let mut client = TcpStream::connect(real).await.unwrap();
    expect(&mut client, "one").await;
    assert!(is_reset(&mut client).await);
    eventually("nothing is left", async || world.active() == 0).await;
}

#[tokio::test]
async fn beyond_the_limit_connections_wait_until_one_ends() {
    let world = World::new();
    let one = world.backend("one");
    let _backend = TcpBackend::greet(&world.net, one.address, "one");
    let mut frontend = world.frontend(Transport::Tcp, &[&one]);
    frontend.flow_limit = 1;
    let real = world.serve(frontend).await;
    let mut first = TcpStream::connect(real).await.unwrap();
    expect(&mut first, "one").await;
    let mut second = TcpStream::connect(real).await.unwrap();
    first.write_all(b"still here").await.unwrap();
    expect(&mut first, "still here").await;
    assert_eq!(world.active(), 1);
    drop(first);
    expect(&mut second, "one").await;
}

#[tokio::test]
async fn addresses_that_cannot_be_bound_are_mapped_and_say_why() {
    let world = World::on(Net::mapped_only());
    let one = world.backend("one");
    let _backend = TcpBackend::greet(&world.net, one.address, "one");
    let frontend = world.frontend(Transport::Tcp, &[&one]);
    let real = world.serve(frontend.clone()).await;
    assert!(real.ip().is_loopback() && real != frontend.socket_address());
    expect(&mut TcpStream::connect(real).await.unwrap(), "one").await;
    let bound = world.plane.bound();
    assert!(bound[0].binding.is_mapped());
    let why = bound[0].binding.why_mapped.as_ref().unwrap();
    assert!(why.contains(&frontend.socket_address().to_string()), "{why}");
    assert_eq!(world.net.bindings().len(), 2);
}
