//! Keeps the frontend group within the quota of rules (AWS-80).

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::super::notes::Notes;
use super::super::ranges;
use super::super::stack::Context;
use crate::kinds::{IpPermission, Source};

/// The rules as they are, if each family's fit; else with ports, then with ranges of addresses joined,
/// but never more than they were.
pub(super) fn within(
    context: &Context<'_>,
    rules: Vec<IpPermission>,
    notes: &mut Notes,
) -> Vec<IpPermission> {
    let limit = context.config.sg_rule_limit;
    if largest_family(&rules) <= limit {
        return rules;
    }
    let by_port = ranges::join_ports(&rules);
    if largest_family(&by_port) <= limit {
        return by_port;
    }
    let joined = join_addresses(&by_port);
    let count = largest_family(&joined);
    if count > limit {
        let reason = format!(
            "SecurityGroupRuleLimit: {} ports and {} source ranges need {count} rules, even joined, and a security \
             group has at most {limit}; a prefix list (annotation security-group-prefix-lists) holds many ranges in one rule",
            context.lb.ports.len(),
            context.lb.source_ranges.len(),
        );
        notes.refuse_field("spec.loadBalancerSourceRanges", count, reason);
    }
    joined
}

/// Rules of the family that has most: EC2 counts each by itself.
fn largest_family(rules: &[IpPermission]) -> usize {
    let ipv6 = rules.iter().filter(|rule| matches!(rule.source, Source::Cidr(IpNet::V6(_)))).count();
    ipv6.max(rules.len() - ipv6)
}

/// Joins ranges that touch or overlap, where ports are the same.
fn join_addresses(rules: &[IpPermission]) -> Vec<IpPermission> {
    let mut groups: BTreeMap<(&str, i32, i32), Vec<IpNet>> = BTreeMap::new();
    let mut joined: BTreeSet<IpPermission> = BTreeSet::new();
    for rule in rules {
        match rule.source {
            Source::Cidr(net) => {
                groups.entry((&rule.ip_protocol, rule.from_port, rule.to_port)).or_default().push(net);
            }
            _ => _ = joined.insert(rule.clone()),
        }
    }
    for ((protocol, from_port, to_port), nets) in groups {
        joined.extend(IpNet::aggregate(&nets).into_iter().map(|net| IpPermission {
            ip_protocol: protocol.to_owned(),
            from_port,
            to_port,
            source: Source::Cidr(net),
        }));
    }
    joined.into_iter().collect()
}
