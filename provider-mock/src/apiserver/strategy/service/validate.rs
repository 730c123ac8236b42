//! Validation of the spec of a Service, in the order of `ValidateService`.

mod port;

use k8s_openapi::api::core::v1::ServiceSpec;
use serde_json::{Value, json};

use super::super::{entries, format, meta, text};
use super::{validate_addresses, view};
use crate::apiserver::field::{FieldError, unset};

/// The annotation that says what `spec.loadBalancerSourceRanges` says.
const SOURCE_RANGES_ANNOTATION: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";
const ONLY_LOAD_BALANCER: &str = "may only be used when `type` is 'LoadBalancer'";
/// A day, the longest `sessionAffinityConfig.clientIP.timeoutSeconds`.
const AFFINITY_LIMIT: i32 = 86_400;

/// What is wrong with a spec.
pub(super) fn validate(object: &Value, spec: &ServiceSpec) -> Vec<FieldError> {
    let mut errors = validate_topology(object);
    errors.extend(validate_kind_rules(spec));
    errors.extend(port::validate(spec));
    errors.extend(meta::validate_labels(&json!(spec.selector), "spec.selector"));
    errors.extend(validate_affinity(spec));
    errors.extend(validate_addresses::validate(spec));
    errors.extend(validate_external_ips(spec));
    errors.extend(validate_type(spec));
    errors.extend(port::validate_pairs(spec));
    errors.extend(validate_source_ranges(object, spec));
    errors.extend(validate_load_balancer_fields(spec));
    errors.extend(validate_external_traffic(spec));
    errors.extend(validate_internal_traffic(spec));
    errors
}

/// What is wrong with a change of the spec, beyond addresses.
pub(super) fn validate_update(spec: &ServiceSpec, old: &ServiceSpec) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let both = view::kind(spec) == view::LOAD_BALANCER && view::kind(old) == view::LOAD_BALANCER;
    if both && spec.load_balancer_class != old.load_balancer_class {
        let value = spec.load_balancer_class.clone().map_or_else(unset, Value::from);
        errors.push(FieldError::invalid("spec.loadBalancerClass", value, "may not change once set"));
    }
    let checked = view::needs_health_check(spec) && view::needs_health_check(old);
    if checked && view::health_check_port(spec) != view::health_check_port(old) {
        errors.push(FieldError::forbidden("spec.healthCheckNodePort", "field is immutable"));
    }
    errors
}

/// An error for each complaint about a value.
fn invalid(field: &str, value: &str, complaints: &[String]) -> Vec<FieldError> {
    complaints.iter().map(|text| FieldError::invalid(field, value, text)).collect()
}

fn validate_topology(object: &Value) -> Vec<FieldError> {
    const MODE: &str = "service.kubernetes.io/topology-mode";
    const HINTS: &str = "service.kubernetes.io/topology-aware-hints";
    let annotation = |name| entries(object, "/metadata/annotations").find(|(key, _)| *key == name);
    let (Some((_, mode)), Some((_, hints))) = (annotation(MODE), annotation(HINTS)) else { return vec![] };
    if mode == hints {
        return vec![];
    }
    let detail = format!("must match annotations[{HINTS}] when both are specified");
    vec![FieldError::invalid(format!("metadata.annotations[{MODE}]"), mode.clone(), detail)]
}

/// What each type demands and excludes.
fn validate_kind_rules(spec: &ServiceSpec) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let external_name = view::kind(spec) == view::EXTERNAL_NAME;
    if view::ports(spec).is_empty() && !view::is_headless(spec) && !external_name {
        errors.push(FieldError::required("spec.ports", ""));
    }
    if view::needs_node_port(spec) && view::is_headless(spec) {
        let detail = format!("may not be set to 'None' for {} services", view::kind(spec));
        errors.push(FieldError::invalid("spec.clusterIPs[0]", view::NONE, detail));
    }
    if external_name {
        errors.extend(validate_external_name(spec));
    }
    errors
}

fn validate_external_name(spec: &ServiceSpec) -> Vec<FieldError> {
    let set = [
        ("clusterIPs", spec.cluster_ips.is_some()),
        ("ipFamilies", spec.ip_families.is_some()),
        ("ipFamilyPolicy", spec.ip_family_policy.is_some()),
    ];
    let mut errors: Vec<FieldError> = set
        .iter()
        .filter(|(_, set)| *set)
        .map(|(name, _)| {
            FieldError::forbidden(format!("spec.{name}"), "may not be set for ExternalName services")
        })
        .collect();
    let name = spec.external_name.as_deref().unwrap_or_default();
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() {
        errors.push(FieldError::required("spec.externalName", ""));
    } else {
        errors.extend(invalid("spec.externalName", name, &format::dns1123_subdomain(name)));
    }
    errors
}

fn validate_affinity(spec: &ServiceSpec) -> Option<FieldError> {
    const CONFIG: &str = "spec.sessionAffinityConfig";
    let affinity = spec.session_affinity.as_deref().unwrap_or_default();
    let config = spec.session_affinity_config.as_ref();
    match affinity {
        "" => Some(FieldError::required("spec.sessionAffinity", "")),
        "None" => {
            config.map(|_| FieldError::forbidden(CONFIG, "must not be set when session affinity is None"))
        }
        "ClientIP" => {
            let seconds = config.and_then(|config| config.client_ip.as_ref()?.timeout_seconds);
            let field = format!("{CONFIG}.clientIP.timeoutSeconds");
            match seconds {
                None => Some(FieldError::required(field, "when session affinity type is ClientIP")),
                Some(1..=AFFINITY_LIMIT) => None,
                Some(seconds) => {
                    let detail = format!("must be greater than 0 and less than {AFFINITY_LIMIT}");
                    Some(FieldError::invalid(field, seconds, detail))
                }
            }
        }
        other => Some(FieldError::not_supported("spec.sessionAffinity", other, &["ClientIP", "None"])),
    }
}

fn validate_external_ips(spec: &ServiceSpec) -> Vec<FieldError> {
    let ips = spec.external_ips.iter().flatten().enumerate();
    ips.flat_map(|(index, ip)| {
        let complaints = Some(format::ip(ip)).filter(|complaints| !complaints.is_empty());
        let complaints = complaints.unwrap_or_else(|| format::special_ip(ip));
        invalid(&format!("spec.externalIPs[{index}]"), ip, &complaints)
    })
    .collect()
}

fn validate_type(spec: &ServiceSpec) -> Vec<FieldError> {
    let supported = [view::CLUSTER_IP, view::EXTERNAL_NAME, view::LOAD_BALANCER, view::NODE_PORT];
    match view::kind(spec) {
        "" => vec![FieldError::required("spec.type", "")],
        view::CLUSTER_IP => {
            let ports = view::ports(spec).iter().enumerate().filter(|(_, port)| port.node_port.is_some());
            let detail = "may not be used when `type` is 'ClusterIP'";
            ports
                .map(|(index, _)| FieldError::forbidden(format!("spec.ports[{index}].nodePort"), detail))
                .collect()
        }
        kind if supported.contains(&kind) => vec![],
        kind => vec![FieldError::not_supported("spec.type", kind, &supported)],
    }
}

/// The field wins over the annotation. The server writes the field with a capital L.
fn validate_source_ranges(object: &Value, spec: &ServiceSpec) -> Vec<FieldError> {
    let field_set = spec.load_balancer_source_ranges.is_some();
    let annotation =
        entries(object, "/metadata/annotations").find(|(key, _)| *key == SOURCE_RANGES_ANNOTATION);
    let (path, ranges): (String, Vec<(String, &str)>) = if field_set {
        let path = "spec.LoadBalancerSourceRanges";
        let ranges = spec.load_balancer_source_ranges.iter().flatten().enumerate();
        (path.to_owned(), ranges.map(|(index, range)| (format!("{path}[{index}]"), range.trim())).collect())
    } else if let Some((_, value)) = annotation {
        let path = format!("metadata.annotations[{SOURCE_RANGES_ANNOTATION}]");
        let value = text(value, "").trim();
        let ranges = if value.is_empty() { vec![] } else { value.split(',').collect() };
        let ranges = ranges.into_iter().map(|range: &str| (path.clone(), range.trim())).collect();
        (path, ranges)
    } else {
        return vec![];
    };
    let mut errors = Vec::new();
    if view::kind(spec) != view::LOAD_BALANCER {
        errors.push(FieldError::forbidden(path, ONLY_LOAD_BALANCER));
    }
    errors.extend(ranges.iter().flat_map(|(field, range)| invalid(field, range, &format::cidr(range))));
    errors
}

fn validate_load_balancer_fields(spec: &ServiceSpec) -> Vec<FieldError> {
    let load_balancer = view::kind(spec) == view::LOAD_BALANCER;
    let mut errors = Vec::new();
    match (load_balancer, spec.allocate_load_balancer_node_ports) {
        (false, Some(_)) => {
            errors.push(FieldError::forbidden("spec.allocateLoadBalancerNodePorts", ONLY_LOAD_BALANCER));
        }
        (true, None) => errors.push(FieldError::required("allocateLoadBalancerNodePorts", "")),
        _ => {}
    }
    match (load_balancer, spec.load_balancer_class.as_deref()) {
        (false, Some(_)) => errors.push(FieldError::forbidden("spec.loadBalancerClass", ONLY_LOAD_BALANCER)),
        (true, Some(class)) => {
            errors.extend(invalid("spec.loadBalancerClass", class, &format::qualified_name(class)));
        }
        _ => {}
    }
    errors
}

fn validate_external_traffic(spec: &ServiceSpec) -> Vec<FieldError> {
    const POLICY: &str = "spec.externalTrafficPolicy";
    const HEALTH: &str = "spec.healthCheckNodePort";
    let mut errors = Vec::new();
    match (view::is_externally_accessible(spec), spec.external_traffic_policy.as_deref()) {
        (false, Some(policy)) => {
            errors.push(FieldError::invalid(
                POLICY,
                policy,
                "may only be set for externally-accessible services",
            ));
        }
        (true, None) => errors.push(FieldError::required(POLICY, "")),
        (true, Some("Cluster" | "Local")) | (false, None) => {}
        (true, Some(other)) => errors.push(FieldError::not_supported(POLICY, other, &["Cluster", "Local"])),
    }
    match (view::needs_health_check(spec), view::health_check_port(spec)) {
        (false, 0) => {}
        (false, port) => {
            let detail =
                "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
            errors.push(FieldError::invalid(HEALTH, port, detail));
        }
        (true, 0) => errors.push(FieldError::required(HEALTH, "")),
        (true, port) => {
            let complaints = format::port_number(port.into());
            errors.extend(complaints.iter().map(|text| FieldError::invalid(HEALTH, port, text)));
        }
    }
    errors
}

fn validate_internal_traffic(spec: &ServiceSpec) -> Vec<FieldError> {
    const POLICY: &str = "spec.internalTrafficPolicy";
    const DISTRIBUTIONS: [&str; 3] = ["PreferClose", "PreferSameNode", "PreferSameZone"];
    let mut errors = Vec::new();
    match spec.internal_traffic_policy.as_deref() {
        None if matches!(view::kind(spec), view::CLUSTER_IP | view::NODE_PORT | view::LOAD_BALANCER) => {
            errors.push(FieldError::required(POLICY, ""));
        }
        None | Some("Cluster" | "Local") => {}
        Some(other) => errors.push(FieldError::not_supported(POLICY, other, &["Cluster", "Local"])),
    }
    if let Some(distribution) = spec.traffic_distribution.as_deref()
        && !DISTRIBUTIONS.contains(&distribution)
    {
        errors.push(FieldError::not_supported("spec.trafficDistribution", distribution, &DISTRIBUTIONS));
    }
    errors
}
