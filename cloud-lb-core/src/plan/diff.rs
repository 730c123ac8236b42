use serde::Serialize;
use serde_json::Value;

/// One field that differs. Paths are dotted, list items are numbered: `healthCheck.port`, `ports[0]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldChange {
    /// Path within the spec.
    pub path: String,
    /// Observed value; `null` if absent.
    pub from: Value,
    /// Desired value; `null` if absent.
    pub to: Value,
}

/// When the old resource goes while it is being replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplaceOrder {
    /// Before the new one is made: both cannot exist at once. What refers to it is replaced with it.
    DeleteFirst,
    /// After the new one is in use: no interruption.
    CreateFirst,
}

/// What it takes to turn one state into another.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Nothing.
    Same,
    /// A change in place of these fields.
    Update(Vec<FieldChange>),
    /// A new resource.
    Replace {
        /// Why a change in place is impossible, for example `scheme cannot be changed`.
        why: String,
        /// Which goes first.
        order: ReplaceOrder,
    },
}

impl Change {
    /// The change between two specs of which some fields (by the start of their path) are fixed once
    /// the resource exists.
    pub fn between<S: Serialize>(have: &S, want: &S, fixed: &[&str], order: ReplaceOrder) -> Self {
        let fields = field_changes(have, want);
        if fields.is_empty() {
            return Self::Same;
        }
        let is_fixed = |change: &&FieldChange| {
            fixed.iter().any(|path| {
                change
                    .path
                    .strip_prefix(path)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            })
        };
        match fields.iter().find(is_fixed) {
            None => Self::Update(fields),
            Some(change) => Self::Replace {
                why: format!("{} cannot be changed from {} to {}", change.path, change.from, change.to),
                order,
            },
        }
    }
}

/// The leaves in which two values differ, as they serialise.
pub fn field_changes<S: Serialize>(have: &S, want: &S) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    let as_json = |spec: &S| serde_json::to_value(spec).unwrap_or(Value::Null);
    compare("", &as_json(have), &as_json(want), &mut changes);
    changes
}

fn compare(path: &str, from: &Value, to: &Value, changes: &mut Vec<FieldChange>) {
    match (from, to) {
        (Value::Object(old), Value::Object(new)) if !is_reference(from) && !is_reference(to) => {
            let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
            names.sort();
            names.dedup();
            for name in names {
                let at = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                compare(
                    &at,
                    old.get(name).unwrap_or(&Value::Null),
                    new.get(name).unwrap_or(&Value::Null),
                    changes,
                );
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (from, to)) in old.iter().zip(new).enumerate() {
                compare(&format!("{path}[{index}]"), from, to, changes);
            }
        }
        _ if from == to => {}
        _ => changes.push(FieldChange { path: path.to_owned(), from: from.clone(), to: to.clone() }),
    }
}

fn is_reference(value: &Value) -> bool {
    value.get("ref").is_some() && value.get("output").is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn leaves_are_named_by_path() {
        let changes = field_changes(
            &json!({"a": {"b": 1, "c": 2}, "list": [1, 2], "same": true}),
            &json!({"a": {"b": 3}, "list": [1, 9], "same": true}),
        );
        let paths: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
        assert_eq!(paths, ["a.b", "a.c", "list[1]"]);
    }

    #[test]
    fn a_list_of_another_length_is_one_change() {
        let changes = field_changes(&json!({"targets": ["a"]}), &json!({"targets": ["a", "b"]}));
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].to, json!(["a", "b"]));
    }

    #[test]
    fn a_fixed_field_forces_a_replacement_and_says_so() {
        let change = Change::between(
            &json!({"scheme": "internal", "port": 1}),
            &json!({"scheme": "internet-facing", "port": 1}),
            &["scheme"],
            ReplaceOrder::DeleteFirst,
        );
        let Change::Replace { why, .. } = change else { panic!("{change:?}") };
        assert_eq!(why, r#"scheme cannot be changed from "internal" to "internet-facing""#);
    }

    #[test]
    fn a_fixed_prefix_does_not_catch_a_longer_name() {
        let change = Change::between(
            &json!({"portRange": 1}),
            &json!({"portRange": 2}),
            &["port"],
            ReplaceOrder::DeleteFirst,
        );
        assert!(matches!(change, Change::Update(_)));
    }
}
