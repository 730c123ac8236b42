//! `Endpoints` and `EndpointSlices`.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::Value;

use super::{Strategy, format, list, list_mut, meta, set_default, text};
use crate::apiserver::field::{FieldError, distinct};

/// The protocols of ports, in the order of the server's messages.
const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];
/// Endpoints of one slice.
const ENDPOINTS_LIMIT: usize = 1000;
/// Addresses of one endpoint, and ports of one slice.
const LIST_LIMIT: usize = 100;

/// The strategy of `Endpoints`.
#[derive(Debug)]
pub(super) struct EndpointsStrategy;

impl Strategy for EndpointsStrategy {
    fn default(&self, object: &mut Value) {
        for subset in list_mut(object, "/subsets") {
            list_mut(subset, "/ports").for_each(|port| set_default(port, "protocol", "TCP"));
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate(object, meta::NAMESPACED_SUBDOMAIN);
        for (index, subset) in list(object, "/subsets").iter().enumerate() {
            errors.extend(validate_subset(subset, &format!("subsets[{index}]")));
        }
        errors
    }

    fn validate_update(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        errors.extend(self.validate_create(object));
        distinct(errors)
    }
}

/// The strategy of `EndpointSlices`.
#[derive(Debug)]
pub(super) struct EndpointSliceStrategy;

impl Strategy for EndpointSliceStrategy {
    fn default(&self, object: &mut Value) {
        for port in list_mut(object, "/ports") {
            set_default(port, "name", "");
            set_default(port, "protocol", "TCP");
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate(object, meta::NAMESPACED_SUBDOMAIN);
        let kind = text(object, "/addressType");
        errors.extend(validate_address_type(kind));
        errors.extend(validate_endpoints(list(object, "/endpoints"), kind));
        errors.extend(validate_ports(list(object, "/ports")));
        errors
    }

    fn validate_update(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        errors.extend(self.validate_create(object));
        let kind = text(object, "/addressType");
        if kind != text(old, "/addressType") {
            errors.push(FieldError::invalid("addressType", kind, "field is immutable"));
        }
        distinct(errors)
    }
}

fn validate_subset(subset: &Value, path: &str) -> Vec<FieldError> {
    let (ready, not_ready) = (list(subset, "/addresses"), list(subset, "/notReadyAddresses"));
    let mut errors = Vec::new();
    if ready.is_empty() && not_ready.is_empty() {
        errors.push(FieldError::required(path, "must specify `addresses` or `notReadyAddresses`"));
    }
    for (name, addresses) in [("addresses", ready), ("notReadyAddresses", not_ready)] {
        for (index, address) in addresses.iter().enumerate() {
            errors.extend(validate_address(address, &format!("{path}.{name}[{index}]")));
        }
    }
    let ports = list(subset, "/ports");
    for (index, port) in ports.iter().enumerate() {
        errors.extend(validate_subset_port(port, ports.len() > 1, &format!("{path}.ports[{index}]")));
    }
    errors
}

fn validate_address(address: &Value, path: &str) -> Vec<FieldError> {
    let ip = text(address, "/ip");
    let complaints = Some(format::ip(ip)).filter(|complaints| !complaints.is_empty());
    let complaints = complaints.unwrap_or_else(|| format::endpoint_ip(ip));
    let mut errors: Vec<FieldError> =
        complaints.iter().map(|text| FieldError::invalid(format!("{path}.ip"), ip, text)).collect();
    errors.extend(validate_hostname(address, path));
    let node = text(address, "/nodeName");
    if !node.is_empty() {
        let complaints = format::dns1123_subdomain(node);
        errors.extend(
            complaints.iter().map(|text| FieldError::invalid(format!("{path}.nodeName"), node, text)),
        );
    }
    errors
}

fn validate_hostname(endpoint: &Value, path: &str) -> Vec<FieldError> {
    let host = text(endpoint, "/hostname");
    if host.is_empty() {
        return vec![];
    }
    let complaints = format::dns1123_label(host);
    complaints.iter().map(|text| FieldError::invalid(format!("{path}.hostname"), host, text)).collect()
}

fn validate_subset_port(port: &Value, named: bool, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let name = text(port, "/name");
    if named && name.is_empty() {
        errors.push(FieldError::required(format!("{path}.name"), ""));
    } else if !name.is_empty() {
        let complaints = format::dns1123_label(name);
        errors.extend(complaints.iter().map(|text| FieldError::invalid(format!("{path}.name"), name, text)));
    }
    let number = port.get("port").and_then(Value::as_i64).unwrap_or_default();
    let complaints = format::port_number(number);
    errors.extend(complaints.iter().map(|text| FieldError::invalid(format!("{path}.port"), number, text)));
    errors.extend(validate_protocol(port, &format!("{path}.protocol")));
    errors
}

fn validate_protocol(port: &Value, field: &str) -> Option<FieldError> {
    match text(port, "/protocol") {
        "" => Some(FieldError::required(field, "")),
        protocol if PROTOCOLS.contains(&protocol) => None,
        protocol => Some(FieldError::not_supported(field, protocol, &PROTOCOLS)),
    }
}

fn validate_address_type(kind: &str) -> Option<FieldError> {
    const FIELD: &str = "addressType";
    match kind {
        "" => Some(FieldError::required(FIELD, "")),
        "IPv4" | "IPv6" | "FQDN" => None,
        other => Some(FieldError::not_supported(FIELD, other, &["FQDN", "IPv4", "IPv6"])),
    }
}

fn validate_endpoints(endpoints: &[Value], kind: &str) -> Vec<FieldError> {
    if endpoints.len() > ENDPOINTS_LIMIT {
        return vec![FieldError::too_many("endpoints", endpoints.len(), ENDPOINTS_LIMIT)];
    }
    let mut errors = Vec::new();
    for (index, endpoint) in endpoints.iter().enumerate() {
        let path = format!("endpoints[{index}]");
        let addresses = list(endpoint, "/addresses");
        let field = format!("{path}.addresses");
        if addresses.is_empty() {
            errors.push(FieldError::required(field.as_str(), "must contain at least 1 address"));
        } else if addresses.len() > LIST_LIMIT {
            errors.push(FieldError::too_many(field.as_str(), addresses.len(), LIST_LIMIT));
        }
        for (index, address) in addresses.iter().enumerate() {
            let address = text(address, "");
            let complaints = validate_endpoint_address(address, kind);
            let field = format!("{field}[{index}]");
            errors.extend(complaints.iter().map(|text| FieldError::invalid(field.as_str(), address, text)));
        }
        errors.extend(validate_hostname(endpoint, &path));
    }
    errors
}

fn validate_endpoint_address(address: &str, kind: &str) -> Vec<String> {
    match (kind, format::parse_ip(address)) {
        ("IPv4", Some(IpAddr::V4(_))) | ("IPv6", Some(IpAddr::V6(_))) => format::endpoint_ip(address),
        ("IPv4" | "IPv6", _) => vec![format!("must be a valid {kind} address")],
        ("FQDN", _) => format::dns1123_subdomain(address.strip_suffix('.').unwrap_or(address)),
        _ => vec![],
    }
}

fn validate_ports(ports: &[Value]) -> Vec<FieldError> {
    if ports.len() > LIST_LIMIT {
        return vec![FieldError::too_many("ports", ports.len(), LIST_LIMIT)];
    }
    let mut names = BTreeSet::new();
    let mut errors = Vec::new();
    for (index, port) in ports.iter().enumerate() {
        let path = format!("ports[{index}]");
        let name = text(port, "/name");
        if !name.is_empty() {
            let complaints = format::dns1123_label(name);
            errors.extend(
                complaints.iter().map(|text| FieldError::invalid(format!("{path}.name"), name, text)),
            );
        }
        if !names.insert(name) {
            errors.push(FieldError::duplicate(format!("{path}.name"), name));
        }
        errors.extend(validate_protocol(port, &format!("{path}.protocol")));
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn texts(errors: &[FieldError]) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    fn slice() -> Value {
        json!({"metadata": {"name": "s", "namespace": "d", "resourceVersion": "1"}, "addressType": "IPv4",
            "endpoints": [{"addresses": ["192.0.2.1"]}], "ports": [{"port": 80}]})
    }

    #[test]
    fn slices_are_defaulted_and_checked() {
        let mut slice = slice();
        EndpointSliceStrategy.default(&mut slice);
        assert_eq!(slice["ports"][0], json!({"name": "", "protocol": "TCP", "port": 80}));
        assert_eq!(EndpointSliceStrategy.validate_create(&slice), vec![]);
        let old = slice.clone();
        slice["addressType"] = json!("IPv6");
        slice["endpoints"] =
            json!([{"addresses": ["192.0.2.1"]}, {"addresses": []}, {"addresses": ["fe80::1"]}]);
        slice["ports"] = json!([{"name": "a", "protocol": "TCP"}, {"name": "a", "protocol": "X"}]);
        assert_eq!(
            texts(&EndpointSliceStrategy.validate_update(&slice, &old)),
            [
                r#"endpoints[0].addresses[0]: Invalid value: "192.0.2.1": must be a valid IPv6 address"#,
                "endpoints[1].addresses: Required value: must contain at least 1 address",
                r#"endpoints[2].addresses[0]: Invalid value: "fe80::1": may not be in the link-local range (169.254.0.0/16, fe80::/10)"#,
                r#"ports[1].name: Duplicate value: "a""#,
                r#"ports[1].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP""#,
                r#"addressType: Invalid value: "IPv6": field is immutable"#,
            ]
        );
    }

    #[test]
    fn endpoints_are_defaulted_and_checked() {
        let mut endpoints = json!({"metadata": {"name": "s", "namespace": "d"},
            "subsets": [{"addresses": [{"ip": "127.0.0.1"}, {"ip": "0.0.0.0"}], "ports": [{"port": 0}]}, {}]});
        EndpointsStrategy.default(&mut endpoints);
        assert_eq!(
            texts(&EndpointsStrategy.validate_create(&endpoints)),
            [
                r#"subsets[0].addresses[1].ip: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0)"#,
                "subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
                "subsets[1]: Required value: must specify `addresses` or `notReadyAddresses`",
            ]
        );
    }
}
