//! From the model to the desired graph. Pure.

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use cloud_lb_core::Result;
use cloud_lb_core::graph::{Graph, Input, Resource, ResourceKey};
use cloud_lb_core::model::{IpFamily, LoadBalancer};
use cloud_lb_core::naming::hashed_name;
use cloud_lb_core::ownership;

use super::kinds::{
    Balancer, LISTENER, LOAD_BALANCER, Listener, ListenerProtocol, SECURITY_GROUP, SecurityGroup, StackKind,
    TARGET_GROUP, TargetGroup,
};
use super::{Desired, NAME_LIMIT};
use crate::backend::parts::{self, NodePorts, Transport};
use crate::backend::settings::Settings;

pub(crate) fn load_balancer_key() -> ResourceKey {
    ResourceKey::new(LOAD_BALANCER, "main")
}

pub(crate) fn security_group_key() -> ResourceKey {
    ResourceKey::new(SECURITY_GROUP, "cluster")
}

pub(crate) fn security_group_name(cluster: &str) -> String {
    hashed_name(&["backend", cluster], NAME_LIMIT)
}

/// Everything that the load balancer needs.
pub(crate) fn build(lb: &LoadBalancer, name: &str) -> Result<Graph<Desired<StackKind>>> {
    let settings = Settings::of(lb)?;
    let mut graph = Graph::new();
    graph.add(security_group_key(), Resource::shared(security_group(lb)))?;
    graph.add(load_balancer_key(), Resource::owned(balancer(lb, name)))?;
    for (port, node_ports) in by_port(lb) {
        let Some(protocol) = protocol_of(&node_ports) else { continue };
        let logical = format!("{}-{port}", protocol.key());
        let group_key = ResourceKey::new(TARGET_GROUP, logical.clone());
        let group = target_group(lb, &settings, protocol, node_ports);
        let family = group.family.to_string();
        let group_name = hashed_name(&[name, &logical, &family], NAME_LIMIT);
        let group = owned(lb, group_name, &logical, StackKind::TargetGroup(group));
        graph.add(group_key.clone(), Resource::owned(group))?;
        let listener = StackKind::Listener(Listener {
            load_balancer: Input::reference(&load_balancer_key(), "id"),
            target_group: Input::reference(&group_key, "id"),
            port,
            protocol,
        });
        let listener = owned(lb, hashed_name(&[name, &logical], NAME_LIMIT), &logical, listener);
        graph.add(ResourceKey::new(LISTENER, logical), Resource::owned(listener))?;
    }
    Ok(graph)
}

fn owned(lb: &LoadBalancer, name: String, logical: &str, body: StackKind) -> Desired<StackKind> {
    Desired { name, tags: ownership::service_tags(&lb.service, logical), body }
}

fn security_group(lb: &LoadBalancer) -> Desired<StackKind> {
    let cluster = &lb.service.cluster;
    let tags = ownership::cluster_tags(cluster, &security_group_key().name);
    Desired { name: security_group_name(cluster), tags, body: StackKind::SecurityGroup(SecurityGroup {}) }
}

fn balancer(lb: &LoadBalancer, name: &str) -> Desired<StackKind> {
    let body = Balancer {
        families: lb.families.clone(),
        source_ranges: lb.source_ranges.clone(),
        requested_address: lb.requested_address,
        security_group: Input::reference(&security_group_key(), "id"),
    };
    owned(lb, name.to_owned(), &load_balancer_key().name, StackKind::LoadBalancer(body))
}

fn target_group(
    lb: &LoadBalancer,
    settings: &Settings,
    protocol: ListenerProtocol,
    node_ports: NodePorts,
) -> TargetGroup {
    TargetGroup {
        protocol,
        family: lb.families.first().copied().unwrap_or(IpFamily::V4),
        node_ports,
        health_check: settings.health_check(lb),
        traffic: settings.traffic(lb),
        targets: parts::targets(&lb.nodes),
    }
}

/// The NodePorts behind each port of the load balancer.
fn by_port(lb: &LoadBalancer) -> BTreeMap<NonZeroU16, NodePorts> {
    let mut ports: BTreeMap<NonZeroU16, NodePorts> = BTreeMap::new();
    for port in &lb.ports {
        if let (Some(transport), Some(node_port)) = (Transport::of(port.protocol), port.node_port) {
            ports.entry(port.port).or_default().insert(transport, node_port);
        }
    }
    ports
}

fn protocol_of(node_ports: &NodePorts) -> Option<ListenerProtocol> {
    match (node_ports.contains_key(&Transport::Tcp), node_ports.contains_key(&Transport::Udp)) {
        (true, true) => Some(ListenerProtocol::TcpUdp),
        (true, false) => Some(ListenerProtocol::Tcp),
        (false, true) => Some(ListenerProtocol::Udp),
        (false, false) => None,
    }
}
