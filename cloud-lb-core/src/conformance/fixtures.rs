//! Load balancers as the cases want them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU16;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::model::{
    IpFamily, LoadBalancer, Node, NodeState, Port, Protocol, Readiness, ServiceId, SessionAffinity,
    TargetPort, TrafficPolicy,
};
use crate::provider::Capabilities;

/// Name of the cluster that the provider under test works for.
pub const CLUSTER: &str = "conformance";

/// A Service of the cluster, in the namespace `default`.
pub fn service(name: &str) -> ServiceId {
    ServiceId {
        cluster: CLUSTER.to_owned(),
        namespace: "default".to_owned(),
        name: name.to_owned(),
        uid: format!("{name}-uid"),
    }
}

/// A port that leads to the same port of the pods.
pub fn port(protocol: Protocol, port: NonZeroU16, node_port: NonZeroU16) -> Port {
    Port {
        name: Some(format!("{protocol}-{port}").to_lowercase()),
        protocol,
        port,
        target_port: TargetPort::Number(port),
        node_port: Some(node_port),
        app_protocol: None,
    }
}

/// Number `n` of a range, for ports.
pub(super) fn number(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).unwrap_or(NonZeroU16::MIN)
}

pub(super) fn tcp(number_of: u16, node_port: u16) -> Port {
    port(Protocol::Tcp, number(number_of), number(node_port))
}

/// A ready node with an address of each family.
pub fn node(index: u8) -> Node {
    Node {
        name: format!("node-{index}"),
        addresses: vec![
            IpAddr::V4(Ipv4Addr::new(10, 0, 0, index)),
            IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, u16::from(index))),
        ],
        provider_id: Some(format!("conformance:///zone-a/node-{index}")),
        zone: Some("zone-a".to_owned()),
        labels: BTreeMap::new(),
        state: NodeState::Active,
        readiness: Readiness::Ready,
    }
}

/// One port, open to the world, on three nodes.
pub fn load_balancer(name: &str, capabilities: &Capabilities) -> LoadBalancer {
    let protocol = capabilities.protocols.first().copied().unwrap_or(Protocol::Tcp);
    let family = capabilities.families.first().copied().unwrap_or(IpFamily::V4);
    LoadBalancer {
        service: service(name),
        ports: vec![port(protocol, number(80), number(30_080))],
        families: vec![family],
        affinity: SessionAffinity::None,
        source_ranges: vec![everybody(family)],
        source_ranges_given: false,
        traffic_policy: TrafficPolicy::Cluster,
        requested_address: None,
        class: None,
        node_ports: true,
        annotations: BTreeMap::new(),
        nodes: (1..=3).map(node).collect(),
        endpoints: Vec::new(),
    }
}

/// The range of all addresses of a family.
pub fn everybody(family: IpFamily) -> IpNet {
    match family {
        IpFamily::V4 => IpNet::V4(Ipv4Net::default()),
        IpFamily::V6 => IpNet::V6(Ipv6Net::default()),
    }
}

/// A small range of a family, for documentation use (RFC 5737, RFC 3849).
pub(super) fn somebody(family: IpFamily) -> IpNet {
    let address = match family {
        IpFamily::V4 => IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)),
        IpFamily::V6 => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7)),
    };
    IpNet::from(address)
}
