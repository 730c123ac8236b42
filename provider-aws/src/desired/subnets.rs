//! Which subnets the load balancer is in (AWS-50 to AWS-58).

mod addresses;
mod discovery;
mod named;

pub(super) use addresses::mappings;
pub(crate) use discovery::is_tagged_for;

use std::collections::{BTreeMap, BTreeSet};

use super::notes::{Notes, blank_separated};
use super::stack::Context;
use crate::facts::SubnetFacts;

/// The subnets: those of the annotation, else those of the load balancer, else discovered ones.
pub(super) fn resolve<'a>(context: &Context<'a>, notes: &mut Notes) -> Vec<&'a SubnetFacts> {
    let asked = context.asked.list("subnets");
    let subnets = match (asked, context.live) {
        (Some(items), _) => named::find(context, items, notes),
        (None, Some(_)) => of_existing(context, notes),
        (None, None) => discovery::discover(context, notes),
    };
    check(context, &subnets, notes);
    if asked.is_some() {
        warn_of_removed_zones(context, &subnets, notes);
    }
    subnets
}

/// The subnets that the load balancer has now (AWS-50): later tags mean nothing, unless it is to follow.
fn of_existing<'a>(context: &Context<'a>, notes: &mut Notes) -> Vec<&'a SubnetFacts> {
    let mappings = context.live.iter().flat_map(|lb| &lb.subnet_mappings);
    let wanted: BTreeSet<&str> = mappings.map(|mapping| mapping.subnet_id.as_str()).collect();
    let mut found: Vec<_> = wanted.iter().filter_map(|id| context.facts.subnet(id)).collect();
    if found.len() < wanted.len() {
        let have = blank_separated(found.iter().map(|subnet| &subnet.subnet_id));
        let want = blank_separated(wanted);
        notes.lacks("subnets", &want, format!("couldn't find all subnets, want: {want}, found: {have}"));
        return found;
    }
    let zones: BTreeSet<&str> = found.iter().map(|subnet| subnet.availability_zone.as_str()).collect();
    let discovered = discovery::discover(context, &mut Notes::default());
    let new: Vec<_> =
        discovered.into_iter().filter(|subnet| !zones.contains(subnet.availability_zone.as_str())).collect();
    if context.config.subnet_follow {
        found.extend(new);
        found.sort_by(|a, b| a.subnet_id.cmp(&b.subnet_id));
    } else if !new.is_empty() {
        let ids = blank_separated(new.iter().map(|subnet| &subnet.subnet_id));
        notes.warn(
            "SubnetSetDiffers",
            format!("discovery would now find {ids} in further zones; list all subnets in the annotation to use them"),
        );
    }
    found
}

/// AWS-54, for subnets of whatever source.
fn check(context: &Context<'_>, subnets: &[&SubnetFacts], notes: &mut Notes) {
    let mut by_zone: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for subnet in subnets {
        by_zone.entry(&subnet.availability_zone).or_default().push(&subnet.subnet_id);
    }
    for (zone, ids) in by_zone.iter().filter(|(_, ids)| ids.len() > 1) {
        let ids = blank_separated(ids);
        notes.refuse("subnets", &ids, format!("multiple subnets in same Availability Zone {zone}: {ids}"));
    }
    let kinds: BTreeSet<_> = subnets.iter().map(|subnet| subnet.zone_kind).collect();
    if kinds.len() > 1 {
        let kinds = blank_separated(kinds.iter().map(|kind| kind.as_str()));
        notes.refuse("subnets", &kinds, format!("subnets in multiple locales: {kinds}"));
    }
    let without: Vec<_> = subnets.iter().filter(|subnet| subnet.ipv6_cidrs.is_empty()).collect();
    if context.is_dualstack() && !without.is_empty() {
        let ids = blank_separated(without.iter().map(|subnet| &subnet.subnet_id));
        let reason = format!(
            "subnets {ids} do not have an associated IPv6 CIDR block, which is required for dualstack load balancers"
        );
        notes.lacks("subnets", &ids, reason);
    }
}

/// Removing a zone cuts its connections (2.4 of the specification).
fn warn_of_removed_zones(context: &Context<'_>, subnets: &[&SubnetFacts], notes: &mut Notes) {
    let zones: BTreeSet<&str> = subnets.iter().map(|subnet| subnet.availability_zone.as_str()).collect();
    let live = context.live.iter().flat_map(|lb| &lb.subnet_mappings);
    let live = live.filter_map(|mapping| context.facts.subnet(&mapping.subnet_id));
    let removed: BTreeSet<&str> =
        live.map(|subnet| subnet.availability_zone.as_str()).filter(|zone| !zones.contains(zone)).collect();
    if !removed.is_empty() {
        let removed = blank_separated(removed);
        notes.warn(
            "ZonesRemoved",
            format!("zones {removed} are removed, which cuts the connections through them"),
        );
    }
}
