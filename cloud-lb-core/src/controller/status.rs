//! The patches of a Service's status: the addresses, and our own conditions.

mod conditions;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{LoadBalancerStatus, Service};
use serde_json::{Map, Value, json};

use crate::k8s::same_status;

pub use self::conditions::{DEGRADED_CONDITION, PROGRESSING_CONDITION, READY_CONDITION};
pub(crate) use self::conditions::{Health, MIXED_PROTOCOLS, PortsError, Problem, contradicted};

/// The strategic merge patch that makes a status as wanted, or `None` if it is (SC-83, SC-86, SC-87).
///
/// Conditions of others are left alone. `None` leaves the addresses, or our conditions, as they are.
pub(crate) fn patch(
    service: &Service,
    addresses: Option<&LoadBalancerStatus>,
    health: Option<&Health>,
    now: Timestamp,
) -> Option<Value> {
    let mut status = Map::new();
    let changes = health.map(|health| conditions::changes(service, health, now)).unwrap_or_default();
    if !changes.is_empty() {
        status.insert("conditions".to_owned(), Value::Array(changes));
    }
    let none = LoadBalancerStatus::default();
    let have = service.status.as_ref().and_then(|status| status.load_balancer.as_ref()).unwrap_or(&none);
    if let Some(want) = addresses.filter(|want| !same_status(have, want)) {
        let ingress = want.ingress.as_ref().filter(|list| !list.is_empty());
        status.insert("loadBalancer".to_owned(), json!({"ingress": ingress}));
    }
    (!status.is_empty()).then(|| json!({"status": status}))
}

#[cfg(test)]
mod tests;
