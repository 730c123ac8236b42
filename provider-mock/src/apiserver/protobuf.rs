//! Objects in the protobuf form of Kubernetes, as `kubectl create namespace` and its like send them.
//!
//! From kubectl 1.33 on, the commands with typed clients send protobuf only. The kinds that they
//! create are decoded here by a table of fields; a kind or a field that is not in the table is refused,
//! never dropped. Answers are JSON, which these clients accept.

mod schema;
mod wire;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schema::{Field, Shape, message_of};
use serde_json::{Map, Value, json};
use wire::{Item, Reader};

/// The media type of such bodies.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";

/// What every body starts with (`k8s.io/apimachinery/pkg/runtime/serializer/protobuf`).
const MAGIC: &[u8] = b"k8s\0";

/// Decodes a body.
///
/// # Errors
/// A sentence that says what is not understood, the kind included.
pub(crate) fn decode(body: &[u8]) -> Result<Value, String> {
    let envelope = body.strip_prefix(MAGIC).ok_or("the body does not start with the protobuf prefix")?;
    let envelope = message(envelope, schema::ENVELOPE)?;
    let text = |pointer: &str| super::json::text(&envelope, pointer).to_owned();
    let (api_version, kind) = (text("/typeMeta/apiVersion"), text("/typeMeta/kind"));
    let fields = message_of(&api_version, &kind)
        .ok_or_else(|| format!("{kind} in version {api_version:?} is accepted as application/json only"))?;
    let raw = STANDARD.decode(text("/raw")).map_err(|error| error.to_string())?;
    let mut object = message(&raw, fields)?;
    super::json::put(&mut object, "apiVersion", Some(json!(api_version)));
    super::json::put(&mut object, "kind", Some(json!(kind)));
    Ok(object)
}

fn message(bytes: &[u8], fields: &[Field]) -> Result<Value, String> {
    let mut object = Map::new();
    let mut reader = Reader::new(bytes);
    while let Some((number, item)) = reader.next_field()? {
        let Field(_, name, shape) = fields
            .iter()
            .find(|Field(known, ..)| *known == number)
            .ok_or_else(|| format!("protobuf field {number} is not supported: send JSON"))?;
        if let Some(value) = value(&item, shape).map_err(|error| format!("{name}: {error}"))? {
            insert(&mut object, name, shape, value);
        }
    }
    Ok(Value::Object(object))
}

/// Adds a value; repeated fields and maps come one element at a time.
fn insert(object: &mut Map<String, Value>, name: &str, shape: &Shape, value: Value) {
    match shape {
        Shape::Texts | Shape::Messages(_) => {
            if let Value::Array(list) = object.entry(name).or_insert_with(|| json!([])) {
                list.push(value);
            }
        }
        Shape::TextMap | Shape::BytesMap => {
            let map = super::json::object_mut(object.entry(name).or_insert(Value::Null));
            let key = super::json::text(&value, "/key").to_owned();
            map.insert(key, value.get("value").cloned().unwrap_or_else(|| json!("")));
        }
        _ => {
            object.insert(name.to_owned(), value);
        }
    }
}

/// The JSON value of one field; `None` for the zero value of a field that is always sent.
fn value(item: &Item<'_>, shape: &Shape) -> Result<Option<Value>, String> {
    let present = |value: Value| Ok(Some(value));
    match (shape, item) {
        (Shape::Ignored, _)
        | (Shape::Text, Item::Bytes([]))
        | (Shape::Number | Shape::Flag, Item::Varint(0)) => Ok(None),
        (Shape::Text | Shape::OptionalText | Shape::Texts, Item::Bytes(bytes)) => {
            present(json!(utf8(bytes)?))
        }
        (Shape::Bytes, Item::Bytes(bytes)) => present(json!(STANDARD.encode(bytes))),
        // Negative numbers are sign-extended to 64 bits on the wire.
        (Shape::Number | Shape::OptionalNumber, Item::Varint(number)) => present(json!(number.cast_signed())),
        (Shape::Flag | Shape::OptionalFlag, Item::Varint(flag)) => present(json!(*flag != 0)),
        (Shape::Message(fields) | Shape::Messages(fields), Item::Bytes(bytes)) => {
            present(message(bytes, fields)?)
        }
        (Shape::TextMap, Item::Bytes(bytes)) => present(message(bytes, schema::TEXT_ENTRY)?),
        (Shape::BytesMap, Item::Bytes(bytes)) => present(message(bytes, schema::BYTES_ENTRY)?),
        (Shape::IntOrString, Item::Bytes(bytes)) => {
            Ok(int_or_string(&message(bytes, schema::INT_OR_STRING)?))
        }
        _ => Err("unexpected wire type".to_owned()),
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|error| error.to_string())
}

/// The number or the name; an unset one is the number 0, which means nothing.
fn int_or_string(parts: &Value) -> Option<Value> {
    match parts.get("type") {
        Some(_) => parts.get("strVal").cloned(),
        None => parts.get("intVal").cloned(),
    }
}

#[cfg(test)]
mod tests;
