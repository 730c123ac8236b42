//! Several errors as one.

use std::time::Duration;

use super::{Effect, Error, ErrorKind, Retry};

/// Kinds that need a person come before those that pass by themselves.
const BY_WEIGHT: [ErrorKind; 12] = [
    ErrorKind::InvalidInput,
    ErrorKind::Unsupported,
    ErrorKind::Ownership,
    ErrorKind::PermissionDenied,
    ErrorKind::Quota,
    ErrorKind::Internal,
    ErrorKind::NotFound,
    ErrorKind::InUse,
    ErrorKind::Conflict,
    ErrorKind::Throttled,
    ErrorKind::Timeout,
    ErrorKind::Unavailable,
];

impl Error {
    /// Reports errors that happened side by side as one; `None` if there are none.
    ///
    /// Kind, operation and source are those of the most serious one. The text lists all, each once, in
    /// the same order whatever happened first. It may be tried again when the first of them may, and its
    /// effect is unknown if that of any is.
    pub fn joined(mut errors: Vec<Self>) -> Option<Self> {
        errors.sort_by_key(|error| (weight(error.kind()), error.to_string()));
        let first = errors.first()?.clone();
        if errors.len() == 1 {
            return Some(first);
        }
        let mut texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        texts.dedup();
        let retry = errors.iter().map(Self::retry).min_by_key(|retry| patience(*retry));
        let is_unknown = errors.iter().any(|error| error.effect() == Effect::Unknown);
        let mut joined = first.with_effect(if is_unknown { Effect::Unknown } else { Effect::None });
        joined.0.retry = retry.unwrap_or(joined.0.retry);
        joined.0.message = texts.join("; ");
        joined.0.resource = None;
        joined.0.violations = errors.iter().flat_map(Self::violations).cloned().collect();
        Some(joined)
    }
}

fn weight(kind: ErrorKind) -> usize {
    BY_WEIGHT.iter().position(|known| *known == kind).unwrap_or(BY_WEIGHT.len())
}

/// How long a retry waits, to compare. A backoff begins with seconds.
fn patience(retry: Retry) -> Duration {
    match retry {
        Retry::Backoff => Duration::ZERO,
        Retry::After(time) => time,
        Retry::Never => Duration::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: ErrorKind, on: &str) -> Error {
        Error::new(kind, "went wrong").on(on)
    }

    #[test]
    fn none_is_none_and_one_is_itself() {
        assert!(Error::joined(vec![]).is_none());
        let one = Error::joined(vec![error(ErrorKind::Quota, "a")]).unwrap();
        assert_eq!((one.kind(), one.resource()), (ErrorKind::Quota, Some("a")));
    }

    #[test]
    fn the_most_serious_gives_the_kind_and_the_soonest_the_retry() {
        let slow = error(ErrorKind::Quota, "b").with_retry(Retry::After(Duration::from_mins(5)));
        let unsure = error(ErrorKind::Timeout, "a").with_effect(Effect::Unknown);
        let never = error(ErrorKind::InvalidInput, "c");
        for errors in [vec![slow.clone(), unsure.clone()], vec![unsure.clone(), slow.clone()]] {
            let joined = Error::joined(errors).unwrap();
            assert_eq!((joined.kind(), joined.retry()), (ErrorKind::Quota, Retry::Backoff));
            assert_eq!(joined.effect(), Effect::Unknown);
            assert_eq!(joined.to_string(), "b: went wrong; a: went wrong");
        }
        let joined = Error::joined(vec![slow, never]).unwrap();
        let after = Retry::After(Duration::from_mins(5));
        assert_eq!((joined.kind(), joined.retry()), (ErrorKind::InvalidInput, after));
    }

    #[test]
    fn the_same_text_is_told_once() {
        let all = vec![error(ErrorKind::Unavailable, "a"), error(ErrorKind::Unavailable, "a")];
        assert_eq!(Error::joined(all).unwrap().to_string(), "a: went wrong");
    }
}
