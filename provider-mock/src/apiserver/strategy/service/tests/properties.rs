//! Whatever is created, changed and deleted: the allocators hold what the Services say they have, and nothing else.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Allocators, ServiceStrategy, Value, create, json, update};
use crate::apiserver::allocate::Family;
use crate::apiserver::strategy::Strategy as Semantics;

#[derive(Debug, Clone)]
enum Step {
    Create(Value),
    Change(usize, Value),
    Delete(usize),
}

fn ports() -> impl Strategy<Value = Value> {
    // Few numbers, so that Services meet on them.
    let port = (1_i32..5, prop_oneof![Just("TCP"), Just("UDP")], prop::option::of(30_000_i32..30_006));
    prop::collection::vec(port, 1..4).prop_map(|ports| {
        let ports = ports.iter().enumerate().map(|(index, (number, protocol, node_port))| {
            let mut port = json!({"name": format!("p{index}"), "port": number, "protocol": protocol});
            if let Some(node_port) = node_port {
                port["nodePort"] = json!(node_port);
            }
            port
        });
        ports.collect()
    })
}

fn spec() -> impl Strategy<Value = Value> {
    let kinds = prop_oneof![Just("ClusterIP"), Just("NodePort"), Just("LoadBalancer"), Just("ExternalName")];
    let policies = prop_oneof![Just("SingleStack"), Just("PreferDualStack"), Just("RequireDualStack")];
    let address = prop::option::weighted(0.2, 1_u8..4);
    (kinds, ports(), prop::option::of(policies), any::<bool>(), address).prop_map(
        |(kind, ports, policy, local, address)| {
            let mut spec = json!({"type": kind, "ports": ports});
            if kind == "ExternalName" {
                spec["externalName"] = json!("example.com");
            } else if let Some(policy) = policy {
                spec["ipFamilyPolicy"] = json!(policy);
            }
            if let (true, Some(address)) = (kind != "ExternalName", address) {
                spec["clusterIP"] = json!(format!("10.96.0.{address}"));
            }
            if local && kind == "LoadBalancer" {
                spec["externalTrafficPolicy"] = json!("Local");
            }
            spec
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => spec().prop_map(Step::Create),
        4 => (any::<usize>(), spec()).prop_map(|(index, spec)| Step::Change(index, spec)),
        1 => any::<usize>().prop_map(Step::Delete),
    ]
}

/// What the Services say they have; fails if two say the same.
fn claimed(services: &[Value]) -> (BTreeSet<i32>, BTreeSet<String>) {
    let (mut all_ports, mut all_ips) = (BTreeSet::new(), BTreeSet::new());
    for service in services {
        let spec = super::super::read(service).unwrap();
        let mut ports: BTreeSet<i32> = super::super::view::held_node_ports(&spec).into_iter().collect();
        ports.extend(spec.health_check_node_port);
        for port in ports {
            assert!(all_ports.insert(port), "{port} is held twice");
        }
        for ip in spec.cluster_ips.unwrap_or_default() {
            assert!(all_ips.insert(ip.clone()), "{ip} is held twice");
        }
    }
    (all_ports, all_ips)
}

/// Just what is claimed is held.
fn assert_held(allocators: &mut Allocators, services: &[Value]) {
    let (ports, ips) = claimed(services);
    let held = (30_000..=32_767).filter(|port| allocators.ports().holds(*port)).collect::<BTreeSet<i32>>();
    assert_eq!(held, ports);
    for ip in &ips {
        let address: std::net::IpAddr = ip.parse().unwrap();
        let family = if address.is_ipv4() { Family::V4 } else { Family::V6 };
        assert!(allocators.addresses(family).holds(address), "{ip}");
    }
    let count = allocators.addresses(Family::V4).held() + allocators.addresses(Family::V6).held();
    assert_eq!(count, ips.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn allocators_hold_what_the_services_have(steps in prop::collection::vec(step(), 1..25)) {
        let mut allocators = Allocators::default();
        let mut services: Vec<Value> = Vec::new();
        for step in steps {
            match step {
                Step::Create(spec) => services.extend(create(&spec, &mut allocators)),
                Step::Change(index, spec) if !services.is_empty() => {
                    let index = index % services.len();
                    let changed = update(&services[index], &mut allocators, |object| object["spec"] = spec);
                    if let Ok(changed) = changed {
                        services[index] = changed;
                    }
                }
                Step::Delete(index) if !services.is_empty() => {
                    let gone = services.swap_remove(index % services.len());
                    Semantics::release(&ServiceStrategy, &gone, &mut allocators);
                }
                Step::Change(..) | Step::Delete(_) => {}
            }
            assert_held(&mut allocators, &services);
        }
    }
}
