//! Sets of ports as few ranges.

use std::collections::BTreeMap;

use crate::config::NodeRuleStyle;
use crate::kinds::{IpPermission, Source};

/// Protocol and source of rules whose ports can be joined.
type Group = (String, Source);
/// Ports, both ends included.
type Range = (i32, i32);

/// Joins rules whose ports touch or overlap, where protocol and source are the same. Sorted.
pub(crate) fn join_ports(rules: &[IpPermission]) -> Vec<IpPermission> {
    rules_of(joined(rules))
}

/// The rules for one security group of nodes, made of the needs of all target groups (AWS-88).
///
/// `exact` opens just the needed ports with at most `budget` rules per source; where that is not enough
/// the ports with the smallest gaps between them are joined. One rule per protocol is always possible.
pub(crate) fn merge(needs: &[IpPermission], style: NodeRuleStyle, budget: usize) -> Vec<IpPermission> {
    let budget = match style {
        NodeRuleStyle::Exact => budget,
        NodeRuleStyle::Range => 0,
    };
    let mut groups = joined(needs);
    let mut sources: Vec<Source> = groups.keys().map(|(_, source)| source.clone()).collect();
    sources.sort();
    sources.dedup();
    for source in &sources {
        while count(&groups, source) > budget && join_smallest_gap(&mut groups, source) {}
    }
    rules_of(groups)
}

/// Whether live rules let in all that a needed one does.
pub(crate) fn covers(live: &[IpPermission], need: &IpPermission) -> bool {
    join_ports(live).iter().any(|rule| {
        (rule.ip_protocol == need.ip_protocol || rule.ip_protocol == "-1")
            && rule.source == need.source
            && (rule.from_port < 0 || (rule.from_port <= need.from_port && need.to_port <= rule.to_port))
    })
}

fn joined(rules: &[IpPermission]) -> BTreeMap<Group, Vec<Range>> {
    let mut groups: BTreeMap<Group, Vec<Range>> = BTreeMap::new();
    let mut sorted: Vec<&IpPermission> = rules.iter().collect();
    sorted.sort();
    for rule in sorted {
        let ranges = groups.entry((rule.ip_protocol.clone(), rule.source.clone())).or_default();
        match ranges.last_mut() {
            // Types and codes of ICMP are no ranges.
            Some((_, end))
                if !rule.ip_protocol.starts_with("icmp") && rule.from_port <= end.saturating_add(1) =>
            {
                *end = (*end).max(rule.to_port);
            }
            Some(last) if *last == (rule.from_port, rule.to_port) => {}
            _ => ranges.push((rule.from_port, rule.to_port)),
        }
    }
    groups
}

fn rules_of(groups: BTreeMap<Group, Vec<Range>>) -> Vec<IpPermission> {
    let mut rules = Vec::new();
    for ((protocol, source), ranges) in groups {
        rules.extend(ranges.into_iter().map(|(from_port, to_port)| IpPermission {
            ip_protocol: protocol.clone(),
            from_port,
            to_port,
            source: source.clone(),
        }));
    }
    rules.sort();
    rules
}

fn count(groups: &BTreeMap<Group, Vec<Range>>, of: &Source) -> usize {
    groups.iter().filter(|((_, source), _)| source == of).map(|(_, ranges)| ranges.len()).sum()
}

/// Joins the two neighbours with the fewest ports between them; whether there were any.
fn join_smallest_gap(groups: &mut BTreeMap<Group, Vec<Range>>, of: &Source) -> bool {
    let gaps = groups.iter().filter(|((_, source), _)| source == of).flat_map(|(group, ranges)| {
        let pairs = ranges.iter().zip(ranges.iter().skip(1)).enumerate();
        pairs.map(move |(index, (left, right))| (right.0 - left.1, group.clone(), index))
    });
    let Some((_, group, index)) = gaps.min() else { return false };
    if let Some(ranges) = groups.get_mut(&group)
        && index + 1 < ranges.len()
    {
        let (_, end) = ranges.remove(index + 1);
        if let Some(left) = ranges.get_mut(index) {
            left.1 = end;
        }
    }
    true
}
