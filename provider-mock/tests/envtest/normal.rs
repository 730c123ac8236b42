//! What no two servers have in common, replaced by its shape: uids, versions, times, and the ports, addresses and names
//! that the server chose. What a request named itself is compared as it is.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::Value;

/// What the requests of a scenario have named so far.
#[derive(Debug, Default)]
pub(crate) struct Normal {
    named: BTreeSet<String>,
    /// Beginnings of names that the server is to complete.
    prefixes: BTreeSet<String>,
}

impl Normal {
    /// Takes note of every string and number of a request.
    pub(crate) fn name_all(&mut self, value: &Value) {
        match value {
            Value::String(text) => drop(self.named.insert(text.clone())),
            Value::Number(number) => drop(self.named.insert(number.to_string())),
            Value::Array(items) => items.iter().for_each(|item| self.name_all(item)),
            Value::Object(fields) => {
                self.prefixes
                    .extend(fields.get("generateName").and_then(Value::as_str).map(ToOwned::to_owned));
                fields.values().for_each(|item| self.name_all(item));
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    pub(crate) fn apply(&self, value: &Value) -> Value {
        self.field("", value)
    }

    fn field(&self, key: &str, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(key, text)),
            Value::Number(number) if self.is_chosen_port(key, &number.to_string()) => "<port>".into(),
            Value::Array(items) => items.iter().map(|item| self.field(key, item)).collect(),
            Value::Object(fields) => {
                // Whether a time that is not set is written as null depends on the version of the server.
                let fields =
                    fields.iter().filter(|(key, item)| *key != "creationTimestamp" || !item.is_null());
                Value::Object(fields.map(|(key, item)| (key.clone(), self.field(key, item))).collect())
            }
            other => other.clone(),
        }
    }

    fn text(&self, key: &str, text: &str) -> String {
        if self.named.contains(text) && key != "resourceVersion" {
            return text.to_owned();
        }
        match key {
            "resourceVersion" if is_number(text) => return "<version>".to_owned(),
            "continue" if !text.is_empty() => return "<continue>".to_owned(),
            "cells" if is_age(text) => return "<age>".to_owned(),
            _ => {}
        }
        if let Some(shape) = time_shape(text) {
            return shape.to_owned();
        }
        if let Some(family) = service_address(text) {
            return format!("<service {family}>");
        }
        self.inside(text)
    }

    /// The same inside of longer texts, such as messages.
    fn inside(&self, text: &str) -> String {
        let mut words = Vec::new();
        let text = without_object(text);
        let text = self.prefixes.iter().fold(text, |text, prefix| without_ending(&text, prefix));
        for word in text.split(' ') {
            let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
            let shape = if is_uid(bare) {
                "<uid>".to_owned()
            } else if bare.split('/').next().is_some_and(is_number) && is_version_after(&words) {
                "<version>".to_owned()
            } else if let Some((port, node)) = node_port(bare).filter(|(_, node)| !self.named.contains(*node))
            {
                bare.replacen(&format!("{port}:{node}"), &format!("{port}:<port>"), 1)
            } else {
                words.push(word.to_owned());
                continue;
            };
            words.push(word.replacen(bare, &shape, 1));
        }
        words.join(" ")
    }

    fn is_chosen_port(&self, key: &str, number: &str) -> bool {
        matches!(key, "nodePort" | "healthCheckNodePort")
            && in_port_range(number)
            && !self.named.contains(number)
    }
}

/// The text without the whole object that the refusal of a patch shows: it has all that this module replaces.
fn without_object(text: &str) -> String {
    const START: &str = "Invalid value: \"{";
    match (text.split_once(START), text.rsplit_once("}\": ")) {
        (Some((before, _)), Some((_, why))) => format!("{before}Invalid value: \"<object>\": {why}"),
        _ => text.to_owned(),
    }
}

/// The text with the five characters after a generated name's beginning replaced.
fn without_ending(text: &str, prefix: &str) -> String {
    let mut parts = text.split(prefix);
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let ending = part.bytes().take_while(u8::is_ascii_alphanumeric).count();
        whole.push_str(prefix);
        match part.split_at_checked(5) {
            Some((_, rest)) if ending == 5 => whole.extend(["<5>", rest]),
            _ => whole.push_str(part),
        }
    }
    whole
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether the words before announce a version: `... in record: 17`, `... resource version: 17`, `current: 17`.
fn is_version_after(words: &[String]) -> bool {
    words.last().is_some_and(|word| {
        matches!(word.as_str(), "version:" | "current:" | "record:" | "precondition:" | "meta:")
    })
}

fn is_uid(text: &str) -> bool {
    let parts: Vec<usize> = text.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

fn time_shape(text: &str) -> Option<&'static str> {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let (date, time) = text.split_once('T')?;
    match (date.len(), time.len(), digits) {
        (10, 9, 14) if time.ends_with('Z') => Some("<time>"),
        (10, 16, 20) if time.ends_with('Z') => Some("<micro time>"),
        _ => None,
    }
}

fn service_address(text: &str) -> Option<&'static str> {
    match text.parse::<IpAddr>().ok()? {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            (first == 10 && (96..112).contains(&second)).then_some("IPv4")
        }
        IpAddr::V6(address) => address.segments().starts_with(&[0xfd00, 0x10, 0x96]).then_some("IPv6"),
    }
}

/// `80:31234` of `80:31234/TCP`.
fn node_port(word: &str) -> Option<(&str, &str)> {
    let (ports, _) = word.split_once('/')?;
    let (port, node) = ports.split_once(':')?;
    (is_number(port) && in_port_range(node)).then_some((port, node))
}

fn in_port_range(text: &str) -> bool {
    text.parse::<u32>().is_ok_and(|port| (30_000..=32_767).contains(&port))
}

fn is_age(text: &str) -> bool {
    let units = text.trim_start_matches(|c: char| c.is_ascii_digit());
    text == "<invalid>" || text.len() > units.len() && matches!(units, "s" | "m" | "h" | "d")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_server_chose_is_told_by_its_shape_and_what_the_request_named_as_it_is() {
        let mut normal = Normal::default();
        normal.name_all(&json!({"metadata": {"generateName": "x-"},
                                "spec": {"ports": [{"nodePort": 30123}], "clusterIP": "10.96.0.7"}}));
        let answer = json!({
            "metadata": {"uid": "257b9655-5137-4ad2-b091-ef3f07043ad3", "resourceVersion": "17", "generateName": "x-",
                         "name": "x-abcde", "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"ports": [{"nodePort": 30123, "port": 31000}, {"nodePort": 30124}], "clusterIP": "10.96.0.7",
                     "clusterIPs": ["10.96.0.8", "fd00:10:96::5", "10.1.1.1"], "renewTime": "2026-01-01T00:00:00.123456Z"},
            "rows": [{"cells": ["a", "12s", "80:30124/TCP,81:30123/TCP"]}],
            "message": "the UID 257b9655-5137-4ad2-b091-ef3f07043ad3, current: 17, 12 of them, \"x-12345\""});
        let expected = json!({
            "metadata": {"uid": "<uid>", "resourceVersion": "<version>", "generateName": "x-", "name": "x-<5>",
                         "creationTimestamp": "<time>"},
            "spec": {"ports": [{"nodePort": 30123, "port": 31000}, {"nodePort": "<port>"}], "clusterIP": "10.96.0.7",
                     "clusterIPs": ["<service IPv4>", "<service IPv6>", "10.1.1.1"], "renewTime": "<micro time>"},
            "rows": [{"cells": ["a", "<age>", "80:<port>/TCP,81:30123/TCP"]}],
            "message": "the UID <uid>, current: <version>, 12 of them, \"x-<5>\""});
        assert_eq!(normal.apply(&answer), expected);
    }

    #[test]
    fn the_object_in_the_refusal_of_a_patch_is_left_out() {
        let message = r#" "" is invalid: patch: Invalid value: "{\"kind\":\"Lease\"}": json: cannot"#;
        let expected = r#" "" is invalid: patch: Invalid value: "<object>": json: cannot"#;
        assert_eq!(Normal::default().apply(&json!(message)), json!(expected));
    }

    #[test]
    fn what_has_another_shape_stays() {
        let answer = json!({"uid": "none", "resourceVersion": "", "nodePort": 80, "time": "yesterday", "continue": ""});
        assert_eq!(Normal::default().apply(&answer), answer);
    }
}
