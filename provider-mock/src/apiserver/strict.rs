//! Strict decoding (local stand-in).
use serde_json::Value;

#[derive(Debug)]
pub(crate) struct Decoded {
    pub unknown: Vec<String>,
    pub error: Option<String>,
    pub object: Value,
}

pub(crate) fn decode(_kind: &str, object: &Value) -> Decoded {
    Decoded { unknown: vec![], error: None, object: object.clone() }
}
