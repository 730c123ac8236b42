//! Cluster IPs: `clusterIP` and `clusterIPs` in step, allocation and release.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::ServiceSpec;
use serde_json::Value;

use super::families::{family_of, keeps_prefer_dual_stack};
use super::view;
use crate::apiserver::allocate::{Allocators, Family};
use crate::apiserver::field::FieldError;
use crate::apiserver::strategy::format;

/// Brings `clusterIPs` in step with `clusterIP` for clients that know only the latter.
pub(super) fn normalize(spec: &mut ServiceSpec, old: Option<&ServiceSpec>) {
    let Some(old) = old else {
        if spec.cluster_ips.is_none() {
            spec.cluster_ips = spec.cluster_ip.clone().map(|ip| vec![ip]);
        }
        return;
    };
    if spec.cluster_ips.is_none() && spec.cluster_ip == old.cluster_ip {
        spec.cluster_ips.clone_from(&old.cluster_ips);
    }
    if spec.cluster_ip != old.cluster_ip && spec.cluster_ips == old.cluster_ips {
        spec.cluster_ips = spec.cluster_ip.clone().map(|ip| vec![ip]);
    }
}

/// Allocates an address for each family that has none, and takes those the client asks for.
pub(super) fn allocate(spec: &mut ServiceSpec, allocators: &mut Allocators) -> Result<(), Vec<FieldError>> {
    if !view::needs_cluster_ip(spec) || view::starts_headless(spec) {
        return Ok(());
    }
    let families = view::families(spec).to_vec();
    spec.cluster_ips.get_or_insert_default().resize(families.len(), String::new());
    for (index, family) in families.iter().enumerate() {
        take(spec, index, family, allocators)?;
    }
    spec.cluster_ip = view::cluster_ips(spec).first().cloned();
    Ok(())
}

/// Allocates and releases for a change of the type or of the number of families.
pub(super) fn update(
    spec: &mut ServiceSpec,
    old: &ServiceSpec,
    allocators: &mut Allocators,
) -> Result<(), Vec<FieldError>> {
    if keeps_prefer_dual_stack(spec, old) {
        return Ok(());
    }
    if !view::needs_cluster_ip(old) && view::needs_cluster_ip(spec) {
        return allocate(spec, allocators);
    }
    if view::starts_headless(old) {
        return Ok(());
    }
    if view::needs_cluster_ip(old) && !view::needs_cluster_ip(spec) {
        release(old, allocators);
        return Ok(());
    }
    match (view::families(old), view::families(spec)) {
        ([_], [_, second]) => {
            let second = second.clone();
            spec.cluster_ips.get_or_insert_default().resize(2, String::new());
            take(spec, 1, &second, allocators)
        }
        ([_, _], [_]) => {
            release_all(view::cluster_ips(old).iter().skip(1), allocators);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Gives back the addresses of a Service.
pub(super) fn release(spec: &ServiceSpec, allocators: &mut Allocators) {
    if view::needs_cluster_ip(spec) && !view::starts_headless(spec) {
        release_all(view::cluster_ips(spec).iter(), allocators);
    }
}

/// Takes the address at `index`: the given one, or any of the family where the text is empty.
fn take(
    spec: &mut ServiceSpec,
    index: usize,
    family: &str,
    allocators: &mut Allocators,
) -> Result<(), Vec<FieldError>> {
    let asked = view::cluster_ips(spec).get(index).cloned().unwrap_or_default();
    let family = Family::named(family).unwrap_or(Family::DEFAULT);
    let given = if asked.is_empty() {
        let address = allocators.addresses(family).allocate_next();
        let address = address.map_err(|error| {
            vec![FieldError::internal(format!("failed to allocate a serviceIP: {error}"))]
        })?;
        address.to_string()
    } else {
        take_asked(spec, &asked, family, allocators)?;
        asked
    };
    if let Some(slot) = spec.cluster_ips.as_mut().and_then(|ips| ips.get_mut(index)) {
        *slot = given;
    }
    Ok(())
}

fn take_asked(
    spec: &ServiceSpec,
    asked: &str,
    family: Family,
    allocators: &mut Allocators,
) -> Result<(), Vec<FieldError>> {
    let taken = match format::parse_ip(asked) {
        Some(address) => allocators.addresses(family).allocate(address).map_err(|error| error.to_string()),
        None => Err("invalid IP address".to_owned()),
    };
    taken.map_err(|error| {
        let value: Value = view::cluster_ips(spec).into();
        vec![FieldError::invalid("spec.clusterIPs", value, format!("failed to allocate IP {asked}: {error}"))]
    })
}

fn release_all<'a>(ips: impl Iterator<Item = &'a String>, allocators: &mut Allocators) {
    for (ip, family) in ips.filter_map(|ip| Some((format::parse_ip(ip)?, family_of(ip)?))) {
        let ip: IpAddr = ip;
        allocators.addresses(family).release(ip);
    }
}
