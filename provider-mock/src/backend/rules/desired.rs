//! From the model to the desired graph. Pure.

use std::collections::BTreeMap;

use cloud_lb_core::Result;
use cloud_lb_core::graph::{Graph, Input, Resource, ResourceKey};
use cloud_lb_core::model::{IpFamily, LoadBalancer, Node, TrafficPolicy};
use cloud_lb_core::naming::hashed_name;
use cloud_lb_core::ownership;
use cloud_lb_core::plan::Observed;

use super::kinds::{
    ADDRESS, Address, BACKEND_SERVICE, BackendService, FIREWALL, FORWARDING_RULE, Firewall, ForwardingRule,
    HEALTH_CHECK, INSTANCE_GROUP, InstanceGroup, RulesKind,
};
use super::{Desired, NAME_LIMIT};
use crate::backend::parts::{self, PortPair, Targets, Transport, family_key};
use crate::backend::settings::Settings;

/// Zone of nodes that tell none.
const NO_ZONE: &str = "none";

pub(crate) fn address_key(family: IpFamily) -> ResourceKey {
    ResourceKey::new(ADDRESS, family_key(family))
}

pub(crate) fn backend_service_key() -> ResourceKey {
    ResourceKey::new(BACKEND_SERVICE, "main")
}

/// The name of a Service's resource.
pub(crate) fn name_of(base: &str, logical: &str) -> String {
    hashed_name(&[base, logical], NAME_LIMIT)
}

/// Everything that the load balancer needs.
pub(crate) fn build(lb: &LoadBalancer, base: &str) -> Result<Graph<Desired<RulesKind>>> {
    let settings = Settings::of(lb)?;
    let mut graph = Graph::new();
    let groups = add_instance_groups(&mut graph, &lb.service.cluster, &lb.nodes, |_| true)?;
    let health_check = add_health_check(&mut graph, lb, base, &settings)?;
    let service = BackendService {
        groups: groups.iter().map(|group| Input::reference(group, "id")).collect(),
        health_check: Input::reference(&health_check, "id"),
        traffic: settings.traffic(lb),
    };
    let owner = Owned { lb, base };
    owner.add(&mut graph, backend_service_key(), RulesKind::BackendService(service))?;
    for family in &lb.families {
        owner.add_family(&mut graph, *family)?;
    }
    Ok(graph)
}

/// The instance groups of the nodes' zones, of those that `wanted` picks.
pub(crate) fn add_instance_groups(
    graph: &mut Graph<Desired<RulesKind>>,
    cluster: &str,
    nodes: &[Node],
    wanted: impl Fn(&ResourceKey) -> bool,
) -> Result<Vec<ResourceKey>> {
    let mut zones: BTreeMap<&str, Vec<&Node>> = BTreeMap::new();
    for node in nodes {
        zones.entry(node.zone.as_deref().unwrap_or(NO_ZONE)).or_default().push(node);
    }
    let mut keys = Vec::new();
    for (zone, nodes) in zones {
        let key = ResourceKey::new(INSTANCE_GROUP, zone);
        if wanted(&key) {
            let group = InstanceGroup { zone: zone.to_owned(), targets: parts::targets(nodes) };
            add_shared(graph, cluster, key.clone(), RulesKind::InstanceGroup(group))?;
            keys.push(key);
        }
    }
    Ok(keys)
}

fn add_shared(
    graph: &mut Graph<Desired<RulesKind>>,
    cluster: &str,
    key: ResourceKey,
    body: RulesKind,
) -> Result<()> {
    let name = hashed_name(&["cluster", cluster, key.kind, &key.name], NAME_LIMIT);
    let tags = ownership::cluster_tags(cluster, &key.name);
    graph.add(key, Resource::shared(Desired { name, tags, body }))
}

/// Services that check nodes as kube-proxy answers for all share one health check.
fn add_health_check(
    graph: &mut Graph<Desired<RulesKind>>,
    lb: &LoadBalancer,
    base: &str,
    settings: &Settings,
) -> Result<ResourceKey> {
    let body = RulesKind::HealthCheck(settings.health_check(lb));
    if lb.traffic_policy == TrafficPolicy::Cluster && settings.has_default_health_check(lb) {
        let key = ResourceKey::new(HEALTH_CHECK, "cluster");
        add_shared(graph, &lb.service.cluster, key.clone(), body)?;
        return Ok(key);
    }
    let key = ResourceKey::new(HEALTH_CHECK, "own");
    Owned { lb, base }.add(graph, key.clone(), body)?;
    Ok(key)
}

/// Adds what belongs to one Service.
struct Owned<'a> {
    lb: &'a LoadBalancer,
    base: &'a str,
}

impl Owned<'_> {
    fn add(&self, graph: &mut Graph<Desired<RulesKind>>, key: ResourceKey, body: RulesKind) -> Result<()> {
        let name = name_of(self.base, &key.name);
        let tags = ownership::service_tags(&self.lb.service, &key.name);
        graph.add(key, Resource::owned(Desired { name, tags, body }))
    }

    fn add_family(&self, graph: &mut Graph<Desired<RulesKind>>, family: IpFamily) -> Result<()> {
        let address = Address { family, requested_address: parts::requested(self.lb, family) };
        self.add(graph, address_key(family), RulesKind::Address(address))?;
        let by_transport = parts::ports_by_transport(self.lb);
        self.add_firewall(graph, family, &by_transport)?;
        for (protocol, ports) in by_transport {
            let rule = ForwardingRule {
                address: Input::reference(&address_key(family), "id"),
                family,
                protocol,
                ports,
                backend_service: Input::reference(&backend_service_key(), "id"),
            };
            let logical = format!("{}-{}", family_key(family), protocol.key());
            let key = ResourceKey::new(FORWARDING_RULE, logical);
            self.add(graph, key, RulesKind::ForwardingRule(rule))?;
        }
        Ok(())
    }

    fn add_firewall(
        &self,
        graph: &mut Graph<Desired<RulesKind>>,
        family: IpFamily,
        ports: &BTreeMap<Transport, Vec<PortPair>>,
    ) -> Result<()> {
        let of_one = |(transport, ports): (&Transport, &Vec<PortPair>)| -> Vec<String> {
            let name = transport.key().to_uppercase();
            ports.iter().map(|pair| format!("{name}/{}", pair.port)).collect()
        };
        let firewall = Firewall {
            destination: Input::reference(&address_key(family), "id"),
            source_ranges: self.lb.ranges_of(family),
            allowed: ports.iter().flat_map(of_one).collect(),
        };
        let key = ResourceKey::new(FIREWALL, family_key(family));
        self.add(graph, key, RulesKind::Firewall(firewall))
    }
}

/// Adds the groups of zones that have no node any more: they are emptied, for the zone may come back.
pub(crate) fn add_emptied_groups(
    graph: &mut Graph<Desired<RulesKind>>,
    have: &Observed<Desired<RulesKind>>,
) -> Result<()> {
    for (key, found) in have.iter() {
        if let RulesKind::InstanceGroup(group) = &found.spec.body
            && graph.get(key).is_none()
        {
            let body =
                RulesKind::InstanceGroup(InstanceGroup { targets: Targets::default(), ..group.clone() });
            graph.add(key.clone(), Resource::shared(Desired { body, ..found.spec.clone() }))?;
        }
    }
    Ok(())
}
