//! Why a command failed, for the person who typed it.

use std::error::Error;
use std::fmt;
use std::io::{self, Write as _};

use crate::style::{ERROR, paint};

/// One or more things that are wrong, one line each: all of them are found before the command gives up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure(Vec<String>);

impl Failure {
    /// One thing that is wrong; lower case, without a trailing dot.
    pub(crate) fn new(line: impl Into<String>) -> Self {
        Self(vec![line.into()])
    }

    /// What went wrong and, after a colon each, the causes.
    pub(crate) fn because(what: impl fmt::Display, cause: &(dyn Error + 'static)) -> Self {
        Self::new(format!("{what}: {}", chain(cause)))
    }

    /// Writes every line to standard error.
    pub(crate) fn report(&self) {
        let mut stderr = anstream::stderr().lock();
        for line in &self.0 {
            // A closed standard error leaves nobody to tell.
            let _ = writeln!(stderr, "{} {line}", paint(ERROR, "error:"));
        }
    }

    /// Whether the reader of our output has gone, as `head` does: no reason to complain.
    pub(crate) fn of_output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self(Vec::new()),
            _ => Self::because("the output cannot be written", error),
        }
    }
}

impl FromIterator<String> for Failure {
    fn from_iter<I: IntoIterator<Item = String>>(lines: I) -> Self {
        Self(lines.into_iter().collect())
    }
}

impl FromIterator<Failure> for Failure {
    fn from_iter<I: IntoIterator<Item = Failure>>(failures: I) -> Self {
        Self(failures.into_iter().flat_map(|failure| failure.0).collect())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl From<cloud_lb_core::Error> for Failure {
    fn from(error: cloud_lb_core::Error) -> Self {
        Self::new(chain(&error))
    }
}

/// Takes every result or, if any failed, every failure.
pub(crate) fn all<T>(results: impl IntoIterator<Item = Result<T, Failure>>) -> Result<Vec<T>, Failure> {
    let (mut values, mut failures) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(failure) => failures.push(failure),
        }
    }
    if failures.is_empty() { Ok(values) } else { Err(failures.into_iter().collect()) }
}

/// The text of an error and of its causes. Some libraries repeat the cause in their own text: it is
/// said once.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    // The client would add the whole status to the server's words.
    if let Some(kube::Error::Api(status)) = error.downcast_ref() {
        return status.message.clone();
    }
    let text = error.to_string();
    match error.source().map(chain) {
        Some(cause) if !text.contains(&cause) => format!("{text}: {cause}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloud_lb_core::ErrorKind;

    #[test]
    fn causes_follow_and_are_said_once() {
        let error = cloud_lb_core::Error::new(ErrorKind::Unavailable, "the cloud did not answer")
            .with_source(io::Error::other("connection refused"));
        assert_eq!(Failure::from(error).to_string(), "the cloud did not answer: connection refused");
        let repeated = cloud_lb_core::Error::new(ErrorKind::Unavailable, "no answer: connection refused")
            .with_source(io::Error::other("connection refused"));
        assert_eq!(chain(&repeated), "no answer: connection refused");
    }

    #[test]
    fn all_failures_are_kept() {
        let results = [Ok(1), Err(Failure::new("a")), Err(Failure::new("b"))];
        assert_eq!(all(results).unwrap_err().to_string(), "a\nb");
        assert_eq!(all([Ok(1), Ok(2)]).unwrap(), [1, 2]);
    }
}
