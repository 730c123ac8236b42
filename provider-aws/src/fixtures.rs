//! Services and accounts for unit tests.

mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;

use cloud_lb_core::model::{
    Endpoint, IpFamily, LoadBalancer, Node, NodeState, Port, Protocol, Readiness, ServiceId, SessionAffinity,
    TargetPort, TrafficPolicy,
};

use crate::annotations::Annotations;
use crate::config::Config;
use crate::facts::{Account, GroupFacts, Instance, SubnetFacts, VpcFacts, ZoneKind};

pub(crate) use world::World;

pub(crate) fn config() -> Config {
    Config::for_cluster("my-cluster")
}

pub(crate) fn port(number: u16, protocol: Protocol) -> Port {
    Port {
        name: Some(format!("p{number}")),
        protocol,
        port: NonZeroU16::new(number).unwrap(),
        target_port: TargetPort::Number(NonZeroU16::new(number).unwrap()),
        node_port: NonZeroU16::new(30_000 + number),
        app_protocol: None,
    }
}

/// A Service with TCP ports, three nodes and two pods.
pub(crate) fn service(ports: &[u16], annotations: &[(&str, &str)]) -> LoadBalancer {
    let ports: Vec<Port> = ports.iter().map(|number| port(*number, Protocol::Tcp)).collect();
    let numbers: BTreeMap<_, _> = ports.iter().map(|port| (port.name.clone().unwrap(), port.port)).collect();
    let pod = |number: u8| Endpoint {
        address: format!("192.168.{number}.10").parse().unwrap(),
        ports: numbers.clone(),
        pod: Some(format!("pod-{number}")),
        node: Some(format!("node-{number}")),
        zone: None,
        ready: true,
        terminating: false,
        gates: BTreeSet::new(),
    };
    LoadBalancer {
        service: ServiceId {
            cluster: "my-cluster".into(),
            namespace: "default".into(),
            name: "web".into(),
            uid: "bdca2bd0-bfc6-449a-88a3-03451f05f18c".into(),
        },
        ports,
        families: vec![IpFamily::V4],
        affinity: SessionAffinity::None,
        source_ranges: vec!["0.0.0.0/0".parse().unwrap()],
        source_ranges_given: false,
        traffic_policy: TrafficPolicy::Cluster,
        requested_address: None,
        class: Some("service.k8s.aws/nlb".into()),
        node_ports: true,
        annotations: annotations.iter().map(|(k, v)| (Annotations::full(k), (*v).to_owned())).collect(),
        nodes: (1..=3).map(node).collect(),
        endpoints: vec![pod(1), pod(2)],
    }
}

pub(crate) fn node(number: u8) -> Node {
    Node {
        name: format!("node-{number}"),
        addresses: vec![format!("192.168.{number}.1").parse().unwrap()],
        provider_id: Some(format!("aws:///us-west-2a/i-{number}")),
        zone: Some(format!("us-west-2{}", char::from(b'a' + number % 3))),
        labels: BTreeMap::new(),
        state: NodeState::Active,
        readiness: Readiness::Ready,
    }
}

/// An account with a network, three subnets in three zones, and the nodes' instances.
pub(crate) fn account() -> Account {
    let subnet = |number: u8| SubnetFacts {
        subnet_id: format!("subnet-{number}"),
        vpc_id: "vpc-1".into(),
        availability_zone: format!("us-west-2{}", char::from(b'a' + number)),
        zone_kind: ZoneKind::AvailabilityZone,
        cidr_block: Some(format!("192.168.{}.0/19", number * 32).parse().unwrap()),
        ipv6_cidrs: vec![format!("2600:0:0:{number}::/64").parse().unwrap()],
        available_ip_address_count: 100,
        routes: None,
        tags: ["kubernetes.io/role/elb", "kubernetes.io/role/internal-elb"]
            .map(|k| (k.into(), "1".into()))
            .into(),
    };
    let instance = |number: u8| Instance {
        instance_id: format!("i-{number}"),
        security_groups: ["sg-node".to_owned()].into(),
        addresses: vec![format!("192.168.{number}.10").parse().unwrap()],
        ..Instance::default()
    };
    Account {
        vpc_id: "vpc-1".into(),
        vpcs: vec![VpcFacts {
            vpc_id: "vpc-1".into(),
            cidrs: vec!["192.168.0.0/16".parse().unwrap()],
            tags: BTreeMap::new(),
        }],
        subnets: (0..3).map(subnet).collect(),
        security_groups: vec![GroupFacts {
            group_id: "sg-node".into(),
            vpc_id: "vpc-1".into(),
            ..GroupFacts::default()
        }],
        instances: (1..=9).map(instance).collect(),
        ..Account::default()
    }
}
