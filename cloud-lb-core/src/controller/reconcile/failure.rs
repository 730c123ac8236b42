use std::fmt;

use crate::error::Error;

/// The step that asks the cloud to delete.
pub(super) const DELETION: &str = "failed to delete load balancer";

/// A step that failed, and why. The text is the one that events carry (SC-1203).
#[derive(Debug)]
pub(super) struct Failure {
    step: &'static str,
    error: Error,
}

impl Failure {
    pub(super) fn new(step: &'static str, error: Error) -> Self {
        Self { step, error }
    }

    /// The step of a cleanup that fails as long as the cloud does.
    pub(super) fn of_deletion(error: Error) -> Self {
        Self::new(DELETION, error)
    }

    pub(super) fn is_of_deletion(&self) -> bool {
        self.step == DELETION
    }

    pub(super) fn error(&self) -> &Error {
        &self.error
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step, self.error)
    }
}
