//! The load balancer itself (AWS-100 to AWS-116).

use cloud_lb_core::graph::Input;

use super::notes::Notes;
use super::stack::Context;
use super::{attributes, managed, names, tags};
use crate::facts::{LoadBalancerState, lookup};
use crate::kinds::{LoadBalancer, Pairs, SubnetMapping};

/// Longest name.
const MAX_NAME: usize = 32;

/// The load balancer with the subnets and security groups that were found for it.
pub(super) fn load_balancer(
    context: &Context<'_>,
    subnet_mappings: Vec<SubnetMapping>,
    security_groups: Vec<Input>,
    notes: &mut Notes,
) -> LoadBalancer {
    warn_of_failure(context, notes);
    let private_link = context.asked.text("inbound-sg-rules-on-private-link-traffic");
    if private_link.is_some() && security_groups.is_empty() {
        let message = "inbound-sg-rules-on-private-link-traffic means nothing for a load balancer without security groups";
        notes.warn("IgnoredAnnotation", message);
    }
    let source_nat = context.asked.text("enable-prefix-for-ipv6-source-nat").unwrap_or("off");
    let mut attributes = attributes(context, notes);
    let mut tags = tags::of_resource(context, tags::LOAD_BALANCER);
    let default = |key: &str| attributes::of_load_balancer_by_default(key, context.scheme);
    managed::remember(&mut attributes, &mut tags, context.live.map(|live| &live.tags), default);
    attributes::keep_secondary_addresses(context.live, &mut attributes, notes);
    LoadBalancer {
        name: name(context, notes),
        r#type: "network",
        scheme: context.scheme,
        ip_address_type: context.address_type,
        enforce_security_group_inbound_rules_on_private_link_traffic: private_link
            .filter(|_| !security_groups.is_empty())
            .map(ToOwned::to_owned),
        subnet_mappings,
        security_groups,
        enable_prefix_for_ipv6_source_nat: source_nat.to_owned(),
        attributes,
        capacity_units: capacity(context, notes),
        tags,
        load_balancer_arn: context.live.map(|live| live.load_balancer_arn.clone()),
        failed: false,
    }
}

/// The name for the case that it must be made (AWS-31, A3).
fn name(context: &Context<'_>, notes: &mut Notes) -> String {
    let Some(name) = context.asked.text("name") else {
        let name = names::load_balancer(&context.lb.service, context.scheme);
        check_collision(context, &name, notes);
        return name;
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if name.chars().count() > MAX_NAME {
        notes.refuse("name", name, "load balancer name cannot be longer than 32 characters");
    } else if !name.chars().all(allowed) || name.starts_with('-') || name.ends_with('-') {
        let reason =
            "load balancer name must consist of letters, digits and -, with none of the latter at its ends";
        notes.refuse("name", name, reason);
    } else if name.starts_with("internal-") {
        notes.refuse("name", name, "load balancer name cannot start with internal-");
    } else {
        check_collision(context, name, notes);
    }
    if let Some(live) = context.live.filter(|live| live.load_balancer_name != name) {
        let message =
            format!("name is only read at creation: wanted {name}, live {}", live.load_balancer_name);
        notes.warn("ImmutableAnnotation", message);
    }
    name.to_owned()
}

/// Creating a load balancer whose name exists would hand out somebody else's (AWS-35).
fn check_collision(context: &Context<'_>, name: &str, notes: &mut Notes) {
    let same_name = context.facts.load_balancers.iter().find(|other| other.load_balancer_name == name);
    let Some(other) = same_name.filter(|_| context.live.is_none()) else { return };
    if !context.stack.load_balancers.contains(&other) {
        notes.collides(lookup::collision(name, &other.load_balancer_arn, &other.tags));
    }
}

/// AWS-106: A36, over which A33 to A35 and A32 win.
fn attributes(context: &Context<'_>, notes: &mut Notes) -> Pairs {
    let asked = &context.asked;
    let mut wanted = asked.map("attributes").cloned().unwrap_or_default();
    if context.has_ccm_defaults() {
        for key in ["load_balancing.cross_zone.enabled", "access_logs.s3.enabled"] {
            wanted.entry(key.to_owned()).or_insert_with(|| "false".to_owned());
        }
    }
    let mut set = |key: &str, value: &str| wanted.insert(key.to_owned(), value.to_owned());
    if asked.bool("access-log-enabled") == Some(true) {
        set("access_logs.s3.enabled", "true");
        if let Some(bucket) = asked.text("access-log-s3-bucket-name") {
            set("access_logs.s3.bucket", bucket);
        }
        if let Some(prefix) = asked.text("access-log-s3-bucket-prefix") {
            set("access_logs.s3.prefix", prefix);
        }
    }
    if let Some(enabled) = asked.bool("cross-zone-load-balancing-enabled") {
        set("load_balancing.cross_zone.enabled", if enabled { "true" } else { "false" });
    }
    let wanted = Pairs(wanted);
    attributes::check_load_balancer("attributes", &wanted, notes);
    wanted
}

/// A37.
fn capacity(context: &Context<'_>, notes: &mut Notes) -> Option<i32> {
    let key = "minimum-load-balancer-capacity";
    let map = context.asked.map(key)?;
    for name in map.keys().filter(|name| *name != "CapacityUnits") {
        let reason = format!("invalid key to set the capacity: {name}, Expected key: CapacityUnits");
        notes.refuse(key, name, reason);
    }
    let text = map.get("CapacityUnits")?;
    let units = text.parse().ok().filter(|units| *units >= 0);
    if units.is_none() {
        notes.refuse(key, text, "CapacityUnits must be a number from 0 to 2147483647");
    }
    units
}

fn warn_of_failure(context: &Context<'_>, notes: &mut Notes) {
    if let Some(live) = context.live.filter(|live| live.state == LoadBalancerState::Failed) {
        let (arn, why) = (&live.load_balancer_arn, &live.state_reason);
        let message = format!("{arn} could not be made by AWS ({why}); it is made anew");
        notes.warn("LoadBalancerFailed", message);
    }
}
