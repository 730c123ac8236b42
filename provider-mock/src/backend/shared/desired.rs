//! From the model to the desired graph. Pure.

use cloud_lb_core::Result;
use cloud_lb_core::graph::{Graph, Input, Resource, ResourceKey};
use cloud_lb_core::model::{IpFamily, LoadBalancer, Node, ServiceId};
use cloud_lb_core::naming::hashed_name;
use cloud_lb_core::ownership;

use super::kinds::{
    BACKEND_POOL, BackendPool, Container, FRONTEND_IP, FrontendIp, LOAD_BALANCER, PROBE, PUBLIC_ADDRESS,
    PublicAddress, RULE, Rule, SECURITY_GROUP, SECURITY_RULE, SecurityRule, SharedKind,
};
use super::{Desired, NAME_LIMIT};
use crate::backend::parts::{self, PortPair, Transport, family_key};
use crate::backend::settings::Settings;

type SharedGraph = Graph<Desired<SharedKind>>;

pub(crate) fn container_key(kind: &'static str) -> ResourceKey {
    ResourceKey::new(kind, "shared")
}

pub(crate) fn pool_key() -> ResourceKey {
    ResourceKey::new(BACKEND_POOL, "nodes")
}

pub(crate) fn address_key(family: IpFamily) -> ResourceKey {
    ResourceKey::new(PUBLIC_ADDRESS, family_key(family))
}

/// The name of what all Services share.
pub(crate) fn shared_name(cluster: &str) -> String {
    hashed_name(&[cluster], NAME_LIMIT)
}

/// The name of a Service, with which those of its parts and addresses begin, as in Azure.
pub(crate) fn base_name(service: &ServiceId) -> String {
    let ServiceId { cluster, namespace, name, uid } = service;
    hashed_name(&[namespace, name, cluster, uid], NAME_LIMIT / 2)
}

/// The name of a part or of an address.
pub(crate) fn own_name(service: &ServiceId, logical: &str) -> String {
    format!("{}-{logical}", base_name(service))
}

pub(crate) fn container(cluster: &str) -> Desired<SharedKind> {
    shared(cluster, "shared", SharedKind::Container(Container {}))
}

fn shared(cluster: &str, logical: &str, body: SharedKind) -> Desired<SharedKind> {
    Desired { name: shared_name(cluster), tags: ownership::cluster_tags(cluster, logical), body }
}

/// Everything that the load balancer needs.
pub(crate) fn build(lb: &LoadBalancer) -> Result<SharedGraph> {
    let settings = Settings::of(lb)?;
    let cluster = &lb.service.cluster;
    let mut graph = Graph::new();
    for kind in [LOAD_BALANCER, SECURITY_GROUP] {
        let key = container_key(kind);
        graph.add(key.clone(), Resource::shared(container(cluster)).in_container(&key))?;
    }
    add_pool(&mut graph, cluster, &lb.nodes)?;
    add_part(&mut graph, lb, probe_key(), SharedKind::Probe(settings.health_check(lb)))?;
    for family in &lb.families {
        add_family(&mut graph, lb, &settings, *family)?;
    }
    Ok(graph)
}

pub(crate) fn add_pool(graph: &mut SharedGraph, cluster: &str, nodes: &[Node]) -> Result<()> {
    let pool = SharedKind::BackendPool(BackendPool { targets: parts::targets(nodes) });
    graph.add(pool_key(), Resource::shared(shared(cluster, &pool_key().name, pool)))
}

fn probe_key() -> ResourceKey {
    ResourceKey::new(PROBE, "main")
}

fn frontend_key(family: IpFamily) -> ResourceKey {
    ResourceKey::new(FRONTEND_IP, family_key(family))
}

fn owned(lb: &LoadBalancer, logical: &str, body: SharedKind) -> Desired<SharedKind> {
    let tags = ownership::service_tags(&lb.service, logical);
    Desired { name: own_name(&lb.service, logical), tags, body }
}

fn add_part(graph: &mut SharedGraph, lb: &LoadBalancer, key: ResourceKey, body: SharedKind) -> Result<()> {
    let container = super::container_of(key.kind).unwrap_or(LOAD_BALANCER);
    let part = Resource::owned(owned(lb, &key.name, body)).in_container(&container_key(container));
    graph.add(key, part)
}

fn add_family(
    graph: &mut SharedGraph,
    lb: &LoadBalancer,
    settings: &Settings,
    family: IpFamily,
) -> Result<()> {
    let address_key = address_key(family);
    let address =
        SharedKind::PublicAddress(PublicAddress { family, requested_address: parts::requested(lb, family) });
    graph.add(address_key.clone(), Resource::owned(owned(lb, &address_key.name, address)))?;
    let public_address = Input::reference(&address_key, "id");
    let frontend = SharedKind::FrontendIp(FrontendIp { family, public_address: public_address.clone() });
    add_part(graph, lb, frontend_key(family), frontend)?;
    let security = SecurityRule { destination: public_address, source_ranges: lb.ranges_of(family) };
    let security_key = ResourceKey::new(SECURITY_RULE, family_key(family));
    add_part(graph, lb, security_key, SharedKind::SecurityRule(security))?;
    for (transport, ports) in parts::ports_by_transport(lb) {
        for pair in ports {
            let logical = format!("{}-{}-{}", family_key(family), transport.key(), pair.port);
            let rule = rule(lb, settings, family, transport, pair);
            add_part(graph, lb, ResourceKey::new(RULE, logical), SharedKind::Rule(rule))?;
        }
    }
    Ok(())
}

fn rule(
    lb: &LoadBalancer,
    settings: &Settings,
    family: IpFamily,
    protocol: Transport,
    pair: PortPair,
) -> Rule {
    Rule {
        frontend: Input::reference(&frontend_key(family), "id"),
        probe: Input::reference(&probe_key(), "id"),
        backend_pool: Input::reference(&pool_key(), "id"),
        family,
        protocol,
        port: pair.port,
        node_port: pair.node_port,
        traffic: settings.traffic(lb),
    }
}
