//! Which changes of Services are work (SC-20 to SC-23, and the better behaviour of W-4 and W-9).

use k8s_openapi::api::core::v1::{LoadBalancerStatus, Service};

use super::memory::Memory;
use super::queue::Work;
use crate::k8s::{
    ClassPolicy, Owner, has_finalizer, needs_cleanup, needs_update, same_status, wants_load_balancer,
};

/// What decides whether a Service is ours.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) classes: ClassPolicy,
    pub(crate) finalizer: String,
    /// Prefixes of the annotations that the provider reads (W-7).
    pub(crate) annotations: Vec<&'static str>,
}

impl Rules {
    pub(crate) fn wants(&self, service: &Service) -> bool {
        wants_load_balancer(service, &self.classes)
    }

    pub(crate) fn has_finalizer(&self, service: &Service) -> bool {
        has_finalizer(service, &self.finalizer)
    }

    pub(crate) fn needs_cleanup(&self, service: &Service, owner: Owner) -> bool {
        needs_cleanup(service, &self.finalizer, &self.classes, owner)
    }

    /// Work for a Service that appears (SC-20). One with our finalizer that does not want a load
    /// balancer may be what a crash left undone; its lane finds out whether it is ours (W-11).
    pub(crate) fn on_added(&self, service: &Service, memory: Option<&Memory>) -> Work {
        if self.wants(service) || self.has_finalizer(service) || memory.is_some() {
            Work::SYNC
        } else {
            Work::NONE
        }
    }

    /// Work for a Service that changes (SC-21).
    pub(crate) fn on_updated(&self, old: &Service, new: &Service, memory: Option<&Memory>) -> Work {
        let owner = if memory.is_some() { Owner::Us } else { Owner::Unknown };
        let superfluous = self.needs_cleanup(new, owner) || (is_deleting(new) && memory.is_some());
        let stripped = self.has_finalizer(old) && !self.has_finalizer(new);
        let update = needs_update(old, new, &self.classes, &self.annotations)
            || (superfluous && differs(old, new))
            || (stripped && self.wants(new) && !is_deleting(new));
        let wiped = memory.is_some_and(|memory| is_wiped(old, new, memory));
        let status = if wiped && self.wants(new) { Work::STATUS } else { Work::NONE };
        if update { Work::SYNC.and(status) } else { status }
    }
}

/// Whether somebody took away the status that we published (W-4).
///
/// The old object must show it: objects from before our own write come in late and look alike.
fn is_wiped(old: &Service, new: &Service, memory: &Memory) -> bool {
    let Some(published) = &memory.published else { return false };
    same_status(&addresses(old), published) && !same_status(&addresses(new), published)
}

/// The addresses in a Service's status.
pub(crate) fn addresses(service: &Service) -> LoadBalancerStatus {
    let status = service.status.as_ref().and_then(|status| status.load_balancer.clone());
    status.unwrap_or_default()
}

pub(crate) fn is_deleting(service: &Service) -> bool {
    service.metadata.deletion_timestamp.is_some()
}

/// Whether anything but the status changed: a cleanup that fails must not be sped up by the condition
/// that tells of the failure.
fn differs(old: &Service, new: &Service) -> bool {
    let (a, b) = (&old.metadata, &new.metadata);
    old.spec != new.spec
        || a.uid != b.uid
        || a.deletion_timestamp != b.deletion_timestamp
        || a.finalizers != b.finalizers
        || a.annotations != b.annotations
}

#[cfg(test)]
mod tests;
