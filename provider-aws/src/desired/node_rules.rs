//! What a target group needs of the security groups of the nodes (AWS-86 to AWS-95).

use std::collections::{BTreeMap, BTreeSet};

use cloud_lb_core::graph::Input;
use cloud_lb_core::model::{IpFamily, TargetPort};
use ipnet::IpNet;

use super::Port;
use super::health::TRAFFIC_PORT;
use super::listeners::Plan;
use super::node_groups::groups_of;
use super::notes::Notes;
use super::security_groups::{NodeSource, everybody, explicit_ranges};
use super::stack::Context;
use super::target_groups::preserves_client_ip;
use super::targets::numbers_of;
use crate::facts::SubnetFacts;
use crate::kinds::{
    IpPermission, NodeRules, Scheme, Source, TargetFamily, TargetGroup, TargetProtocol, TargetType, key,
};

/// The rules of one target group, in the security groups of its targets; `None` if none are needed.
pub(super) fn node_rules(
    context: &Context<'_>,
    Port { plan, group, targets }: &Port<'_>,
    source: &NodeSource,
    subnets: &[&SubnetFacts],
    notes: &mut Notes,
) -> Option<NodeRules> {
    let need = Need::of(context, plan, group);
    let rules = match source {
        NodeSource::Unmanaged => return None,
        NodeSource::Group(id) => need.of_group(context, &Source::Group(id.clone())),
        NodeSource::Addresses => need.of_addresses(context, group, subnets),
    };
    let group_ids = groups_of(context, targets, notes);
    let target_group_arn =
        Input::reference(&key::of_port(key::TARGET_GROUP, plan.port), key::TARGET_GROUP_ARN);
    let ip_permissions = rules.into_iter().collect();
    let rules = NodeRules { target_group_arn, group_ids, ip_permissions, open: BTreeMap::new() };
    (!rules.group_ids.is_empty() && !rules.ip_permissions.is_empty()).then_some(rules)
}

/// The ports that must be open.
struct Need {
    protocol: TargetProtocol,
    /// Ports of the traffic: several where a name means different numbers.
    ports: BTreeSet<u16>,
    /// Port of the health check, unless it is that of the traffic.
    health: Option<u16>,
}

impl Need {
    fn of(context: &Context<'_>, plan: &Plan<'_>, group: &TargetGroup) -> Self {
        let is_named = matches!(plan.entry.target_port, TargetPort::Name(_));
        let ports = if group.target_type == TargetType::Ip && is_named {
            numbers_of(context, plan.entry, group.ip_address_type)
        } else {
            BTreeSet::from([group.port])
        };
        let text = Some(&group.health_check.port).filter(|port| *port != TRAFFIC_PORT);
        Self { protocol: group.protocol, ports, health: text.and_then(|port| port.parse().ok()) }
    }

    fn has_tcp(&self) -> bool {
        !matches!(self.protocol, TargetProtocol::Udp | TargetProtocol::Quic)
    }

    fn has_udp(&self) -> bool {
        !self.protocol.is_stream()
    }

    /// AWS-86.
    fn of_group(&self, context: &Context<'_>, source: &Source) -> BTreeSet<IpPermission> {
        if context.config.disable_restricted_sg_rules {
            let all = |protocol| IpPermission::ports(protocol, 0, u16::MAX, source.clone());
            return std::iter::once(all("tcp")).chain(self.has_udp().then(|| all("udp"))).collect();
        }
        let mut rules = self.traffic(source);
        for port in self.ports.iter().copied() {
            // Checks of UDP are TCP.
            let check = self.health.unwrap_or(port);
            if check != port || !self.has_tcp() {
                rules.insert(IpPermission::ports("tcp", check, check, source.clone()));
            }
        }
        rules
    }

    fn traffic(&self, source: &Source) -> BTreeSet<IpPermission> {
        let mut rules = BTreeSet::new();
        for port in self.ports.iter().copied() {
            for (protocol, wanted) in [("tcp", self.has_tcp()), ("udp", self.has_udp())] {
                if wanted {
                    rules.insert(IpPermission::ports(protocol, port, port, source.clone()));
                }
            }
        }
        rules
    }

    /// AWS-92 to AWS-94.
    fn of_addresses(
        &self,
        context: &Context<'_>,
        group: &TargetGroup,
        subnets: &[&SubnetFacts],
    ) -> BTreeSet<IpPermission> {
        let family = match group.ip_address_type {
            TargetFamily::Ipv4 => IpFamily::V4,
            TargetFamily::Ipv6 => IpFamily::V6,
        };
        let of_family = |net: &IpNet| IpFamily::of_net(net) == family;
        let of_subnets: Vec<IpNet> = subnets.iter().flat_map(|s| s.ranges()).filter(of_family).collect();
        let preserved = preserves_client_ip(group);
        let given = explicit_ranges(context);
        let clients: Vec<IpNet> = match given {
            _ if !preserved => of_subnets.clone(),
            None => default_clients(context, family),
            // Ranges of the other family only let nobody of this one in.
            Some(ranges) => ranges.iter().copied().filter(of_family).collect(),
        };
        let mut rules: BTreeSet<IpPermission> =
            clients.iter().flat_map(|net| self.traffic(&Source::Cidr(*net))).collect();
        let open = !preserved || given.is_none() || clients.contains(&everybody(family));
        for port in self.ports.iter().copied() {
            let check = self.health.unwrap_or(port);
            let is_covered = self.has_tcp() && check == port && open;
            if !is_covered {
                let checks = of_subnets.iter().map(|net| Source::Cidr(*net));
                rules.extend(checks.map(|source| IpPermission::ports("tcp", check, check, source)));
            }
        }
        rules
    }
}

/// Who connects where the user did not say: everybody, or the network.
fn default_clients(context: &Context<'_>, family: IpFamily) -> Vec<IpNet> {
    match context.scheme {
        Scheme::InternetFacing => vec![everybody(family)],
        Scheme::Internal => {
            let ranges = context.facts.vpc().map(|vpc| vpc.cidrs.as_slice()).unwrap_or_default();
            ranges.iter().filter(|net| IpFamily::of_net(net) == family).copied().collect()
        }
    }
}
