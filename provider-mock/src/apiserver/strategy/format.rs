//! Forms of names, labels, ports and addresses, with the API server's words for what is wrong with them
//! (`k8s.io/apimachinery/pkg/util/validation`). Each check returns its complaints; none means valid.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const LABEL_1035: &str = "[a-z]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN: &str = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const QUALIFIED: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

/// RFC 1035 and RFC 1123 allow a label 63 bytes.
const LABEL_LIMIT: usize = 63;
/// RFC 1123 allows a name 253 bytes.
const SUBDOMAIN_LIMIT: usize = 253;

const IP_MESSAGE: &str = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const CIDR_MESSAGE: &str = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
const LABEL_MESSAGE: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', \
    and must start and end with an alphanumeric character";
const LABEL_1035_MESSAGE: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', \
    start with an alphabetic character, and end with an alphanumeric character";
const SUBDOMAIN_MESSAGE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric \
    characters, '-' or '.', and must start and end with an alphanumeric character";
const QUALIFIED_MESSAGE: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end \
    with an alphanumeric character";
const LABEL_VALUE_MESSAGE: &str = "a valid label must be an empty string or consist of alphanumeric characters, \
    '-', '_' or '.', and must start and end with an alphanumeric character";

/// A DNS label (RFC 1123).
pub(super) fn dns1123_label(value: &str) -> Vec<String> {
    let mut complaints = too_long(value, LABEL_LIMIT);
    if !is_label(value) {
        complaints.push(if is_subdomain(value) {
            "must not contain dots".to_owned()
        } else {
            pattern(LABEL_MESSAGE, LABEL, &["my-name", "123-abc"])
        });
    }
    complaints
}

/// A DNS label that starts with a letter (RFC 1035).
pub(super) fn dns1035_label(value: &str) -> Vec<String> {
    let mut complaints = too_long(value, LABEL_LIMIT);
    if !is_label(value) || !value.starts_with(|c: char| c.is_ascii_lowercase()) {
        complaints.push(pattern(LABEL_1035_MESSAGE, LABEL_1035, &["my-name", "abc-123"]));
    }
    complaints
}

/// A DNS name (RFC 1123).
pub(super) fn dns1123_subdomain(value: &str) -> Vec<String> {
    let mut complaints = too_long(value, SUBDOMAIN_LIMIT);
    if !is_subdomain(value) {
        complaints.push(pattern(SUBDOMAIN_MESSAGE, SUBDOMAIN, &["example.com"]));
    }
    complaints
}

/// A qualified name, such as the key of a label: `name` or `example.com/name`.
pub(super) fn qualified_name(value: &str) -> Vec<String> {
    const EXAMPLES: [&str; 3] = ["MyName", "my.name", "123-abc"];
    let mut complaints = Vec::new();
    let name = match value.split_once('/') {
        None => value,
        Some((_, name)) if name.contains('/') => {
            let text = pattern(QUALIFIED_MESSAGE, QUALIFIED, &EXAMPLES);
            let prefix = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            return vec![format!("a qualified name {text} {prefix}")];
        }
        Some(("", name)) => {
            complaints.push("prefix part must be non-empty".to_owned());
            name
        }
        Some((prefix, name)) => {
            complaints.extend(dns1123_subdomain(prefix).iter().map(|text| format!("prefix part {text}")));
            name
        }
    };
    if name.is_empty() {
        complaints.push("name part must be non-empty".to_owned());
    }
    complaints.extend(too_long(name, LABEL_LIMIT).iter().map(|text| format!("name part {text}")));
    if !is_qualified(name) {
        complaints.push(format!("name part {}", pattern(QUALIFIED_MESSAGE, QUALIFIED, &EXAMPLES)));
    }
    complaints
}

/// The value of a label.
pub(super) fn label_value(value: &str) -> Vec<String> {
    let mut complaints = too_long(value, LABEL_LIMIT);
    if !value.is_empty() && !is_qualified(value) {
        let form = format!("({QUALIFIED})?");
        complaints.push(pattern(LABEL_VALUE_MESSAGE, &form, &["MyValue", "my_value", "12345"]));
    }
    complaints
}

/// A port number.
pub(super) fn port_number(value: i64) -> Vec<String> {
    if (1..=65_535).contains(&value) {
        vec![]
    } else {
        vec!["must be between 1 and 65535, inclusive".to_owned()]
    }
}

/// The name of a port (RFC 6335).
pub(super) fn port_name(value: &str) -> Vec<String> {
    let mut complaints = too_long(value, 15);
    let rules: [(bool, &str); 4] = [
        (
            !value.is_empty() && value.bytes().all(is_label_byte),
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
        ),
        (value.bytes().any(|byte| byte.is_ascii_lowercase()), "must contain at least one letter (a-z)"),
        (!value.contains("--"), "must not contain consecutive hyphens"),
        (!value.starts_with('-') && !value.ends_with('-'), "must not begin or end with a hyphen"),
    ];
    complaints.extend(rules.iter().filter(|(holds, _)| !holds).map(|(_, text)| (*text).to_owned()));
    complaints
}

/// A key in the data of a `ConfigMap` or a Secret.
pub(super) fn config_key(value: &str) -> Vec<String> {
    const MESSAGE: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
    let mut complaints = too_long(value, SUBDOMAIN_LIMIT);
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if value.is_empty() || !value.bytes().all(valid) {
        complaints.push(pattern(MESSAGE, "[-._a-zA-Z0-9]+", &["key.name", "KEY_NAME", "key-name"]));
    }
    match value {
        "." => complaints.push("must not be '.'".to_owned()),
        ".." => complaints.push("must not be '..'".to_owned()),
        _ if value.starts_with("..") => complaints.push("must not start with '..'".to_owned()),
        _ => {}
    }
    complaints
}

/// An IP address, as the legacy fields take it: leading zeros are allowed.
pub(super) fn ip(value: &str) -> Vec<String> {
    if parse_ip(value).is_some() { vec![] } else { vec![IP_MESSAGE.to_owned()] }
}

/// A range of addresses; bits of the host may be set.
pub(super) fn cidr(value: &str) -> Vec<String> {
    if parse_cidr(value).is_some() { vec![] } else { vec![CIDR_MESSAGE.to_owned()] }
}

/// Parses a range as [`cidr`] takes it.
pub(super) fn parse_cidr(value: &str) -> Option<IpNet> {
    let (address, prefix) = value.split_once('/')?;
    IpNet::new(parse_ip(address)?, prefix.parse().ok()?).ok()
}

/// Parses an address as [`ip`] takes it. IPv4-mapped IPv6 addresses are IPv4 addresses, as in Go.
pub(super) fn parse_ip(value: &str) -> Option<IpAddr> {
    if let Ok(address) = value.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    let octets = value.split('.').map(|octet| {
        let digits = !octet.is_empty() && octet.bytes().all(|byte| byte.is_ascii_digit());
        if digits { octet.parse::<u8>().ok() } else { None }
    });
    let octets: [u8; 4] = octets.collect::<Option<Vec<u8>>>()?.try_into().ok()?;
    Some(Ipv4Addr::from(octets).into())
}

/// What is wrong with the address of an endpoint. Unlike the real server this one takes loopback addresses: the pods
/// and nodes of this mock live there.
pub(super) fn endpoint_ip(value: &str) -> Vec<String> {
    match parse_ip(value) {
        Some(address) if address.is_loopback() => vec![],
        _ => special_ip(value),
    }
}

/// What is wrong with an address that is to be reached from elsewhere.
pub(super) fn special_ip(value: &str) -> Vec<String> {
    let Some(address) = parse_ip(value) else { return vec!["must be a valid IP address".to_owned()] };
    let (link_local, link_local_multicast) = match address {
        IpAddr::V4(v4) => (v4.is_link_local(), v4.octets().starts_with(&[224, 0, 0])),
        IpAddr::V6(v6) => {
            (v6.is_unicast_link_local(), v6.segments().first().is_some_and(|s| s & 0xff0f == 0xff02))
        }
    };
    let rules = [
        (address.is_unspecified(), format!("may not be unspecified ({value})")),
        (address.is_loopback(), "may not be in the loopback range (127.0.0.0/8, ::1/128)".to_owned()),
        (link_local, "may not be in the link-local range (169.254.0.0/16, fe80::/10)".to_owned()),
        (
            link_local_multicast,
            "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)".to_owned(),
        ),
    ];
    rules.into_iter().filter(|(broken, _)| *broken).map(|(_, text)| text).collect()
}

fn too_long(value: &str, limit: usize) -> Vec<String> {
    if value.len() > limit { vec![format!("must be no more than {limit} bytes")] } else { vec![] }
}

/// The server's wording for a value that does not match a pattern, odd commas included.
fn pattern(message: &str, form: &str, examples: &[&str]) -> String {
    let examples: Vec<String> = examples.iter().map(|example| format!("'{example}', ")).collect();
    format!("{message} (e.g. {}regex used for validation is '{form}')", examples.join(" or "))
}

fn is_label_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

fn is_label(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(is_label_byte) && !value.starts_with('-') && !value.ends_with('-')
}

fn is_subdomain(value: &str) -> bool {
    value.split('.').all(is_label)
}

fn is_qualified(value: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let ends = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    value.bytes().all(inner) && ends(value.bytes().next()) && ends(value.bytes().next_back())
}

#[cfg(test)]
mod tests;
