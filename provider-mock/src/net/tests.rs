use super::*;

fn address(net: &Net, port: u16) -> SocketAddr {
    (net.load_balancer_address(IpFamily::V4).unwrap(), port).into()
}

// Only Linux has the whole of 127.0.0.0/8 on the loopback interface.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_can_be_bound_is_bound_as_it_is_and_free_after_drop() {
    let net = Net::new();
    let logical = address(&net, 8080);
    let (listener, bound) = net.bind_tcp(logical).unwrap();
    assert_eq!(listener.local_addr().unwrap(), logical);
    assert!(!bound.binding().is_mapped() && bound.binding().why_mapped.is_none());
    let (_datagrams, _udp) = net.bind_udp(logical).unwrap();
    assert_eq!(net.bindings().len(), 2, "TCP and UDP do not meet");
    assert_eq!(net.bind_tcp(logical).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    drop((listener, bound));
    assert_eq!(net.lookup(logical, Transport::Tcp), None);
    assert!(net.bind_tcp(logical).is_ok());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_port_that_is_refused_is_mapped_on_its_own_address() {
    let net = Net::new();
    let logical = address(&net, 8080);
    let stranger = std::net::TcpListener::bind(logical).unwrap();
    let (_listener, bound) = net.bind_tcp(logical).unwrap();
    let real = bound.binding().real;
    assert_eq!(real.ip(), logical.ip());
    assert_ne!(real.port(), logical.port());
    assert_eq!(net.lookup(logical, Transport::Tcp), Some(real));
    let why = bound.binding().why_mapped.clone().unwrap();
    assert!(why.starts_with(&format!("TCP {logical} cannot be bound: ")), "{why}");
    drop(stranger);
}

#[tokio::test]
async fn connections_find_mapped_addresses_and_miss_what_is_not_bound() {
    let net = Net::mapped_only();
    let logical = address(&net, 80);
    let refused = net.connect_tcp(logical, None).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    let (listener, bound) = net.bind_tcp(logical).unwrap();
    assert!(bound.binding().is_mapped());
    let client = net.connect_tcp(logical, None).await.unwrap();
    assert_eq!(listener.accept().await.unwrap().1, client.local_addr().unwrap());
    // Addresses that are not of this network stand for themselves.
    let direct = net.connect_tcp(bound.binding().real, None).await.unwrap();
    assert_eq!(direct.peer_addr().unwrap(), bound.binding().real);
}

#[tokio::test]
async fn port_zero_takes_a_free_port() {
    let net = Net::new();
    let logical = address(&net, 0);
    let (_one, first) = net.bind_tcp(logical).unwrap();
    let (_two, second) = net.bind_tcp(logical).unwrap();
    assert_ne!(first.binding().logical, second.binding().logical);
    assert_eq!(net.lookup(first.binding().logical, Transport::Tcp), Some(first.binding().real));
}

#[tokio::test]
async fn a_source_that_cannot_be_used_is_no_hindrance() {
    let net = Net::new();
    let (listener, _bound) = net.bind_tcp(address(&net, 8080)).unwrap();
    let logical = net.bindings()[0].logical;
    for source in ["203.0.113.1", "::1", "10.0.0.1"] {
        let connected = net.connect_tcp(logical, Some(source.parse().unwrap())).await;
        assert!(connected.is_ok(), "{source}: {connected:?}");
        listener.accept().await.unwrap();
    }
}
