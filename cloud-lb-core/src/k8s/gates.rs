//! Readiness gates of pods: which pods have them, and what their status is to say.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, PodCondition};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};

use crate::model::{Gate, GateStatus};

const CONTAINERS_READY: &str = "ContainersReady";
const TRUE: &str = "True";
const FALSE: &str = "False";

/// UIDs by name of the pods of some EndpointSlices that are not ready, and not on their way out. Of a Service
/// that publishes pods that are not ready, `serving` tells.
pub(crate) fn unready_pods<'a>(
    slices: impl IntoIterator<Item = &'a EndpointSlice>,
) -> BTreeMap<String, String> {
    let endpoints = slices.into_iter().flat_map(|slice| &slice.endpoints);
    endpoints.filter(|endpoint| is_unready(endpoint)).filter_map(pod_of).collect()
}

fn is_unready(endpoint: &Endpoint) -> bool {
    let unknown = EndpointConditions::default();
    let conditions = endpoint.conditions.as_ref().unwrap_or(&unknown);
    let serving = conditions.serving.or(conditions.ready).unwrap_or(true);
    !serving && !conditions.terminating.unwrap_or(false)
}

fn pod_of(endpoint: &Endpoint) -> Option<(String, String)> {
    let target = endpoint.target_ref.as_ref().filter(|target| target.kind.as_deref() == Some("Pod"))?;
    Some((target.name.clone()?, target.uid.clone()?))
}

/// A pod with readiness gates that a provider fills in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GatedPod {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) containers_ready: bool,
    /// The gates, each with the condition that the status has for it.
    gates: BTreeMap<String, Option<PodCondition>>,
}

impl GatedPod {
    /// The pod, if it has gates that begin with the prefix.
    pub(crate) fn of(pod: &Pod, prefix: &str) -> Option<Self> {
        let conditions = || pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
        let condition = |kind: &str| conditions().find(|condition| condition.type_ == kind);
        let gates = pod.spec.iter().flat_map(|spec| spec.readiness_gates.iter().flatten());
        let gates: BTreeMap<String, Option<PodCondition>> = gates
            .map(|gate| &gate.condition_type)
            .filter(|kind| kind.starts_with(prefix))
            .map(|kind| (kind.clone(), condition(kind).cloned()))
            .collect();
        (!gates.is_empty()).then(|| Self {
            name: pod.metadata.name.clone().unwrap_or_default(),
            uid: pod.metadata.uid.clone().unwrap_or_default(),
            containers_ready: condition(CONTAINERS_READY).is_some_and(is_true),
            gates,
        })
    }

    /// All its gates.
    pub(crate) fn gates(&self) -> BTreeSet<String> {
        self.gates.keys().cloned().collect()
    }

    /// Those that are not open.
    pub(crate) fn closed(&self) -> BTreeSet<String> {
        let is_open = |condition: &Option<PodCondition>| condition.as_ref().is_some_and(is_true);
        self.gates.iter().filter(|(_, known)| !is_open(known)).map(|(kind, _)| kind.clone()).collect()
    }

    /// The strategic merge patch of the status that makes the gates say this, or `None` if they do. It holds
    /// for this pod only, not for another that took its name.
    pub(crate) fn patch(&self, gates: &[&Gate], now: Timestamp) -> Option<Value> {
        let changes: Vec<Value> = gates.iter().filter_map(|gate| self.change(gate, now)).collect();
        let patch = |changes| json!({"metadata": {"uid": self.uid}, "status": {"conditions": changes}});
        (!changes.is_empty()).then(|| patch(changes))
    }

    /// The condition as it is to be. The time of its last transition changes with its status only.
    fn change(&self, gate: &Gate, now: Timestamp) -> Option<Value> {
        let known = self.gates.get(&gate.condition)?.as_ref();
        let status = if gate.status == GateStatus::Open { TRUE } else { FALSE };
        let is_status = known.is_some_and(|known| known.status == status);
        let says = |field: Option<&String>, text: &str| field.map_or("", String::as_str) == text;
        let says_why = |known: &PodCondition| {
            says(known.reason.as_ref(), &gate.reason) && says(known.message.as_ref(), &gate.message)
        };
        if is_status && known.is_some_and(says_why) {
            return None;
        }
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let now = Time(now);
        let since = known.filter(|_| is_status).and_then(|known| known.last_transition_time.clone());
        Some(json!({
            "type": gate.condition,
            "status": status,
            "reason": text(&gate.reason),
            "message": text(&gate.message),
            "lastProbeTime": now,
            "lastTransitionTime": since.unwrap_or(now),
        }))
    }
}

fn is_true(condition: &PodCondition) -> bool {
    condition.status == TRUE
}

#[cfg(test)]
mod tests;
