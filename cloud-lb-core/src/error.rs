//! The one public error type.

mod joined;
mod violation;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

pub use self::violation::Violation;

/// What went wrong, in words that every cloud shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The Service, an annotation or the configuration asks for something malformed or impossible.
    InvalidInput,
    /// The request is well formed, but this provider cannot do it.
    Unsupported,
    /// A resource that must exist does not.
    NotFound,
    /// Somebody else changed the resource since it was read.
    Conflict,
    /// A resource in our place is not ours, or it cannot be told whose it is.
    Ownership,
    /// The cloud asks for fewer calls.
    Throttled,
    /// A quota or limit of the account is used up.
    Quota,
    /// The credentials lack a permission.
    PermissionDenied,
    /// Something else still uses the resource.
    InUse,
    /// No answer in time.
    Timeout,
    /// The cloud or the network failed; the same request may succeed later.
    Unavailable,
    /// A bug in cloud-lb or in a provider.
    Internal,
}

/// T-7: more than upstream tells apart; a delay that was asked for is a [`Retry`], and that another controller is
/// in charge is no error.
impl ErrorKind {
    /// The word for it in metrics and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid-input",
            Self::Unsupported => "unsupported",
            Self::NotFound => "not-found",
            Self::Conflict => "conflict",
            Self::Ownership => "ownership",
            Self::Throttled => "throttled",
            Self::Quota => "quota",
            Self::PermissionDenied => "permission-denied",
            Self::InUse => "in-use",
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }

    /// The retry that fits most errors of this kind.
    pub fn default_retry(self) -> Retry {
        match self {
            Self::InvalidInput | Self::Unsupported | Self::Ownership => Retry::Never,
            _ => Retry::Backoff,
        }
    }
}

/// Whether and when the same request may be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retry {
    /// Not until the object or the configuration changes.
    Never,
    /// Later and later, as the queue decides.
    Backoff,
    /// After exactly this time.
    After(Duration),
}

/// What the failed request may have done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Nothing.
    None,
    /// We do not know: observe again before writing again.
    Unknown,
}

/// A failed operation: what it was, on what, why, and what may be done about it.
///
/// The text is stable: it holds no request ids, times or addresses of the caller, so that events
/// that carry it can be aggregated.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    retry: Retry,
    effect: Effect,
    message: String,
    operation: Option<Cow<'static, str>>,
    resource: Option<String>,
    request_id: Option<String>,
    violations: Vec<Violation>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Makes an error of this kind; `message` is lower case, without a trailing dot.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            retry: kind.default_retry(),
            effect: Effect::None,
            message: message.into(),
            operation: None,
            resource: None,
            request_id: None,
            violations: Vec::new(),
            source: None,
        }))
    }

    /// Reports all that is wrong with one object, together, as `InvalidInput`.
    pub fn invalid(object: impl Into<String>, violations: Vec<Violation>) -> Self {
        Self::of_violations(ErrorKind::InvalidInput, object, violations)
    }

    /// Reports all that a provider cannot do for one object, together, as `Unsupported`.
    pub fn unsupported(object: impl Into<String>, violations: Vec<Violation>) -> Self {
        Self::of_violations(ErrorKind::Unsupported, object, violations)
    }

    fn of_violations(kind: ErrorKind, object: impl Into<String>, violations: Vec<Violation>) -> Self {
        let texts: Vec<String> = violations.iter().map(ToString::to_string).collect();
        let mut error = Self::new(kind, texts.join("; ")).on(object);
        error.0.violations = violations;
        error
    }

    /// Names the resource or object concerned.
    pub fn on(mut self, resource: impl Into<String>) -> Self {
        self.0.resource = Some(resource.into());
        self
    }

    /// Names the operation that failed, for example `CreateLoadBalancer`.
    pub fn during(mut self, operation: impl Into<Cow<'static, str>>) -> Self {
        self.0.operation = Some(operation.into());
        self
    }

    /// Replaces the retry that the kind implies.
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// Says what the failed request may have done.
    pub fn with_effect(mut self, effect: Effect) -> Self {
        self.0.effect = effect;
        self
    }

    /// Keeps the cloud's id of the request, for its support.
    pub fn with_request_id(mut self, id: impl Into<String>) -> Self {
        self.0.request_id = Some(id.into());
        self
    }

    /// Keeps the cause. Its text must not be in the message as well.
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether and when to try again.
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// What the failed request may have done.
    pub fn effect(&self) -> Effect {
        self.0.effect
    }

    /// The operation that failed, if it was one call.
    pub fn operation(&self) -> Option<&str> {
        self.0.operation.as_deref()
    }

    /// The resource or object concerned.
    pub fn resource(&self) -> Option<&str> {
        self.0.resource.as_deref()
    }

    /// The cloud's id of the request.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// Each single thing that is wrong with the input, or that the provider cannot do; empty for other
    /// errors.
    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(resource) = &self.0.resource {
            write!(f, "{resource}: ")?;
        }
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("retry", &self.0.retry)
            .field("effect", &self.0.effect)
            .field("message", &self.0.message)
            .field("operation", &self.0.operation)
            .field("resource", &self.0.resource)
            .field("request_id", &self.0.request_id)
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_names_object_field_value_and_expectation() {
        let error = Error::invalid(
            "service default/web",
            vec![Violation::new("spec.ports[0].port", 0, "1 to 65535")],
        );
        assert_eq!(
            error.to_string(),
            "service default/web: spec.ports[0].port: \"0\" is not valid, expected 1 to 65535"
        );
        assert_eq!(error.retry(), Retry::Never);
        assert_eq!(error.violations().len(), 1);
    }

    #[test]
    fn kinds_have_one_word_each_everywhere() {
        use ErrorKind::*;
        let kinds = [
            InvalidInput,
            Unsupported,
            NotFound,
            Conflict,
            Ownership,
            Throttled,
            Quota,
            PermissionDenied,
            InUse,
            Timeout,
            Unavailable,
            Internal,
        ];
        for kind in kinds {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.word());
        }
    }

    #[test]
    fn a_source_is_reachable_and_not_repeated() {
        let error = Error::new(ErrorKind::Unavailable, "the cloud did not answer")
            .with_source(std::io::Error::other("connection refused"));
        assert!(!error.to_string().contains("refused"));
        assert!(std::error::Error::source(&error).is_some());
    }
}
