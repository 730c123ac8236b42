use std::fmt;

use crate::error::Error;

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

    pub(super) fn error(&self) -> &Error {
        &self.error
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step, self.error)
    }
}
