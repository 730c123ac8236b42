//! Validation of `clusterIP`, `clusterIPs`, `ipFamilies` and `ipFamilyPolicy`.

use k8s_openapi::api::core::v1::ServiceSpec;
use serde_json::Value;

use super::families::{PREFER_DUAL_STACK, REQUIRE_DUAL_STACK, SINGLE_STACK, family_of};
use super::view;
use crate::apiserver::allocate::Family;
use crate::apiserver::field::{FieldError, unset};
use crate::apiserver::strategy::format;

const IPS: &str = "spec.clusterIPs";
const FAMILIES: &str = "spec.ipFamilies";
const POLICY: &str = "spec.ipFamilyPolicy";
const NO_CHANGE: &str = "may not change once set";

/// What is wrong with the fields taken together.
pub(super) fn validate(spec: &ServiceSpec) -> Vec<FieldError> {
    if !view::needs_cluster_ip(spec) {
        return vec![];
    }
    let mut errors: Vec<FieldError> = validate_step(spec).into_iter().collect();
    errors.extend(validate_families(spec));
    errors.extend(validate_policy(spec));
    let malformed = validate_form(spec);
    let stop = !malformed.is_empty();
    errors.extend(malformed);
    if view::cluster_ips(spec).len() > 2 {
        errors.push(invalid_ips(IPS, spec, "may only hold up to 2 values"));
    }
    if !stop {
        errors.extend(validate_match(spec));
    }
    errors
}

/// What is wrong with a change: the first address and family stay, the second may come and go.
pub(super) fn validate_update(spec: &ServiceSpec, old: &ServiceSpec) -> Vec<FieldError> {
    if !view::needs_cluster_ip(spec) || !view::needs_cluster_ip(old) {
        return vec![];
    }
    let (headless, was_headless) = (view::is_headless(spec), view::is_headless(old));
    let mut errors = Vec::new();
    if !(headless && was_headless) {
        errors.extend(validate_changed_ips(spec, old));
    }
    if !headless && !was_headless {
        errors.extend(validate_changed_families(spec, old));
    }
    errors
}

/// `clusterIP` is the first of `clusterIPs`.
fn validate_step(spec: &ServiceSpec) -> Option<FieldError> {
    match (view::cluster_ip(spec), view::cluster_ips(spec)) {
        ("", []) => None,
        ("", _) => Some(invalid_ips(IPS, spec, "must be empty when `clusterIP` is not specified")),
        (_, []) => Some(FieldError::required(IPS, "")),
        (ip, [first, ..]) if ip == first => None,
        _ => Some(invalid_ips(IPS, spec, "first value must match `clusterIP`")),
    }
}

fn validate_families(spec: &ServiceSpec) -> Vec<FieldError> {
    let families = view::families(spec);
    let mut errors = Vec::new();
    for (index, family) in families.iter().enumerate() {
        let field = format!("{FAMILIES}[{index}]");
        if Family::named(family).is_none() {
            errors.push(FieldError::not_supported(field.as_str(), family.as_str(), &["IPv4", "IPv6"]));
        }
        if families.iter().take(index).any(|other| other == family) {
            errors.push(FieldError::duplicate(field, family.as_str()));
        }
    }
    errors
}

fn validate_policy(spec: &ServiceSpec) -> Option<FieldError> {
    let supported = [PREFER_DUAL_STACK, REQUIRE_DUAL_STACK, SINGLE_STACK];
    let policy = spec.ip_family_policy.as_deref()?;
    (!supported.contains(&policy)).then(|| FieldError::not_supported(POLICY, policy, &supported))
}

/// Each address is one, or the only one is `None`.
fn validate_form(spec: &ServiceSpec) -> Vec<FieldError> {
    let ips = view::cluster_ips(spec);
    let mut errors = Vec::new();
    for (index, ip) in ips.iter().enumerate() {
        if index == 0 && ip == view::NONE {
            if ips.len() > 1 {
                errors.push(invalid_ips(IPS, spec, "'None' must be the first and only value"));
            }
            continue;
        }
        let field = format!("{IPS}[{index}]");
        errors
            .extend(format::ip(ip).iter().map(|text| FieldError::invalid(field.as_str(), ip.as_str(), text)));
    }
    errors
}

/// One address for each family, in the order of the families.
fn validate_match(spec: &ServiceSpec) -> Vec<FieldError> {
    let ips = view::cluster_ips(spec);
    let mut errors = Vec::new();
    let dual = match ips {
        [] | [_] => true,
        ips => ips.iter().any(|ip| family_of(ip) != ips.first().and_then(|first| family_of(first))),
    };
    if !dual {
        errors.push(invalid_ips(IPS, spec, "may specify no more than one IP for each IP family"));
    }
    if view::is_headless(spec) {
        return errors;
    }
    for (index, (ip, family)) in ips.iter().zip(view::families(spec)).enumerate() {
        let wanted = Family::named(family);
        if wanted.is_some() && family_of(ip) != wanted {
            let detail = format!("expected an {family} value as indicated by `ipFamilies[{index}]`");
            errors.push(FieldError::invalid(format!("{IPS}[{index}]"), ip.as_str(), detail));
        }
    }
    errors
}

fn validate_changed_ips(spec: &ServiceSpec, old: &ServiceSpec) -> Vec<FieldError> {
    let (ips, before) = (view::cluster_ips(spec), view::cluster_ips(old));
    if ips.len() == before.len() {
        let changed = ips.iter().zip(before).enumerate().filter(|(_, (new, old))| new != old);
        return changed.map(|(index, _)| invalid_ips(&format!("{IPS}[{index}]"), spec, NO_CHANGE)).collect();
    }
    let mut errors = Vec::new();
    match (ips.first(), before.first()) {
        (None, _) => {
            errors.push(invalid_ips("spec.clusterIPs[0]", spec, "primary clusterIP can not be unset"));
        }
        (Some(new), Some(old)) if new != old => {
            errors.push(invalid_ips("spec.clusterIPs[0]", spec, NO_CHANGE));
        }
        _ => {}
    }
    if ips.len() == 1 && before.len() > 1 {
        errors.extend(not_single_stack(spec, "clusterIP"));
    }
    errors
}

fn validate_changed_families(spec: &ServiceSpec, old: &ServiceSpec) -> Vec<FieldError> {
    let (families, before) = (view::families(spec), view::families(old));
    let first = "spec.ipFamilies[0]";
    if families.len() == before.len() {
        let changed = families.iter().zip(before).filter(|(new, old)| new != old);
        return changed.map(|_| FieldError::invalid(first, families, NO_CHANGE)).collect();
    }
    let mut errors = Vec::new();
    if families.len() < before.len() && view::cluster_ips(spec).is_empty() {
        errors.push(FieldError::invalid(first, families, "primary ipFamily can not be unset"));
    }
    if let (Some(new), Some(old)) = (families.first(), before.first())
        && new != old
    {
        // The server quotes the addresses here, not the families.
        errors.push(invalid_ips(first, spec, NO_CHANGE));
    }
    if families.len() == 1 && before.len() > 1 {
        errors.extend(not_single_stack(spec, "ipFamily"));
    }
    errors
}

fn not_single_stack(spec: &ServiceSpec, what: &str) -> Option<FieldError> {
    if view::policy(spec) == SINGLE_STACK {
        return None;
    }
    let value = spec.ip_family_policy.clone().map_or_else(unset, Value::from);
    let detail = format!("must be set to 'SingleStack' when releasing the secondary {what}");
    Some(FieldError::invalid(POLICY, value, detail))
}

fn invalid_ips(field: &str, spec: &ServiceSpec, detail: &str) -> FieldError {
    FieldError::invalid(field, spec.cluster_ips.clone().map_or(Value::Null, Value::from), detail)
}
