//! Makes `EndpointSlices` and `Endpoints` of Services with a selector, as the controllers of a real cluster do.
//!
//! What is wanted is a pure function of Services, Pods and Nodes; [`reconcile`] writes the difference to what is
//! there. Objects that others made are left alone: ours carry a label that says so.
//!
//! Unlike a real cluster, slices have names that follow from their content, so that each run makes the same; and
//! `Endpoints` made by hand are not mirrored into slices.

mod backend;
mod legacy;
mod slices;

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Endpoints, Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::json::text;
use super::{ApiError, ApiServer, Resource};

/// The label with the name of the Service that a slice belongs to.
const SERVICE_NAME: &str = "kubernetes.io/service-name";
/// The label of objects that belong to headless Services.
const HEADLESS: &str = "service.kubernetes.io/headless";
/// Who made a slice.
const SLICE_MANAGER: (&str, &str) =
    ("endpointslice.kubernetes.io/managed-by", "endpointslice-controller.k8s.io");
/// Who made an `Endpoints` object.
const ENDPOINTS_MANAGER: (&str, &str) = ("endpoints.kubernetes.io/managed-by", "endpoint-controller");

/// How long a refused write waits for its next try.
const RETRY: Duration = Duration::from_secs(1);

impl ApiServer {
    /// Keeps the `EndpointSlices` and `Endpoints` of Services in step with their Pods, until `stop`.
    ///
    /// # Cancel safety
    /// Can be dropped at any time; another run goes on from what is there.
    pub async fn run_endpoints(&self, stop: CancellationToken) {
        let mut changes = self.changes();
        loop {
            changes.borrow_and_update();
            let settled = self.settle_endpoints();
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                event = changes.changed() => if event.is_err() { return },
                () = tokio::time::sleep(RETRY), if !settled => {}
            }
        }
    }

    /// One pass of [`ApiServer::run_endpoints`]: afterwards slices and `Endpoints` are those of the current Pods.
    /// False if a write was refused and has to be tried again.
    pub fn settle_endpoints(&self) -> bool {
        let services: Vec<Service> = read(self, Resource::Services);
        let pods: Vec<Pod> = read(self, Resource::Pods);
        let nodes: Vec<Node> = read(self, Resource::Nodes);
        let slices = services.iter().flat_map(|service| slices_for(service, &pods, &nodes));
        let slices = write(self, Resource::EndpointSlices, slices, SLICE_MANAGER);
        let legacy = services.iter().filter_map(|service| endpoints_for(service, &pods));
        write(self, Resource::Endpoints, legacy, ENDPOINTS_MANAGER) && slices
    }
}

/// The slices of a Service, sorted by family and ports; none for a Service without a selector.
pub(crate) fn slices_for(service: &Service, pods: &[Pod], nodes: &[Node]) -> Vec<EndpointSlice> {
    slices::build(service, pods, nodes)
}

/// The legacy `Endpoints` of a Service: those of its first IP family.
pub(crate) fn endpoints_for(service: &Service, pods: &[Pod]) -> Option<Endpoints> {
    legacy::build(service, pods)
}

fn read<T: DeserializeOwned>(api: &ApiServer, resource: Resource) -> Vec<T> {
    let parse = |object| {
        serde_json::from_value(object)
            .inspect_err(|error| tracing::warn!(resource = resource.plural(), %error, "unreadable object"))
            .ok()
    };
    api.list(resource).into_iter().filter_map(parse).collect()
}

/// Creates, updates and deletes until the objects with the manager's label are the wanted ones.
fn write<T: Serialize>(
    api: &ApiServer,
    resource: Resource,
    wanted: impl Iterator<Item = T>,
    (label, manager): (&str, &str),
) -> bool {
    let listed = api.list(resource).into_iter();
    let mut present: BTreeMap<(String, String), Value> =
        listed.map(|object| (key(&object), object)).collect();
    let is_ours = |object: &Value| {
        object
            .pointer("/metadata/labels")
            .and_then(|labels| labels.get(label))
            .is_some_and(|by| by == manager)
    };
    let mut settled = true;
    for object in wanted.filter_map(|object| serde_json::to_value(object).ok()) {
        let written = match present.remove(&key(&object)) {
            None => api.create(resource, object).map(drop),
            // The name is taken by an object of somebody else, who must know better.
            Some(current) if !is_ours(&current) => Ok(()),
            Some(current) => update(api, resource, object, &current),
        };
        settled &= accepted(written);
    }
    for ((namespace, name), _) in present.into_iter().filter(|(_, object)| is_ours(object)) {
        settled &= accepted(api.delete(resource, &namespace, &name));
    }
    settled
}

/// Replaces all but the metadata that is not ours.
fn update(api: &ApiServer, resource: Resource, wanted: Value, current: &Value) -> Result<(), ApiError> {
    let mut next = wanted;
    let mut metadata = current.get("metadata").cloned().unwrap_or_default();
    for field in ["labels", "ownerReferences"] {
        if let (Some(metadata), Some(value)) =
            (metadata.as_object_mut(), next.pointer(&format!("/metadata/{field}")))
        {
            metadata.insert(field.to_owned(), value.clone());
        }
    }
    if let Some(next) = next.as_object_mut() {
        next.insert("metadata".to_owned(), metadata);
    }
    if next == *current { Ok(()) } else { api.update(resource, next).map(drop) }
}

fn accepted(result: Result<(), ApiError>) -> bool {
    result.inspect_err(|error| tracing::debug!(%error, "a write of endpoints is tried again")).is_ok()
}

fn key(object: &Value) -> (String, String) {
    (text(object, "/metadata/namespace").to_owned(), text(object, "/metadata/name").to_owned())
}

#[cfg(test)]
mod tests;
