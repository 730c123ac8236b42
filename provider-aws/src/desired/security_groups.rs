//! Which security groups the load balancer has, and who the nodes let in (AWS-70 to AWS-85).

mod budget;

use std::collections::BTreeSet;

use cloud_lb_core::graph::Input;
use cloud_lb_core::model::{IpFamily, Protocol};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::notes::{Notes, blank_separated, comma_separated};
use super::stack::Context;
use super::{names, tags};
use crate::facts::GroupFacts;
use crate::kinds::{IpPermission, SecurityGroup, Source, key};

/// Most security groups of a load balancer (default quota).
const MAX_GROUPS: usize = 5;

/// Who connects to the nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NodeSource {
    /// Members of a security group.
    Group(Input),
    /// Addresses, as the load balancer has no security group (AWS-92).
    Addresses,
    /// Others see to it.
    Unmanaged,
}

/// The security groups of a load balancer.
#[derive(Debug)]
pub(super) struct Groups {
    pub(super) attached: Vec<Input>,
    /// Whether the first of them is one that we make for it.
    pub(super) frontend: bool,
    /// Whether the last of them is the shared one, and we make it.
    pub(super) backend: bool,
    pub(super) source: NodeSource,
}

/// AWS-70.
pub(super) fn decide(context: &Context<'_>, notes: &mut Notes) -> Groups {
    let switched_off =
        !context.config.nlb_security_group || context.asked.bool("disable-nlb-sg") == Some(true);
    match context.live.map(|live| live.security_groups.is_empty()) {
        Some(true) => {
            warn_that_it_has_none(context, notes);
            return without(context);
        }
        Some(false) if switched_off => {
            notes.refuse("disable-nlb-sg", switched_off, "conflicting security groups configuration");
        }
        _ if switched_off => return without(context),
        _ => {}
    }
    let groups = match context.asked.list("security-groups") {
        Some(items) => listed(context, items, notes),
        None => made(context),
    };
    if groups.attached.len() > MAX_GROUPS {
        let count = groups.attached.len();
        let reason = format!(
            "{count} security groups, with the shared one, are more than the {MAX_GROUPS} of a load balancer"
        );
        notes.refuse("security-groups", count, reason);
    }
    groups
}

/// Cases 1 and 3: none, now and for ever.
fn without(context: &Context<'_>) -> Groups {
    let managed = context.asked.bool("manage-backend-security-group-rules") != Some(false);
    let source = if managed { NodeSource::Addresses } else { NodeSource::Unmanaged };
    Groups { attached: Vec::new(), frontend: false, backend: false, source }
}

/// Case 4: one of ours, and the shared one.
fn made(context: &Context<'_>) -> Groups {
    let frontend = Input::reference(&key::frontend(), key::GROUP_ID);
    let backend = backend(context);
    let source = backend.clone().unwrap_or_else(|| frontend.clone());
    let attached = std::iter::once(frontend).chain(backend).collect();
    Groups { attached, frontend: true, backend: makes_backend(context), source: NodeSource::Group(source) }
}

/// Cases 5 to 7: those of the user, and the shared one if the user wants node rules.
fn listed(context: &Context<'_>, items: &[String], notes: &mut Notes) -> Groups {
    let attached: Vec<Input> = find(context, items, notes).into_iter().map(Input::Value).collect();
    let default = context.config.enable_manage_backend_security_group_rules;
    if !context.asked.bool("manage-backend-security-group-rules").unwrap_or(default) {
        return Groups { attached, frontend: false, backend: false, source: NodeSource::Unmanaged };
    }
    let Some(backend) = backend(context) else {
        let reason = "backendSG feature is required to manage worker node SG rules when frontendSG is manually specified";
        notes.refuse("manage-backend-security-group-rules", true, reason);
        return Groups { attached, frontend: false, backend: false, source: NodeSource::Unmanaged };
    };
    let source = NodeSource::Group(backend.clone());
    let attached = attached.into_iter().chain([backend]).collect();
    Groups { attached, frontend: false, backend: makes_backend(context), source }
}

/// The shared group: a configured one, or the one that we make.
fn backend(context: &Context<'_>) -> Option<Input> {
    let configured = &context.config.backend_security_group;
    context.config.enable_backend_security_group.then(|| {
        if configured.is_empty() {
            Input::reference(&key::backend(), key::GROUP_ID)
        } else {
            Input::Value(configured.clone())
        }
    })
}

fn makes_backend(context: &Context<'_>) -> bool {
    context.config.enable_backend_security_group && context.config.backend_security_group.is_empty()
}

/// The ids of groups given by id or `Name` tag, sorted, as their order means nothing (AWS-84).
fn find(context: &Context<'_>, items: &[String], notes: &mut Notes) -> Vec<String> {
    let (ids, names): (Vec<&String>, Vec<&String>) = items.iter().partition(|item| item.starts_with("sg-"));
    let all = &context.facts.security_groups;
    let exists = |id: &&&String| all.iter().any(|group| group.group_id == ***id);
    let found_ids: Vec<&String> = ids.iter().filter(exists).copied().collect();
    let mut found: BTreeSet<String> = found_ids.iter().map(|id| (*id).clone()).collect();
    let mut found_names = Vec::new();
    for name in &names {
        let of_name: Vec<&GroupFacts> = all.iter().filter(|group| is_named(context, group, name)).collect();
        match of_name.as_slice() {
            [] => {}
            [group] => {
                found_names.push(*name);
                found.insert(group.group_id.clone());
            }
            several => {
                found_names.push(*name);
                let ids = comma_separated(several.iter().map(|group| &group.group_id));
                notes.lacks(
                    "security-groups",
                    name,
                    format!("several security groups are named {name}: {ids}"),
                );
            }
        }
    }
    let mut missing = Vec::new();
    for (what, want, have) in [("ids", &ids, &found_ids), ("names", &names, &found_names)] {
        if have.len() < want.len() {
            missing.push(format!(
                "requested {what} {} but found {}",
                comma_separated(want),
                comma_separated(have)
            ));
        }
    }
    if !missing.is_empty() {
        let reason = format!("couldn't find all security groups: {}", missing.join(", "));
        notes.lacks("security-groups", items.join(", "), reason);
    }
    found.into_iter().collect()
}

fn is_named(context: &Context<'_>, group: &GroupFacts, name: &str) -> bool {
    group.vpc_id == context.facts.vpc_id && group.tags.get("Name").is_some_and(|tag| tag == name)
}

fn warn_that_it_has_none(context: &Context<'_>, notes: &mut Notes) {
    let keys = ["security-groups", "security-group-prefix-lists"];
    let given: Vec<&str> = keys.into_iter().filter(|key| context.asked.list(key).is_some()).collect();
    let ranges = explicit_ranges(context).is_some().then_some("source ranges, except towards nodes");
    let ignored: Vec<&str> = given.into_iter().chain(ranges).collect();
    if !ignored.is_empty() {
        let ignored = blank_separated(ignored.iter().map(|what| format!("<{what}>")));
        let message = format!(
            "a load balancer that was made without security groups can never get one; only a new one would follow {ignored}"
        );
        notes.warn("SecurityGroupsIgnored", message);
    }
}

/// The frontend group, with rules for clients (AWS-73 to AWS-76).
pub(super) fn frontend(context: &Context<'_>, notes: &mut Notes) -> SecurityGroup {
    let cidrs = client_ranges(context, notes);
    let lists = context.asked.list("security-group-prefix-lists").unwrap_or_default();
    SecurityGroup {
        group_name: names::frontend_security_group(&context.lb.service),
        description: "[k8s] Managed SecurityGroup for LoadBalancer".to_owned(),
        vpc_id: context.facts.vpc_id.clone(),
        ip_permissions: budget::within(context, rules(context, &cidrs, lists), notes),
        tags: tags::of_resource(context, tags::FRONTEND_GROUP),
    }
}

/// The shared group, which lets nobody in (AWS-97).
pub(super) fn backend_group(context: &Context<'_>) -> SecurityGroup {
    SecurityGroup {
        group_name: names::backend_security_group(&context.config.cluster_name),
        description: "[k8s] Shared Backend SecurityGroup for LoadBalancer".to_owned(),
        vpc_id: context.facts.vpc_id.clone(),
        ip_permissions: Vec::new(),
        tags: tags::of_backend_group(context.config),
    }
}

/// The ranges that the user gave; `None` where the default holds, which is not the same as everybody of each family
/// of the Service in the user's words (AWS-74).
pub(super) fn explicit_ranges<'a>(context: &Context<'a>) -> Option<&'a [IpNet]> {
    let ranges = context.lb.source_ranges.as_slice();
    let is_default = context.lb.families.iter().all(|family| ranges.contains(&everybody(*family)))
        && ranges.len() == context.lb.families.len();
    // Ranges that keep somebody out are never taken for the default, whoever made the model.
    (!is_default || context.lb.source_ranges_given).then_some(ranges)
}

pub(super) fn everybody(family: IpFamily) -> IpNet {
    match family {
        IpFamily::V4 => IpNet::V4(Ipv4Net::default()),
        IpFamily::V6 => IpNet::V6(Ipv6Net::default()),
    }
}

fn client_ranges(context: &Context<'_>, notes: &mut Notes) -> Vec<IpNet> {
    let Some(ranges) = explicit_ranges(context) else {
        if context.asked.list("security-group-prefix-lists").is_some() {
            return Vec::new();
        }
        let ipv6 = context.is_dualstack().then(|| everybody(IpFamily::V6));
        return std::iter::once(everybody(IpFamily::V4)).chain(ipv6).collect();
    };
    for range in ranges.iter().filter(|range| range.network().is_ipv6() && !context.is_dualstack()) {
        let reason = format!("unsupported v6 cidr {range} when lb is not dualstack");
        notes.refuse_field("spec.loadBalancerSourceRanges", range, reason);
    }
    ranges.to_vec()
}

/// AWS-75, each rule once.
fn rules(context: &Context<'_>, cidrs: &[IpNet], lists: &[String]) -> Vec<IpPermission> {
    let icmp = context.asked.text("enable-icmp-for-path-mtu-discovery") == Some("on");
    let mut rules = BTreeSet::new();
    for port in &context.lb.ports {
        let protocol = if port.protocol == Protocol::Udp { "udp" } else { "tcp" };
        let number = port.port.get();
        for cidr in cidrs {
            rules.insert(IpPermission::ports(protocol, number, number, Source::Cidr(*cidr)));
            if icmp {
                rules.insert(path_mtu(*cidr));
            }
        }
        let lists = lists.iter().map(|id| Source::PrefixList(id.clone()));
        rules.extend(lists.map(|list| IpPermission::ports(protocol, number, number, list)));
    }
    rules.into_iter().collect()
}

/// ICMP that tells that a packet was too big.
fn path_mtu(cidr: IpNet) -> IpPermission {
    let (protocol, kind, code) = match cidr {
        IpNet::V4(_) => ("icmp", 3, 4),
        IpNet::V6(_) => ("icmpv6", 2, 0),
    };
    IpPermission {
        ip_protocol: protocol.to_owned(),
        from_port: kind,
        to_port: code,
        source: Source::Cidr(cidr),
    }
}
