use std::collections::BTreeMap;
use std::num::NonZeroU16;

use super::*;
use crate::model::{IpFamily, Protocol, SessionAffinity};
use crate::model::{Port, TargetPort, TrafficPolicy};

fn load_balancer(ranges: &[&str]) -> LoadBalancer {
    let text = |text: &str| text.to_owned();
    let port = NonZeroU16::new(80).unwrap();
    LoadBalancer {
        service: ServiceId { cluster: text("c"), namespace: text("n"), name: text("web"), uid: text("u") },
        ports: vec![Port {
            name: None,
            protocol: Protocol::Tcp,
            port,
            target_port: TargetPort::Number(port),
            node_port: NonZeroU16::new(30_080),
            app_protocol: None,
        }],
        families: vec![IpFamily::V4],
        affinity: SessionAffinity::None,
        source_ranges: ranges.iter().map(|range| range.parse().unwrap()).collect(),
        source_ranges_given: !ranges.is_empty(),
        traffic_policy: TrafficPolicy::Cluster,
        requested_address: None,
        class: None,
        node_ports: true,
        annotations: BTreeMap::new(),
        nodes: Vec::new().into(),
        endpoints: Vec::new(),
    }
}

#[test]
fn f_11_source_ranges_that_cannot_be_enforced_are_refused_and_not_ignored() {
    let mut capabilities = Capabilities::least(TargetScope::LoadBalancer);
    assert!(capabilities.check(&load_balancer(&["0.0.0.0/0"])).is_ok(), "everybody is no restriction");
    let error = capabilities.check(&load_balancer(&["10.0.0.0/8", "192.0.2.0/24"])).unwrap_err();
    let [violation] = error.violations() else { panic!("{error}") };
    assert_eq!(violation.field, "spec.loadBalancerSourceRanges");
    assert!(error.to_string().contains("10.0.0.0/8, 192.0.2.0/24"), "{error}");
    capabilities.source_ranges = true;
    assert!(capabilities.check(&load_balancer(&["10.0.0.0/8"])).is_ok());
}
