//! Nodes.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Strategy, entries, format, keep, list, meta, text};
use crate::apiserver::allocate::Allocators;
use crate::apiserver::field::{FieldError, distinct};

/// The strategy of Nodes.
#[derive(Debug)]
pub(super) struct NodeStrategy;

impl Strategy for NodeStrategy {
    fn default(&self, object: &mut Value) {
        let Some(status) = object.pointer_mut("/status").and_then(Value::as_object_mut) else { return };
        if let (None, Some(capacity)) = (status.get("allocatable"), status.get("capacity").cloned()) {
            status.insert("allocatable".to_owned(), capacity);
        }
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
        let mut errors = meta::validate(object, meta::CLUSTER_SUBDOMAIN);
        errors.extend(validate_taints(object));
        errors.extend(validate_resources(object));
        errors.extend(validate_pod_cidrs(object));
        errors
    }

    fn validate_update(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        errors.extend(validate_resources(object));
        errors.extend(validate_addresses(object));
        errors.extend(validate_set_once(object, old));
        errors.extend(validate_taints(object));
        distinct(errors)
    }

    fn validate_status(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        self.validate_update(object, old)
    }
}

/// The server names taints under `metadata`, though they are under `spec`.
fn validate_taints(object: &Value) -> Vec<FieldError> {
    let mut seen = BTreeSet::new();
    let mut errors = Vec::new();
    for (index, taint) in list(object, "/spec/taints").iter().enumerate() {
        let path = format!("metadata.taints[{index}]");
        let (key, value, effect) = (text(taint, "/key"), text(taint, "/value"), text(taint, "/effect"));
        let complaints = format::qualified_name(key);
        errors.extend(complaints.iter().map(|text| FieldError::invalid(format!("{path}.key"), key, text)));
        let complaints = format::label_value(value);
        if !complaints.is_empty() {
            errors.push(FieldError::invalid(format!("{path}.value"), value, complaints.join(";")));
        }
        errors.extend(validate_effect(effect, &format!("{path}.effect")));
        if !seen.insert((effect, key)) {
            let mut error = FieldError::duplicate(path, taint.clone());
            error.message.push_str(": taints must be unique by key and effect pair");
            errors.push(error);
        }
    }
    errors
}

fn validate_effect(effect: &str, field: &str) -> Option<FieldError> {
    const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
    match effect {
        "" => Some(FieldError::required(field, "")),
        effect if EFFECTS.contains(&effect) => None,
        effect => Some(FieldError::not_supported(field, effect, &EFFECTS)),
    }
}

fn validate_resources(object: &Value) -> Vec<FieldError> {
    let negative = |kind: &'static str| {
        let pointer = format!("/status/{kind}");
        let quantities = entries(object, &pointer);
        let negative: Vec<_> =
            quantities.filter(|(_, quantity)| text(quantity, "").starts_with('-')).collect();
        negative.into_iter().map(move |(name, quantity)| {
            let detail = "must be greater than or equal to 0";
            FieldError::invalid(format!("status.{kind}.{name}"), quantity.clone(), detail)
        })
    };
    negative("capacity").chain(negative("allocatable")).collect()
}

fn validate_pod_cidrs(object: &Value) -> Vec<FieldError> {
    const FIELD: &str = "spec.podCIDRs";
    let ranges: Vec<&str> = list(object, "/spec/podCIDRs").iter().map(|range| text(range, "")).collect();
    let mut errors = Vec::new();
    for (index, range) in ranges.iter().enumerate() {
        let field = format!("{FIELD}[{index}]");
        errors
            .extend(format::cidr(range).iter().map(|text| FieldError::invalid(field.as_str(), *range, text)));
    }
    let families: Vec<bool> =
        ranges.iter().filter_map(|range| format::parse_cidr(range)).map(|net| net.addr().is_ipv4()).collect();
    let dual = matches!(families.as_slice(), [one, two] if one != two);
    if ranges.len() > 1 && !dual {
        let detail = "may specify no more than one CIDR for each IP family";
        errors.push(FieldError::invalid(FIELD, list(object, "/spec/podCIDRs"), detail));
    }
    errors
}

fn validate_addresses(object: &Value) -> Vec<FieldError> {
    let addresses = list(object, "/status/addresses");
    let twice = addresses
        .iter()
        .enumerate()
        .filter(|(index, address)| addresses.iter().take(*index).any(|other| other == *address));
    twice
        .map(|(index, address)| FieldError::duplicate(format!("status.addresses[{index}]"), address.clone()))
        .collect()
}

/// What may be set and then stays.
fn validate_set_once(object: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let ranges = list(old, "/spec/podCIDRs");
    if !ranges.is_empty() && ranges != list(object, "/spec/podCIDRs") {
        let detail = r#"node updates may not change podCIDR except from "" to valid"#;
        errors.push(FieldError::forbidden("spec.podCIDRs", detail));
    }
    let provider = text(old, "/spec/providerID");
    if !provider.is_empty() && provider != text(object, "/spec/providerID") {
        let detail = r#"node updates may not change providerID except from "" to valid"#;
        errors.push(FieldError::forbidden("spec.providerID", detail));
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

    fn node() -> Value {
        json!({
            "metadata": {"name": "n1", "uid": "u", "resourceVersion": "1"},
            "spec": {"providerID": "mock://n1", "podCIDRs": ["10.1.0.0/24", "fd00::/64"],
                "taints": [{"key": "a/b", "effect": "NoSchedule"}, {"key": "a/b", "effect": "NoExecute"}]},
            "status": {"capacity": {"cpu": "4"}},
        })
    }

    #[test]
    fn a_good_node_passes_and_allocatable_follows_capacity() {
        let mut node = node();
        NodeStrategy.default(&mut node);
        assert_eq!(node["status"]["allocatable"], json!({"cpu": "4"}));
        assert_eq!(NodeStrategy.validate_create(&node), vec![]);
    }

    #[test]
    fn an_update_leaves_the_status_and_what_is_set_once() {
        let old = node();
        let mut new = node();
        new["status"] = json!({});
        NodeStrategy.prepare_update(&mut new, &old, &mut Allocators::default()).unwrap();
        assert_eq!(new["status"], old["status"]);
        new["spec"] = json!({"providerID": "mock://n2", "unschedulable": true});
        assert_eq!(
            texts(&NodeStrategy.validate_update(&new, &old)),
            [
                r#"spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid"#,
                r#"spec.providerID: Forbidden: node updates may not change providerID except from "" to valid"#,
            ]
        );
    }

    #[test]
    fn bad_taints_addresses_and_ranges() {
        let mut node = node();
        node["spec"]["taints"] = json!([{"key": "a", "effect": "Never"}, {"key": "a", "value": "b", "effect": "Never"}, {"key": "c"}]);
        node["spec"]["podCIDRs"] = json!(["10.0.0.0/8", "10.1.0.0/33"]);
        let supported = r#"supported values: "NoSchedule", "PreferNoSchedule", "NoExecute""#;
        assert_eq!(
            texts(&NodeStrategy.validate_create(&node)),
            [
                format!(r#"metadata.taints[0].effect: Unsupported value: "Never": {supported}"#),
                format!(r#"metadata.taints[1].effect: Unsupported value: "Never": {supported}"#),
                r#"metadata.taints[1]: Duplicate value: {"effect":"Never","key":"a","value":"b"}: taints must be unique by key and effect pair"#.to_owned(),
                "metadata.taints[2].effect: Required value".to_owned(),
                r#"spec.podCIDRs[1]: Invalid value: "10.1.0.0/33": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"#.to_owned(),
                r#"spec.podCIDRs: Invalid value: ["10.0.0.0/8","10.1.0.0/33"]: may specify no more than one CIDR for each IP family"#.to_owned(),
            ]
        );
        node["status"]["addresses"] = json!([{"type": "InternalIP", "address": "1.2.3.4"}, {"type": "InternalIP", "address": "1.2.3.4"}]);
        node["spec"] = json!({"providerID": "mock://n1", "podCIDRs": ["10.1.0.0/24", "fd00::/64"]});
        assert_eq!(
            texts(&NodeStrategy.validate_status(&node, &super::tests::node())),
            [r#"status.addresses[1]: Duplicate value: {"address":"1.2.3.4","type":"InternalIP"}"#]
        );
    }
}
