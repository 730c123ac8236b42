//! What it takes to turn what is there into what is wanted.
//!
//! Only what we own is compared: names count at creation only (AWS-33), attributes and tags only where
//! they were asked for, and addresses of subnets that the load balancer is in cannot be changed at all.

use std::collections::BTreeMap;

use cloud_lb_core::plan::{Change, ReplaceOrder};

use crate::config::{Config, TagPolicy};
use crate::desired::{covers, default_of_listener, default_of_load_balancer, default_of_target_group};
use crate::kinds::{
    IpAddressType, IpPermission, Listener, LoadBalancer, NodeRules, Pairs, SecurityGroup, Spec,
    SubnetMapping, TargetGroup, Targets,
};

/// Tags of older controllers, which stay even where unknown tags go (AWS-38).
const LEGACY_TAGS: [&str; 5] = [
    "kubernetes.io/cluster-name",
    "kubernetes.io/namespace",
    "kubernetes.io/ingress-name",
    "kubernetes.io/service-name",
    "kubernetes.io/service-port",
];

/// The change from one state of a resource to another.
pub(crate) fn change(have: &Spec, want: &Spec, config: &Config) -> Change {
    match (have, want) {
        (Spec::SecurityGroup(have), Spec::SecurityGroup(want)) => security_group(have, want, config),
        (Spec::LoadBalancer(have), Spec::LoadBalancer(want)) => load_balancer(have, want, config),
        (Spec::TargetGroup(have), Spec::TargetGroup(want)) => target_group(have, want, config),
        (Spec::Targets(have), Spec::Targets(want)) => targets(have, want),
        (Spec::Listener(have), Spec::Listener(want)) => listener(have, want, config),
        (Spec::NodeRules(have), Spec::NodeRules(want)) => node_rules(have, want),
        _ => replace("it is of another kind", ReplaceOrder::DeleteFirst),
    }
}

fn replace(why: &str, order: ReplaceOrder) -> Change {
    Change::Replace { why: why.to_owned(), order }
}

/// What cannot be fixed leads to a new resource first, so that there is never none.
fn between<S: serde::Serialize>(have: &S, want: &S, fixed: &[&str]) -> Change {
    Change::between(have, want, fixed, ReplaceOrder::CreateFirst)
}

fn security_group(have: &SecurityGroup, want: &SecurityGroup, config: &Config) -> Change {
    let is_shared = want.ip_permissions.is_empty();
    let mut rules = have.ip_permissions.clone();
    rules.sort();
    rules.dedup();
    let mine = SecurityGroup {
        // Nobody is let in by the shared group; what others add to it is theirs.
        ip_permissions: if is_shared { Vec::new() } else { rules },
        tags: tags(&have.tags, &want.tags, config),
        ..want.clone()
    };
    between(&mine, want, &[])
}

fn load_balancer(have: &LoadBalancer, want: &LoadBalancer, config: &Config) -> Change {
    if want.load_balancer_arn.is_some() && have.load_balancer_arn != want.load_balancer_arn {
        return replace("another one of the Service stays", ReplaceOrder::CreateFirst);
    }
    if have.failed {
        return replace("AWS could not make it", ReplaceOrder::DeleteFirst);
    }
    let mut mine = LoadBalancer {
        name: want.name.clone(),
        subnet_mappings: mappings(have, want),
        attributes: attributes(&have.attributes, &want.attributes, default_of_load_balancer),
        tags: tags(&have.tags, &want.tags, config),
        capacity_units: want.capacity_units.map(|_| have.capacity_units.unwrap_or(0)),
        ..have.clone()
    };
    if want.enforce_security_group_inbound_rules_on_private_link_traffic.is_none() {
        mine.enforce_security_group_inbound_rules_on_private_link_traffic = None;
    }
    let is_same_set = mine.security_groups.len() == want.security_groups.len()
        && want.security_groups.iter().all(|group| mine.security_groups.contains(group));
    if is_same_set {
        mine.security_groups.clone_from(&want.security_groups);
    }
    between(&mine, want, &["Scheme"])
}

/// The observed mappings in the order of the wanted ones, without what cannot be changed (AWS-104).
fn mappings(have: &LoadBalancer, want: &LoadBalancer) -> Vec<SubnetMapping> {
    let gets_ipv6 =
        have.ip_address_type == IpAddressType::Ipv4 && want.ip_address_type == IpAddressType::Dualstack;
    let wanted = want.subnet_mappings.iter().filter_map(|wanted| {
        let live = have.subnet_mappings.iter().find(|live| live.subnet_id == wanted.subnet_id)?;
        let prefix = match (&wanted.source_nat_ipv6_prefix, &live.source_nat_ipv6_prefix) {
            (None, _) => None,
            (Some(wanted), Some(_)) if wanted == "auto_assigned" => Some(wanted.clone()),
            (_, live) => live.clone(),
        };
        let ipv6 = if gets_ipv6 { &live.ipv6_address } else { &wanted.ipv6_address };
        Some(SubnetMapping {
            source_nat_ipv6_prefix: prefix,
            ipv6_address: ipv6.clone().filter(|_| wanted.ipv6_address.is_some()),
            ..wanted.clone()
        })
    });
    let is_wanted =
        |live: &&SubnetMapping| want.subnet_mappings.iter().any(|wanted| wanted.subnet_id == live.subnet_id);
    let others = have.subnet_mappings.iter().filter(|live| !is_wanted(live)).cloned();
    wanted.chain(others).collect()
}

fn target_group(have: &TargetGroup, want: &TargetGroup, config: &Config) -> Change {
    match &have.user {
        Some(user) if !want.user.as_ref().is_some_and(|wanted| user.is(wanted)) => {
            let why = "a target group serves one load balancer for ever, and that one is replaced";
            return replace(why, ReplaceOrder::CreateFirst);
        }
        // Of several that a crash left, `build` names the one that stays.
        None if have.name != want.name => return replace("another one is in use", ReplaceOrder::CreateFirst),
        _ => {}
    }
    let mut health = have.health_check.clone();
    if want.health_check.path.is_none() {
        health.path = None;
    }
    if want.health_check.matcher.is_none() {
        health.matcher = None;
    }
    let mine = TargetGroup {
        target_type: have.target_type,
        ip_address_type: have.ip_address_type,
        protocol: have.protocol,
        health_check: health,
        attributes: attributes(&have.attributes, &want.attributes, default_of_target_group),
        tags: tags(&have.tags, &want.tags, config),
        ..want.clone()
    };
    between(&mine, want, &["TargetType", "IpAddressType", "Protocol"])
}

/// Targets of another target group are another set: they are registered there, and the old ones go with
/// the old target group.
fn targets(have: &Targets, want: &Targets) -> Change {
    if have.target_group_arn != want.target_group_arn {
        return replace("its target group is replaced", ReplaceOrder::CreateFirst);
    }
    let mut mine = have.clone();
    for live in &mut mine.targets {
        let wanted = want.targets.iter().find(|wanted| (&wanted.id, wanted.port) == (&live.id, live.port));
        if let Some(wanted) = wanted {
            // The zone is no part of a target's identity (AWS-180), and AWS fills it in.
            *live = wanted.clone();
        }
    }
    mine.targets.sort();
    between(&mine, want, &[])
}

fn listener(have: &Listener, want: &Listener, config: &Config) -> Change {
    if have.load_balancer_arn != want.load_balancer_arn {
        return replace("its load balancer is replaced", ReplaceOrder::CreateFirst);
    }
    let mut mine = Listener {
        attributes: attributes(&have.attributes, &want.attributes, default_of_listener),
        tags: tags(&have.tags, &want.tags, config),
        ..have.clone()
    };
    if let Some((_, others)) = mine.certificates.split_first_mut() {
        others.sort();
    }
    let means_none = |policy: &Option<String>| policy.as_deref().unwrap_or("None") == "None";
    if want.alpn_policy.is_none() || (means_none(&want.alpn_policy) && means_none(&have.alpn_policy)) {
        mine.alpn_policy.clone_from(&want.alpn_policy);
    }
    between(&mine, want, &[])
}

/// What is open already need not be opened: the rules are shared, so more may be open.
fn node_rules(have: &NodeRules, want: &NodeRules) -> Change {
    if have.target_group_arn != want.target_group_arn {
        return replace("its target group is replaced", ReplaceOrder::CreateFirst);
    }
    let lacks = |id: &String| {
        let open = have.open_in(id);
        want.ip_permissions.iter().any(|need| !covers(&open, need))
    };
    if !want.group_ids.iter().any(lacks) {
        return Change::Same;
    }
    // What all of the wanted groups have open is what is there.
    let is_everywhere = |rule: &IpPermission| want.group_ids.iter().all(|id| covers(&have.open_in(id), rule));
    let mine = NodeRules {
        group_ids: want.group_ids.intersection(&have.group_ids).cloned().collect(),
        ip_permissions: want.ip_permissions.iter().filter(|rule| is_everywhere(rule)).cloned().collect(),
        ..want.clone()
    };
    between(&mine, want, &[])
}

/// The observed values of wanted attributes; absent ones have AWS's default.
fn attributes(have: &Pairs, want: &Pairs, default: fn(&str) -> Option<&'static str>) -> Pairs {
    let values = want.0.keys().filter_map(|key| Some((key.clone(), have.get(key).or_else(|| default(key))?)));
    values.collect()
}

/// The observed tags that we look after (AWS-38).
fn tags(have: &Pairs, want: &Pairs, config: &Config) -> Pairs {
    let is_ours = |key: &str| match config.tag_policy {
        TagPolicy::Merge => want.get(key).is_some(),
        TagPolicy::Exact => want.get(key).is_some() || !is_exempt(key, config),
    };
    let ours: BTreeMap<String, String> = have
        .0
        .iter()
        .filter(|(key, _)| is_ours(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    Pairs(ours)
}

pub(crate) fn is_exempt(key: &str, config: &Config) -> bool {
    key.starts_with("aws:")
        || config.external_managed_tags.contains(key)
        || LEGACY_TAGS.contains(&key)
        || key.strip_prefix("kubernetes.io/cluster/") == Some(config.cluster_name.as_str())
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
