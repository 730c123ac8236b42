//! IP families: what a Service gets from what it says and what the cluster offers
//! (`initIPFamilyFields` of `pkg/registry/core/service/storage/alloc.go`). The cluster is dual-stack.

use k8s_openapi::api::core::v1::ServiceSpec;

use super::{validate_addresses, view};
use crate::apiserver::allocate::Family;
use crate::apiserver::field::FieldError;
use crate::apiserver::strategy::format;

const POLICY: &str = "spec.ipFamilyPolicy";
pub(super) const SINGLE_STACK: &str = "SingleStack";
pub(super) const PREFER_DUAL_STACK: &str = "PreferDualStack";
pub(super) const REQUIRE_DUAL_STACK: &str = "RequireDualStack";

/// Sets `ipFamilyPolicy` and `ipFamilies`; `old` is the stored spec of an update.
pub(super) fn init(spec: &mut ServiceSpec, old: Option<&ServiceSpec>) -> Result<(), Vec<FieldError>> {
    if !view::needs_cluster_ip(spec) || old.is_some_and(|old| keeps_prefer_dual_stack(spec, old)) {
        return Ok(());
    }
    default_policy(spec, old);
    refuse(validate_addresses::validate(spec))?;
    let mut errors = old.map(|old| shrink(spec, old)).unwrap_or_default();
    errors.extend(more_than_single_stack(spec));
    infer_from_addresses(spec);
    refuse(errors)?;
    complete(spec);
    Ok(())
}

/// Whether a `PreferDualStack` Service changes nothing about its addresses: then it is left alone, also where it has
/// one address only.
pub(super) fn keeps_prefer_dual_stack(spec: &ServiceSpec, old: &ServiceSpec) -> bool {
    view::needs_cluster_ip(spec)
        && view::kind(spec) == view::kind(old)
        && view::policy(spec) == PREFER_DUAL_STACK
        && matches!(view::policy(old), PREFER_DUAL_STACK | "")
        && view::cluster_ips(spec) == view::cluster_ips(old)
        && view::families(spec) == view::families(old)
}

fn default_policy(spec: &mut ServiceSpec, old: Option<&ServiceSpec>) {
    if spec.ip_family_policy.is_some() {
        return;
    }
    let inherited = old.and_then(|old| old.ip_family_policy.clone());
    let fallback = if view::is_headless_without_selector(spec) { REQUIRE_DUAL_STACK } else { SINGLE_STACK };
    spec.ip_family_policy = Some(inherited.unwrap_or_else(|| fallback.to_owned()));
}

/// Gives up the second address and family where the policy now says so, and refuses it where it does not.
fn shrink(spec: &mut ServiceSpec, old: &ServiceSpec) -> Vec<FieldError> {
    if view::policy(spec) == SINGLE_STACK {
        if view::cluster_ips(spec) == view::cluster_ips(old) {
            spec.cluster_ips.iter_mut().for_each(|ips| ips.truncate(1));
        }
        if view::families(spec) == view::families(old) {
            spec.ip_families.iter_mut().for_each(|families| families.truncate(1));
        }
        return vec![];
    }
    let reduced = |new: usize, old: usize| new != 0 && new < old;
    let rules = [
        (reduced(view::cluster_ips(spec).len(), view::cluster_ips(old).len()), "secondary cluster IP"),
        (reduced(view::families(spec).len(), view::families(old).len()), "secondary IP family"),
    ];
    let broken = rules.iter().filter(|(broken, _)| *broken);
    broken
        .map(|(_, what)| {
            let detail = format!("must be 'SingleStack' to release the {what}");
            FieldError::invalid(POLICY, view::policy(spec), detail)
        })
        .collect()
}

fn more_than_single_stack(spec: &ServiceSpec) -> Vec<FieldError> {
    if view::policy(spec) != SINGLE_STACK {
        return vec![];
    }
    let rules = [(view::cluster_ips(spec).len(), "cluster IPs"), (view::families(spec).len(), "IP families")];
    let broken = rules.iter().filter(|(count, _)| *count == 2);
    broken
        .map(|(_, what)| {
            let detail =
                format!("must be 'RequireDualStack' or 'PreferDualStack' when multiple {what} are specified");
            FieldError::invalid(POLICY, view::policy(spec), detail)
        })
        .collect()
}

/// Adds the families of the addresses that the client has given.
fn infer_from_addresses(spec: &mut ServiceSpec) {
    let known = view::families(spec).len();
    let addresses = view::cluster_ips(spec).iter().take_while(|ip| *ip != view::NONE).skip(known);
    let inferred: Vec<String> =
        addresses.filter_map(|ip| family_of(ip)).map(|f| f.name().to_owned()).collect();
    if !inferred.is_empty() {
        spec.ip_families.get_or_insert_default().extend(inferred);
    }
}

fn complete(spec: &mut ServiceSpec) {
    let dual = view::policy(spec) != SINGLE_STACK;
    let families = spec.ip_families.get_or_insert_default();
    if families.is_empty() {
        families.push(Family::DEFAULT.name().to_owned());
    }
    if let ([only], true) = (families.as_slice(), dual)
        && let Some(family) = Family::named(only)
    {
        families.push(family.other().name().to_owned());
    }
}

/// The family of an address.
pub(super) fn family_of(ip: &str) -> Option<Family> {
    format::parse_ip(ip).map(|ip| if ip.is_ipv4() { Family::V4 } else { Family::V6 })
}

fn refuse(errors: Vec<FieldError>) -> Result<(), Vec<FieldError>> {
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}
