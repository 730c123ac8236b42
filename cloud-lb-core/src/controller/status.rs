//! The patches of a Service's status: the addresses, and our own condition.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{LoadBalancerStatus, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use serde_json::{Map, Value, json};

use crate::error::ErrorKind;
use crate::k8s::same_status;

/// Type of the condition that says whether the load balancer is as the Service asks.
pub const READY_CONDITION: &str = "cloud-lb.dev/Ready";

/// What the condition is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Health {
    /// The load balancer is as wanted.
    Ready,
    /// The cloud is still at work.
    Pending(String),
    /// It is not as wanted, and why.
    Failed(ErrorKind, String),
    /// There is nothing to say: the Service has no load balancer.
    Gone,
}

/// The strategic merge patch that makes a status as wanted, or `None` if it is (SC-83, SC-86, SC-87).
///
/// Conditions of others are left alone. `None` leaves the addresses, or our condition, as they are.
pub(crate) fn patch(
    service: &Service,
    addresses: Option<&LoadBalancerStatus>,
    health: Option<&Health>,
    now: Timestamp,
) -> Option<Value> {
    let mut status = Map::new();
    if let Some(condition) = health.and_then(|health| condition_change(service, health, now)) {
        status.insert("conditions".to_owned(), json!([condition]));
    }
    let none = LoadBalancerStatus::default();
    let have = service.status.as_ref().and_then(|status| status.load_balancer.as_ref()).unwrap_or(&none);
    if let Some(want) = addresses.filter(|want| !same_status(have, want)) {
        let ingress = want.ingress.as_ref().filter(|list| !list.is_empty());
        status.insert("loadBalancer".to_owned(), json!({"ingress": ingress}));
    }
    (!status.is_empty()).then(|| json!({"status": status}))
}

/// The change of our condition, as an element of a list that is merged by type.
fn condition_change(service: &Service, health: &Health, now: Timestamp) -> Option<Value> {
    let have = condition(service);
    let Some(mut want) = wanted(service, health, now) else {
        return have.map(|_| json!({"$patch": "delete", "type": READY_CONDITION}));
    };
    if let Some(have) = have.filter(|have| have.status == want.status) {
        want.last_transition_time = have.last_transition_time.clone();
    }
    (have != Some(&want)).then(|| json!(want))
}

/// Our condition on the Service.
fn condition(service: &Service) -> Option<&Condition> {
    let conditions = service.status.as_ref()?.conditions.as_ref()?;
    conditions.iter().find(|condition| condition.type_ == READY_CONDITION)
}

fn wanted(service: &Service, health: &Health, now: Timestamp) -> Option<Condition> {
    let (status, reason, message) = match health {
        Health::Ready => ("True", "LoadBalancerReady", "the load balancer is as the Service asks"),
        Health::Pending(reason) => ("False", "Pending", reason.as_str()),
        Health::Failed(kind, message) => ("False", reason(*kind), message.as_str()),
        Health::Gone => return None,
    };
    Some(Condition {
        last_transition_time: Time(now),
        message: message.to_owned(),
        observed_generation: service.metadata.generation,
        reason: reason.to_owned(),
        status: status.to_owned(),
        type_: READY_CONDITION.to_owned(),
    })
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

#[cfg(test)]
mod tests;
