use std::collections::BTreeSet;
use std::num::NonZeroU16;

use k8s_openapi::api::core::v1::{ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::Problems;
use crate::model::{Port, Protocol, TargetPort};

/// What a port number must be.
const NUMBER: &str = "a port from 1 to 65535";

/// Longest name of a container port (RFC 6335, which the Kubernetes API follows).
const MAX_PORT_NAME: usize = 15;

/// The ports of a Service, in its order (F-2, F-3).
pub(super) fn read(spec: &ServiceSpec, problems: &mut Problems) -> Vec<Port> {
    let ports = spec.ports.as_deref().unwrap_or_default();
    if ports.is_empty() {
        problems.add("spec.ports", "none", "at least one port");
    }
    check_names(ports, problems);
    check_unique(ports, problems);
    let allocated = spec.allocate_load_balancer_node_ports.unwrap_or(true);
    let numbered = ports.iter().enumerate();
    numbered
        .filter_map(|(index, port)| read_port(port, &format!("spec.ports[{index}]"), allocated, problems))
        .collect()
}

fn read_port(port: &ServicePort, path: &str, allocated: bool, problems: &mut Problems) -> Option<Port> {
    let number = problems.port(format!("{path}.port"), port.port, NUMBER);
    let target_port = target_port(port, path, problems);
    let node_port = node_port(port, path, allocated, problems);
    Some(Port {
        name: non_empty(port.name.as_ref()),
        protocol: protocol(port, path, problems)?,
        port: number?,
        target_port: target_port?,
        node_port,
        app_protocol: non_empty(port.app_protocol.as_ref()),
    })
}

fn protocol(port: &ServicePort, path: &str, problems: &mut Problems) -> Option<Protocol> {
    match protocol_name(port) {
        "TCP" => Some(Protocol::Tcp),
        "UDP" => Some(Protocol::Udp),
        "SCTP" => Some(Protocol::Sctp),
        other => {
            problems.add(format!("{path}.protocol"), other, "TCP, UDP or SCTP");
            None
        }
    }
}

/// The protocol, with the API's default.
fn protocol_name(port: &ServicePort) -> &str {
    port.protocol.as_deref().filter(|name| !name.is_empty()).unwrap_or("TCP")
}

/// The port of the pods; where it is not given it is the port of the Service.
fn target_port(port: &ServicePort, path: &str, problems: &mut Problems) -> Option<TargetPort> {
    let expected = "a port from 1 to 65535, or the name of a container port \
                    (at most 15 of a-z, 0-9 and -, with a letter)";
    match &port.target_port {
        Some(IntOrString::Int(number)) if *number != 0 => {
            problems.port(format!("{path}.targetPort"), *number, expected).map(TargetPort::Number)
        }
        Some(IntOrString::String(name)) if !name.is_empty() => {
            if !is_port_name(name) {
                problems.add(format!("{path}.targetPort"), name, expected);
            }
            Some(TargetPort::Name(name.clone()))
        }
        _ => super::problems::port_number(port.port).map(TargetPort::Number),
    }
}

fn is_port_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.len() <= MAX_PORT_NAME && name.chars().all(allowed) && name.chars().any(|c| c.is_ascii_lowercase())
}

/// The NodePort. Its range is the API server's to check: it can be configured.
fn node_port(port: &ServicePort, path: &str, allocated: bool, problems: &mut Problems) -> Option<NonZeroU16> {
    let expected = "the port that the API server allocates (30000-32767 by default), \
                    or allocateLoadBalancerNodePorts: false";
    match port.node_port.unwrap_or(0) {
        0 if !allocated => None,
        number => problems.port(format!("{path}.nodePort"), number, expected),
    }
}

fn check_names(ports: &[ServicePort], problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let name = port.name.as_deref().unwrap_or_default();
        if !seen.insert(name) || (name.is_empty() && ports.len() > 1) {
            problems.add(
                format!("spec.ports[{index}].name"),
                name,
                "a name that no other port has, as there are several",
            );
        }
    }
}

fn check_unique(ports: &[ServicePort], problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let protocol = protocol_name(port);
        if !seen.insert((port.port, protocol)) {
            let value = format!("{}/{protocol}", port.port);
            problems.add(format!("spec.ports[{index}]"), value, "a port and protocol that no other port has");
        }
    }
}

fn non_empty(text: Option<&String>) -> Option<String> {
    text.filter(|text| !text.is_empty()).cloned()
}
