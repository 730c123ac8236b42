//! Pods: the defaults that others read, and the validations that a hand-written Pod meets.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Strategy, format, keep, list, list_mut, meta, set_default, text};
use crate::apiserver::allocate::Allocators;
use crate::apiserver::field::{FieldError, distinct};

/// The protocols of ports, in the order of the server's messages.
const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];

const CHANGE: &str = "pod updates may not change fields other than `spec.containers[*].image`,\
    `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing \
    tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/// The strategy of Pods.
#[derive(Debug)]
pub(super) struct PodStrategy;

impl Strategy for PodStrategy {
    fn default(&self, object: &mut Value) {
        let Some(spec) = object.get_mut("spec") else { return };
        set_default(spec, "dnsPolicy", "ClusterFirst");
        set_default(spec, "restartPolicy", "Always");
        set_default(spec, "securityContext", json!({}));
        set_default(spec, "terminationGracePeriodSeconds", 30);
        set_default(spec, "schedulerName", "default-scheduler");
        set_default(spec, "enableServiceLinks", true);
        let host_network = spec.get("hostNetwork") == Some(&Value::Bool(true));
        for key in ["/containers", "/initContainers"] {
            list_mut(spec, key).for_each(|container| default_container(container, host_network));
        }
    }

    fn prepare_create(&self, object: &mut Value, _: &mut Allocators) -> Result<(), Vec<FieldError>> {
        let class = quality_of_service(object);
        if let Some(object) = object.as_object_mut() {
            object.insert("status".to_owned(), json!({"phase": "Pending", "qosClass": class}));
        }
        Ok(())
    }

    fn prepare_update(
        &self,
        object: &mut Value,
        old: &Value,
        _: &mut Allocators,
    ) -> Result<(), Vec<FieldError>> {
        keep(object, old, "status");
        Ok(())
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate(object, meta::NAMESPACED_SUBDOMAIN);
        errors.extend(validate_spec(object));
        errors
    }

    fn validate_update(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        errors.extend(self.validate_create(object));
        if fixed_part(object, old) != fixed_part(old, old) {
            errors.push(FieldError::forbidden("spec", CHANGE));
        }
        distinct(errors)
    }
}

fn default_container(container: &mut Value, host_network: bool) {
    let image = text(container, "/image");
    let name = image.rsplit('/').next().unwrap_or_default();
    // Without a tag and without a digest the tag is `latest`.
    let latest = name.ends_with(":latest") || !name.contains(':');
    set_default(container, "imagePullPolicy", if latest { "Always" } else { "IfNotPresent" });
    set_default(container, "resources", json!({}));
    set_default(container, "terminationMessagePath", "/dev/termination-log");
    set_default(container, "terminationMessagePolicy", "File");
    for port in list_mut(container, "/ports") {
        set_default(port, "protocol", "TCP");
        if let (true, Some(number)) = (host_network, port.get("containerPort").cloned()) {
            set_default(port, "hostPort", number);
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        container.get_mut(probe).into_iter().for_each(default_probe);
    }
}

fn default_probe(probe: &mut Value) {
    for (field, value) in
        [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)]
    {
        set_default(probe, field, value);
    }
    if let Some(get) = probe.get_mut("httpGet") {
        set_default(get, "path", "/");
        set_default(get, "scheme", "HTTP");
    }
}

/// `BestEffort` or `Burstable`: telling `Guaranteed` needs arithmetic on quantities, and nobody here asks.
fn quality_of_service(object: &Value) -> &'static str {
    let limited = |container: &Value| {
        ["/resources/limits", "/resources/requests"]
            .iter()
            .any(|pointer| super::entries(container, pointer).next().is_some())
    };
    if list(object, "/spec/containers").iter().any(limited) { "Burstable" } else { "BestEffort" }
}

fn validate_spec(object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut names = BTreeSet::new();
    let containers = list(object, "/spec/containers");
    if containers.is_empty() {
        errors.push(FieldError::required("spec.containers", ""));
    }
    for (key, containers) in
        [("containers", containers), ("initContainers", list(object, "/spec/initContainers"))]
    {
        for (index, container) in containers.iter().enumerate() {
            errors.extend(validate_container(container, &mut names, &format!("spec.{key}[{index}]")));
        }
    }
    let enumerations: [(&str, &[&str]); 2] = [
        ("restartPolicy", &["Always", "OnFailure", "Never"]),
        ("dnsPolicy", &["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"]),
    ];
    for (field, supported) in enumerations {
        let value = text(object, &format!("/spec/{field}"));
        if value.is_empty() {
            errors.push(FieldError::required(format!("spec.{field}"), ""));
        } else if !supported.contains(&value) {
            errors.push(FieldError::not_supported(format!("spec.{field}"), value, supported));
        }
    }
    let node = text(object, "/spec/nodeName");
    if !node.is_empty() {
        let complaints = format::dns1123_subdomain(node);
        errors.extend(complaints.iter().map(|text| FieldError::invalid("spec.nodeName", node, text)));
    }
    errors
}

fn validate_container<'a>(
    container: &'a Value,
    names: &mut BTreeSet<&'a str>,
    path: &str,
) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let name = text(container, "/name");
    let field = format!("{path}.name");
    if name.is_empty() {
        errors.push(FieldError::required(field.as_str(), ""));
    } else {
        let complaints = format::dns1123_label(name);
        errors.extend(complaints.iter().map(|text| FieldError::invalid(field.as_str(), name, text)));
        if !names.insert(name) {
            errors.push(FieldError::duplicate(field, name));
        }
    }
    let image = text(container, "/image");
    if image.is_empty() {
        errors.push(FieldError::required(format!("{path}.image"), ""));
    } else if image != image.trim() {
        let detail = "must not have leading or trailing whitespace";
        errors.push(FieldError::invalid(format!("{path}.image"), image, detail));
    }
    errors.extend(validate_ports(list(container, "/ports"), path));
    errors
}

fn validate_ports(ports: &[Value], path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut names = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let path = format!("{path}.ports[{index}]");
        let name = text(port, "/name");
        if !name.is_empty() {
            let complaints = format::port_name(name);
            let bad = !complaints.is_empty();
            errors.extend(
                complaints.iter().map(|text| FieldError::invalid(format!("{path}.name"), name, text)),
            );
            if !bad && !names.insert(name) {
                errors.push(FieldError::duplicate(format!("{path}.name"), name));
            }
        }
        match port.get("containerPort").and_then(Value::as_i64).unwrap_or_default() {
            0 => errors.push(FieldError::required(format!("{path}.containerPort"), "")),
            number => {
                let complaints = format::port_number(number);
                let field = format!("{path}.containerPort");
                errors
                    .extend(complaints.iter().map(|text| FieldError::invalid(field.as_str(), number, text)));
            }
        }
        match text(port, "/protocol") {
            "" => errors.push(FieldError::required(format!("{path}.protocol"), "")),
            protocol if PROTOCOLS.contains(&protocol) => {}
            protocol => {
                errors.push(FieldError::not_supported(format!("{path}.protocol"), protocol, &PROTOCOLS));
            }
        }
    }
    errors
}

/// The spec without what an update may change. Since there is no binding subresource here, an update may also give a
/// pod its node.
fn fixed_part(object: &Value, old: &Value) -> Value {
    let mut spec = object.get("spec").cloned().unwrap_or_default();
    if let Some(spec) = spec.as_object_mut() {
        for field in ["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds"] {
            spec.remove(field);
        }
        if text(old, "/spec/nodeName").is_empty() {
            spec.remove("nodeName");
        }
    }
    for key in ["/containers", "/initContainers"] {
        for container in list_mut(&mut spec, key).filter_map(Value::as_object_mut) {
            container.remove("image");
        }
    }
    spec
}

#[cfg(test)]
mod tests;
