//! The annotations of a Service, read by one table (AWS-20 to AWS-27).
//!
//! Unknown keys are warnings, not errors: Services carry keys for two other controllers as well.

mod table;
mod text;

use std::collections::BTreeMap;

use cloud_lb_core::annotations::Values;
use cloud_lb_core::error::Violation;

pub use table::{SHARED, TABLE};

/// Annotations that only the cloud controller manager reads, for Classic Load Balancers or for itself.
const OF_CLOUD_CONTROLLER_MANAGER: [&str; 5] = [
    "access-log-emit-interval",
    "connection-draining-enabled",
    "connection-draining-timeout",
    "connection-idle-timeout",
    "extra-security-groups",
];

/// Start of the annotations that spread traffic over several Services (A21).
const ACTIONS: &str = "service.beta.kubernetes.io/actions.";

/// Annotations that still work, with what replaces them (AWS-27).
const DEPRECATED: [(&str, &str); 5] = [
    ("internal", "scheme"),
    ("access-log-enabled", "attributes"),
    ("access-log-s3-bucket-name", "attributes"),
    ("access-log-s3-bucket-prefix", "attributes"),
    ("cross-zone-load-balancing-enabled", "attributes"),
];

/// The annotations of one Service; keys are without prefix.
#[derive(Debug)]
pub(crate) struct Annotations {
    values: Values,
    /// As the user wrote them, with whatever prefix.
    given: BTreeMap<String, String>,
}

impl Annotations {
    /// Reads what can be read, and reports every bad value (AWS-24).
    pub(crate) fn read(annotations: &BTreeMap<String, String>) -> (Self, Vec<Violation>) {
        let (values, violations) = TABLE.parse_known(annotations);
        let violations = violations.into_iter().map(text::of_upstream).collect();
        (Self { values, given: annotations.clone() }, violations)
    }

    /// The full key, as users know it.
    pub(crate) fn full(key: &str) -> String {
        format!("{}{key}", TABLE.prefix)
    }

    pub(crate) fn bool(&self, key: &str) -> Option<bool> {
        self.values.bool(known(key))
    }

    pub(crate) fn integer(&self, key: &str) -> Option<u32> {
        self.values.integer(known(key)).and_then(|number| u32::try_from(number).ok())
    }

    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.values.text(known(key))
    }

    /// A list that is not empty.
    pub(crate) fn list(&self, key: &str) -> Option<&[String]> {
        self.values.list(known(key)).filter(|list| !list.is_empty())
    }

    pub(crate) fn map(&self, key: &str) -> Option<&BTreeMap<String, String>> {
        self.values.map(known(key))
    }

    /// The maps of a family of keys, by what stands in the place of the asterisk.
    pub(crate) fn maps<'a>(
        &'a self,
        stem: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a BTreeMap<String, String>)> {
        self.values
            .family(stem)
            .filter_map(move |(suffix, _)| Some((suffix, self.values.map(&format!("{stem}{suffix}"))?)))
    }

    /// The keys of this provider that are given, without prefix.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.given.keys().filter_map(|key| key.strip_prefix(TABLE.prefix))
    }

    /// What a user should know about the keys alone: reason and message (AWS-25, AWS-27).
    pub(crate) fn remarks(&self) -> Vec<(&'static str, String)> {
        let is_given = |key: &&str| self.given.contains_key(&Self::full(key));
        let mut remarks = Vec::new();
        for violation in TABLE.unknown(&self.given) {
            let key = violation.field.strip_prefix(TABLE.prefix).unwrap_or_default();
            remarks.push(if OF_CLOUD_CONTROLLER_MANAGER.contains(&key) {
                let message =
                    format!("{} is for the cloud controller manager only; it is ignored", violation.field);
                ("IgnoredAnnotation", message)
            } else {
                ("UnknownAnnotation", format!("{} is not {}", violation.field, violation.expected))
            });
        }
        for (old, new) in DEPRECATED.into_iter().filter(|(old, _)| is_given(old)) {
            let message = format!("{} is deprecated; use {}", Self::full(old), Self::full(new));
            remarks.push(("DeprecatedAnnotation", message));
        }
        for key in self.given.keys().filter(|key| key.starts_with(ACTIONS)) {
            remarks.push(("UnsupportedAnnotation", format!("{key} is not supported yet; it is ignored")));
        }
        remarks
    }
}

/// The key, which must be in the table: another would never be found.
fn known(key: &str) -> &str {
    debug_assert!(TABLE.knows(key), "{key} is not in the table of annotations");
    key
}

#[cfg(test)]
mod tests;
