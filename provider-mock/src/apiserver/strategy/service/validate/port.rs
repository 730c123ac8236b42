//! Validation of the ports of a Service.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;

use super::super::super::format;
use super::{invalid, view};
use crate::apiserver::field::FieldError;

/// The protocols of ports, in the order of the server's messages.
const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];

/// What is wrong with each port by itself.
pub(super) fn validate(spec: &ServiceSpec) -> Vec<FieldError> {
    let ports = view::ports(spec);
    let mut names = BTreeSet::new();
    let mut errors = Vec::new();
    for (index, port) in ports.iter().enumerate() {
        let path = format!("spec.ports[{index}]");
        errors.extend(validate_name(port, ports.len() > 1, &mut names, &format!("{path}.name")));
        errors.extend(validate_number(port.port, &format!("{path}.port")));
        errors.extend(validate_protocol(port, &format!("{path}.protocol")));
        errors.extend(validate_target(port, &format!("{path}.targetPort")));
        if let Some(protocol) = port.app_protocol.as_deref() {
            errors.extend(invalid(
                &format!("{path}.appProtocol"),
                protocol,
                &format::qualified_name(protocol),
            ));
        }
    }
    errors
}

/// What is wrong with the ports taken together: no node port and no port twice with one protocol.
pub(super) fn validate_pairs(spec: &ServiceSpec) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, port) in view::ports(spec).iter().enumerate() {
        let node_port = view::node_port(port);
        if node_port != 0 && !seen.insert((port.protocol.as_deref(), node_port)) {
            errors.push(FieldError::duplicate(format!("spec.ports[{index}].nodePort"), node_port));
        }
    }
    let mut seen = BTreeSet::new();
    for (index, port) in view::ports(spec).iter().enumerate() {
        if !seen.insert((port.protocol.as_deref(), port.port)) {
            errors.push(duplicate(port, format!("spec.ports[{index}]")));
        }
    }
    errors
}

/// The server prints its internal struct here, so the order of the keys is not the alphabet's.
fn duplicate(port: &ServicePort, path: String) -> FieldError {
    let mut error = FieldError::duplicate(path, Value::Null);
    error.message = format!(
        r#"Duplicate value: {{"Name":"","Protocol":"{}","AppProtocol":null,"Port":{},"TargetPort":0,"NodePort":0}}"#,
        port.protocol.as_deref().unwrap_or_default(),
        port.port
    );
    error
}

fn validate_name<'a>(
    port: &'a ServicePort,
    required: bool,
    names: &mut BTreeSet<&'a str>,
    field: &str,
) -> Vec<FieldError> {
    let Some(name) = port.name.as_deref() else {
        return if required { vec![FieldError::required(field, "")] } else { vec![] };
    };
    let mut errors = invalid(field, name, &format::dns1123_label(name));
    if !names.insert(name) {
        errors.push(FieldError::duplicate(field, name));
    }
    errors
}

fn validate_number(port: i32, field: &str) -> Vec<FieldError> {
    format::port_number(port.into()).iter().map(|text| FieldError::invalid(field, port, text)).collect()
}

fn validate_protocol(port: &ServicePort, field: &str) -> Option<FieldError> {
    match port.protocol.as_deref() {
        None => Some(FieldError::required(field, "")),
        Some(protocol) if PROTOCOLS.contains(&protocol) => None,
        Some(protocol) => Some(FieldError::not_supported(field, protocol, &PROTOCOLS)),
    }
}

fn validate_target(port: &ServicePort, field: &str) -> Vec<FieldError> {
    match &port.target_port {
        None => vec![],
        Some(IntOrString::Int(number)) => validate_number(*number, field),
        Some(IntOrString::String(name)) => invalid(field, name, &format::port_name(name)),
    }
}
