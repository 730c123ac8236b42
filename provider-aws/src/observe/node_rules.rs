//! Which rules in the security groups of nodes let in traffic for a Service (AWS-86 to AWS-91).
//!
//! The rules are shared: several target groups may need one. So what is observed of a target group is
//! the part of the live rules that lets in its own ports.

use std::collections::{BTreeMap, BTreeSet};

use cloud_lb_core::graph::Input;

use super::StackFacts;
use crate::api::Api;
use crate::apply::NODE_RULES_DESCRIPTION;
use crate::backend::Aws;
use crate::desired::is_tagged_for_nodes;
use crate::facts::ownership::port_of;
use crate::facts::{GroupFacts, LoadBalancerFacts, TargetFacts, TargetGroupFacts};
use crate::inventory::View;
use crate::kinds::{IpPermission, ListedPermission, NodeRules, Source, TargetType};

/// What a target group needs, by security group of nodes.
pub(crate) type Need = BTreeMap<String, BTreeSet<IpPermission>>;

/// What was found.
pub(super) struct Found {
    /// The needs by ARN of the target group.
    pub(super) needs: Vec<(String, Need)>,
    /// By Service port.
    pub(super) have: Vec<(String, NodeRules)>,
}

pub(super) fn observe(
    view: &View,
    stack: &StackFacts,
    backend: Option<&str>,
    groups_of: &BTreeMap<String, BTreeSet<String>>,
) -> Found {
    let mut found = Found { needs: Vec::new(), have: Vec::new() };
    for group in &stack.target_groups {
        let Some(lb) = stack.user_of(group) else { continue };
        let sources = Sources::of(lb, view, backend);
        let used = groups_of_targets(group, groups_of);
        let need = need(view, group, &sources, used.as_ref());
        if let Some(rules) = rules(&group.target_group_arn, &need) {
            found.have.push((port_of(group, &stack.load_balancers), rules));
        }
        found.needs.push((group.target_group_arn.clone(), need));
    }
    found
}

/// Who the nodes let in for a load balancer.
enum Sources {
    /// Members of one security group.
    Group(String),
    /// Addresses.
    Addresses,
    /// Nobody that we know of.
    Nobody,
}

impl Sources {
    fn of(lb: &LoadBalancerFacts, view: &View, backend: Option<&str>) -> Self {
        let has = |id: &&String| backend == Some(id.as_str());
        let is_frontend = |id: &&String| {
            let tags = |group: &GroupFacts| group.tags.get(crate::facts::lookup::STACK_TAG).cloned();
            let stack = lb.tags.get(crate::facts::lookup::STACK_TAG);
            stack.is_some() && view.groups.get(*id).and_then(tags).as_ref() == stack
        };
        if lb.security_groups.is_empty() {
            return Self::Addresses;
        }
        let source = lb.security_groups.iter().find(has);
        source
            .or_else(|| lb.security_groups.iter().find(is_frontend))
            .map_or(Self::Nobody, |id| Self::Group(id.clone()))
    }

    fn contains(&self, source: &Source) -> bool {
        match (self, source) {
            (Self::Group(id), Source::Group(Input::Value(other))) => id == other,
            (Self::Addresses, Source::Cidr(_)) => true,
            _ => false,
        }
    }
}

impl<A: Api> Aws<A> {
    /// The security groups that are open for targets, by id or address, as far as they are known: the one that is
    /// opened, where it can be told, else all that their network interfaces have.
    pub(crate) fn groups_of_targets<'a>(
        &self,
        targets: impl IntoIterator<Item = &'a TargetFacts>,
        view: &View,
    ) -> BTreeMap<String, BTreeSet<String>> {
        let is_tagged =
            |id: &&String| view.groups.get(*id).is_some_and(|group| is_tagged_for_nodes(group, &self.config));
        let mut all = self.lookups.groups_of_targets(targets, view.vpc.as_ref());
        for groups in all.values_mut().filter(|groups| groups.len() > 1) {
            let tagged: Vec<&String> = groups.iter().filter(is_tagged).collect();
            if let [one] = tagged.as_slice() {
                *groups = [(*one).clone()].into();
            }
        }
        all
    }
}

/// The security groups of the network interfaces of a target group's targets; `None` if that is not known of all.
fn groups_of_targets(
    group: &TargetGroupFacts,
    groups_of: &BTreeMap<String, BTreeSet<String>>,
) -> Option<BTreeSet<String>> {
    let all = group.targets.iter().try_fold(BTreeSet::new(), |mut all: BTreeSet<String>, target| {
        all.extend(groups_of.get(&target.id)?.iter().cloned());
        Some(all)
    })?;
    // Instances have some; addresses outside the network have none.
    (group.target_type == TargetType::Ip || !all.is_empty()).then_some(all)
}

/// The live rules of ours that let in the target group's ports, cut down to them.
fn need(view: &View, group: &TargetGroupFacts, sources: &Sources, used: Option<&BTreeSet<String>>) -> Need {
    let mut need = Need::new();
    let mut ports: BTreeSet<i32> = group.targets.iter().map(|target| target.port.into()).collect();
    if ports.is_empty() {
        // Rules that let in its port are those of others.
        return need;
    }
    ports.extend(group.health_check.port.parse::<i32>().ok());
    for holder in view.groups.values() {
        if used.is_some_and(|used| !used.contains(&holder.group_id)) {
            continue;
        }
        let just_these =
            |rule: &IpPermission| (rule.from_port..=rule.to_port).all(|port| ports.contains(&port));
        let of_others = rules_of_others(holder).filter(just_these);
        let live = shared_rules(holder).chain(of_others).filter(|rule| sources.contains(&rule.source));
        let cut: BTreeSet<IpPermission> = live.flat_map(|rule| cut(&rule, &ports)).collect();
        if !cut.is_empty() {
            need.insert(holder.group_id.clone(), cut);
        }
    }
    need
}

/// The rules of a group that the target groups of the cluster share (AWS-87).
pub(crate) fn shared_rules(group: &GroupFacts) -> impl Iterator<Item = IpPermission> + '_ {
    let ours = group.ip_permissions.iter().filter(|listed| listed.description == NODE_RULES_DESCRIPTION);
    ours.flat_map(ListedPermission::rules)
}

/// The rules of a group that are not ours. We never touch them, but what they open need not be opened
/// again.
pub(crate) fn rules_of_others(group: &GroupFacts) -> impl Iterator<Item = IpPermission> + '_ {
    let others = group.ip_permissions.iter().filter(|listed| listed.description != NODE_RULES_DESCRIPTION);
    others.flat_map(ListedPermission::rules)
}

/// The part of a rule that lets in these ports; a rule for all ports stays whole.
fn cut(rule: &IpPermission, ports: &BTreeSet<i32>) -> Vec<IpPermission> {
    let is_whole = rule.from_port < 0 || (rule.from_port == 0 && rule.to_port == i32::from(u16::MAX));
    if is_whole {
        return vec![rule.clone()];
    }
    let within = ports.range(rule.from_port..=rule.to_port.max(rule.from_port));
    within.map(|port| IpPermission { from_port: *port, to_port: *port, ..rule.clone() }).collect()
}

/// What is open for a target group, group by group.
fn rules(target_group: &str, need: &Need) -> Option<NodeRules> {
    let all: BTreeSet<IpPermission> = need.values().flatten().cloned().collect();
    (!need.is_empty()).then(|| NodeRules {
        target_group_arn: Input::Value(target_group.to_owned()),
        group_ids: need.keys().cloned().collect(),
        ip_permissions: all.into_iter().collect(),
        open: need.clone(),
    })
}
