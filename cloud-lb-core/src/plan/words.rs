//! Values and changes in words.

use std::fmt;

use serde_json::Value;

/// Items of a list that are named before the rest is counted.
const NAMED_ITEMS: usize = 5;

/// Characters of a line of fields.
const LINE_LENGTH: usize = 90;

/// Fields that say nothing to a person who reads a plan: names and marks that we give.
const SILENT: [&str; 2] = ["name", "tags"];

/// A value in a few words: references by the resource they lead to, objects by what identifies them.
pub(super) struct Brief<'a>(pub(super) &'a Value);

impl fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null => f.write_str("none"),
            Value::String(text) if text.is_empty() => f.write_str("\"\""),
            Value::String(text) => f.write_str(text),
            Value::Array(items) if items.is_empty() => f.write_str("none"),
            Value::Array(items) => {
                let named = items.iter().take(NAMED_ITEMS).map(item).collect::<Vec<_>>().join(", ");
                match items.len().checked_sub(NAMED_ITEMS).filter(|rest| *rest > 0) {
                    Some(rest) => write!(f, "{named} and {rest} more"),
                    None => f.write_str(&named),
                }
            }
            Value::Object(fields) => match fields.get("ref") {
                Some(Value::String(to)) => f.write_str(to),
                _ => f.write_str(&told(fields.iter()).collect::<Vec<_>>().join(", ")),
            },
            other => write!(f, "{other}"),
        }
    }
}

/// What is to be made, without names and tags, in lines of about [`LINE_LENGTH`].
pub(super) fn summary(spec: &Value) -> Vec<String> {
    let Some(fields) = spec.as_object() else { return vec![Brief(spec).to_string()] };
    let silent = |name: &str| SILENT.iter().any(|silent| silent.eq_ignore_ascii_case(name));
    let mut lines: Vec<String> = Vec::new();
    for field in told(fields.iter().filter(|(name, _)| !silent(name))) {
        match lines.last_mut() {
            Some(line) if line.chars().count() + field.chars().count() < LINE_LENGTH => {
                line.push_str(" · ");
                line.push_str(&field);
            }
            _ => lines.push(field),
        }
    }
    lines
}

/// A change: of lists what comes and goes, of other values the old and the new.
pub(super) fn change(from: &Value, to: &Value) -> String {
    let (Value::Array(old), Value::Array(new)) = (from, to) else {
        return format!("{} -> {}", Brief(from), Brief(to));
    };
    let missing_in = |others: &[Value], all: &[Value]| -> Vec<Value> {
        all.iter().filter(|value| !others.contains(value)).cloned().collect()
    };
    let (gone, come) = (missing_in(new, old), missing_in(old, new));
    let part = |sign: char, items: Vec<Value>| {
        (!items.is_empty()).then(|| format!("{sign} {}", Brief(&Value::Array(items))))
    };
    let parts: Vec<String> = [part('+', come), part('-', gone)].into_iter().flatten().collect();
    if parts.is_empty() { "in another order".to_owned() } else { parts.join("  ") }
}

fn told<'a>(fields: impl Iterator<Item = (&'a String, &'a Value)>) -> impl Iterator<Item = String> {
    fields.filter(|(_, value)| !value.is_null()).map(|(name, value)| format!("{name} {}", Brief(value)))
}

/// An item of a list: an object by its first text, which names it, where it has one. Pairs are told as such,
/// and what has numbers beside lists, such as the rule of a firewall, in full.
fn item(value: &Value) -> String {
    let Value::Object(fields) = value else { return Brief(value).to_string() };
    if let (Some(Value::String(key)), Some(Value::String(value))) = (fields.get("Key"), fields.get("Value")) {
        return format!("{key}={value}");
    }
    if fields.values().any(Value::is_number) && fields.values().any(Value::is_array) {
        return format!("({})", Brief(value));
    }
    let name = fields.values().find(|value| value.is_string()).filter(|_| !fields.contains_key("ref"));
    Brief(name.unwrap_or(value)).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_summary_leaves_out_names_and_tags_and_names_references() {
        let spec = json!({
            "Name": "x", "tags": {"a": "b"}, "port": 80, "absent": null,
            "loadBalancer": {"ref": "LoadBalancer/main", "output": "id"},
            "targets": [{"addresses": ["192.0.2.1"], "node": "node-1"}, {"addresses": [], "node": "node-2"}],
            "healthCheck": {"path": "/healthz", "port": 10256},
        });
        assert_eq!(
            summary(&spec),
            [
                "healthCheck path /healthz, port 10256 · loadBalancer LoadBalancer/main · port 80",
                "targets node-1, node-2"
            ]
        );
    }

    #[test]
    fn pairs_and_rules_of_a_list_are_told_in_full() {
        assert_eq!(Brief(&json!([{"Key": "a.b", "Value": "true"}])).to_string(), "a.b=true");
        let rule = json!([{"FromPort": 80, "IpProtocol": "tcp", "IpRanges": [{"CidrIp": "10.0.0.0/8"}], "ToPort": 80}]);
        assert_eq!(Brief(&rule).to_string(), "(FromPort 80, IpProtocol tcp, IpRanges 10.0.0.0/8, ToPort 80)");
    }

    #[test]
    fn long_lists_are_counted() {
        assert_eq!(Brief(&json!([1, 2, 3, 4, 5, 6, 7])).to_string(), "1, 2, 3, 4, 5 and 2 more");
        assert_eq!(Brief(&json!([1, 2, 3, 4, 5])).to_string(), "1, 2, 3, 4, 5");
    }

    #[test]
    fn changed_lists_tell_what_comes_and_goes() {
        assert_eq!(change(&json!(["a", "b"]), &json!(["b", "c"])), "+ c  - a");
        assert_eq!(change(&json!(["a", "b"]), &json!(["b", "a"])), "in another order");
        assert_eq!(change(&json!(null), &json!(80)), "none -> 80");
    }
}
