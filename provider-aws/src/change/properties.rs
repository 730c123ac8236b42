//! From whatever was wanted before, and wherever the way there was broken off, to what is wanted now.

use std::collections::BTreeSet;

use cloud_lb_core::graph::Graph;
use cloud_lb_core::model::{LoadBalancer, Protocol};
use proptest::prelude::*;

use crate::desired::build;
use crate::fixtures::{World, account, config, node, port, service};
use crate::kinds::{Spec, key};

/// Annotations that change what is made, each with its values; the first is "absent".
const CHOICES: [(&str, &[&str]); 9] = [
    ("scheme", &["", "internal", "internet-facing"]),
    ("nlb-target-type", &["", "ip"]),
    ("ip-address-type", &["", "dualstack"]),
    ("ssl-cert", &["", "c1", "c2,c1"]),
    ("security-groups", &["", "sg-node"]),
    ("disable-nlb-sg", &["", "true"]),
    ("proxy-protocol", &["", "*"]),
    ("healthcheck-protocol", &["", "http"]),
    ("subnets", &["", "subnet-0, subnet-2"]),
];

fn wish() -> impl Strategy<Value = LoadBalancer> {
    let chosen = CHOICES.map(|(_, values)| 0..values.len());
    let ports = prop::collection::btree_set(prop::sample::select(vec![80_u16, 443, 8080]), 1..4);
    (chosen, ports, prop::bool::ANY, 1..5_u8).prop_map(|(chosen, ports, udp, nodes)| {
        let annotations = CHOICES.iter().zip(chosen).map(|((key, values), index)| (*key, values[index]));
        let annotations: Vec<(&str, &str)> = annotations.filter(|(_, value)| !value.is_empty()).collect();
        let ports: Vec<u16> = ports.into_iter().collect();
        let mut lb = service(&ports, &annotations);
        if udp {
            lb.ports[0] = port(ports[0], Protocol::Udp);
        }
        lb.nodes = (1..=nodes).map(node).collect();
        lb
    })
}

/// The desired state as a resolver and builder would make it now; `None` if it is refused.
fn desired(lb: &LoadBalancer, world: &World) -> Option<Graph<Spec>> {
    build(lb, &world.facts(account()), &config()).ok()
}

/// Names of what exists at the same time, which AWS wants to differ.
fn names(world: &World, kind: &str) -> Vec<String> {
    let of_kind = world.have.iter().filter(|(key, _)| key.kind == kind);
    let names = of_kind.map(|(_, have)| match &have.spec {
        Spec::LoadBalancer(lb) => lb.name.clone(),
        Spec::TargetGroup(group) => group.name.clone(),
        _ => String::new(),
    });
    names.collect()
}

proptest! {
    #[test]
    fn any_change_converges_from_wherever_it_was_broken_off(
        wishes in prop::collection::vec((wish(), 0..12_usize), 1..4),
        last in wish(),
    ) {
        let mut world = World::default();
        for (lb, limit) in &wishes {
            let Some(want) = desired(lb, &world) else { continue };
            world.converge_until(&want, &config(), *limit);
            for kind in [key::LOAD_BALANCER, key::TARGET_GROUP] {
                let names = names(&world, kind);
                prop_assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{:?}", names);
            }
        }
        let Some(want) = desired(&last, &world) else { return Ok(()) };
        world.converge(&want, &config());
        // What is there now may change what is wanted, but only once.
        let want = desired(&last, &world).unwrap();
        let again = world.converge(&want, &config());
        prop_assert_eq!(again, Vec::<String>::new());
        for (key, _) in want.iter() {
            prop_assert_eq!(world.have.iter().filter(|(other, _)| other == key).count(), 1, "{}", key);
        }
        prop_assert_eq!(world.have.len(), want.iter().count());
        world.converge(&Graph::new(), &config());
        prop_assert!(world.have.is_empty());
    }
}
