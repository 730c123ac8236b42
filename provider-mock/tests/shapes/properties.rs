//! Any Service, changed into any other.

use std::net::IpAddr;
use std::time::Duration;

use cloud_lb_core::model::{IpFamily, LoadBalancer, NodeState, Protocol, SessionAffinity, TrafficPolicy};
use proptest::prelude::*;
use provider_mock::{Options, Shape};

use super::support::{SHAPES, deleted, ensured, load_balancer, make, node, number, port};

prop_compose! {
    fn any_load_balancer()(
        ports in prop::collection::btree_map((prop::bool::ANY, 1..6_u16), 30_000..30_010_u16, 1..5),
        families in prop::sample::select(vec![
            vec![IpFamily::V4], vec![IpFamily::V6], vec![IpFamily::V4, IpFamily::V6], vec![IpFamily::V6, IpFamily::V4],
        ]),
        timeout in prop::option::of(1..100_u64),
        local in prop::option::of(32_000..32_003_u16),
        ranges in prop::sample::subsequence(vec!["10.0.0.0/8", "192.0.2.0/24", "fd00::/8"], 0..3),
        requested in prop::option::of(prop::sample::select(vec!["203.0.113.7", "2001:db8:1::7"])),
        nodes in prop::collection::btree_map(1..6_u8, prop::bool::ANY, 0..5),
        proxy in prop::bool::ANY,
    ) -> LoadBalancer {
        let mut lb = load_balancer("web");
        let protocol = |tcp| if tcp { Protocol::Tcp } else { Protocol::Udp };
        lb.ports = ports.into_iter().map(|((tcp, at), node_port)| port(protocol(tcp), at, node_port)).collect();
        lb.affinity = timeout.map_or(SessionAffinity::None, |seconds| SessionAffinity::ClientIp { timeout: Duration::from_secs(seconds) });
        if let Some(port) = local {
            lb.traffic_policy = TrafficPolicy::Local { health_check_node_port: number(port) };
        }
        lb.source_ranges = ranges.iter().map(|range| range.parse().unwrap()).collect();
        let requested: Option<IpAddr> = requested.map(|address| address.parse().unwrap());
        lb.requested_address = requested.filter(|address| families.contains(&IpFamily::of(*address)));
        lb.families = families;
        let state = |draining| if draining { NodeState::Draining } else { NodeState::Active };
        lb.nodes = nodes.into_iter().map(|(index, draining)| { let mut node = node(index); node.state = state(draining); node }).collect();
        lb.annotations.insert("mock.cloud-lb.dev/proxy-protocol".to_owned(), proxy.to_string());
        lb
    }
}

async fn walk(shape: Shape, services: &[LoadBalancer]) {
    let (cloud, provider) = make(shape, Options::new());
    for lb in services {
        let status = ensured(&*provider, lb).await;
        let mut expected: Vec<_> = lb.ports.iter().map(|port| (port.port, port.protocol)).collect();
        expected.sort_unstable();
        for ingress in &status.ingress {
            let ports: Vec<_> = ingress.ports.iter().map(|port| (port.port, port.protocol)).collect();
            assert_eq!(ports, expected, "{shape:?}");
        }
        assert_eq!(status.ingress.len(), lb.families.len(), "{shape:?}");
        let before = cloud.calls();
        assert_eq!(ensured(&*provider, lb).await, status, "{shape:?}");
        assert_eq!(
            cloud.calls().since(&before).total_writes(),
            0,
            "{shape:?}: the second run writes nothing"
        );
    }
    deleted(&*provider, &load_balancer("web").service).await;
    assert_eq!(cloud.records(), [], "{shape:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_change_converges_and_a_delete_leaves_nothing(services in prop::collection::vec(any_load_balancer(), 1..4)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        for shape in SHAPES {
            runtime.block_on(walk(shape, &services));
        }
    }
}
