//! What a misspelt field was meant to be.

use std::fmt;

use k8s_openapi::api::core::v1::{NodeSpec, ServicePort, ServiceSpec};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointPort, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::{Deserialize, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

/// The field that a misspelt one is closest to, if any is close.
///
/// `path` is the whole path of the unknown field, such as `spec.ports[0].nodeport`.
pub(crate) fn suggest(kind: &str, path: &str) -> Option<&'static str> {
    let (parent, field) = path.rsplit_once('.').unwrap_or(("", path));
    let known = fields_of(kind, parent);
    // A longer word may be further off; two letters may not be wrong in a word of three.
    let limit = (field.len() / 3).clamp(1, 3);
    let distances = known.iter().map(|name| (distance(&field.to_lowercase(), &name.to_lowercase()), *name));
    distances.filter(|(distance, _)| *distance <= limit).min().map(|(_, name)| name)
}

fn fields_of(kind: &str, parent: &str) -> &'static [&'static str] {
    let parent = parent.split('[').next().unwrap_or_default();
    match (kind, parent) {
        (_, "metadata") => fields::<ObjectMeta>(),
        ("EndpointSlice", "") => fields::<EndpointSlice>(),
        ("EndpointSlice", "endpoints") => fields::<Endpoint>(),
        ("EndpointSlice", "ports") => fields::<EndpointPort>(),
        ("Node", "spec") => fields::<NodeSpec>(),
        ("Service", "spec") => fields::<ServiceSpec>(),
        ("Service", "spec.ports") => fields::<ServicePort>(),
        (_, "") => &["apiVersion", "kind", "metadata", "spec", "status"],
        _ => &[],
    }
}

/// The names of a type's fields, which its deserialiser is told before it reads anything.
fn fields<T: for<'de> Deserialize<'de>>() -> &'static [&'static str] {
    match T::deserialize(FieldNames) {
        Err(Names(names)) => names,
        Ok(_) => &[],
    }
}

struct FieldNames;

#[derive(Debug)]
struct Names(&'static [&'static str]);

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

impl std::error::Error for Names {}

impl serde::de::Error for Names {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(&[])
    }
}

impl<'de> Deserializer<'de> for FieldNames {
    type Error = Names;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Names> {
        Err(Names(fields))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Names> {
        Err(Names(&[]))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// How many letters must be changed, added or taken away to turn one word into the other.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut diagonal = index;
        let mut left = index + 1;
        for (cell, against) in row.iter_mut().skip(1).zip(other.chars()) {
            let replaced = diagonal + usize::from(letter != against);
            diagonal = *cell;
            left = replaced.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_fields_are_recognised() {
        let cases = [
            ("Service", "spec.types", Some("type")),
            ("Service", "spec.ports[0].nodeport", Some("nodePort")),
            ("Service", "spec.ports[2].targetport", Some("targetPort")),
            ("Service", "spec.loadbalancerIP", Some("loadBalancerIP")),
            ("Service", "spec.selectors", Some("selector")),
            ("Service", "metadata.label", Some("labels")),
            ("Service", "specs", Some("spec")),
            ("Node", "spec.providerId", Some("providerID")),
            ("Service", "spec.replicas", None),
            ("Service", "spec.template", None),
            ("Service", "spec.sessionAffinityConfig.clientIP.timeout", None),
        ];
        for (kind, path, expected) in cases {
            assert_eq!(suggest(kind, path), expected, "{path}");
        }
    }

    #[test]
    fn distances_are_those_of_levenshtein() {
        let cases =
            [("", "", 0), ("kitten", "sitting", 3), ("types", "type", 1), ("", "abc", 3), ("ab", "ba", 2)];
        for (one, other, expected) in cases {
            assert_eq!(distance(one, other), expected, "{one} {other}");
            assert_eq!(distance(other, one), expected, "{other} {one}");
        }
    }
}
