//! What AWS's errors mean (AWS-210): one table, by code, never by text.

mod table;

use std::fmt;
use std::time::Duration;

use aws_sdk_ec2::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::operation::RequestId;
use cloud_lb_core::call::Access;
use cloud_lb_core::error::{Effect, Error, ErrorKind, Retry};

use table::Class;

/// Time after which something is tried again that needs a person: a permission, a quota.
const AFTER_A_PERSON: Duration = Duration::from_mins(5);

const UNREADABLE: &str = "AWS's answer could not be read";

/// The prefix of an API's actions in IAM policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Elbv2,
    Ec2,
    Acm,
}

impl Service {
    /// The prefix of its actions in IAM policies.
    pub(crate) fn iam_prefix(self) -> &'static str {
        match self {
            Self::Elbv2 => "elasticloadbalancing",
            Self::Ec2 => "ec2",
            Self::Acm => "acm",
        }
    }

    /// Where to look besides, if an action is not permitted.
    fn policy(self) -> &'static str {
        match self {
            Self::Elbv2 | Self::Ec2 => "or a condition of deploy/iam/aws.json is not met",
            Self::Acm => "as in deploy/iam/aws-facts.json",
        }
    }
}

/// One call, as far as its errors need to know it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    pub(crate) service: Service,
    pub(crate) operation: &'static str,
    pub(crate) access: Access,
}

impl Call {
    fn action(self) -> String {
        format!("{}:{}", self.service.iam_prefix(), self.operation)
    }

    /// What a request that failed in this way may have done.
    fn effect(self, may_have_acted: bool) -> Effect {
        match self.access {
            Access::Write if may_have_acted => Effect::Unknown,
            Access::Read | Access::Write => Effect::None,
        }
    }
}

/// What AWS or the SDK said, kept as the cause of an error of ours: never headers or credentials.
#[derive(Debug)]
struct Native(String);

impl fmt::Display for Native {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Native {}

/// Makes an error of ours of one of the SDK's.
pub(crate) fn error<E>(call: Call, failure: &SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let error = match failure {
        // The SDK makes a service's error also of a success whose body it cannot read.
        SdkError::ServiceError(answer) if answer.raw().status().as_u16() < 400 => {
            unanswered(call, ErrorKind::Unavailable, UNREADABLE, failure)
        }
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let answer = answer.err();
            of_answer(call, status, answer.code().unwrap_or_default(), answer.message().unwrap_or_default())
        }
        SdkError::ConstructionFailure(_) => Error::new(ErrorKind::Internal, "the request could not be made")
            .with_source(Native(DisplayErrorContext(failure).to_string())),
        SdkError::TimeoutError(_) => {
            unanswered(call, ErrorKind::Timeout, "AWS did not answer in time", failure)
        }
        SdkError::ResponseError(_) => unanswered(call, ErrorKind::Unavailable, UNREADABLE, failure),
        _ => unreachable_or_unsigned(call, failure),
    };
    match failure.request_id() {
        Some(id) => error.with_request_id(id),
        None => error,
    }
}

/// Nothing was sent for want of credentials, or what was sent found nobody.
fn unreachable_or_unsigned<E>(call: Call, failure: &SdkError<E>) -> Error
where
    E: std::error::Error + 'static,
{
    let text = DisplayErrorContext(failure).to_string();
    let timed_out = matches!(failure, SdkError::DispatchFailure(dispatch) if dispatch.is_timeout());
    if text.contains("CredentialsError") || text.contains("CredentialsNotLoaded") {
        let message = "there are no AWS credentials for this call; see the documentation of the provider";
        return Error::new(ErrorKind::PermissionDenied, message)
            .with_retry(Retry::After(AFTER_A_PERSON))
            .with_source(Native(text));
    }
    let kind = if timed_out { ErrorKind::Timeout } else { ErrorKind::Unavailable };
    unanswered(call, kind, "AWS could not be reached", failure)
}

fn unanswered<E>(call: Call, kind: ErrorKind, message: &str, failure: &SdkError<E>) -> Error
where
    E: std::error::Error + 'static,
{
    Error::new(kind, message)
        .with_effect(call.effect(true))
        .with_source(Native(DisplayErrorContext(failure).to_string()))
}

/// Makes an error of an answer of AWS.
pub(crate) fn of_answer(call: Call, status: u16, code: &str, text: &str) -> Error {
    let class = table::class(code, status);
    let error = Error::new(class.kind, message(call, class, code, text))
        .with_retry(retry(class.kind))
        .with_effect(call.effect(class.may_have_acted));
    // Texts of refusals hold encoded messages that differ each time: they are no part of our text.
    if class.kind == ErrorKind::PermissionDenied { error.with_source(Native(text.to_owned())) } else { error }
}

fn retry(kind: ErrorKind) -> Retry {
    match kind {
        ErrorKind::Quota | ErrorKind::PermissionDenied => Retry::After(AFTER_A_PERSON),
        // Also what is wrong with a request: the account may change so that it is right.
        _ => Retry::Backoff,
    }
}

fn message(call: Call, class: &Class, code: &str, text: &str) -> String {
    let code = if code.is_empty() { "no code" } else { code };
    if class.is_missing_permission {
        let outer = call.action();
        let action = refused_action(text).unwrap_or(&outer);
        let context = if action == outer { String::new() } else { format!(", which {outer} needs") };
        return format!(
            "no permission for {action} ({code}){context}; a policy of our role needs the statement \
             {{\"Effect\": \"Allow\", \"Action\": \"{action}\", \"Resource\": \"*\"}}, {}",
            call.service.policy()
        );
    }
    if class.kind == ErrorKind::PermissionDenied {
        return format!("{code}; {}", class.advice);
    }
    let text = text.trim_end_matches('.');
    match class.advice {
        "" => format!("{code}: {text}"),
        advice => format!("{code}: {text}; {advice}"),
    }
}

/// The action that AWS names in a refusal. Elastic Load Balancing makes calls of EC2 with our credentials, so it
/// may be another one than that of our call.
fn refused_action(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("not authorized to perform: ")?;
    let action = rest.split(|c: char| !(c.is_ascii_alphanumeric() || [':', '-'].contains(&c))).next()?;
    let is_action =
        action.split_once(':').is_some_and(|(service, name)| !service.is_empty() && !name.is_empty());
    is_action.then_some(action)
}

/// Whether a code asks for fewer calls.
pub(crate) fn is_throttling(code: &str, status: u16) -> bool {
    table::class(code, status).kind == ErrorKind::Throttled
}

#[cfg(test)]
mod tests;
