//! The target group of each listener (AWS-140 to AWS-150).

use std::collections::{BTreeMap, BTreeSet};

use cloud_lb_core::model::{IpFamily, SessionAffinity, TargetPort};

use super::listeners::Plan;
use super::notes::Notes;
use super::stack::Context;
use super::{attributes, health, managed, names, tags};
use crate::annotations::Annotations;
use crate::config::DualstackTargets;
use crate::facts::{TargetGroupFacts, lookup};
use crate::kinds::{ListenerProtocol, Pairs, TargetFamily, TargetGroup, TargetType, User};

/// The port that stands in a target group whose targets have no common one (AWS-31).
const NAMED_PORT: u16 = 1;

/// What is asked for the targets of one port, where it is not the same for all.
const PER_PORT: &str = "target-group-attributes.";

/// The target groups of all plans, in their order.
pub(super) fn target_groups(
    context: &Context<'_>,
    plans: &[Plan<'_>],
    notes: &mut Notes,
) -> Vec<TargetGroup> {
    check_ports_of_annotations(context, plans, notes);
    let groups: Vec<TargetGroup> = plans.iter().map(|plan| target_group(context, plan, notes)).collect();
    named(context, plans, groups, notes)
}

/// The target group of a plan, without a name.
fn target_group(context: &Context<'_>, plan: &Plan<'_>, notes: &mut Notes) -> TargetGroup {
    let family = family(context, plan.port);
    if family == TargetFamily::Ipv6 && !context.is_dualstack() {
        notes.refuse("ip-address-type", "ipv4", "unsupported IPv6 configuration, lb not dual-stack");
    }
    TargetGroup {
        name: String::new(),
        target_type: context.target_type,
        ip_address_type: family,
        port: default_port(context, plan, notes),
        protocol: plan.target,
        vpc_id: context.facts.vpc_id.clone(),
        health_check: health::health_check(context, plan.port, notes),
        user: Some(User {
            scheme: context.scheme,
            load_balancer_arn: context.live.map(|live| live.load_balancer_arn.clone()),
        }),
        attributes: wanted_attributes(context, plan, notes),
        tags: tags::of_resource(context, &tags::target_group(&context.lb.service, plan.port)),
    }
}

/// AWS-142. A target group that exists keeps its family, if the Service has that one as well: the family cannot be
/// changed, and one of another controller would have to be replaced.
fn family(context: &Context<'_>, port: u16) -> TargetFamily {
    let families = &context.lb.families;
    if context.config.dualstack_target_family == DualstackTargets::Ipv6 {
        let has_ipv6 = families.contains(&IpFamily::V6);
        return if has_ipv6 { TargetFamily::Ipv6 } else { TargetFamily::Ipv4 };
    }
    let first = match families.first() {
        Some(IpFamily::V6) => TargetFamily::Ipv6,
        _ => TargetFamily::Ipv4,
    };
    let is_had = |family: TargetFamily| match family {
        TargetFamily::Ipv4 => families.contains(&IpFamily::V4),
        TargetFamily::Ipv6 => families.contains(&IpFamily::V6) && context.is_dualstack(),
    };
    let live: Vec<TargetFamily> =
        context.stack.target_groups_of(port).map(|group| group.ip_address_type).collect();
    if live.contains(&first) { first } else { live.into_iter().find(|live| is_had(*live)).unwrap_or(first) }
}

fn default_port(context: &Context<'_>, plan: &Plan<'_>, notes: &mut Notes) -> u16 {
    match (context.target_type, &plan.entry.target_port) {
        (TargetType::Instance, _) => plan.entry.node_port.map_or_else(
            || {
                let reason = "unable to support instance target type with an unallocated NodePort";
                notes.refuse_field("spec.allocateLoadBalancerNodePorts", plan.port, reason);
                NAMED_PORT
            },
            std::num::NonZeroU16::get,
        ),
        (TargetType::Ip, TargetPort::Number(number)) => number.get(),
        (TargetType::Ip, TargetPort::Name(_)) => NAMED_PORT,
    }
}

/// Gives each target group a name: its own if it exists, else one that nothing else of the Service has,
/// neither another port's (AWS-34) nor one that it replaces, which goes only afterwards (AWS-118, AWS-150).
fn named(
    context: &Context<'_>,
    plans: &[Plan<'_>],
    mut groups: Vec<TargetGroup>,
    notes: &mut Notes,
) -> Vec<TargetGroup> {
    let existing_names = context.stack.target_groups.iter().map(|group| group.target_group_name.clone());
    let mut taken: BTreeSet<String> = existing_names.collect();
    for (plan, group) in plans.iter().zip(&mut groups) {
        let found = existing(context, plan.port, group);
        let (protocol, target_type) = (group.protocol, group.target_type);
        let asked = group.attributes.clone();
        let default = |key: &str| attributes::of_target_group_by_default(key, target_type, protocol, &asked);
        let live = found.kept.map(|kept| &kept.tags);
        managed::remember(&mut group.attributes, &mut group.tags, live, default);
        if let Some(kept) = found.kept {
            group.name.clone_from(&kept.target_group_name);
            continue;
        }
        let mut attempt = 0;
        group.name = name(context, plan, group, attempt);
        while !taken.insert(group.name.clone()) {
            attempt += 1;
            group.name = name(context, plan, group, attempt);
        }
        check_collision(context, &group.name, notes);
        if found.is_replaced() && context.live.is_some() {
            warn_of_replacement(plan, notes);
        }
    }
    groups
}

fn warn_of_replacement(plan: &Plan<'_>, notes: &mut Notes) {
    let message = format!(
        "port {}: target type, protocol or address family of a target group cannot be changed; connections fail for \
         about one interval of health checks while the new one takes over",
        plan.port
    );
    notes.warn("TargetGroupReplaced", message);
}

fn name(context: &Context<'_>, plan: &Plan<'_>, group: &TargetGroup, attempt: usize) -> String {
    let identity = names::TargetGroupIdentity {
        target_port: group.port,
        service_port: plan.port,
        target_type: group.target_type,
        protocol: group.protocol,
        health_check_protocol: &group.health_check.protocol,
        health_check_interval: group.health_check.interval,
    };
    names::target_group(&context.lb.service, identity, attempt)
}

fn check_collision(context: &Context<'_>, name: &str, notes: &mut Notes) {
    let other = context.facts.target_groups.iter().find(|group| group.target_group_name == name);
    if let Some(other) = other.filter(|other| !context.stack.target_groups.contains(other)) {
        notes.collides(lookup::collision(name, &other.target_group_arn, &other.tags));
    }
}

/// The target groups that exist for a port.
pub(super) struct Existing<'a> {
    /// The one that stays.
    kept: Option<&'a TargetGroupFacts>,
    count: usize,
}

impl Existing<'_> {
    /// Whether a new one takes the place of another.
    pub(super) fn is_replaced(&self) -> bool {
        self.kept.is_none() && self.count > 0
    }
}

/// Which of the target groups of a port stays: it must have what cannot be changed, and serve the load
/// balancer that stays; else it may serve none, as one that was made before a crash.
pub(super) fn existing<'a>(context: &Context<'a>, port: u16, want: &TargetGroup) -> Existing<'a> {
    let all: Vec<_> = context.stack.target_groups_of(port).collect();
    let live = context.live.map(|lb| &lb.load_balancer_arn);
    let can_stay = |group: &&&TargetGroupFacts| {
        group.target_type == want.target_type
            && group.protocol == want.protocol
            && group.ip_address_type == want.ip_address_type
            && group.load_balancer_arns.iter().all(|arn| Some(arn) == live)
    };
    let usable = all.iter().filter(can_stay).copied();
    let kept = usable.min_by_key(|group| (group.load_balancer_arns.is_empty(), &group.target_group_name));
    Existing { kept, count: all.len() }
}

/// AWS-147: later ones win.
fn wanted_attributes(context: &Context<'_>, plan: &Plan<'_>, notes: &mut Notes) -> Pairs {
    const PROXY: &str = "proxy_protocol_v2.enabled";
    let asked = &context.asked;
    let mut wanted: BTreeMap<String, String> = [(PROXY.to_owned(), "false".to_owned())].into();
    let all = asked.map("target-group-attributes").cloned().unwrap_or_default();
    let port = plan.port.to_string();
    let of_port = asked.maps(PER_PORT).find(|(suffix, _)| *suffix == port);
    let of_port = of_port.into_iter().flat_map(|(_, map)| map.clone());
    wanted.extend(all.into_iter().chain(of_port.filter(|(_, value)| !value.is_empty())));
    if let Some(ports) = asked.list("proxy-protocol-per-target-group") {
        let is_listed = ports.iter().any(|text| text.parse() == Ok(plan.port));
        wanted.insert(PROXY.to_owned(), is_listed.to_string());
    }
    if asked.text("proxy-protocol").is_some() {
        wanted.insert(PROXY.to_owned(), "true".to_owned());
    }
    if let Some(value) = wanted.get_mut("preserve_client_ip.enabled") {
        *value = attributes::normal_bool(value).to_owned();
    }
    stick(context, plan, &mut wanted, notes);
    let wanted = Pairs(wanted);
    attributes::check_target_group("target-group-attributes", &wanted, notes);
    check_client_ip(plan, &wanted, notes);
    wanted
}

/// Only streams can hide the addresses of clients (AWS-108).
fn check_client_ip(plan: &Plan<'_>, wanted: &Pairs, notes: &mut Notes) {
    const KEY: &str = "preserve_client_ip.enabled";
    if wanted.get(KEY) == Some("false") && !plan.target.is_stream() {
        let (port, protocol) = (plan.port, plan.target.as_str());
        let reason = format!(
            "{KEY}=false is not possible for port {port}, which is {protocol}: ask for it port by port"
        );
        notes.refuse("target-group-attributes", format!("{KEY}=false"), reason);
    }
}

/// Client affinity, which TLS listeners cannot have (AWS-11).
fn stick(context: &Context<'_>, plan: &Plan<'_>, wanted: &mut BTreeMap<String, String>, notes: &mut Notes) {
    let is_asked = wanted.keys().any(|key| key.starts_with("stickiness."));
    if context.lb.affinity == SessionAffinity::None || is_asked {
        return;
    }
    if plan.listener == ListenerProtocol::Tls {
        let message = format!("sessionAffinity: ClientIP has no effect on port {}, which is TLS", plan.port);
        notes.warn("UnsupportedSessionAffinity", message);
        return;
    }
    wanted.insert("stickiness.enabled".to_owned(), "true".to_owned());
    wanted.insert("stickiness.type".to_owned(), "source_ip".to_owned());
}

/// Whether targets see the addresses of clients, as far as we ask for it (AWS-148).
pub(super) fn preserves_client_ip(group: &TargetGroup) -> bool {
    let always = !group.protocol.is_stream();
    let by_default = group.target_type == TargetType::Instance;
    always || group.attributes.get("preserve_client_ip.enabled").map_or(by_default, |value| value == "true")
}

fn check_ports_of_annotations(context: &Context<'_>, plans: &[Plan<'_>], notes: &mut Notes) {
    let key = "proxy-protocol-per-target-group";
    for text in context.asked.list(key).unwrap_or_default() {
        match text.parse::<u16>() {
            Err(_) => notes.refuse(key, text, format!("{text} is not the number of a port")),
            Ok(port) if !plans.iter().any(|plan| plan.port == port) => {
                let key = Annotations::full(key);
                notes.warn(
                    "IgnoredAnnotation",
                    format!("{key} lists port {port}, which the Service does not have"),
                );
            }
            Ok(_) => {}
        }
    }
    for (suffix, _) in context.asked.maps(PER_PORT) {
        if !plans.iter().any(|plan| plan.port.to_string() == suffix) {
            let key = Annotations::full(&format!("{PER_PORT}{suffix}"));
            notes.warn("IgnoredAnnotation", format!("{key} is for a port that the Service does not have"));
        }
    }
}
