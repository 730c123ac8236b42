//! EndpointSlices by Service, for providers that send traffic to pods.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::ResourceExt;
use kube::runtime::watcher::Event;

use super::index::{Change, Index};
use super::key::ObjectKey;

/// Label of an EndpointSlice that names its Service.
const SERVICE_LABEL: &str = "kubernetes.io/service-name";

/// The slices of each Service.
#[derive(Debug, Default)]
pub(crate) struct Endpoints {
    index: Index<EndpointSlice>,
    by_service: BTreeMap<ObjectKey, BTreeMap<String, Arc<EndpointSlice>>>,
}

impl Endpoints {
    /// Takes in an event and names the Services whose slices changed.
    pub(crate) fn apply(&mut self, event: Event<EndpointSlice>) -> Vec<ObjectKey> {
        let mut touched = Vec::new();
        for change in self.index.apply(event) {
            let (old, new) = match change {
                Change::Added(new) => (None, Some(new)),
                Change::Updated { old, new } => (Some(old), Some(new)),
                Change::Deleted(old) => (Some(old), None),
            };
            touched.extend(old.and_then(|slice| self.remove(&slice)));
            touched.extend(new.and_then(|slice| self.insert(slice)));
        }
        touched.dedup();
        touched
    }

    fn remove(&mut self, slice: &EndpointSlice) -> Option<ObjectKey> {
        let service = service_of(slice)?;
        if let Some(slices) = self.by_service.get_mut(&service) {
            slices.remove(&slice.name_any());
            if slices.is_empty() {
                self.by_service.remove(&service);
            }
        }
        Some(service)
    }

    fn insert(&mut self, slice: Arc<EndpointSlice>) -> Option<ObjectKey> {
        let service = service_of(&slice)?;
        self.by_service.entry(service.clone()).or_default().insert(slice.name_any(), slice);
        Some(service)
    }

    pub(crate) fn of(&self, service: &ObjectKey) -> Vec<Arc<EndpointSlice>> {
        self.by_service.get(service).map(|slices| slices.values().cloned().collect()).unwrap_or_default()
    }

    pub(crate) fn is_listed(&self) -> bool {
        self.index.is_listed()
    }
}

fn service_of(slice: &EndpointSlice) -> Option<ObjectKey> {
    let name = slice.metadata.labels.as_ref()?.get(SERVICE_LABEL)?.clone();
    Some(ObjectKey { namespace: slice.namespace().unwrap_or_default(), name })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(name: &str, service: &str, version: u32) -> EndpointSlice {
        serde_json::from_value(serde_json::json!({
            "metadata": {"name": name, "namespace": "shop", "resourceVersion": version.to_string(),
                "labels": {SERVICE_LABEL: service}},
            "addressType": "IPv4", "endpoints": []
        }))
        .unwrap()
    }

    #[test]
    fn slices_are_found_by_service_and_forgotten_with_it() {
        let mut endpoints = Endpoints::default();
        let web = ObjectKey { namespace: "shop".to_owned(), name: "web".to_owned() };
        assert_eq!(endpoints.apply(Event::Apply(slice("web-a", "web", 1))), std::slice::from_ref(&web));
        endpoints.apply(Event::Apply(slice("web-b", "web", 1)));
        endpoints.apply(Event::Apply(slice("api-a", "api", 1)));
        assert_eq!(endpoints.of(&web).len(), 2);
        assert_eq!(endpoints.apply(Event::Apply(slice("web-b", "web", 2))), std::slice::from_ref(&web));
        endpoints.apply(Event::Delete(slice("web-a", "web", 1)));
        endpoints.apply(Event::Delete(slice("web-b", "web", 2)));
        assert!(endpoints.of(&web).is_empty());
        assert_eq!(endpoints.by_service.len(), 1);
    }
}
