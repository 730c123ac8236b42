//! Which changes of Services are work (SC-20 to SC-23, and the better behaviour of W-4 and W-9).

use k8s_openapi::api::core::v1::{LoadBalancerStatus, Service};

use super::memory::Memory;
use super::queue::Work;
use super::status::contradicted;
use crate::k8s::{
    ClassPolicy, Owner, has_finalizer, needs_cleanup, needs_update, same_status, wants_load_balancer,
};

/// Annotation by which whoever is in charge of a Service gives up what its load balancer still holds in the
/// cloud (W-26): a deletion that hangs then ends, and nothing in the cloud is looked after any more. The
/// value must be the Service's own `namespace/name`, so that it is never there by accident.
pub const ABANDON_ANNOTATION: &str = "cloud-lb.dev/abandon-cloud-resources";

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

    /// Whether the Service is to have a load balancer, and not to go: only then its status matters.
    pub(crate) fn serves(&self, service: &Service) -> bool {
        self.wants(service) && !is_deleting(service)
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

    /// Whether a Service looks as if its load balancer was made by an earlier process.
    pub(crate) fn looks_settled(&self, service: &Service) -> bool {
        let has_addresses = addresses(service).ingress.is_some_and(|ingress| !ingress.is_empty());
        self.wants(service) && !is_deleting(service) && self.has_finalizer(service) && has_addresses
    }

    /// Work for a Service that changes (SC-21).
    pub(crate) fn on_updated(&self, old: &Service, new: &Service, memory: Option<&Memory>) -> Work {
        let owner = if memory.is_some() { Owner::Us } else { Owner::Unknown };
        let superfluous = self.needs_cleanup(new, owner) || (is_deleting(new) && memory.is_some());
        let stripped = self.has_finalizer(old) && !self.has_finalizer(new);
        let update = needs_update(old, new, &self.classes, &self.annotations)
            || (superfluous && differs(old, new))
            || (stripped && self.wants(new) && !is_deleting(new));
        let status = memory.is_some_and(|memory| {
            is_untrue(Some(old), new, memory) || old.metadata.generation != new.metadata.generation
        });
        let status = if status && self.serves(new) { Work::STATUS } else { Work::NONE };
        if update { Work::SYNC.and(status) } else { status }
    }

    /// Work that a lane leaves which just ended: somebody may have changed the status after it wrote it, and
    /// before it was remembered that it did.
    pub(crate) fn after_run(&self, service: &Service, memory: &Memory) -> Work {
        if self.serves(service) && is_untrue(None, service, memory) { Work::STATUS } else { Work::NONE }
    }
}

/// Whether somebody changed the status that we wrote, or took it away (W-4): a user, or a write of an earlier
/// leader that came late.
///
/// Objects from before our own write come in late and look alike: the version tells, or the old object, which
/// must show what we wrote.
fn is_untrue(old: Option<&Service>, new: &Service, memory: &Memory) -> bool {
    let is_later = match (version(new), memory.written) {
        (Some(seen), Some(written)) => seen > written,
        _ => old.is_some_and(|old| is_told(old, memory)),
    };
    is_later && !is_told(new, memory)
}

/// Whether the Service shows what it was told last.
pub(super) fn is_told(service: &Service, memory: &Memory) -> bool {
    let Memory { published, health, .. } = memory;
    published.as_ref().is_none_or(|published| same_status(&addresses(service), published))
        && health.as_ref().is_none_or(|health| !contradicted(service, health))
}

/// The version of an object as a number: those of one kind can be compared.
pub(crate) fn version(service: &Service) -> Option<u64> {
    service.metadata.resource_version.as_ref()?.parse().ok()
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
