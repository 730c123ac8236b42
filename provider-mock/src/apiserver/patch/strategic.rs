//! Strategic merge patch, as `k8s.io/apimachinery/pkg/util/strategicpatch` does it.

use super::lists::{ListMerge, rule};
use crate::apiserver::json::object_mut;
use crate::apiserver::resource::Resource;
use serde_json::{Map, Value};

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM: &str = "$deleteFromPrimitiveList/";
const ELEMENT_ORDER: &str = "$setElementOrder/";

/// Applies `patch` to `object`.
///
/// # Errors
/// A sentence for a malformed directive and for a list element without its merge key.
pub(crate) fn merge(object: &mut Value, patch: &Value, resource: Resource) -> Result<(), String> {
    let Value::Object(patch) = patch else {
        return Err("a strategic merge patch must be an object".to_owned());
    };
    merge_map(object, patch, &mut Position { resource, path: Vec::new() })
}

/// Where in the object the merge is.
struct Position<'a> {
    resource: Resource,
    path: Vec<&'a str>,
}

fn merge_map<'a>(
    target: &mut Value,
    patch: &'a Map<String, Value>,
    at: &mut Position<'a>,
) -> Result<(), String> {
    match patch.get(DIRECTIVE).map(Value::as_str) {
        None | Some(Some("merge")) => {}
        Some(Some("replace")) => {
            *target = Value::Object(patch.iter().filter(|(key, _)| *key != DIRECTIVE).map(owned).collect());
            return Ok(());
        }
        Some(Some("delete")) => {
            *target = Value::Object(Map::new());
            return Ok(());
        }
        Some(other) => return Err(format!("unknown patch type found: {}", other.unwrap_or("not a string"))),
    }
    let before = target.clone();
    if let Some(retained) = patch.get(RETAIN_KEYS) {
        let retained = retained.as_array().ok_or("$retainKeys must be a list")?;
        object_mut(target).retain(|key, _| retained.iter().any(|kept| kept == key));
    }
    for (key, value) in patch {
        if let Some(field) = key.strip_prefix(DELETE_FROM) {
            let gone = value.as_array().ok_or_else(|| format!("{key} must be a list"))?;
            if let Some(Value::Array(list)) = object_mut(target).get_mut(field) {
                list.retain(|element| !gone.contains(element));
            }
        } else if !key.starts_with('$') {
            at.path.push(key);
            merge_field(target, key, value, at)?;
            at.path.pop();
        }
    }
    reorder(target, &before, patch, at)
}

fn owned((key, value): (&String, &Value)) -> (String, Value) {
    (key.clone(), value.clone())
}

fn merge_field<'a>(
    target: &mut Value,
    key: &'a str,
    value: &'a Value,
    at: &mut Position<'a>,
) -> Result<(), String> {
    let map = object_mut(target);
    match value {
        Value::Null => {
            map.remove(key);
        }
        Value::Object(patch) if patch.get(DIRECTIVE).is_some_and(|directive| directive == "delete") => {
            map.remove(key);
        }
        Value::Object(patch) => merge_map(map.entry(key).or_insert(Value::Null), patch, at)?,
        Value::Array(patch) => {
            let entry = map.entry(key).or_insert(Value::Null);
            let current = entry.as_array().cloned().unwrap_or_default();
            *entry = Value::Array(merge_list(current, patch, at)?);
        }
        plain => {
            map.insert(key.to_owned(), plain.clone());
        }
    }
    Ok(())
}

fn merge_list<'a>(
    mut current: Vec<Value>,
    patch: &'a [Value],
    at: &mut Position<'a>,
) -> Result<Vec<Value>, String> {
    match rule(at.resource, &at.path) {
        ListMerge::Atomic => Ok(patch.to_vec()),
        ListMerge::Set => {
            for element in patch {
                if !current.contains(element) {
                    current.push(element.clone());
                }
            }
            Ok(current)
        }
        ListMerge::By(key, _) => merge_elements(current, patch, key, at),
    }
}

fn merge_elements<'a>(
    mut current: Vec<Value>,
    patch: &'a [Value],
    key: &str,
    at: &mut Position<'a>,
) -> Result<Vec<Value>, String> {
    let directive =
        |element: &Value, wanted: &str| element.get(DIRECTIVE).is_some_and(|found| found == wanted);
    if patch.iter().any(|element| directive(element, "replace")) {
        let plain = patch.iter().filter(|element| element.get(DIRECTIVE).is_none());
        return Ok(plain.cloned().collect());
    }
    for element in patch {
        let Some(map) = element.as_object() else {
            return Err(format!("{}: expected a map with the merge key {key}", at.path.join(".")));
        };
        let id = map
            .get(key)
            .ok_or_else(|| format!("map: {element} does not contain declared merge key: {key}"))?;
        if directive(element, "delete") {
            current.retain(|existing| existing.get(key) != Some(id));
            continue;
        }
        if let Some(existing) = current.iter_mut().find(|existing| existing.get(key) == Some(id)) {
            merge_map(existing, map, at)?;
        } else {
            let mut added = Value::Null;
            merge_map(&mut added, map, at)?;
            current.push(added);
        }
    }
    Ok(current)
}

/// Orders the lists for which the patch has a `$setElementOrder`.
fn reorder<'a>(
    target: &mut Value,
    before: &Value,
    patch: &'a Map<String, Value>,
    at: &mut Position<'a>,
) -> Result<(), String> {
    for (directive, order) in patch {
        let Some(field) = directive.strip_prefix(ELEMENT_ORDER) else { continue };
        let order = order.as_array().ok_or_else(|| format!("{directive} must be a list"))?;
        at.path.push(field);
        let key = match rule(at.resource, &at.path) {
            ListMerge::By(key, _) => Some(key),
            ListMerge::Set | ListMerge::Atomic => None,
        };
        at.path.pop();
        if let Some(Value::Array(list)) = object_mut(target).get_mut(field) {
            let stored = before.get(field).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            *list = in_order(std::mem::take(list), order, stored, key);
        }
    }
    Ok(())
}

/// Elements named in `order` take its order; another one comes before the first of them that it
/// preceded in `stored` (`mergeSortedSlice` of the original).
fn in_order(list: Vec<Value>, order: &[Value], stored: &[Value], key: Option<&str>) -> Vec<Value> {
    let id = |element: &Value| match key {
        Some(key) => element.get(key).cloned().unwrap_or_default(),
        None => element.clone(),
    };
    let place = |element: &Value, list: &[Value]| list.iter().position(|other| id(other) == id(element));
    let (mut named, others): (Vec<_>, Vec<_>) =
        list.into_iter().partition(|element| place(element, order).is_some());
    named.sort_by_key(|element| place(element, order));
    let mut merged = Vec::with_capacity(named.len() + others.len());
    let mut others = others.into_iter().peekable();
    for element in named {
        let limit = place(&element, stored).unwrap_or(0);
        while let Some(other) =
            others.next_if(|other| place(other, stored).is_some_and(|before| before < limit))
        {
            merged.push(other);
        }
        merged.push(element);
    }
    merged.extend(others);
    merged
}

#[cfg(test)]
mod tests;
