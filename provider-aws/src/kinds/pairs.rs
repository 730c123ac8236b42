use std::collections::BTreeMap;

use serde::Serialize;

/// Tags or attributes, sorted by key; written as AWS does, as a list of `Key` and `Value`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pairs(pub BTreeMap<String, String>);

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Pair<'a> {
    key: &'a str,
    value: &'a str,
}

impl Serialize for Pairs {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(key, value)| Pair { key, value }))
    }
}

/// What Elastic Load Balancing takes as a tag ([its restrictions]).
///
/// [its restrictions]: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Tag.html
pub(crate) const TAG_RULE: &str = "a key of 1 to 128 and a value of at most 256 characters, of letters, digits, \
                                   spaces and _.:/=+-@, the key without aws: at its start";

/// Longest value of a tag.
pub(crate) const MAX_TAG_VALUE: usize = 256;

/// Whether it fits [`TAG_RULE`].
pub(crate) fn is_tag(key: &str, value: &str) -> bool {
    const MAX_KEY: usize = 128;
    let is_allowed = |one: char| one.is_alphanumeric() || one.is_whitespace() || "_.:/=+-@".contains(one);
    (1..=MAX_KEY).contains(&key.chars().count())
        && value.chars().count() <= MAX_TAG_VALUE
        && key.chars().chain(value.chars()).all(is_allowed)
        && !key.starts_with("aws:")
}

impl Pairs {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Pairs {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}
