//! What is wrong in a file of settings, for who wrote it.

use serde::Serialize;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};
use serde_saphyr::Error;

use crate::manifests::{place, reason};

/// Longest value that a complaint repeats.
const SHOWN: usize = 60;

/// A file that cannot be understood.
pub(super) struct Wrong {
    /// The key; `None` where there is none yet.
    pub(super) path: Option<Path>,
    pub(super) error: Box<Error>,
}

impl Wrong {
    /// Says where in the file the key stands, and what it must be: something such as it is where nobody sets it.
    pub(super) fn complaint<T: Serialize + Default>(&self, file: &str, text: &str) -> String {
        let (place, key) = (place(&self.error), self.key());
        let default = serde_json::to_value(T::default()).unwrap_or_default();
        let key_or_file = if key.is_empty() { String::new() } else { format!("{key}: ") };
        match (self.expected(self.at(&default)), self.shown(text)) {
            (Some(expected), Some(value)) => {
                format!("{file}{place}: {key_or_file}{value} is not valid, expected {expected}")
            }
            (Some(expected), None) => format!("{file}{place}: {key_or_file}expected {expected}"),
            (None, _) => format!("{file}{place}: {key_or_file}{}", reason(&self.error)),
        }
    }

    /// The key with all that it is in, as `nodes.drainTaints[0]`; empty for the file as a whole. Of a key that is
    /// unknown, what it is in: the reason names the key itself.
    fn key(&self) -> String {
        let is_known = |segment: &Segment| !matches!(segment, Segment::Unknown);
        let known = self.path.as_ref().filter(|path| path.iter().all(is_known) && path.iter().len() > 0);
        let key = known.map(ToString::to_string).unwrap_or_default();
        match self.error.without_snippet() {
            Error::SerdeUnknownField { .. } => {
                key.rsplit_once('.').map_or("", |(parent, _)| parent).to_owned()
            }
            _ => key,
        }
    }

    /// The value in the file, if it can be shown.
    fn shown(&self, text: &str) -> Option<String> {
        let document: Value = serde_saphyr::from_str(text).ok()?;
        let shown = self.at(&document)?.to_string();
        (shown.len() <= SHOWN).then_some(shown)
    }

    /// What stands in a document where the path leads. All items of a list are as the first.
    fn at<'a>(&self, document: &'a Value) -> Option<&'a Value> {
        self.path.iter().flat_map(Path::iter).try_fold(document, |value, segment| match (segment, value) {
            (Segment::Map { key }, Value::Object(fields)) => fields.get(key),
            (Segment::Seq { index }, Value::Array(items)) => items.get(*index).or_else(|| items.first()),
            _ => None,
        })
    }

    /// What a value of another type must be. `None`: it is not the type that is wrong, and the reason says what
    /// is.
    fn expected(&self, default: Option<&Value>) -> Option<String> {
        let default = default.and_then(such_as);
        match self.error.without_snippet() {
            Error::InvalidScalar { ty, .. } => Some(number(ty).map(str::to_owned).or(default)?),
            Error::Message { .. } => default.filter(|expected| expected.starts_with(DURATION)),
            Error::Unexpected { expected, .. } => Some(default.unwrap_or_else(|| plain(expected).to_owned())),
            Error::NullIntoString { .. } => Some(default.unwrap_or_else(|| "text".to_owned())),
            Error::InvalidBooleanStrict { .. } => Some("true or false".to_owned()),
            Error::SerdeInvalidType { expected, .. } | Error::SerdeInvalidValue { expected, .. } => {
                Some(default.unwrap_or_else(|| expected.clone()))
            }
            _ => None,
        }
    }
}

const DURATION: &str = "a duration";

/// What such a value is.
fn such_as(default: &Value) -> Option<String> {
    Some(match default {
        Value::Null => return None,
        Value::Bool(_) => "true or false".to_owned(),
        Value::Number(number) if number.is_f64() => format!("a number such as {number}"),
        Value::Number(number) => format!("a whole number such as {number}"),
        Value::String(text) if text.parse::<jiff::SignedDuration>().is_ok() => {
            format!("{DURATION} such as {text}")
        }
        Value::String(text) if text.is_empty() => "text".to_owned(),
        Value::String(text) => format!("text such as {text}"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(fields) if fields.is_empty() => "a mapping".to_owned(),
        Value::Object(fields) => {
            let keys: Vec<&str> = fields.keys().map(String::as_str).collect();
            format!("a mapping of {}", keys.join(", "))
        }
    })
}

/// The numbers that a type has.
fn number(ty: &str) -> Option<&'static str> {
    Some(match ty {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "f32" | "f64" | "float" => "a number",
        _ => return None,
    })
}

/// In the words of who writes YAML, not of who reads it.
fn plain(expected: &str) -> &str {
    match expected {
        "string scalar" => "text or a number",
        "mapping start" => "a mapping",
        "sequence start" => "a list",
        other => other,
    }
}
