use std::borrow::Cow;
use std::collections::BTreeMap;

use cloud_lb_core::error::{Error, ErrorKind, Result};
use cloud_lb_core::model::{LoadBalancer, ServiceId};

use crate::annotations::Annotations;
use crate::config::Config;

/// Whether the provider looks after a Service, which is one of type `LoadBalancer` (AWS-4, AWS-214).
pub fn takes(lb: &LoadBalancer, config: &Config) -> bool {
    if let Some(class) = &lb.class {
        return config.load_balancer_class.contains(class);
    }
    let given = |key: &str| lb.annotations.get(&Annotations::full(key)).map(String::as_str);
    match given("type") {
        Some("nlb-ip") => true,
        Some("external") => matches!(given("nlb-target-type"), Some("ip" | "instance")),
        _ => is_of_ccm(lb, config),
    }
}

/// Whether it is a Service of the cloud controller manager that we take over (AWS-214).
pub(super) fn is_of_ccm(lb: &LoadBalancer, config: &Config) -> bool {
    let kind = lb.annotations.get(&Annotations::full("type"));
    config.take_ccm_nlb && lb.class.is_none() && kind.is_some_and(|kind| kind == "nlb")
}

/// The annotations of a Service as this provider reads them. To the cloud controller manager `internal`
/// is yes with whatever value but `false`, for example `0.0.0.0/0`.
pub(crate) fn annotations<'a>(lb: &'a LoadBalancer, config: &Config) -> Cow<'a, BTreeMap<String, String>> {
    let key = Annotations::full("internal");
    let is_internal = lb.annotations.get(&key).is_some_and(|text| !text.is_empty() && text != "false");
    let mut annotations = Cow::Borrowed(&lb.annotations);
    if is_of_ccm(lb, config) && is_internal {
        annotations.to_mut().insert(key, "true".to_owned());
    }
    annotations
}

/// Refuses to delete what the user wants protected (AWS-8), also where the list of attributes has a mistake
/// elsewhere: a load balancer whose protection nobody asks for is deleted, however it is protected.
///
/// # Errors
/// `InvalidInput`, until the user takes the wish back.
pub fn check_deletion(service: &ServiceId, annotations: &BTreeMap<String, String>) -> Result<()> {
    let attributes = annotations.get(&Annotations::full("attributes")).map_or("", String::as_str);
    let is_wish =
        |(key, value): (&str, &str)| (key.trim(), value.trim()) == ("deletion_protection.enabled", "true");
    if !attributes.split(',').filter_map(|item| item.split_once('=')).any(is_wish) {
        return Ok(());
    }
    let message = format!("deletion_protection is enabled, cannot delete the service: {}", service.name);
    Err(Error::new(ErrorKind::InvalidInput, message).on(service.to_string()))
}
