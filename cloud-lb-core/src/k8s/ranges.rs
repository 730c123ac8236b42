use std::collections::BTreeSet;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use k8s_openapi::api::core::v1::Service;

use super::service::families;
use super::{Problems, SOURCE_RANGES_ANNOTATION};
use crate::annotations::parse_net;
use crate::error::Result;
use crate::model::IpFamily;

/// What an element of a list of ranges must look like.
const EXPECTED: &str = "an address range in CIDR notation, for example 10.0.0.0/8 or 2001:db8::/32";

/// Who may connect (H-1): `spec.loadBalancerSourceRanges`, else the annotation
/// [`SOURCE_RANGES_ANNOTATION`], else everybody of the Service's families (W-20).
///
/// The result is sorted, free of duplicates, and has its host bits cleared.
///
/// # Errors
/// `InvalidInput`, naming the field or annotation and each element that is no range (or each unknown family).
pub fn source_ranges(service: &Service) -> Result<Vec<IpNet>> {
    let mut problems = Problems::default();
    let families = families(service, &mut problems);
    let ranges = read(service, &families, &mut problems);
    problems.finish(service)?;
    Ok(ranges)
}

/// Whether the ranges let everybody of a family in (H-2, for each family by itself: W-20).
pub fn allows_all(ranges: &[IpNet], family: IpFamily) -> bool {
    ranges.contains(&everybody(family))
}

/// As [`source_ranges`], for a Service whose families are known.
pub(super) fn read(service: &Service, families: &[IpFamily], problems: &mut Problems) -> Vec<IpNet> {
    let elements = elements(service);
    let mut ranges = BTreeSet::new();
    for (source, text) in &elements {
        match parse_net(text.trim()) {
            Some(range) => _ = ranges.insert(range),
            None => problems.add(source, text, EXPECTED),
        }
    }
    if elements.is_empty() {
        ranges.extend(families.iter().copied().map(everybody));
    }
    ranges.into_iter().collect()
}

/// Whether the field or the annotation says who may connect.
pub(super) fn are_given(service: &Service) -> bool {
    !elements(service).is_empty()
}

/// What the user listed, each with its place.
fn elements(service: &Service) -> Vec<(String, &str)> {
    let field = service.spec.iter().flat_map(|spec| spec.load_balancer_source_ranges.iter().flatten());
    let elements: Vec<(String, &str)> = field
        .enumerate()
        .map(|(index, text)| (format!("spec.loadBalancerSourceRanges[{index}]"), text.as_str()))
        .collect();
    if elements.is_empty() { from_annotation(service) } else { elements }
}

fn from_annotation(service: &Service) -> Vec<(String, &str)> {
    let annotations = service.metadata.annotations.as_ref();
    let text = annotations.and_then(|all| all.get(SOURCE_RANGES_ANNOTATION)).map_or("", |text| text.trim());
    if text.is_empty() {
        return Vec::new();
    }
    text.split(',').map(|element| (SOURCE_RANGES_ANNOTATION.to_owned(), element)).collect()
}

fn everybody(family: IpFamily) -> IpNet {
    match family {
        IpFamily::V4 => IpNet::V4(Ipv4Net::default()),
        IpFamily::V6 => IpNet::V6(Ipv6Net::default()),
    }
}

#[cfg(test)]
mod tests;
