//! Annotations that a provider reads: one table drives parsing, errors and the reference page.
//!
//! A provider declares a `const` [`Table`]. [`Table::parse`] gives typed [`Values`], or every violation
//! at once: a bad value never falls back to a default, and a misspelt key is no silent no-op.
//!
//! ```
//! use cloud_lb_core::annotations::{Annotation, Kind, Table};
//!
//! const TABLE: Table = Table {
//!     prefix: "example.com/",
//!     annotations: &[Annotation {
//!         key: "scheme",
//!         kind: Kind::OneOf(&["internal", "public"]),
//!         default: "public",
//!         since: "0.1",
//!         example: "internal",
//!         doc: "Who can reach the load balancer.",
//!     }],
//! };
//!
//! let given = [("example.com/scheme".to_owned(), "internal".to_owned())].into();
//! assert_eq!(TABLE.parse(&given).unwrap().text("scheme"), Some("internal"));
//! let misspelt = [("example.com/sheme".to_owned(), "internal".to_owned())].into();
//! assert!(TABLE.parse(&misspelt).unwrap_err()[0].to_string().contains("example.com/scheme"));
//! ```

mod nearest;
mod parse;
mod reference;
mod values;

use std::collections::BTreeMap;
use std::time::Duration;

pub use values::{Value, Values};

#[cfg(feature = "kube")]
pub(crate) use parse::{parse_bool, parse_net};

use crate::error::Violation;

/// What the value of an annotation must look like. Blanks around it never count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`, and the other spellings of Go's `strconv.ParseBool`.
    Bool,
    /// A decimal number within bounds, both included.
    Integer {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// Numbers with the units `ms`, `s`, `m`, `h`, for example `1m30s`, within bounds, both included.
    Duration {
        /// Shortest.
        min: Duration,
        /// Longest.
        max: Duration,
    },
    /// Any text that is not blank.
    Text,
    /// Any text, also none.
    Any,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Items separated by commas; empty ones do not count, order and duplicates are kept.
    List,
    /// `key=value` items separated by commas. The first `=` separates; `\,` is a comma in a value; a value
    /// may be empty, a key may not, and none may come twice.
    Map,
    /// IP ranges in CIDR notation separated by commas, at least one; host bits are cleared.
    IpNets,
}

/// One annotation that a provider reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Annotation {
    /// Key after the table's prefix. One that ends in `.*` stands for a family: any text may be in the
    /// place of the asterisk.
    pub key: &'static str,
    /// What the value must look like.
    pub kind: Kind,
    /// Value that is used where the annotation is absent, as a user would write it; empty if there is
    /// none. Families have none.
    pub default: &'static str,
    /// Version that it came with.
    pub since: &'static str,
    /// A value as a user would write it.
    pub example: &'static str,
    /// What it does, as one paragraph of Markdown.
    pub doc: &'static str,
}

/// All annotations of one provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// What all keys start with. Everything that starts with it must be in the table.
    pub prefix: &'static str,
    /// The annotations, in the order of the reference page.
    pub annotations: &'static [Annotation],
}

impl Table {
    /// Reads the annotations with the table's prefix; others are not looked at.
    ///
    /// # Errors
    /// Every unknown key, with the known one that is spelt most like it, and every bad value.
    pub fn parse(&self, annotations: &BTreeMap<String, String>) -> Result<Values, Vec<Violation>> {
        let (values, mut violations) = self.parse_known(annotations);
        violations.extend(self.unknown(annotations));
        violations.sort_by(|a, b| a.field.cmp(&b.field));
        if violations.is_empty() { Ok(values) } else { Err(violations) }
    }

    /// Reads the known annotations: those that parse, and a violation for each that does not. For
    /// providers to whom an unknown key is no error.
    pub fn parse_known(&self, annotations: &BTreeMap<String, String>) -> (Values, Vec<Violation>) {
        let mut values = self.defaults();
        let mut violations = Vec::new();
        for (full, text) in annotations {
            let Some(key) = full.strip_prefix(self.prefix) else { continue };
            match self.find(key).map(|annotation| parse::value(annotation.kind, text)) {
                Some(Ok(value)) => values.insert(key, value),
                Some(Err(expected)) => violations.push(Violation::new(full, text, expected)),
                None => {}
            }
        }
        (values, violations)
    }

    /// The keys with the table's prefix that are not in the table, each with the known one that is spelt
    /// most like it.
    pub fn unknown(&self, annotations: &BTreeMap<String, String>) -> Vec<Violation> {
        let keys =
            annotations.iter().filter_map(|(full, text)| Some((full, full.strip_prefix(self.prefix)?, text)));
        let unknown = keys.filter(|(_, key, _)| self.find(key).is_none());
        unknown.map(|(full, key, text)| Violation::new(full, text, self.suggestion(key))).collect()
    }

    /// Whether a key without prefix is in the table, by itself or as one of a family.
    pub fn knows(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// The reference page of the table, as Markdown.
    pub fn reference(&self) -> String {
        reference::page(self)
    }

    /// The table of the reference page alone, for providers that read unknown keys in another way.
    pub fn reference_table(&self) -> String {
        reference::rows(self)
    }

    /// What is wrong with the table itself: defaults and examples that do not parse, keys that come
    /// twice. For a test of each provider; empty if all is well.
    pub fn check(&self) -> Vec<Violation> {
        let mut violations = Vec::new();
        for (index, annotation) in self.annotations.iter().enumerate() {
            for text in [annotation.default, annotation.example] {
                if let Err(expected) = parse::value(annotation.kind, text)
                    && !(text.is_empty() && text == annotation.default)
                {
                    violations.push(Violation::new(annotation.key, text, expected));
                }
            }
            if self.annotations.iter().take(index).any(|other| other.key == annotation.key) {
                violations.push(Violation::new("key", annotation.key, "a key that is not there yet"));
            }
        }
        violations
    }

    /// The annotation of a key without prefix: the one of this name, else the family.
    fn find(&self, key: &str) -> Option<&'static Annotation> {
        let of_family = |annotation: &&Annotation| {
            let stem = annotation.key.strip_suffix('*');
            stem.is_some_and(|stem| key.len() > stem.len() && key.starts_with(stem))
        };
        let exact = self.annotations.iter().find(|annotation| annotation.key == key);
        exact.filter(|found| !found.key.ends_with('*')).or_else(|| self.annotations.iter().find(of_family))
    }

    fn defaults(&self) -> Values {
        let mut values = Values::default();
        for annotation in self.annotations.iter().filter(|annotation| !annotation.default.is_empty()) {
            // `check` has every provider's test report a default that does not parse.
            if let Ok(value) = parse::value(annotation.kind, annotation.default) {
                values.insert(annotation.key, value);
            }
        }
        values
    }

    fn suggestion(&self, key: &str) -> String {
        let known = self.annotations.iter().map(|annotation| annotation.key);
        match nearest::nearest(key, known) {
            Some(near) => format!("a known annotation: did you mean {}{near}?", self.prefix),
            None => format!("a known annotation: none with {} is spelt like it", self.prefix),
        }
    }
}

#[cfg(test)]
mod tests;
