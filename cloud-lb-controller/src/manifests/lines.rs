//! YAML values that know their lines.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::Spanned;

/// A value and the place where it stands.
pub(super) type Located = Spanned<Node>;

/// A YAML value whose parts are located.
#[derive(Debug)]
pub(super) enum Node {
    Scalar(Value),
    List(Vec<Located>),
    Map(Vec<(Spanned<String>, Located)>),
}

/// The line of each field of one object, by the field's path as the API server writes it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lines(BTreeMap<String, u64>);

impl Lines {
    /// The lines of a text that is one YAML document.
    pub(crate) fn of_text(text: &str) -> Self {
        let document: Result<Located, _> = serde_saphyr::from_str(text);
        document.map_or_else(|_| Self::default(), |document| Self::of_object(&document))
    }

    pub(super) fn of_object(object: &Located) -> Self {
        let mut lines = Self::default();
        lines.add("", object.referenced.line(), &object.value);
        lines
    }

    fn add(&mut self, path: &str, line: u64, node: &Node) {
        match node {
            Node::Scalar(_) => {}
            Node::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.add(&format!("{path}[{index}]"), item.referenced.line(), &item.value);
                }
            }
            Node::Map(fields) => {
                for (key, value) in fields {
                    let separator = if path.is_empty() { "" } else { "." };
                    self.add(&format!("{path}{separator}{}", key.value), key.referenced.line(), &value.value);
                }
            }
        }
        self.0.insert(path.to_lowercase(), line);
    }

    /// Whether a field is written.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.0.contains_key(&field.to_lowercase())
    }

    /// The line of a field; where it is not written, that of the closest part around it.
    ///
    /// Upper and lower case are the same: the API server writes `spec.LoadBalancerSourceRanges`. The key of
    /// an annotation stands for the annotation.
    pub(crate) fn of(&self, field: &str) -> u64 {
        let field = field.to_lowercase();
        if let Some(line) = self.0.get(&format!("metadata.annotations.{field}")) {
            return *line;
        }
        let mut path = field.as_str();
        loop {
            match (self.0.get(path), path.rfind(['.', '['])) {
                (Some(line), _) => return *line,
                (None, Some(end)) => path = path.get(..end).unwrap_or_default(),
                (None, None) => return self.0.get("").copied().unwrap_or(1),
            }
        }
    }
}

impl Node {
    /// The same as JSON, without the places.
    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Scalar(value) => value.clone(),
            Self::List(items) => items.iter().map(|item| item.value.to_json()).collect(),
            Self::Map(fields) => {
                let pairs = fields.iter().map(|(key, value)| (key.value.clone(), value.value.to_json()));
                Value::Object(pairs.collect::<Map<_, _>>())
            }
        }
    }

    /// A field of a mapping.
    pub(super) fn field(&self, name: &str) -> Option<&Located> {
        match self {
            Self::Map(fields) => fields.iter().find(|(key, _)| key.value == name).map(|(_, value)| value),
            Self::Scalar(_) | Self::List(_) => None,
        }
    }

    /// What kind of value this is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Scalar(Value::String(_)) => "text",
            Self::Scalar(Value::Number(_)) => "a number",
            Self::Scalar(Value::Bool(_)) => "a boolean",
            Self::Scalar(_) => "empty",
            Self::List(_) => "a sequence",
            Self::Map(_) => "a mapping",
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value that JSON has, too")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("a number that JSON does not have"))?;
        Ok(Node::Scalar(number.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Node::Map(fields))
    }
}
