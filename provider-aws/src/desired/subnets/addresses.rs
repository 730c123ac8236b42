//! The addresses that a load balancer has in its subnets (AWS-59 to AWS-64).

use std::net::IpAddr;

use ipnet::{IpNet, Ipv6Net};

use super::super::notes::{Notes, blank_separated};
use super::super::stack::Context;
use crate::facts::SubnetFacts;
use crate::kinds::{IpAddressType, Scheme, SubnetMapping};

/// One mapping per subnet, in the order of the subnets.
pub(in super::super) fn mappings(
    context: &Context<'_>,
    subnets: &[&SubnetFacts],
    notes: &mut Notes,
) -> Vec<SubnetMapping> {
    let eips = eips(context, subnets, notes);
    let ipv4 = in_subnets(context, subnets, &PRIVATE_IPV4, notes);
    let ipv6 = in_subnets(context, subnets, &IPV6, notes);
    let prefixes = source_nat_prefixes(context, subnets, notes);
    let at = |list: &[String], index: usize| list.get(index).cloned();
    let wanted = subnets.iter().enumerate().map(|(index, subnet)| SubnetMapping {
        subnet_id: subnet.subnet_id.clone(),
        allocation_id: at(&eips, index),
        private_ipv4_address: at(&ipv4, index),
        ipv6_address: at(&ipv6, index),
        source_nat_ipv6_prefix: at(&prefixes, index),
    });
    wanted.map(|mapping| keep_addresses(context, mapping, notes)).collect()
}

/// The addresses of a subnet that the load balancer is in already cannot be changed: they stay, and the
/// user learns of it (2.4 of the specification). IPv6 ones can be chosen when IPv6 is switched on.
fn keep_addresses(context: &Context<'_>, mut wanted: SubnetMapping, notes: &mut Notes) -> SubnetMapping {
    let Some(live) = context.live else { return wanted };
    let Some(have) = live.subnet_mappings.iter().find(|have| have.subnet_id == wanted.subnet_id) else {
        return wanted;
    };
    let mut keep = |key: &str, have: &Option<String>, want: &mut Option<String>| {
        if want.is_some() && want != have {
            let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
            let message = format!(
                "{key} of {} is only read at creation: wanted {}, live {}",
                wanted.subnet_id,
                text(want),
                text(have)
            );
            notes.warn("ImmutableAnnotation", message);
        }
        want.clone_from(have);
    };
    keep("eip-allocations", &have.allocation_id, &mut wanted.allocation_id);
    keep("private-ipv4-addresses", &have.private_ipv4_address, &mut wanted.private_ipv4_address);
    if live.ip_address_type == IpAddressType::Dualstack && context.is_dualstack() {
        keep("ipv6-addresses", &have.ipv6_address, &mut wanted.ipv6_address);
    }
    wanted
}

fn eips(context: &Context<'_>, subnets: &[&SubnetFacts], notes: &mut Notes) -> Vec<String> {
    let key = "eip-allocations";
    let Some(eips) = context.asked.list(key) else { return Vec::new() };
    if context.scheme != Scheme::InternetFacing {
        let reason = "EIP allocations can only be set for internet facing load balancers";
        notes.refuse(key, eips.join(", "), reason);
    } else if eips.len() != subnets.len() {
        let (n, m) = (eips.len(), subnets.len());
        let reason = format!("count of EIP allocations ({n}) and subnets ({m}) must match");
        notes.refuse(key, eips.join(", "), reason);
    } else if context.live.is_none() {
        for eip in eips {
            check_eip(context, eip, notes);
        }
    }
    eips.to_vec()
}

/// Before the load balancer is made, so that none is half made (AWS-60).
fn check_eip(context: &Context<'_>, eip: &str, notes: &mut Notes) {
    let found = context.facts.addresses.iter().find(|address| address.allocation_id == eip);
    match found.map(|address| &address.associated_with) {
        None => {
            notes.lacks("eip-allocations", eip, format!("there is no EIP allocation {eip} in this region"));
        }
        Some(Some(user)) => {
            notes.lacks("eip-allocations", eip, format!("EIP allocation {eip} is associated with {user}"));
        }
        Some(None) => {}
    }
}

/// What tells fixed private IPv4 and IPv6 addresses apart.
struct Family {
    key: &'static str,
    /// Plural, as errors have it.
    addresses: &'static str,
    address: &'static str,
    version: &'static str,
    is_of: fn(&IpAddr) -> bool,
    scope: &'static str,
    is_allowed: fn(&Context<'_>) -> bool,
}

const PRIVATE_IPV4: Family = Family {
    key: "private-ipv4-addresses",
    addresses: "private IPv4 addresses",
    address: "private IPv4 address",
    version: "IPv4",
    is_of: IpAddr::is_ipv4,
    scope: "internal",
    is_allowed: |context| context.scheme == Scheme::Internal,
};

const IPV6: Family = Family {
    key: "ipv6-addresses",
    addresses: "IPv6 addresses",
    address: "IPv6 address",
    version: "IPv6",
    is_of: IpAddr::is_ipv6,
    scope: "dualstack",
    is_allowed: |context| context.is_dualstack(),
};

/// The fixed address of each subnet, found by the subnet's range, whatever their order (AWS-61, AWS-62).
fn in_subnets(
    context: &Context<'_>,
    subnets: &[&SubnetFacts],
    family: &Family,
    notes: &mut Notes,
) -> Vec<String> {
    let Some(texts) = context.asked.list(family.key) else { return Vec::new() };
    let (key, what) = (family.key, family.addresses);
    if !(family.is_allowed)(context) {
        let reason = format!("{what} can only be set for {} load balancers", family.scope);
        notes.refuse(key, texts.join(", "), reason);
        return Vec::new();
    }
    if texts.len() != subnets.len() {
        let (n, m) = (texts.len(), subnets.len());
        notes.refuse(key, texts.join(", "), format!("count of {what} ({n}) and subnets ({m}) must match"));
        return Vec::new();
    }
    let addresses: Vec<IpAddr> = texts.iter().filter_map(|text| address(text, family, notes)).collect();
    if addresses.len() < texts.len() {
        return Vec::new();
    }
    subnets.iter().filter_map(|subnet| address_in(subnet, &addresses, family, notes)).collect()
}

fn address(text: &str, family: &Family, notes: &mut Notes) -> Option<IpAddr> {
    let parsed = text.parse::<IpAddr>().ok();
    let found = parsed.filter(family.is_of);
    if found.is_none() {
        let kind = if parsed.is_none() { "IP" } else { family.version };
        let reason = format!("{} must be valid {kind} address: {text}", family.addresses);
        notes.refuse(family.key, text, reason);
    }
    found
}

fn address_in(subnet: &SubnetFacts, all: &[IpAddr], family: &Family, notes: &mut Notes) -> Option<String> {
    let ranges = subnet.ranges();
    let inside: Vec<&IpAddr> =
        all.iter().filter(|address| ranges.iter().any(|range| range.contains(*address))).collect();
    if let [address] = inside.as_slice() {
        return Some(address.to_string());
    }
    let reason = format!("expect one {} configured for subnet: {}", family.address, subnet.subnet_id);
    notes.refuse(family.key, &subnet.subnet_id, reason);
    None
}

/// Prefixes of source NAT, checked in the order of AWS-63 and AWS-64.
fn source_nat_prefixes(context: &Context<'_>, subnets: &[&SubnetFacts], notes: &mut Notes) -> Vec<String> {
    let is_on = context.asked.text("enable-prefix-for-ipv6-source-nat") == Some("on");
    if is_on {
        check_source_nat(context, subnets, notes);
    }
    let key = "source-nat-ipv6-prefixes";
    let Some(items) = context.asked.list(key) else { return Vec::new() };
    let reason = if !context.is_dualstack() {
        "source-nat-ipv6-prefixes annotation can only be set for Network Load Balancers using Dualstack IP address type.".to_owned()
    } else if !is_on {
        "source-nat-ipv6-prefixes annotation is only applicable if enable-prefix-for-ipv6-source-nat annotation is set to on.".to_owned()
    } else if items.len() != subnets.len() {
        let (n, m) = (items.len(), subnets.len());
        format!("Number of values in source-nat-ipv6-prefixes ({n}) must match the number of subnets ({m}).")
    } else {
        for (item, subnet) in items.iter().zip(subnets) {
            if let Some(wrong) = wrong_prefix(item, subnet) {
                notes.refuse(key, item, format!("Invalid value in source-nat-ipv6-prefixes: {item}.{wrong}"));
            }
        }
        return items.to_vec();
    };
    notes.refuse(key, items.join(", "), reason);
    Vec::new()
}

fn check_source_nat(context: &Context<'_>, subnets: &[&SubnetFacts], notes: &mut Notes) {
    let key = "enable-prefix-for-ipv6-source-nat";
    let without: Vec<&str> =
        subnets.iter().filter(|s| s.ipv6_cidrs.is_empty()).map(|s| s.subnet_id.as_str()).collect();
    if !context.is_dualstack() {
        let reason = "enable-prefix-for-ipv6-source-nat annotation is only applicable to Network Load Balancers using Dualstack IP address type.";
        notes.refuse(key, "on", reason);
    } else if !without.is_empty() {
        let reason = format!(
            "To enable prefix for source NAT, all associated subnets must have an IPv6 CIDR. Subnets without IPv6 CIDR: {}.",
            blank_separated(without)
        );
        notes.refuse(key, "on", reason);
    }
}

/// What is wrong with a prefix; `None` if nothing is.
fn wrong_prefix(item: &str, subnet: &SubnetFacts) -> Option<String> {
    if item == "auto_assigned" {
        return None;
    }
    let Some((_, length)) = item.split_once('/') else { return Some(String::new()) };
    if length != "80" {
        return Some(format!(" Prefix length must be 80, but {length} is specified."));
    }
    let Ok(prefix) = item.parse::<Ipv6Net>() else {
        return Some(" Value must be a valid IPv6 CIDR.".to_owned());
    };
    let is_inside = subnet.ipv6_cidrs.iter().any(|range| range.contains(&prefix));
    let ranges = blank_separated(subnet.ipv6_cidrs.iter().copied().map(IpNet::V6));
    (!is_inside).then(|| format!(" Value must be within subnet CIDR range: {ranges}."))
}
