//! What clients see: ports, protocols, families, who may connect.

use std::time::Duration;

use super::fixtures::{everybody, load_balancer, number, port, somebody, tcp};
use super::transition::{Transition, there_and_back};
use crate::model::{IpFamily, LoadBalancer, Port, Protocol, SessionAffinity};
use crate::provider::Capabilities;

pub(super) fn transitions(capabilities: &Capabilities) -> Vec<Transition> {
    let mut all = Vec::new();
    all.extend(port_changes(capabilities));
    all.extend(protocol_changes(capabilities));
    all.extend(client_changes(capabilities));
    all.extend(family_changes(capabilities));
    all
}

fn with_ports(capabilities: &Capabilities, ports: impl IntoIterator<Item = Port>) -> LoadBalancer {
    LoadBalancer { ports: ports.into_iter().collect(), ..load_balancer("web", capabilities) }
}

fn port_changes(capabilities: &Capabilities) -> Vec<Transition> {
    if !capabilities.protocols.contains(&Protocol::Tcp) {
        return Vec::new();
    }
    let with = |ports: &[Port]| with_ports(capabilities, ports.iter().cloned());
    let [one, other] = [tcp(80, 30_080), tcp(443, 30_443)];
    let swapped = [tcp(80, 30_443), tcp(443, 30_080)];
    let many: Vec<Port> = (0..5).map(|n| tcp(8000 + n, 31_000 + n)).collect();
    let both = [one.clone(), other];
    let one = std::slice::from_ref(&one);
    let mut all = Vec::new();
    all.extend(there_and_back("port added", "port removed", with(one), with(&both)));
    all.extend(there_and_back("all ports changed", "all ports changed back", with(&both), with(&many)));
    all.extend(there_and_back("port moved", "port moved back", with(one), with(&[tcp(81, 30_080)])));
    all.push(Transition {
        name: "nodePort changed",
        before: Some(with(one)),
        want: Some(with(&[tcp(80, 30_081)])),
    });
    all.push(Transition { name: "nodePorts swapped", before: Some(with(&both)), want: Some(with(&swapped)) });
    all
}

fn protocol_changes(capabilities: &Capabilities) -> Vec<Transition> {
    if ![Protocol::Tcp, Protocol::Udp].iter().all(|protocol| capabilities.protocols.contains(protocol)) {
        return Vec::new();
    }
    let tcp = tcp(53, 30_053);
    let udp = port(Protocol::Udp, number(53), number(30_053));
    let with = |ports: &[Port]| with_ports(capabilities, ports.iter().cloned());
    let [only_tcp, only_udp] = [&tcp, &udp].map(|port| with(std::slice::from_ref(port)));
    let mut all: Vec<Transition> =
        there_and_back("TCP becomes UDP", "UDP becomes TCP", only_tcp.clone(), only_udp).into();
    if capabilities.mixed_protocols {
        let both = with(&[tcp, udp]);
        all.extend(there_and_back("UDP beside TCP", "UDP no longer beside TCP", only_tcp, both));
    }
    all
}

fn client_changes(capabilities: &Capabilities) -> Vec<Transition> {
    let lb = load_balancer("web", capabilities);
    let mut all = Vec::new();
    if capabilities.session_affinity {
        let timeout = Duration::from_hours(3);
        let sticky = LoadBalancer { affinity: SessionAffinity::ClientIp { timeout }, ..lb.clone() };
        all.extend(there_and_back("affinity set", "affinity unset", lb.clone(), sticky));
    }
    if capabilities.source_ranges {
        let ranges = lb.families.iter().map(|family| somebody(*family)).collect();
        let closed = LoadBalancer { source_ranges: ranges, source_ranges_given: true, ..lb.clone() };
        all.extend(there_and_back("source ranges set", "source ranges unset", lb, closed));
    }
    all
}

fn family_changes(capabilities: &Capabilities) -> Vec<Transition> {
    let lb = load_balancer("web", capabilities);
    let of = |families: &[IpFamily]| LoadBalancer {
        families: families.to_vec(),
        source_ranges: families.iter().map(|family| everybody(*family)).collect(),
        ..lb.clone()
    };
    let mut all = Vec::new();
    if let [one, other] = *capabilities.families.iter().copied().collect::<Vec<_>>() {
        all.extend(there_and_back("family changed", "family changed back", of(&[one]), of(&[other])));
        if capabilities.dual_stack {
            let dual = of(&[one, other]);
            all.extend(there_and_back("dual stack", "dual stack no more", of(&[one]), dual));
        }
    }
    all
}
