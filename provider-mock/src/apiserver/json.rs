//! Reading and writing JSON objects by path.
//!
//! The objects of the API are kept as they came, so that fields which this server does not know
//! survive. These helpers read them without ever failing: what is absent reads as empty.

use serde_json::{Map, Value};

/// The text at `pointer`, or the empty string.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The list at `pointer`, or an empty one.
pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The entries of the map at `pointer`, or none.
pub(crate) fn entries<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value.pointer(pointer).and_then(Value::as_object).into_iter().flatten()
}

/// The map inside `value`, which becomes an empty map if it is none.
pub(crate) fn object_mut(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("made an object above"),
    }
}

/// The map at `key` of `value`, made if it is absent.
pub(crate) fn child_mut<'a>(value: &'a mut Value, key: &str) -> &'a mut Map<String, Value> {
    object_mut(object_mut(value).entry(key).or_insert(Value::Null))
}

/// Sets `key` of `value`, or removes it where there is nothing to set.
pub(crate) fn put(value: &mut Value, key: &str, new: Option<Value>) {
    let map = object_mut(value);
    match new {
        Some(new) => map.insert(key.to_owned(), new),
        None => map.remove(key),
    };
}
