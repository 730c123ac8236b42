//! Pods that are not ready: what is remembered of them, and the only requests that concern pods.
//!
//! Pods are not watched. There are more of them than of anything else in a cluster, and each changes often; for
//! the few that wait for a readiness gate, a watch of all would cost more than all other watches together,
//! and no selector finds only those. EndpointSlices, which are watched, tell which pods are not ready. Such a
//! pod is read once, by name: whether it has gates never changes. Only one with a gate of ours that is not open
//! is read again, at every poll, for nothing else tells that its containers are ready.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, ResourceExt};
use serde_json::Value;

use super::api::{from_kube, traced, within};
use crate::error::{Error, ErrorKind, Result};
use crate::k8s::GatedPod;
use crate::model::Endpoint;

/// The operations here, in errors.
const GET: &str = "get pods";
const PATCH: &str = "patch pods/status";

/// Whether an error is of a request that concerns pods.
pub(crate) fn is_about_pods(error: &Error) -> bool {
    error.operation().is_some_and(|operation| [GET, PATCH].contains(&operation))
}

/// Reads pods, and writes their status.
pub(crate) struct PodClient {
    client: Client,
    timeout: Duration,
}

impl PodClient {
    pub(crate) fn new(client: Client, timeout: Duration) -> Self {
        Self { client, timeout }
    }

    /// The pod, if it exists.
    pub(crate) async fn get(&self, namespace: &str, name: &str) -> Result<Option<Pod>> {
        let api: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let found = within(self.timeout, async { api.get_opt(name).await.map_err(from_kube) }).await;
        found.map_err(|error| error.during(GET).on(format!("{namespace}/{name}")))
    }

    /// Sends a strategic merge patch of the status; the pod as it left it, or `None` if the one that was meant is
    /// gone.
    pub(crate) async fn patch_status(
        &self,
        namespace: &str,
        name: &str,
        patch: Value,
    ) -> Result<Option<Pod>> {
        let api: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let (params, patch) = (PatchParams::default(), Patch::Strategic(patch));
        let call = async { api.patch_status(name, &params, &patch).await.map_err(from_kube) };
        match traced("patch", "pods/status", within(self.timeout, call)).await {
            Ok(pod) => Ok(Some(pod)),
            // Of another pod that took its name the UID is another: a conflict.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict) => Ok(None),
            Err(error) => Err(error.during(PATCH).on(format!("{namespace}/{name}"))),
        }
    }
}

/// Which pods are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// Those that nobody looked at yet.
    New,
    /// Also those with a gate that is not open.
    Again,
}

/// What is remembered of the pods of a Service that are not ready, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct UnreadyPods(BTreeMap<String, Seen>);

#[derive(Debug, Clone)]
struct Seen {
    uid: String,
    /// `None` for one without gates of ours.
    gated: Option<GatedPod>,
}

impl UnreadyPods {
    /// Forgets all pods but these, UIDs by name, and tells which of these are due to be read.
    pub(crate) fn due(&mut self, unready: &BTreeMap<String, String>, look: Look) -> Vec<String> {
        self.0.retain(|name, seen| unready.get(name) == Some(&seen.uid));
        let is_closed = |gated: &GatedPod| !gated.closed().is_empty();
        let is_due = |name: &&String| match self.0.get(*name) {
            None => true,
            Some(seen) => look == Look::Again && seen.gated.as_ref().is_some_and(is_closed),
        };
        unready.keys().filter(is_due).cloned().collect()
    }

    /// Remembers a pod that was read.
    pub(crate) fn note(&mut self, pod: &Pod, prefix: &str) {
        let seen = Seen { uid: pod.uid().unwrap_or_default(), gated: GatedPod::of(pod, prefix) };
        self.0.insert(pod.name_any(), seen);
    }

    /// The pods with gates of ours.
    pub(crate) fn gated(&self) -> impl Iterator<Item = &GatedPod> {
        self.0.values().filter_map(|seen| seen.gated.as_ref())
    }

    /// Whether some gate is not open.
    pub(crate) fn wait(&self) -> bool {
        self.gated().any(|pod| !pod.closed().is_empty())
    }

    /// Names of the pods that would be ready but for gates.
    pub(crate) fn waiting(&self) -> BTreeSet<&str> {
        self.gated().filter(|pod| pod.containers_ready).map(|pod| pod.name.as_str()).collect()
    }

    /// The endpoints with the gates that their pods wait for.
    pub(crate) fn marked(&self, mut endpoints: Vec<Endpoint>) -> Vec<Endpoint> {
        for endpoint in &mut endpoints {
            let pod = self.of(endpoint).filter(|pod| pod.containers_ready);
            endpoint.gates = pod.map(GatedPod::gates).unwrap_or_default();
        }
        endpoints
    }

    /// The endpoints of pods with gates that are not open, and these gates.
    pub(crate) fn closed(&self, mut endpoints: Vec<Endpoint>) -> Vec<Endpoint> {
        for endpoint in &mut endpoints {
            endpoint.gates = self.of(endpoint).map(GatedPod::closed).unwrap_or_default();
        }
        endpoints.retain(|endpoint| !endpoint.gates.is_empty());
        endpoints
    }

    fn of(&self, endpoint: &Endpoint) -> Option<&GatedPod> {
        self.0.get(endpoint.pod.as_ref()?)?.gated.as_ref()
    }
}
