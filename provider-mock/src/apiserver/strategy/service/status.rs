//! `status.loadBalancer`.

use k8s_openapi::api::core::v1::ServiceSpec;
use serde_json::Value;

use super::super::{format, list, list_mut, set_default, text};
use super::view;
use crate::apiserver::field::FieldError;

const INGRESS: &str = "/status/loadBalancer/ingress";

/// Ingress points with an IP are virtual IPs where nothing else is said.
pub(super) fn default_ip_mode(object: &mut Value, spec: &ServiceSpec) {
    if view::kind(spec) != view::LOAD_BALANCER {
        return;
    }
    for ingress in list_mut(object, INGRESS).filter(|ingress| !text(ingress, "/ip").is_empty()) {
        set_default(ingress, "ipMode", "VIP");
    }
}

/// What is wrong with the ingress points.
pub(super) fn validate(object: &Value) -> Vec<FieldError> {
    let ingress = list(object, INGRESS);
    if ingress.is_empty() {
        return vec![];
    }
    if text(object, "/spec/type") != view::LOAD_BALANCER {
        let detail = "may only be used when `spec.type` is 'LoadBalancer'";
        return vec![FieldError::forbidden("status.loadBalancer.ingress", detail)];
    }
    let points = ingress.iter().enumerate();
    points
        .flat_map(|(index, point)| validate_point(point, &format!("status.loadBalancer.ingress[{index}]")))
        .collect()
}

fn validate_point(point: &Value, path: &str) -> Vec<FieldError> {
    let (ip, host) = (text(point, "/ip"), text(point, "/hostname"));
    let mut errors = Vec::new();
    if !ip.is_empty() {
        let complaints = format::ip(ip);
        errors.extend(complaints.iter().map(|text| FieldError::invalid(format!("{path}.ip"), ip, text)));
    }
    errors.extend(validate_ip_mode(point, ip, &format!("{path}.ipMode")));
    if !host.is_empty() {
        let field = format!("{path}.hostname");
        let complaints = format::dns1123_subdomain(host);
        errors.extend(complaints.iter().map(|text| FieldError::invalid(field.as_str(), host, text)));
        if format::parse_ip(host).is_some() {
            errors.push(FieldError::invalid(field, host, "must be a DNS name, not an IP address"));
        }
    }
    errors
}

fn validate_ip_mode(point: &Value, ip: &str, field: &str) -> Option<FieldError> {
    let mode = point.pointer("/ipMode").and_then(Value::as_str);
    match (mode, ip.is_empty()) {
        (None, false) => Some(FieldError::required(field, "must be specified when `ip` is set")),
        (Some(_), true) => Some(FieldError::forbidden(field, "may not be specified when `ip` is not set")),
        (None, true) | (Some("VIP" | "Proxy"), false) => None,
        (Some(mode), false) => Some(FieldError::not_supported(field, mode, &["Proxy", "VIP"])),
    }
}
