use std::collections::{BTreeMap, BTreeSet};

use super::super::notes::{Notes, blank_separated};
use super::super::stack::Context;
use crate::facts::{RouteKind, SubnetFacts, ZoneKind};
use crate::kinds::Scheme;

/// Free addresses that a load balancer needs in a subnet (quota page of Elastic Load Balancing).
const MIN_FREE: u32 = 8;

/// Why candidates were left out; each counts under the first reason that holds.
#[derive(Default)]
struct Rejected {
    other_cluster: usize,
    few_addresses: usize,
    no_ipv6: usize,
}

/// One subnet in each zone, sorted by id (AWS-51).
pub(super) fn discover<'a>(context: &Context<'a>, notes: &mut Notes) -> Vec<&'a SubnetFacts> {
    let candidates = candidates(context);
    let evaluated = candidates.len();
    let mut rejected = Rejected::default();
    let usable: Vec<_> = candidates.into_iter().filter(|s| is_usable(context, s, &mut rejected)).collect();
    let mut chosen: Vec<_> = best_by_zone(context, usable).into_values().collect();
    chosen.sort_by(|a, b| a.subnet_id.cmp(&b.subnet_id));
    if chosen.is_empty() {
        notes.lacks("subnets", "", nothing_found(context, evaluated, &rejected));
    }
    drop_special_zones(chosen, notes)
}

/// Tagged subnets; where there are none, those whose routes fit the scheme.
fn candidates<'a>(context: &Context<'a>) -> Vec<&'a SubnetFacts> {
    let in_vpc = || context.facts.subnets.iter().filter(|subnet| subnet.vpc_id == context.facts.vpc_id);
    let tagged: Vec<_> = in_vpc().filter(|subnet| is_tagged_for(subnet, context.scheme)).collect();
    if !tagged.is_empty() || !context.config.subnet_discovery_by_reachability {
        return tagged;
    }
    let routes = match context.scheme {
        Scheme::InternetFacing => RouteKind::Public,
        Scheme::Internal => RouteKind::Private,
    };
    in_vpc().filter(|subnet| subnet.routes == Some(routes)).collect()
}

/// Whether a subnet's tags say that load balancers of a scheme are to be in it.
pub(crate) fn is_tagged_for(subnet: &SubnetFacts, scheme: Scheme) -> bool {
    subnet.tags.get(role_tag(scheme)).is_some_and(|value| value.is_empty() || value == "1")
}

fn role_tag(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::InternetFacing => "kubernetes.io/role/elb",
        Scheme::Internal => "kubernetes.io/role/internal-elb",
    }
}

fn is_usable(context: &Context<'_>, subnet: &SubnetFacts, rejected: &mut Rejected) -> bool {
    let of_clusters = subnet.tags.keys().any(|key| key.starts_with("kubernetes.io/cluster/"));
    let counter = if context.config.subnets_cluster_tag_check && of_clusters && !is_ours(context, subnet) {
        &mut rejected.other_cluster
    } else if subnet.available_ip_address_count < min_free(context) {
        &mut rejected.few_addresses
    } else if context.is_dualstack() && subnet.ipv6_cidrs.is_empty() {
        &mut rejected.no_ipv6
    } else {
        return true;
    };
    *counter += 1;
    false
}

fn min_free(context: &Context<'_>) -> u32 {
    if context.asked.list("private-ipv4-addresses").is_some() { 1 } else { MIN_FREE }
}

fn is_ours(context: &Context<'_>, subnet: &SubnetFacts) -> bool {
    subnet.tags.contains_key(&format!("kubernetes.io/cluster/{}", context.config.cluster_name))
}

/// In each zone the subnet that is tagged for this cluster, else the one with the lowest id.
fn best_by_zone<'a>(
    context: &Context<'_>,
    subnets: Vec<&'a SubnetFacts>,
) -> BTreeMap<&'a str, &'a SubnetFacts> {
    let rank = |subnet: &SubnetFacts| (!is_ours(context, subnet), subnet.subnet_id.clone());
    let mut best: BTreeMap<&str, &SubnetFacts> = BTreeMap::new();
    for subnet in subnets {
        let slot = best.entry(&subnet.availability_zone).or_insert(subnet);
        if rank(subnet) < rank(slot) {
            *slot = subnet;
        }
    }
    best
}

/// Where kinds of zones are mixed, availability zones win: the others only by annotation (AWS-56).
fn drop_special_zones<'a>(chosen: Vec<&'a SubnetFacts>, notes: &mut Notes) -> Vec<&'a SubnetFacts> {
    let is_normal = |subnet: &&SubnetFacts| subnet.zone_kind == ZoneKind::AvailabilityZone;
    let (normal, special): (Vec<_>, Vec<_>) = chosen.into_iter().partition(is_normal);
    if normal.is_empty() {
        return special;
    }
    if !special.is_empty() {
        let ids = blank_separated(special.iter().map(|subnet| &subnet.subnet_id).collect::<BTreeSet<_>>());
        let message = format!(
            "subnets {ids} are not in availability zones; they are used only if the annotation lists them"
        );
        notes.warn("SubnetsLeftOut", message);
    }
    normal
}

fn nothing_found(context: &Context<'_>, evaluated: usize, rejected: &Rejected) -> String {
    let Rejected { other_cluster, few_addresses, no_ipv6 } = rejected;
    let start = format!(
        "unable to resolve at least one subnet. Evaluated {evaluated} subnets: {other_cluster} are tagged for other clusters,"
    );
    let middle = if context.is_dualstack() {
        format!(
            "{few_addresses} have insufficient available IP addresses, and {no_ipv6} don't have an associated IPv6 CIDR \
             block, which is required for dualstack load balancers"
        )
    } else {
        format!("and {few_addresses} have insufficient available IP addresses")
    };
    let (vpc, scheme) = (&context.facts.vpc_id, context.scheme);
    format!("{start} {middle} (network {vpc}, tag {}, scheme {})", role_tag(scheme), scheme.as_str())
}
