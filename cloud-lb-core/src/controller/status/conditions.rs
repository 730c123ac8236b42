//! What our conditions say (W-13). All of them are ours alone but `LoadBalancerPortsError`, which is a name
//! of Kubernetes for what the provider of a load balancer says of its ports (F-4).

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{LoadBalancerStatus, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use serde_json::{Value, json};

use crate::error::{Error, ErrorKind, Retry};

/// Type of the condition that says whether the load balancer is as the Service asks.
pub const READY_CONDITION: &str = "cloud-lb.dev/Ready";

/// Type of the condition that says whether something is being done, or will be without a change.
pub const PROGRESSING_CONDITION: &str = "cloud-lb.dev/Progressing";

/// Type of the condition that says whether something went wrong.
pub const DEGRADED_CONDITION: &str = "cloud-lb.dev/Degraded";

/// Type of the condition that says that ports cannot be served.
const PORTS_CONDITION: &str = "LoadBalancerPortsError";

/// Reason of [`PORTS_CONDITION`] where a provider cannot mix protocols; also that of an event.
pub(crate) const MIXED_PROTOCOLS: &str = "LoadBalancerMixedProtocolNotSupported";

const TYPES: [&str; 4] = [READY_CONDITION, PROGRESSING_CONDITION, DEGRADED_CONDITION, PORTS_CONDITION];

/// What the conditions are to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Health {
    /// The load balancer is as wanted, but perhaps some of its ports.
    Ready(Option<PortsError>),
    /// It serves as wanted; what is not wanted any more is still on its way out.
    Tidying(Option<PortsError>, String),
    /// The cloud is still at work.
    Pending(String),
    /// It is not as wanted, and why.
    Failed(Problem),
    /// There is nothing to say: the Service has no load balancer.
    Gone,
}

/// Why a load balancer is not as wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    kind: ErrorKind,
    message: String,
    /// Whether only a change can mend it.
    blocked: bool,
    pub(crate) ports: Option<PortsError>,
}

/// What is wrong with ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PortsError {
    pub(crate) reason: String,
    pub(crate) message: String,
}

impl Problem {
    /// `text` tells of the error and of what it was that failed.
    pub(crate) fn new(error: &Error, text: String) -> Self {
        let message = match advice(error.kind()) {
            Some(advice) => format!("{text}; {advice}"),
            None => text,
        };
        let blocked = error.retry() == Retry::Never;
        Self { kind: error.kind(), message, blocked, ports: PortsError::of_error(error) }
    }

    /// What went wrong, and what to do.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

/// What a person must do, where it takes one.
fn advice(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::InvalidInput | ErrorKind::Unsupported => {
            Some("change the Service: it is not tried again at once before")
        }
        ErrorKind::Ownership => Some(
            "see whose the resource is: nothing is changed that does not carry the marks of this Service",
        ),
        ErrorKind::Quota => Some("raise the quota or delete what nobody needs: it is tried again by itself"),
        ErrorKind::PermissionDenied => {
            Some("grant the permission to the controller: it is tried again by itself")
        }
        ErrorKind::Internal => Some("this is a bug, please report it"),
        _ => None,
    }
}

impl PortsError {
    /// What an error says of ports, if it does.
    fn of_error(error: &Error) -> Option<Self> {
        let ports: Vec<_> =
            error.violations().iter().filter(|violation| violation.field.starts_with("spec.ports")).collect();
        let mixed = ports.iter().any(|violation| violation.field == "spec.ports");
        let reason = match error.kind() {
            ErrorKind::Unsupported if mixed => MIXED_PROTOCOLS,
            ErrorKind::Unsupported => "LoadBalancerPortsNotSupported",
            _ => "LoadBalancerPortsInvalid",
        };
        let texts: Vec<String> = ports.iter().map(ToString::to_string).collect();
        (!texts.is_empty()).then(|| Self { reason: reason.to_owned(), message: texts.join("; ") })
    }

    /// What the cloud says of single ports.
    pub(crate) fn of_status(status: &LoadBalancerStatus) -> Option<Self> {
        let ports = status.ingress.iter().flatten().flat_map(|ingress| ingress.ports.iter().flatten());
        let failed = ports.filter_map(|port| Some((port, port.error.as_deref()?)));
        let mut texts: Vec<(String, &str)> = failed
            .map(|(port, error)| (format!("{}/{}: {error}", port.port, port.protocol), error))
            .collect();
        texts.dedup();
        let (_, first) = texts.first()?;
        // A reason must not have the prefix that an error of a port may have.
        let reason = first.rsplit('/').next().unwrap_or(first).to_owned();
        let texts: Vec<&str> = texts.iter().map(|(text, _)| text.as_str()).collect();
        Some(Self { reason, message: texts.join(", ") })
    }
}

/// Whether our conditions say anything but this, be it of an earlier generation.
pub(crate) fn contradicted(service: &Service, health: &Health) -> bool {
    TYPES.iter().any(|type_| {
        let have = condition(service, type_);
        let have = have.map(|have| (have.status.as_str(), have.reason.as_str(), have.message.as_str()));
        have != statement(type_, health)
            .map(|Statement(status, reason, message)| (word(status), reason, message))
    })
}

/// The changes of our conditions, as elements of a list that is merged by type.
pub(super) fn changes(service: &Service, health: &Health, now: Timestamp) -> Vec<Value> {
    TYPES
        .iter()
        .filter_map(|type_| {
            let want = statement(type_, health).map(|statement| statement.condition(service, type_, now));
            change(condition(service, type_), want, type_)
        })
        .collect()
}

fn change(have: Option<&Condition>, want: Option<Condition>, type_: &str) -> Option<Value> {
    let Some(mut want) = want else {
        return have.map(|_| json!({"$patch": "delete", "type": type_}));
    };
    if let Some(have) = have.filter(|have| have.status == want.status) {
        want.last_transition_time = have.last_transition_time.clone();
    }
    (have != Some(&want)).then(|| json!(want))
}

fn condition<'a>(service: &'a Service, type_: &str) -> Option<&'a Condition> {
    let conditions = service.status.as_ref()?.conditions.as_ref()?;
    conditions.iter().find(|condition| condition.type_ == type_)
}

/// Status, reason and message of a condition.
struct Statement<'a>(bool, &'a str, &'a str);

impl Statement<'_> {
    fn condition(&self, service: &Service, type_: &str, now: Timestamp) -> Condition {
        let Self(status, reason, message) = self;
        Condition {
            last_transition_time: Time(now),
            message: (*message).to_owned(),
            observed_generation: service.metadata.generation,
            reason: (*reason).to_owned(),
            status: word(*status).to_owned(),
            type_: type_.to_owned(),
        }
    }
}

fn word(status: bool) -> &'static str {
    if status { "True" } else { "False" }
}

/// What a condition says; `None` if it must not be there.
fn statement<'a>(type_: &str, health: &'a Health) -> Option<Statement<'a>> {
    const READY: &str = "LoadBalancerReady";
    Some(match (type_, health) {
        (_, Health::Gone) => return None,
        (PORTS_CONDITION, _) => {
            let ports = health.ports()?;
            Statement(true, &ports.reason, &ports.message)
        }
        (READY_CONDITION, Health::Ready(_) | Health::Tidying(..)) => {
            Statement(true, READY, "the load balancer is as the Service asks")
        }
        (READY_CONDITION, Health::Pending(reason)) => Statement(false, "Pending", reason),
        (READY_CONDITION, Health::Failed(problem)) => {
            Statement(false, reason(problem.kind), &problem.message)
        }
        (PROGRESSING_CONDITION, Health::Ready(_)) => Statement(false, READY, "nothing is left to do"),
        (PROGRESSING_CONDITION, Health::Tidying(_, reason)) => Statement(true, "Tidying", reason),
        (PROGRESSING_CONDITION, Health::Pending(reason)) => Statement(true, "Pending", reason),
        (PROGRESSING_CONDITION, Health::Failed(problem)) if problem.blocked => {
            Statement(false, reason(problem.kind), "only a change can mend it")
        }
        (PROGRESSING_CONDITION, Health::Failed(_)) => {
            Statement(true, "Retrying", "it is tried again by itself")
        }
        (_, Health::Failed(problem)) => Statement(true, reason(problem.kind), &problem.message),
        (_, Health::Ready(_) | Health::Tidying(..) | Health::Pending(_)) => {
            Statement(false, "AsExpected", "nothing went wrong")
        }
    })
}

impl Health {
    pub(crate) fn ports(&self) -> Option<&PortsError> {
        match self {
            Self::Ready(ports) | Self::Tidying(ports, _) => ports.as_ref(),
            Self::Failed(problem) => problem.ports.as_ref(),
            Self::Pending(_) | Self::Gone => None,
        }
    }
}

fn reason(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidInput => "InvalidInput",
        ErrorKind::Unsupported => "Unsupported",
        ErrorKind::NotFound => "NotFound",
        ErrorKind::Conflict => "Conflict",
        ErrorKind::Ownership => "NotOurs",
        ErrorKind::Throttled => "Throttled",
        ErrorKind::Quota => "QuotaExceeded",
        ErrorKind::PermissionDenied => "PermissionDenied",
        ErrorKind::InUse => "InUse",
        ErrorKind::Timeout => "Timeout",
        ErrorKind::Unavailable => "Unavailable",
        ErrorKind::Internal => "InternalError",
    }
}
