use std::fmt;

use cloud_lb_core::error::{Error, ErrorKind, Result, Retry, Violation};
use cloud_lb_core::model::ServiceId;
use cloud_lb_core::plan::Warning;

use crate::annotations::Annotations;

/// What comes up while the desired state is made: reasons to refuse the Service, all of them, and
/// warnings.
#[derive(Debug, Default)]
pub(super) struct Notes {
    violations: Vec<Violation>,
    /// Whether anything is wrong that only an edit of the Service can mend.
    is_service_wrong: bool,
    /// Whether anything is not in the account that should be, or the other way round.
    is_account_wrong: bool,
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
        self.is_service_wrong = true;
        self.violate(field, value, reason);
    }

    /// Refuses the value of an annotation as long as the account is as it is: tried again, for somebody may
    /// change the account, or what is known of it may be old.
    pub(super) fn lacks(&mut self, key: &str, value: impl fmt::Display, reason: impl Into<String>) {
        self.is_account_wrong = true;
        self.violate(&Annotations::full(key), value, reason);
    }

    fn violate(&mut self, field: &str, value: impl fmt::Display, reason: impl Into<String>) {
        let violation = Violation::because(field, value, reason);
        if !self.violations.contains(&violation) {
            self.violations.push(violation);
        }
    }

    pub(super) fn refuse_all(&mut self, violations: Vec<Violation>) {
        self.is_service_wrong |= !violations.is_empty();
        self.violations.extend(violations);
    }

    /// Refuses to take a place that somebody else has (AWS-35).
    pub(super) fn collides(&mut self, message: String) {
        self.is_account_wrong = true;
        let error = || Error::new(ErrorKind::Ownership, message).with_retry(Retry::Backoff);
        self.collision.get_or_insert_with(error);
    }

    /// Whether another account, or a newer look at this one, would make a difference.
    pub(super) fn depend_on_account(&self) -> bool {
        self.is_account_wrong
    }

    pub(super) fn warn(&mut self, reason: &'static str, message: impl Into<String>) {
        self.warnings.push(Warning { reason, message: message.into() });
    }

    /// Refuses the Service if there was any reason to.
    pub(super) fn check(&mut self, service: &ServiceId) -> Result<()> {
        let object = service.to_string();
        match (self.violations.is_empty(), self.collision.take()) {
            (false, _) => {
                let error = Error::invalid(object, std::mem::take(&mut self.violations));
                Err(if self.is_service_wrong { error } else { error.with_retry(Retry::Backoff) })
            }
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
