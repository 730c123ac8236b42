use std::fmt;

use serde::Serialize;

/// One thing that is wrong with an object that a user wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Path of the field, or key of the annotation.
    pub field: String,
    /// The value as the user wrote it.
    pub value: String,
    /// What is expected instead; empty if `reason` says it all.
    pub expected: String,
    /// What is wrong, where "is not valid" does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Violation {
    /// Describes one wrong value.
    pub fn new(field: impl Into<String>, value: impl fmt::Display, expected: impl Into<String>) -> Self {
        Self { field: field.into(), value: value.to_string(), expected: expected.into(), reason: None }
    }

    /// Describes a value that is wrong for a reason of its own, for example one that other fields give.
    pub fn because(field: impl Into<String>, value: impl fmt::Display, reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..Self::new(field, value, "") }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Some(reason) => write!(f, "{}: {reason}", self.field),
            None => write!(f, "{}: {:?} is not valid, expected {}", self.field, self.value, self.expected),
        }
    }
}
