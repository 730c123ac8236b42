//! Load balancers as tests want them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU16;
use std::sync::Arc;

use cloud_lb_core::model::{
    IpFamily, LoadBalancer, Node, NodeState, Port, Protocol, Readiness, ServiceId, SessionAffinity, Status,
    TargetPort, TrafficPolicy,
};
use cloud_lb_core::provider::{LoadBalancerProvider, Outcome, Standing};
use provider_mock::{Config, MockCloud, Options, Shape, provider};

pub(crate) const SHAPES: [Shape; 3] = [Shape::Stack, Shape::Rules, Shape::Shared];

pub(crate) fn number(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).unwrap()
}

pub(crate) fn service(name: &str) -> ServiceId {
    ServiceId {
        cluster: "c1".to_owned(),
        namespace: "default".to_owned(),
        name: name.to_owned(),
        uid: format!("uid-of-{name}"),
    }
}

pub(crate) fn port(protocol: Protocol, port: u16, node_port: u16) -> Port {
    Port {
        name: Some(format!("{protocol}-{port}").to_lowercase()),
        protocol,
        port: number(port),
        target_port: TargetPort::Number(number(port)),
        node_port: Some(number(node_port)),
        app_protocol: None,
    }
}

pub(crate) fn node(index: u8) -> Node {
    Node {
        name: format!("node-{index}"),
        addresses: vec![
            Ipv4Addr::new(10, 0, 0, index).into(),
            IpAddr::V6(format!("fd00::{index}").parse().unwrap()),
        ],
        provider_id: Some(format!("mock:///node-{index}")),
        zone: Some(if index % 2 == 1 { "a" } else { "b" }.to_owned()),
        labels: BTreeMap::new(),
        state: NodeState::Active,
        readiness: Readiness::Ready,
    }
}

/// One port, three nodes, IPv4.
pub(crate) fn load_balancer(name: &str) -> LoadBalancer {
    LoadBalancer {
        service: service(name),
        ports: vec![port(Protocol::Tcp, 80, 30_080)],
        families: vec![IpFamily::V4],
        affinity: SessionAffinity::None,
        source_ranges: vec!["0.0.0.0/0".parse().unwrap()],
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

pub(crate) fn dual_stack(mut lb: LoadBalancer) -> LoadBalancer {
    lb.families = vec![IpFamily::V4, IpFamily::V6];
    lb.source_ranges = vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()];
    lb
}

pub(crate) fn make(shape: Shape, options: Options) -> (MockCloud, Arc<dyn LoadBalancerProvider>) {
    let cloud = MockCloud::new(options);
    let provider = provider_of(&cloud, shape);
    (cloud, provider)
}

/// A provider as a new process makes it.
pub(crate) fn provider_of(cloud: &MockCloud, shape: Shape) -> Arc<dyn LoadBalancerProvider> {
    provider(cloud.clone(), Config::new("c1").with_shape(shape)).unwrap()
}

/// Ensures until done; each waiting costs a try.
pub(crate) async fn ensured(provider: &dyn LoadBalancerProvider, lb: &LoadBalancer) -> Status {
    for _ in 0..20 {
        match provider.ensure(lb).await.unwrap().standing {
            Standing::Ready(status) => return status,
            Standing::Pending(pending) | Standing::Tidying(_, pending) => {
                tokio::time::sleep(pending.retry_after).await;
            }
            Standing::ImplementedElsewhere => panic!("not taken"),
        }
    }
    panic!("{} is never done", lb.service)
}

/// Deletes until done.
pub(crate) async fn deleted(provider: &dyn LoadBalancerProvider, service: &ServiceId) {
    for _ in 0..20 {
        match provider.delete(service).await.unwrap() {
            Outcome::Done => return,
            Outcome::Pending(pending) => {
                tokio::time::sleep(pending.retry_after).await;
            }
            Outcome::ImplementedElsewhere => panic!("never for a delete (T-5)"),
        }
    }
    panic!("{service} is never gone")
}
