use std::fmt;

use cloud_lb_core::error::{Error, ErrorKind, Result, Violation};
use cloud_lb_core::model::ServiceId;
use serde::Serialize;

use crate::annotations::Annotations;

/// Something that a user should know, although nothing is refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Warning {
    /// The event's reason: a `CamelCase` word.
    pub reason: &'static str,
    /// The event's message.
    pub message: String,
}

/// What comes up while the desired state is made: reasons to refuse the Service, all of them, and
/// warnings.
#[derive(Debug, Default)]
pub(super) struct Notes {
    violations: Vec<Violation>,
    collision: Option<Error>,
    pub(super) warnings: Vec<Warning>,
}

impl Notes {
    /// Refuses the value of an annotation, whose key is without prefix.
    pub(super) fn refuse(&mut self, key: &str, value: impl fmt::Display, reason: impl Into<String>) {
        self.refuse_field(&Annotations::full(key), value, reason);
    }

    /// Refuses the value of a field of the Service, or whatever else is named.
    pub(super) fn refuse_field(&mut self, field: &str, value: impl fmt::Display, reason: impl Into<String>) {
        let violation = Violation::because(field, value, reason);
        if !self.violations.contains(&violation) {
            self.violations.push(violation);
        }
    }

    pub(super) fn refuse_all(&mut self, violations: Vec<Violation>) {
        self.violations.extend(violations);
    }

    /// Refuses to take a place that somebody else has (AWS-35).
    pub(super) fn collides(&mut self, message: String) {
        self.collision.get_or_insert_with(|| Error::new(ErrorKind::Ownership, message));
    }

    pub(super) fn warn(&mut self, reason: &'static str, message: impl Into<String>) {
        self.warnings.push(Warning { reason, message: message.into() });
    }

    /// Refuses the Service if there was any reason to.
    pub(super) fn check(&mut self, service: &ServiceId) -> Result<()> {
        let object = service.to_string();
        match (self.violations.is_empty(), self.collision.take()) {
            (false, _) => Err(Error::invalid(object, std::mem::take(&mut self.violations))),
            (true, Some(error)) => Err(error.on(object)),
            (true, None) => Ok(()),
        }
    }
}

/// A list as aws-load-balancer-controller prints it: `[a b]`.
pub(super) fn blank_separated<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    format!("[{}]", join(items, " "))
}

/// A list as `[a, b]`.
pub(super) fn comma_separated<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    format!("[{}]", join(items, ", "))
}

fn join<T: fmt::Display>(items: impl IntoIterator<Item = T>, separator: &str) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(separator)
}
