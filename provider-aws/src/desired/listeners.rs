//! Which listeners the ports of the Service need (AWS-130 to AWS-139).

use std::collections::BTreeSet;

use cloud_lb_core::graph::Input;
use cloud_lb_core::model::{Port, Protocol};

use super::notes::{Notes, blank_separated};
use super::stack::Context;
use super::{attributes, managed, tags};
use crate::kinds::{Certificate, Listener, ListenerProtocol, Pairs, TargetProtocol, TargetType, key};

/// Most listeners of a load balancer (fixed quota).
const MAX_LISTENERS: usize = 50;

/// One listener with its target group: all Service ports of one number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan<'a> {
    /// Number of the Service port.
    pub(super) port: u16,
    /// The Service port; the first of two.
    pub(super) entry: &'a Port,
    pub(super) listener: ListenerProtocol,
    pub(super) target: TargetProtocol,
}

/// One plan per port number, in the order of the Service.
pub(super) fn plan<'a>(context: &Context<'a>, notes: &mut Notes) -> Vec<Plan<'a>> {
    check_ssl_ports(context, notes);
    check_protocol_word(context, notes);
    let mut plans: Vec<Plan<'a>> = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, entry) in context.lb.ports.iter().enumerate() {
        let field = format!("spec.ports[{index}]");
        if entry.protocol == Protocol::Sctp {
            let reason = format!("port {} is SCTP, for which AWS has no listener", entry.port);
            notes.refuse_field(&field, entry.protocol, reason);
        }
        if seen.insert(entry.port) {
            let protocols = protocols(context, entry, &field, notes);
            plans.extend(protocols.map(|(listener, target)| Plan {
                port: entry.port.get(),
                entry,
                listener,
                target,
            }));
        }
    }
    if plans.len() > MAX_LISTENERS {
        let reason =
            format!("{} listeners are more than the {MAX_LISTENERS} of a load balancer", plans.len());
        notes.refuse_field("spec.ports", plans.len(), reason);
    }
    warn_of_unused_attributes(context, &plans, notes);
    plans
}

/// The protocols of listener and target group (AWS-130).
fn protocols(
    context: &Context<'_>,
    entry: &Port,
    field: &str,
    notes: &mut Notes,
) -> Option<(ListenerProtocol, TargetProtocol)> {
    let same: Vec<&Port> = context.lb.ports.iter().filter(|other| other.port == entry.port).collect();
    let quic = same.iter().any(|port| is_listed(context, "quic-enabled-ports", port));
    let both = same.len() > 1;
    if both && !can_be_shared(context, &same, field, notes) {
        return None;
    }
    let pair = match (both, entry.protocol) {
        (true, _) if quic => (ListenerProtocol::TcpQuic, TargetProtocol::TcpQuic),
        (true, _) => (ListenerProtocol::TcpUdp, TargetProtocol::TcpUdp),
        (false, Protocol::Udp) if quic => (ListenerProtocol::Quic, TargetProtocol::Quic),
        (false, Protocol::Udp) => (ListenerProtocol::Udp, TargetProtocol::Udp),
        (false, _) if is_tls(context, entry) => (ListenerProtocol::Tls, behind_tls(context)),
        (false, _) => (ListenerProtocol::Tcp, TargetProtocol::Tcp),
    };
    if quic && matches!(pair.0, ListenerProtocol::Tcp | ListenerProtocol::Tls) {
        let reason = format!("Unsupported QUIC upgrade for protocol {}", pair.0.as_str());
        notes.refuse("quic-enabled-ports", entry.port, reason);
    }
    Some(pair)
}

/// Whether TCP and UDP on one number can share a listener (AWS-134).
fn can_be_shared(context: &Context<'_>, same: &[&Port], field: &str, notes: &mut Notes) -> bool {
    let pair = match same {
        [one, other] if one.protocol != other.protocol => Some((one, other)),
        _ => None,
    };
    let Some((one, other)) = pair else {
        let reason = "a number stands for one port of TCP, one of UDP, or both";
        notes.refuse_field(field, same.len(), reason);
        return false;
    };
    let number = one.port;
    if [one.protocol, other.protocol].contains(&Protocol::Sctp) {
        return false;
    }
    let enabled =
        context.asked.bool("enable-tcp-udp-listener").unwrap_or(context.config.enable_tcp_udp_listener);
    if !enabled {
        let reason = format!(
            "PortConflict: TCP and UDP on port {number} need a TCP_UDP listener, which is switched off"
        );
        notes.refuse_field(field, number, reason);
    }
    let (what, agree) = match context.target_type {
        TargetType::Instance => ("nodePort", one.node_port == other.node_port),
        TargetType::Ip => ("targetPort", one.target_port == other.target_port),
    };
    if !agree {
        let reason =
            format!("TCP and UDP on port {number} share a listener, so they must have the same {what}");
        notes.refuse_field(field, number, reason);
    }
    enabled && agree
}

fn is_tls(context: &Context<'_>, port: &Port) -> bool {
    let in_ports = match context.asked.list("ssl-ports") {
        None => true,
        Some(items) => items.iter().any(|item| item == "*" || matches(port, item)),
    };
    context.asked.list("ssl-cert").is_some() && in_ports
}

fn behind_tls(context: &Context<'_>) -> TargetProtocol {
    let word = context.asked.text("backend-protocol").unwrap_or_default();
    if word.eq_ignore_ascii_case("ssl") { TargetProtocol::Tls } else { TargetProtocol::Tcp }
}

fn is_listed(context: &Context<'_>, key: &str, port: &Port) -> bool {
    context.asked.list(key).is_some_and(|items| items.iter().any(|item| matches(port, item)))
}

/// By exact name or decimal number (AWS-132).
fn matches(port: &Port, item: &str) -> bool {
    port.name.as_deref() == Some(item) || port.port.to_string() == item
}

fn check_ssl_ports(context: &Context<'_>, notes: &mut Notes) {
    let items = context.asked.list("ssl-ports").unwrap_or_default();
    let is_unused = |item: &&String| *item != "*" && !context.lb.ports.iter().any(|port| matches(port, item));
    let unused: Vec<&String> = items.iter().filter(is_unused).collect();
    if !unused.is_empty() {
        let unused = blank_separated(unused);
        notes.refuse("ssl-ports", &unused, format!("Unused port in ssl-ports annotation {unused}"));
    }
}

/// Other words than `ssl` mean TCP, but HTTP is what Classic Load Balancers spoke (A16).
fn check_protocol_word(context: &Context<'_>, notes: &mut Notes) {
    let word = context.asked.text("backend-protocol").unwrap_or("tcp");
    if !["ssl", "tcp"].iter().any(|known| word.eq_ignore_ascii_case(known)) {
        let message = format!("backend-protocol {word} means tcp for a Network Load Balancer");
        notes.warn("IgnoredAnnotation", message);
    }
}

/// A20 keys of no listener, for example of the wrong protocol (AWS-139).
fn warn_of_unused_attributes(context: &Context<'_>, plans: &[Plan<'_>], notes: &mut Notes) {
    for (suffix, _) in context.asked.maps("listener-attributes.") {
        if !plans.iter().any(|plan| attribute_suffix(plan).as_deref() == Some(suffix)) {
            let message = format!("listener-attributes.{suffix} fits no listener that can have attributes");
            notes.warn("IgnoredAnnotation", message);
        }
    }
}

/// What names a listener in the keys of A20; none for TLS, whose idle timeout is fixed.
fn attribute_suffix(plan: &Plan<'_>) -> Option<String> {
    (plan.listener != ListenerProtocol::Tls).then(|| format!("{}-{}", plan.listener.as_str(), plan.port))
}

/// The listener of a plan.
pub(super) fn listener(context: &Context<'_>, plan: &Plan<'_>, notes: &mut Notes) -> Listener {
    let is_tls = plan.listener == ListenerProtocol::Tls;
    let policy = context.asked.text("ssl-negotiation-policy").unwrap_or(&context.config.default_ssl_policy);
    let suffix = attribute_suffix(plan).unwrap_or_default();
    let asked = context.asked.maps("listener-attributes.").find(|(key, _)| *key == suffix);
    let mut attributes: Pairs = asked.into_iter().flat_map(|(_, map)| map.clone()).collect();
    attributes::check_listener(&format!("listener-attributes.{suffix}"), &attributes, notes);
    let mut tags = tags::of_resource(context, &plan.port.to_string());
    let live = context.live.and_then(|lb| lb.listeners.iter().find(|listener| listener.port == plan.port));
    let default = |key: &str| attributes::default_of_listener(key).map(ToOwned::to_owned);
    managed::remember(&mut attributes, &mut tags, live.map(|live| &live.tags), default);
    Listener {
        load_balancer_arn: Input::reference(&key::load_balancer(), key::LOAD_BALANCER_ARN),
        port: plan.port,
        protocol: plan.listener,
        target_group_arn: Input::reference(
            &key::of_port(key::TARGET_GROUP, plan.port),
            key::TARGET_GROUP_ARN,
        ),
        certificates: if is_tls { certificates(context) } else { Vec::new() },
        ssl_policy: is_tls.then(|| policy.to_owned()),
        alpn_policy: context.asked.text("alpn-policy").filter(|_| is_tls).map(ToOwned::to_owned),
        attributes,
        tags,
    }
}

/// The default certificate, then the others by ARN, each once (AWS-136).
fn certificates(context: &Context<'_>) -> Vec<Certificate> {
    let arns = context.asked.list("ssl-cert").unwrap_or_default();
    let Some((default, others)) = arns.split_first() else { return Vec::new() };
    let mut others: Vec<&String> = others.iter().filter(|arn| *arn != default).collect();
    others.sort();
    others.dedup();
    let all = std::iter::once(default).chain(others);
    all.map(|arn| Certificate { certificate_arn: arn.clone() }).collect()
}
