use std::collections::BTreeMap;
use std::time::Duration;

use ipnet::IpNet;

/// The value of an annotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Of [`Kind::Bool`](super::Kind::Bool).
    Bool(bool),
    /// Of [`Kind::Integer`](super::Kind::Integer).
    Integer(i64),
    /// Of [`Kind::Duration`](super::Kind::Duration).
    Duration(Duration),
    /// Of [`Kind::Text`](super::Kind::Text), [`Kind::Any`](super::Kind::Any) and
    /// [`Kind::OneOf`](super::Kind::OneOf).
    Text(String),
    /// Of [`Kind::List`](super::Kind::List).
    List(Vec<String>),
    /// Of [`Kind::Map`](super::Kind::Map).
    Map(BTreeMap<String, String>),
    /// Of [`Kind::IpNets`](super::Kind::IpNets).
    IpNets(Vec<IpNet>),
}

/// The annotations of one Service, parsed, with the defaults of the table.
///
/// Each getter gives `None` where the annotation is absent and has no default. Keys are those of the
/// table, without prefix; asking for another type than the table's is a bug, which gives `None` too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Values(BTreeMap<String, Value>);

impl Values {
    pub(super) fn insert(&mut self, key: &str, value: Value) {
        self.0.insert(key.to_owned(), value);
    }

    /// The value of a key, of whatever type.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// The values of a family, by what stands in the place of the asterisk: `stem` is the key before it.
    pub fn family<'a>(&'a self, stem: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let suffix = move |key: &'a str| key.strip_prefix(stem).filter(|suffix| !suffix.is_empty());
        self.0.iter().filter_map(move |(key, value)| Some((suffix(key)?, value)))
    }

    /// A yes or no.
    pub fn bool(&self, key: &str) -> Option<bool> {
        if let Value::Bool(value) = self.get(key)? { Some(*value) } else { None }
    }

    /// A number.
    pub fn integer(&self, key: &str) -> Option<i64> {
        if let Value::Integer(value) = self.get(key)? { Some(*value) } else { None }
    }

    /// A duration.
    pub fn duration(&self, key: &str) -> Option<Duration> {
        if let Value::Duration(value) = self.get(key)? { Some(*value) } else { None }
    }

    /// A text or word.
    pub fn text(&self, key: &str) -> Option<&str> {
        if let Value::Text(value) = self.get(key)? { Some(value) } else { None }
    }

    /// A list.
    pub fn list(&self, key: &str) -> Option<&[String]> {
        if let Value::List(value) = self.get(key)? { Some(value) } else { None }
    }

    /// A map.
    pub fn map(&self, key: &str) -> Option<&BTreeMap<String, String>> {
        if let Value::Map(value) = self.get(key)? { Some(value) } else { None }
    }

    /// IP ranges.
    pub fn ip_nets(&self, key: &str) -> Option<&[IpNet]> {
        if let Value::IpNets(value) = self.get(key)? { Some(value) } else { None }
    }
}
