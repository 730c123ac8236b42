//! Finds the value that does not decode and says so in the words of Go's JSON decoder.
//!
//! A decoder stops at the first value of the wrong type. So of the children of an object the culprit is the last of
//! the shortest prefix that fails, which a binary search finds; and so on downwards. What a place expects, the decoder
//! says when a value of the wrong type is put there.

use serde_json::Value;

use super::{Check, Step, at};

/// A value deeper than this is not searched for: objects of the API are not that deep.
const DEPTH_LIMIT: usize = 32;

/// The server's words for an object that fails with `error`.
pub(super) fn describe(check: Check, object: &Value, error: &serde_json::Error) -> String {
    let path = find(check, object);
    let value = at(&mut object.clone(), &path).map(|value| value.clone()).unwrap_or_default();
    match expected(&error.to_string()) {
        Some(wanted) => mismatch(check, object, &path, &value, &wanted),
        None => malformed(&value, error),
    }
}

/// The path of the first value that does not decode.
fn find(check: Check, object: &Value) -> Vec<Step> {
    let mut path = Vec::new();
    while path.len() < DEPTH_LIMIT {
        let mut probe = object.clone();
        let Some(value) = at(&mut probe, &path).map(std::mem::take) else { break };
        let children = children(&value);
        let fails = |count: usize| {
            let mut probe = object.clone();
            let Some(place) = at(&mut probe, &path) else { return false };
            *place = first(&value, count);
            !decodes(check, &probe)
        };
        // An empty container that fails is itself of the wrong type.
        if children.is_empty() || fails(0) {
            break;
        }
        let (mut good, mut bad) = (0, children.len());
        while bad - good > 1 {
            let middle = good.midpoint(bad);
            if fails(middle) {
                bad = middle;
            } else {
                good = middle;
            }
        }
        match children.into_iter().nth(good) {
            Some(step) => path.push(step),
            None => break,
        }
    }
    path
}

fn children(value: &Value) -> Vec<Step> {
    match value {
        Value::Object(object) => object.keys().cloned().map(Step::Key).collect(),
        Value::Array(array) => (0..array.len()).map(Step::Index).collect(),
        _ => vec![],
    }
}

/// A container with its first children only.
fn first(value: &Value, count: usize) -> Value {
    match value {
        Value::Object(object) => {
            let pairs = object.iter().take(count).map(|(key, value)| (key.clone(), value.clone()));
            Value::Object(pairs.collect())
        }
        Value::Array(array) => Value::Array(array.iter().take(count).cloned().collect()),
        other => other.clone(),
    }
}

fn decodes(check: Check, object: &Value) -> bool {
    check(object, &mut Vec::new()).is_ok()
}

/// What the decoder expects at a path, in its own words; `None` where it takes the wrong value.
fn probe(check: Check, object: &Value, path: &[Step], wrong: Value) -> Option<String> {
    let mut object = object.clone();
    *at(&mut object, path)? = wrong;
    expected(&check(&object, &mut Vec::new()).err()?.to_string())
}

fn expected(error: &str) -> Option<String> {
    // Errors of the texts themselves have words of their own.
    let mismatch = error.starts_with("invalid type: ") || error.starts_with("invalid value: ");
    error.rsplit_once(", expected ").filter(|_| mismatch).map(|(_, wanted)| wanted.to_owned())
}

/// Go names the innermost struct, and the path by its fields only: no indexes, no keys of maps.
fn mismatch(check: Check, object: &Value, path: &[Step], value: &Value, wanted: &str) -> String {
    let mut owner = String::new();
    let mut fields = Vec::new();
    for (depth, step) in path.iter().enumerate() {
        let parent = path.get(..depth).unwrap_or_default();
        let name = probe(check, object, parent, Value::Bool(true)).unwrap_or_default();
        if let (Step::Key(key), true) = (step, is_struct(&name)) {
            owner = name;
            fields.push(key.as_str());
        }
    }
    format!(
        "json: cannot unmarshal {} into Go struct field {owner}.{} of type {}",
        go_value(value),
        fields.join("."),
        go_type(check, object, path, wanted)
    )
}

/// The decoder calls structs by their names, and other types by what they are.
fn is_struct(wanted: &str) -> bool {
    wanted.starts_with(|c: char| c.is_ascii_uppercase()) && !wanted.contains(' ')
}

fn go_value(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(number) if number.is_f64() || number.as_i64().is_none_or(out_of_32_bits) => {
            format!("number {number}")
        }
        Value::Number(_) => "number".to_owned(),
        Value::String(_) => "string".to_owned(),
        Value::Array(_) => "array".to_owned(),
        Value::Object(_) => "object".to_owned(),
    }
}

fn out_of_32_bits(number: i64) -> bool {
    i32::try_from(number).is_err()
}

fn go_type(check: Check, object: &Value, path: &[Step], wanted: &str) -> String {
    let inner =
        |wrong: Value| probe(check, object, path, wrong).map_or_else(String::new, |name| simple_type(&name));
    match wanted {
        "a sequence" => format!("[]{}", inner(Value::from(vec![true]))),
        "a map" => format!("map[string]{}", inner(serde_json::json!({ "key": true }))),
        wanted => simple_type(wanted),
    }
}

fn simple_type(wanted: &str) -> String {
    match wanted {
        // A port that may also be a name is a number to Go, as long as it is no string.
        "i32" | "a 32-bit integer" | "IntOrString" => "int32".to_owned(),
        "i64" => "int64".to_owned(),
        "a string" => "string".to_owned(),
        "a boolean" => "bool".to_owned(),
        "a map" => "map[string]string".to_owned(),
        name if is_struct(name) => format!("v1.{name}"),
        other => other.to_owned(),
    }
}

/// Texts with a form: points in time and bytes in base64.
fn malformed(value: &Value, error: &serde_json::Error) -> String {
    let Some(text) = value.as_str() else { return format!("json: {error}") };
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let message = error.to_string();
    if message.to_lowercase().contains("base64")
        || message.contains("Invalid symbol")
        || message.contains("padding")
    {
        let place = text.bytes().position(|byte| !base64(byte)).unwrap_or(text.len());
        return format!("illegal base64 data at input byte {place}");
    }
    format!(r#"parsing time "{text}" as "2006-01-02T15:04:05Z07:00": cannot parse "{text}" as "2006""#)
}
