//! The attributes that AWS knows, their defaults and values (AWS-106 to AWS-108, tables 6.3 and 7.4).
//!
//! Keys that are not known here are passed to AWS as they are: it decides.

use super::notes::Notes;
use crate::facts::LoadBalancerFacts;
use crate::kinds::{Pairs, Scheme, TargetProtocol, TargetType};

/// What the value of an attribute can be.
enum Values {
    Bool,
    Number(u32, u32),
    Words(&'static [&'static str]),
    /// Number from 1 to this, or `off`.
    NumberOrOff(u32),
    Text,
}

/// A known attribute: key, default (empty if it depends on other things), values.
type Known = (&'static str, &'static str, Values);

const SECONDARY_ADDRESSES: &str = "secondary_ips.auto_assigned.per_subnet";

const LOAD_BALANCER: [Known; 9] = [
    ("access_logs.s3.enabled", "false", Values::Bool),
    ("access_logs.s3.bucket", "", Values::Text),
    ("access_logs.s3.prefix", "", Values::Text),
    ("deletion_protection.enabled", "false", Values::Bool),
    ("load_balancing.cross_zone.enabled", "false", Values::Bool),
    (
        "dns_record.client_routing_policy",
        "any_availability_zone",
        Values::Words(&[
            "any_availability_zone",
            "partial_availability_zone_affinity",
            "availability_zone_affinity",
        ]),
    ),
    ("ipv6.deny_all_igw_traffic", "", Values::Bool),
    ("zonal_shift.config.enabled", "false", Values::Bool),
    (SECONDARY_ADDRESSES, "0", Values::Number(0, 7)),
];

const UNHEALTHY_TERMINATION: &str = "target_health_state.unhealthy.connection_termination.enabled";
const UNHEALTHY_DRAINING: &str = "target_health_state.unhealthy.draining_interval_seconds";

const TARGET_GROUP: [Known; 13] = [
    ("proxy_protocol_v2.enabled", "false", Values::Bool),
    ("preserve_client_ip.enabled", "", Values::Bool),
    ("deregistration_delay.timeout_seconds", "300", Values::Number(0, 3600)),
    ("deregistration_delay.connection_termination.enabled", "", Values::Bool),
    ("stickiness.enabled", "false", Values::Bool),
    ("stickiness.type", "source_ip", Values::Words(&["source_ip"])),
    (
        "load_balancing.cross_zone.enabled",
        "use_load_balancer_configuration",
        Values::Words(&["use_load_balancer_configuration", "true", "false"]),
    ),
    ("target_group_health.dns_failover.minimum_healthy_targets.count", "1", Values::NumberOrOff(u32::MAX)),
    ("target_group_health.dns_failover.minimum_healthy_targets.percentage", "off", Values::NumberOrOff(100)),
    ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1", Values::Text),
    (
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage",
        "off",
        Values::NumberOrOff(100),
    ),
    (UNHEALTHY_TERMINATION, "true", Values::Bool),
    (UNHEALTHY_DRAINING, "0", Values::Number(0, 360_000)),
];

const LISTENER: [Known; 1] = [("tcp.idle_timeout.seconds", "350", Values::Number(60, 6000))];

/// Starts of attributes that only other kinds of load balancers have.
const OF_OTHER_KINDS: [&str; 11] = [
    "idle_timeout.",
    "routing.http",
    "client_keep_alive.",
    "waf.",
    "connection_logs.",
    "slow_start.",
    "load_balancing.algorithm.",
    "stickiness.lb_cookie.",
    "stickiness.app_cookie.",
    "lambda.",
    "target_failover.",
];

/// AWS's default of a load balancer's attribute; `None` if it depends on other things.
pub(crate) fn default_of_load_balancer(key: &str) -> Option<&'static str> {
    // Without a bucket or prefix the attribute reads as empty.
    default_in(&LOAD_BALANCER, key).or_else(|| key.starts_with("access_logs.s3.").then_some(""))
}

/// AWS's default of a target group's attribute; `None` if it depends on other things.
pub(crate) fn default_of_target_group(key: &str) -> Option<&'static str> {
    default_in(&TARGET_GROUP, key)
}

/// AWS's default of a listener's attribute.
pub(crate) fn default_of_listener(key: &str) -> Option<&'static str> {
    default_in(&LISTENER, key)
}

/// AWS's default of an attribute of a load balancer of this scheme, if it can be set: a bucket that is not empty
/// cannot become empty, so access logs are only switched off.
pub(super) fn of_load_balancer_by_default(key: &str, scheme: Scheme) -> Option<String> {
    if ["access_logs.s3.bucket", "access_logs.s3.prefix"].contains(&key) {
        return None;
    }
    let depends = (key == "ipv6.deny_all_igw_traffic").then(|| scheme == Scheme::Internal);
    depends.map(|value| value.to_string()).or_else(|| default_of_load_balancer(key).map(ToOwned::to_owned))
}

/// AWS's default of an attribute of a target group of this type and protocol, if it can be set beside those that
/// are asked for: "This attribute can't be enabled for UDP and `TCP_UDP` target groups" and "can only be configured
/// when `target_health_state.unhealthy.connection_termination.enabled` is `false`" (`TargetGroupAttribute` in the
/// API reference).
pub(super) fn of_target_group_by_default(
    key: &str,
    target_type: TargetType,
    protocol: TargetProtocol,
    asked: &Pairs,
) -> Option<String> {
    let is_stream = protocol.is_stream();
    let depends = match key {
        UNHEALTHY_TERMINATION if !is_stream => return None,
        UNHEALTHY_DRAINING if is_stream && asked.get(UNHEALTHY_TERMINATION) != Some("false") => return None,
        "preserve_client_ip.enabled" => Some(target_type == TargetType::Instance || !is_stream),
        "deregistration_delay.connection_termination.enabled" => {
            Some(matches!(protocol, TargetProtocol::Udp | TargetProtocol::TcpUdp))
        }
        _ => None,
    };
    depends.map(|value| value.to_string()).or_else(|| default_of_target_group(key).map(ToOwned::to_owned))
}

fn default_in(table: &'static [Known], key: &str) -> Option<&'static str> {
    table.iter().find(|(known, ..)| *known == key).map(|(_, default, _)| *default).filter(|d| !d.is_empty())
}

/// Leaves the number of secondary addresses where it is if fewer are wanted: "After you set this value, you can't
/// decrease it" (`LoadBalancerAttribute` in the API reference).
pub(super) fn keep_secondary_addresses(
    live: Option<&LoadBalancerFacts>,
    want: &mut Pairs,
    notes: &mut Notes,
) {
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<u32>().ok());
    let live = live.and_then(|lb| lb.attributes.get(SECONDARY_ADDRESSES)).map(String::as_str);
    let (Some(have), Some(wanted)) = (number(live), number(want.get(SECONDARY_ADDRESSES))) else { return };
    if wanted < have {
        let message =
            format!("{SECONDARY_ADDRESSES} stays {have} instead of {wanted}: AWS cannot decrease it");
        notes.warn("ImmutableAttribute", message);
        want.0.insert(SECONDARY_ADDRESSES.to_owned(), have.to_string());
    }
}

/// Refuses values that AWS is known to refuse; `annotation` is where they come from.
pub(super) fn check_load_balancer(annotation: &str, attributes: &Pairs, notes: &mut Notes) {
    check(&LOAD_BALANCER, annotation, attributes, notes);
}

/// Refuses values that AWS is known to refuse; `annotation` is where they come from.
pub(super) fn check_target_group(annotation: &str, attributes: &Pairs, notes: &mut Notes) {
    check(&TARGET_GROUP, annotation, attributes, notes);
}

/// Refuses values that AWS is known to refuse; `annotation` is where they come from.
pub(super) fn check_listener(annotation: &str, attributes: &Pairs, notes: &mut Notes) {
    check(&LISTENER, annotation, attributes, notes);
}

fn check(table: &[Known], annotation: &str, attributes: &Pairs, notes: &mut Notes) {
    for (key, value) in &attributes.0 {
        if OF_OTHER_KINDS.iter().any(|start| key.starts_with(start)) {
            notes.warn("IgnoredAttribute", format!("{key} is no attribute of Network Load Balancers"));
        }
        let Some((_, _, values)) = table.iter().find(|(known, ..)| known == key) else { continue };
        if let Some(expected) = wrong(values, value) {
            notes.refuse(annotation, format!("{key}={value}"), reason(annotation, key, value, &expected));
        }
    }
}

fn reason(annotation: &str, key: &str, value: &str, expected: &str) -> String {
    if key == "dns_record.client_routing_policy" {
        let annotation = crate::annotations::Annotations::full(annotation);
        return format!(
            "invalid {key} set in annotation {annotation}: got '{value}' expected one of {expected}"
        );
    }
    format!("{key}={value} is not valid, expected {expected}")
}

/// What is expected instead; `None` if the value is fine.
fn wrong(values: &Values, value: &str) -> Option<String> {
    let is_number = |min: u32, max: u32| value.parse().is_ok_and(|number| (min..=max).contains(&number));
    match values {
        Values::Bool if !["true", "false"].contains(&value) => Some("true or false".to_owned()),
        Values::Number(min, max) if !is_number(*min, *max) => Some(format!("a number from {min} to {max}")),
        Values::Words(words) if !words.contains(&value) => Some(format!("[{}]", words.join(", "))),
        Values::NumberOrOff(max) if value != "off" && !is_number(1, *max) => Some(if *max == u32::MAX {
            "a number, or off".to_owned()
        } else {
            format!("a number from 1 to {max}, or off")
        }),
        _ => None,
    }
}

/// A boolean in AWS's spelling, whichever of Go's spellings the user chose (AWS-21); other texts stay.
pub(super) fn normal_bool(value: &str) -> &str {
    match value {
        "1" | "t" | "T" | "TRUE" | "True" => "true",
        "0" | "f" | "F" | "FALSE" | "False" => "false",
        other => other,
    }
}
