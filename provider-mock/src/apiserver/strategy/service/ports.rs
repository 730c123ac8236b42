//! Node ports and health check ports.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{ServicePort, ServiceSpec};

use super::view;
use crate::apiserver::allocate::{Allocators, PortError};
use crate::apiserver::field::FieldError;

/// Allocates the node ports and the health check port of a new Service.
pub(super) fn allocate(spec: &mut ServiceSpec, allocators: &mut Allocators) -> Result<(), Vec<FieldError>> {
    if view::needs_node_port(spec) {
        allocate_node_ports(spec, allocators)?;
    }
    if view::needs_health_check(spec) {
        allocate_health_check_port(spec, allocators)?;
    }
    Ok(())
}

/// Allocates and releases for a change of the type or of the ports.
pub(super) fn update(
    spec: &mut ServiceSpec,
    old: &ServiceSpec,
    allocators: &mut Allocators,
) -> Result<(), Vec<FieldError>> {
    if view::needs_node_port(spec) {
        update_node_ports(spec, old, allocators)?;
    }
    match (view::needs_health_check(old), view::needs_health_check(spec)) {
        (false, true) => allocate_health_check_port(spec, allocators)?,
        (true, false) => allocators.ports().release(view::health_check_port(old)),
        _ => {}
    }
    // Last, so that a port which moves inside the Service is not given to another of its ports in between.
    let kept = view::held_node_ports(spec);
    for port in view::held_node_ports(old).into_iter().filter(|port| !kept.contains(port)) {
        allocators.ports().release(port);
    }
    Ok(())
}

/// Gives back the ports of a Service.
pub(super) fn release(spec: &ServiceSpec, allocators: &mut Allocators) {
    for port in view::held_node_ports(spec) {
        allocators.ports().release(port);
    }
    if view::needs_health_check(spec) {
        allocators.ports().release(view::health_check_port(spec));
    }
}

/// One node port for each port number, so that TCP and UDP on one port share it.
fn allocate_node_ports(spec: &mut ServiceSpec, allocators: &mut Allocators) -> Result<(), Vec<FieldError>> {
    let assigns = view::assigns_node_ports(spec);
    let mut by_number: BTreeMap<i32, i32> = BTreeMap::new();
    for index in 0..view::ports(spec).len() {
        let Some(port) = view::ports(spec).get(index) else { break };
        let (number, asked) = (port.port, view::node_port(port));
        if asked == 0 && !assigns {
            continue;
        }
        let given = match by_number.get(&number).copied() {
            Some(shared) if asked == 0 || asked == shared => shared,
            Some(_) => take(index, asked, allocators)?,
            None => {
                let asked = requested(view::ports(spec), number);
                let given = if asked == 0 { take_any(allocators)? } else { take(index, asked, allocators)? };
                by_number.insert(number, given);
                given
            }
        };
        set(spec, index, given);
    }
    Ok(())
}

/// The node port that a port with this number asks for; 0 = none does.
fn requested(ports: &[ServicePort], number: i32) -> i32 {
    ports.iter().filter(|port| port.port == number).map(view::node_port).find(|port| *port != 0).unwrap_or(0)
}

fn update_node_ports(
    spec: &mut ServiceSpec,
    old: &ServiceSpec,
    allocators: &mut Allocators,
) -> Result<(), Vec<FieldError>> {
    let assigns = view::assigns_node_ports(spec);
    let mut held: BTreeSet<i32> = view::held_node_ports(old).into_iter().collect();
    let mut seen: BTreeSet<(String, i32)> = BTreeSet::new();
    for index in 0..view::ports(spec).len() {
        let Some(port) = view::ports(spec).get(index) else { break };
        let (asked, protocol) = (view::node_port(port), port.protocol.clone().unwrap_or_default());
        if asked == 0 && !assigns {
            continue;
        }
        let given = match asked {
            0 => take_any(allocators)?,
            asked if held.contains(&asked) => asked,
            asked => take(index, asked, allocators)?,
        };
        held.insert(given);
        if !seen.insert((protocol.clone(), given)) {
            return Err(vec![FieldError::internal(format!("duplicate nodePort: {{{protocol} {given}}}"))]);
        }
        set(spec, index, given);
    }
    Ok(())
}

fn allocate_health_check_port(
    spec: &mut ServiceSpec,
    allocators: &mut Allocators,
) -> Result<(), Vec<FieldError>> {
    let asked = view::health_check_port(spec);
    let given = if asked == 0 {
        allocators
            .ports()
            .allocate_next()
            .map_err(|error| format!("failed to allocate a HealthCheck NodePort 0: {error}"))
    } else {
        let taken = allocators.ports().allocate(asked).map(|()| asked);
        taken.map_err(|error| format!("failed to allocate requested HealthCheck NodePort {asked}: {error}"))
    };
    spec.health_check_node_port = Some(given.map_err(|text| vec![FieldError::internal(text)])?);
    Ok(())
}

fn take(index: usize, port: i32, allocators: &mut Allocators) -> Result<i32, Vec<FieldError>> {
    let refused = |error: PortError| {
        vec![FieldError::invalid(format!("spec.ports[{index}].nodePort"), port, error.to_string())]
    };
    allocators.ports().allocate(port).map(|()| port).map_err(refused)
}

fn take_any(allocators: &mut Allocators) -> Result<i32, Vec<FieldError>> {
    let full =
        |error: PortError| vec![FieldError::internal(format!("failed to allocate a nodePort: {error}"))];
    allocators.ports().allocate_next().map_err(full)
}

fn set(spec: &mut ServiceSpec, index: usize, given: i32) {
    if let Some(port) = spec.ports.as_mut().and_then(|ports| ports.get_mut(index)) {
        port.node_port = Some(given);
    }
}
