//! Error texts of aws-load-balancer-controller, which people search for and alert on.

use cloud_lb_core::error::Violation;

use super::table::{ALPN_POLICIES, TABLE};

/// The violation with the text that it has had for years, if it has one.
pub(super) fn of_upstream(violation: Violation) -> Violation {
    let key = violation.field.strip_prefix(TABLE.prefix).unwrap_or_default();
    match reason(key, &violation) {
        Some(reason) => Violation::because(violation.field, violation.value, reason),
        None => violation,
    }
}

fn reason(key: &str, violation: &Violation) -> Option<String> {
    let Violation { field, value, .. } = violation;
    Some(match key {
        "scheme" => format!("unknown scheme: {value}"),
        "ip-address-type" => format!("unknown IPAddressType: {value}"),
        "alpn-policy" => {
            let policies = ALPN_POLICIES.join(", ");
            format!("invalid ALPN policy {value}, policy must be one of [{policies}]")
        }
        "proxy-protocol" => format!(
            "invalid value {value} for Load Balancer proxy protocol v2 annotation, only value currently supported is *"
        ),
        "inbound-sg-rules-on-private-link-traffic" => format!(
            "Invalid value for securityGroupsInboundRulesOnPrivateLink status: {value}, value must be one of [on, off]"
        ),
        "enable-prefix-for-ipv6-source-nat" => format!(
            "Invalid enable-prefix-for-ipv6-source-nat value: {value}. Valid values are ['on', 'off']."
        ),
        _ if is_map(key) => format!("failed to parse stringMap annotation, {field}: {value}"),
        _ => return None,
    })
}

fn is_map(key: &str) -> bool {
    const MAPS: [&str; 5] = [
        "attributes",
        "minimum-load-balancer-capacity",
        "target-group-attributes",
        "additional-resource-tags",
        "target-node-labels",
    ];
    MAPS.contains(&key)
        || ["listener-attributes.", "target-group-attributes."].iter().any(|f| key.starts_with(f))
}
