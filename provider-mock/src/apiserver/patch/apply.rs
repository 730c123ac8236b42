//! Server-side apply, simplified.
//!
//! Kept, as in the real server: the manager's own fields are recorded in `metadata.managedFields`;
//! fields that it applied before and leaves out now are removed unless another manager also applied
//! them; a field that another *apply* manager owns with another value is a conflict without `force`,
//! and changes hands with it. Not kept: ownership by ordinary updates (`operation: Update`) is not
//! recorded, so a field changed by `kubectl edit` is taken over without a conflict.

use super::lists::{ListMerge, rule};
use crate::apiserver::json::{child_mut, list, object_mut, text};
use crate::apiserver::meta;
use crate::apiserver::resource::Resource;
use crate::apiserver::status::ApiError;
use serde_json::{Map, Value, json};

/// Who applies, and whether it takes the fields of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApplyOptions {
    pub manager: String,
    pub force: bool,
}

/// Fields that every apply names without owning them.
const UNOWNED: [&str; 5] =
    ["apiVersion", "kind", "metadata.name", "metadata.namespace", "metadata.managedFields"];

/// The object after `manager` applied `wanted`; `object` is null where there is none yet.
pub(crate) fn server_side_apply(
    object: &Value,
    wanted: &Value,
    resource: Resource,
    options: &ApplyOptions,
) -> Result<Value, ApiError> {
    let owned = fields_of(wanted, resource, &mut Vec::new());
    let mut result = object.clone();
    let others: Vec<Value> =
        managers(object).filter(|entry| name_of(entry) != options.manager).cloned().collect();
    let conflicts = conflicts(object, wanted, &others, resource);
    if !conflicts.is_empty() && !options.force {
        return Err(ApiError::apply_conflict(&conflicts));
    }
    let previous = managers(object).find(|entry| name_of(entry) == options.manager);
    if let Some(previous) = previous {
        let mut gone = subtract(fields(previous), &owned);
        for other in &others {
            gone = subtract(&gone, fields(other));
        }
        remove(&mut result, &gone);
    }
    overlay(&mut result, wanted, resource, &mut Vec::new());
    // An apply that claims nothing new is no write: it keeps its time.
    let time = previous.filter(|entry| *fields(entry) == owned).map(|entry| text(entry, "/time").to_owned());
    let entry = json!({
        "manager": options.manager,
        "operation": "Apply",
        "apiVersion": wanted.get("apiVersion"),
        "time": time.unwrap_or_else(|| meta::format_time(meta::now())),
        "fieldsType": "FieldsV1",
        "fieldsV1": owned,
    });
    record(&mut result, others, entry, !conflicts.is_empty());
    Ok(result)
}

fn managers(object: &Value) -> impl Iterator<Item = &Value> {
    list(object, "/metadata/managedFields").iter().filter(|entry| text(entry, "/operation") == "Apply")
}

fn name_of(entry: &Value) -> &str {
    text(entry, "/manager")
}

fn fields(entry: &Value) -> &Value {
    entry.get("fieldsV1").unwrap_or(&Value::Null)
}

/// The set of fields in the `FieldsV1` form: `f:name` for a field, `k:{…}` and `v:…` for list elements.
fn fields_of<'a>(value: &'a Value, resource: Resource, path: &mut Vec<&'a str>) -> Value {
    let mut set = Map::new();
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                path.push(key);
                if !UNOWNED.contains(&path.join(".").as_str()) {
                    set.insert(format!("f:{key}"), fields_of(value, resource, path));
                }
                path.pop();
            }
        }
        Value::Array(list) => match rule(resource, path) {
            ListMerge::Atomic => {}
            ListMerge::Set => set.extend(list.iter().map(|element| (format!("v:{element}"), json!({})))),
            keyed @ ListMerge::By(..) => {
                for element in list {
                    set.insert(element_key(element, keyed), fields_of(element, resource, path));
                }
            }
        },
        _ => {}
    }
    Value::Object(set)
}

/// `k:{"port":80,"protocol":"TCP"}`: what makes the element the same one.
fn element_key(element: &Value, keyed: ListMerge) -> String {
    let ListMerge::By(first, second) = keyed else { return format!("v:{element}") };
    let mut key = Map::new();
    key.insert(first.to_owned(), element.get(first).cloned().unwrap_or_default());
    if let Some((second, default)) = second {
        key.insert(second.to_owned(), element.get(second).cloned().unwrap_or_else(|| json!(default)));
    }
    format!("k:{}", Value::Object(key))
}

/// The fields of `left` that are not in `right`; a field with some of its inner fields left stays.
fn subtract(left: &Value, right: &Value) -> Value {
    let mut rest = Map::new();
    for (key, inner) in left.as_object().into_iter().flatten() {
        match right.get(key) {
            None => {
                rest.insert(key.clone(), inner.clone());
            }
            Some(other) => {
                let inner = subtract(inner, other);
                if inner.as_object().is_some_and(|map| !map.is_empty()) {
                    rest.insert(key.clone(), inner);
                }
            }
        }
    }
    Value::Object(rest)
}

/// Whether a key of the set means `element`.
fn means(key: &str, element: &Value) -> bool {
    if let Some(plain) = key.strip_prefix("v:") {
        return serde_json::from_str::<Value>(plain).is_ok_and(|plain| plain == *element);
    }
    let parsed =
        key.strip_prefix("k:").and_then(|keys| serde_json::from_str::<Map<String, Value>>(keys).ok());
    parsed.is_some_and(|keys| {
        keys.iter().all(|(field, value)| match element.get(field) {
            Some(actual) => actual == value,
            // Only `protocol` has a default, which is what the key carries.
            None => field == "protocol" && value == "TCP",
        })
    })
}

/// Removes the fields of the set from `value`; containers stay where something else is in them.
fn remove(value: &mut Value, set: &Value) {
    for (key, inner) in set.as_object().into_iter().flatten() {
        let leaf = inner.as_object().is_none_or(Map::is_empty);
        match (key.strip_prefix("f:"), &mut *value) {
            (Some(field), Value::Object(map)) if leaf => {
                map.remove(field);
            }
            (Some(field), Value::Object(map)) => {
                if let Some(child) = map.get_mut(field) {
                    remove(child, inner);
                    if child.as_object().is_some_and(Map::is_empty)
                        || child.as_array().is_some_and(Vec::is_empty)
                    {
                        map.remove(field);
                    }
                }
            }
            (None, Value::Array(list)) => remove_element(list, key, inner),
            _ => {}
        }
    }
}

/// Removes a list element where its key fields go too; otherwise only the named fields of it.
fn remove_element(list: &mut Vec<Value>, key: &str, inner: &Value) {
    let keys = key.strip_prefix("k:").and_then(|keys| serde_json::from_str::<Map<String, Value>>(keys).ok());
    let whole = keys.is_none_or(|keys| keys.keys().any(|field| inner.get(format!("f:{field}")).is_some()));
    if whole {
        list.retain(|element| !means(key, element));
    } else if let Some(element) = list.iter_mut().find(|element| means(key, element)) {
        remove(element, inner);
    }
}

/// Writes `wanted` over `target`.
fn overlay<'a>(target: &mut Value, wanted: &'a Value, resource: Resource, path: &mut Vec<&'a str>) {
    match wanted {
        Value::Object(map) => {
            let target = object_mut(target);
            for (key, value) in map {
                path.push(key);
                if path.join(".") != "metadata.managedFields" {
                    overlay(target.entry(key).or_insert(Value::Null), value, resource, path);
                }
                path.pop();
            }
        }
        Value::Array(list) => overlay_list(target, list, resource, path),
        plain => *target = plain.clone(),
    }
}

fn overlay_list<'a>(target: &mut Value, wanted: &'a [Value], resource: Resource, path: &mut Vec<&'a str>) {
    let keyed = rule(resource, path);
    let current = match target {
        Value::Array(current) if keyed != ListMerge::Atomic => current,
        _ => {
            *target = Value::Array(wanted.to_vec());
            return;
        }
    };
    for element in wanted {
        let key = element_key(element, if keyed == ListMerge::Set { ListMerge::Atomic } else { keyed });
        match current.iter_mut().find(|existing| means(&key, existing)) {
            Some(existing) => overlay(existing, element, resource, path),
            None => current.push(element.clone()),
        }
    }
}

/// (manager, field) where another apply manager owns a field that `wanted` would change.
fn conflicts(object: &Value, wanted: &Value, others: &[Value], resource: Resource) -> Vec<(String, String)> {
    let mut changed = Vec::new();
    changed_leaves(object, wanted, resource, &mut (Vec::new(), String::new()), &mut changed);
    let owner = |set_path: &[String]| {
        let owns = |entry: &&Value| {
            let mut at = fields(entry);
            set_path.iter().all(|key| {
                at.get(key).is_some_and(|inner| {
                    at = inner;
                    true
                })
            })
        };
        others.iter().find(owns).map(|entry| name_of(entry).to_owned())
    };
    changed.into_iter().filter_map(|(set_path, shown)| Some((owner(&set_path)?, shown))).collect()
}

type Leaf = (Vec<String>, String);

/// The fields of `wanted` that exist in `object` with another value: their path in a set and as messages show it.
fn changed_leaves(object: &Value, wanted: &Value, resource: Resource, at: &mut Leaf, found: &mut Vec<Leaf>) {
    let names: Vec<String> =
        at.0.iter().filter_map(|key| key.strip_prefix("f:")).map(str::to_owned).collect();
    let path: Vec<&str> = names.iter().map(String::as_str).collect();
    match wanted {
        Value::Object(map) => {
            for (key, inner) in map {
                let Some(existing) = object.get(key) else { continue };
                descend(existing, inner, (format!("f:{key}"), format!(".{key}")), (resource, at, found));
            }
        }
        Value::Array(elements) if matches!(rule(resource, &path), ListMerge::By(..)) => {
            for element in elements {
                let key = element_key(element, rule(resource, &path));
                let existing = object.as_array().into_iter().flatten().find(|existing| means(&key, existing));
                let Some(existing) = existing else { continue };
                let shown = format!(
                    "[{}]",
                    key.trim_start_matches("k:{").trim_end_matches('}').replace("\":", "\"=")
                );
                descend(existing, element, (key, shown.replace('"', "")), (resource, at, found));
            }
        }
        Value::Array(_) if rule(resource, &path) == ListMerge::Set => {}
        plain if plain != object => found.push(at.clone()),
        _ => {}
    }
}

fn descend(
    existing: &Value,
    wanted: &Value,
    step: (String, String),
    (resource, at, found): (Resource, &mut Leaf, &mut Vec<Leaf>),
) {
    let length = at.1.len();
    at.0.push(step.0);
    at.1.push_str(&step.1);
    changed_leaves(existing, wanted, resource, at, found);
    at.0.pop();
    at.1.truncate(length);
}

/// Writes the owners in the order of their names; after a forced apply the others no longer own what
/// the new entry owns.
fn record(object: &mut Value, others: Vec<Value>, entry: Value, forced: bool) {
    let keep = |mut other: Value| {
        if forced {
            let rest = subtract(fields(&other), fields(&entry));
            object_mut(&mut other).insert("fieldsV1".to_owned(), rest);
        }
        other
    };
    let mut entries: Vec<Value> = others.into_iter().map(keep).collect();
    entries.push(entry);
    entries.sort_by(|left, right| name_of(left).cmp(name_of(right)));
    child_mut(object, "metadata").insert("managedFields".to_owned(), Value::Array(entries));
}

#[cfg(test)]
mod tests;
