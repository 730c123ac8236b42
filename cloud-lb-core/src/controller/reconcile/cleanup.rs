//! The cleanup path (SC-60 to SC-62), and the load balancers of objects that are gone (SC-70 to SC-72).

use k8s_openapi::api::core::v1::{LoadBalancerStatus, Service};
use kube::ResourceExt;
use tracing::Span;

use super::tell::throttled;
use super::{Failure, Job, Lane, Reconciler};
use crate::controller::finalizer;
use crate::controller::key::Key;
use crate::controller::memory::{Memory, Told};
use crate::controller::notice::Notice;
use crate::controller::pods::Look;
use crate::controller::queue::Verdict;
use crate::controller::status::Health;
use crate::controller::triggers::ABANDON_ANNOTATION;
use crate::error::{ErrorKind, Result};
use crate::k8s;
use crate::measure::blame;
use crate::model::Endpoint;
use crate::provider::{Outcome, Pending, State};

impl Reconciler {
    /// Removes the load balancer of a Service that does not want one any more, then every trace of it
    /// from the Service.
    pub(super) async fn clean_up(&self, lane: &mut Lane) -> std::result::Result<Verdict, Failure> {
        let kept = self.provider.check_deletion(&lane.id, lane.service.annotations());
        kept.map_err(Failure::of_deletion)?;
        // Should somebody strip the finalizer before it is done, nothing but this tells that it is to be done.
        lane.memory.asked = true;
        if self.may_exist(lane).await {
            self.tell_once(lane, Told::Deleting, Notice::deleting()).await;
        }
        self.free_pods(lane).await;
        let outcome = self.call(&lane.key, self.provider.delete(&lane.id)).await;
        match outcome {
            Ok(Outcome::Done | Outcome::ImplementedElsewhere) => {
                self.erase(lane, Notice::deleted()).await?;
                tracing::info!("load balancer deleted");
                Ok(Verdict::Done)
            }
            Ok(Outcome::Pending(pending)) if lane.is_abandoned() => self.abandon(lane, &pending.reason).await,
            Ok(Outcome::Pending(pending)) => self.wait_for_deletion(lane, pending).await,
            Err(error) if lane.is_abandoned() => self.abandon(lane, &error.to_string()).await,
            Err(error) => Err(Failure::of_deletion(error)),
        }
    }

    /// Opens the gates of all pods behind the Service.
    async fn free_pods(&self, lane: &mut Lane) {
        let looked = self.look_at_pods(lane, Look::Again).await;
        if let Err(error) = &looked {
            tracing::warn!(%error, "cannot tell whether pods wait for the load balancer: deleting it anyway");
        }
        let endpoints = lane.targets().endpoints;
        let opened = self.open_gates(&lane.key, &lane.id, endpoints, &mut lane.memory.pods).await;
        if let Err(error) = looked.and(opened) {
            self.tell(lane, Notice::gates_left(&error)).await;
        }
    }

    /// Whether there is something to tell of. The deletion itself does not depend on it: it also removes
    /// what an earlier one left behind (W-8).
    async fn may_exist(&self, lane: &Lane) -> bool {
        match self.call(&lane.key, self.provider.get(&lane.id)).await {
            Ok(state) => state != State::Absent,
            Err(error) => {
                tracing::warn!(%error, "cannot tell whether the load balancer exists: deleting it anyway");
                true
            }
        }
    }

    async fn wait_for_deletion(
        &self,
        lane: &mut Lane,
        pending: Pending,
    ) -> std::result::Result<Verdict, Failure> {
        tracing::debug!(reason = pending.reason, "waiting for the cloud");
        let health = lane.memory.health.insert(Health::Pending(pending.reason));
        let written = self.write_status(&lane.service, None, Some(health)).await?;
        lane.memory.written = written;
        Ok(Verdict::Wait(pending.retry_after))
    }

    /// Gives up what the cloud still holds, as the annotation asks (W-26): told, for nobody looks after it
    /// any more.
    pub(super) async fn abandon(
        &self,
        lane: &mut Lane,
        blocker: &str,
    ) -> std::result::Result<Verdict, Failure> {
        self.erase(lane, Notice::abandoned(&blocker)).await?;
        tracing::error!(blocker, "cloud resources were given up, as the annotation of the Service asks");
        Ok(Verdict::Done)
    }

    /// Removes every trace from the Service.
    async fn erase(&self, lane: &mut Lane, notice: Notice) -> std::result::Result<(), Failure> {
        let finalizers = lane.service.metadata.finalizers.as_deref().unwrap_or_default();
        if let Some(patch) = finalizer::remove(finalizers, &self.rules.finalizer) {
            self.writer
                .patch(&lane.service, patch)
                .await
                .map_err(|error| Failure::new("failed to remove load balancer cleanup finalizer", error))?;
        }
        self.tell(lane, notice).await;
        let none = LoadBalancerStatus::default();
        self.write_status(&lane.service, Some(&none), Some(&Health::Gone)).await?;
        Ok(())
    }

    /// Deletes the load balancer of the remembered object if the Service is gone, or is another one of
    /// the same name (SC-70, SC-72). Returns how that failed, if it did.
    pub(super) async fn forget_predecessor(&self, job: &mut Job) -> Option<Verdict> {
        let memory = job.memory.as_mut()?;
        if job.service.as_ref().is_some_and(|service| service.uid() == memory.service.uid()) {
            return None;
        }
        if !self.may_own(&memory.service, memory) {
            job.memory = None;
            return None;
        }
        let endpoints = k8s::endpoints(job.slices.iter().map(AsRef::as_ref));
        let verdict = self.delete_remembered(&Key::Service(job.key.clone()), memory, endpoints).await;
        let verdict = (verdict != Verdict::Done).then_some(verdict);
        if verdict.is_none() {
            job.memory = None;
        }
        verdict
    }

    /// SC-71: no existence check, and events of its own (SC-1204). Whatever is remembered was wanted once,
    /// also if the object that was seen last did not want it any more.
    async fn delete_remembered(&self, key: &Key, memory: &mut Memory, endpoints: Vec<Endpoint>) -> Verdict {
        let service = memory.service.clone();
        if memory.told != Some(Told::Deleting) {
            memory.told = Some(Told::Deleting);
            self.events.publish(&service, Notice::deleting()).await;
        }
        if let Ok(id) = k8s::service_id(&self.cluster, &service)
            && let Err(error) = self.open_gates(key, &id, endpoints, &mut memory.pods).await
        {
            self.events.publish(&service, Notice::gates_left(&error)).await;
        }
        match self.delete_by_id(key, &service).await {
            Ok(Outcome::Pending(pending)) => Verdict::Wait(pending.retry_after),
            Ok(Outcome::Done | Outcome::ImplementedElsewhere) => {
                self.events.publish(&service, Notice::deleted()).await;
                tracing::info!("load balancer of a vanished Service deleted");
                Verdict::Done
            }
            Err(error) if error.kind() == ErrorKind::Throttled => throttled(&error),
            Err(error) => {
                tracing::warn!(%error, "the load balancer of a vanished Service could not be deleted");
                blame(&Span::current(), &error);
                self.events.publish(&service, Notice::delete_failed(&error)).await;
                Verdict::Failed(error.retry())
            }
        }
    }

    async fn delete_by_id(&self, key: &Key, service: &Service) -> Result<Outcome> {
        let id = k8s::service_id(&self.cluster, service)?;
        self.call(key, self.provider.delete(&id)).await
    }
}

impl Lane {
    /// Whether whoever is in charge of the Service wants to be rid of it, whatever stays in the cloud.
    pub(super) fn is_abandoned(&self) -> bool {
        let annotations = self.service.metadata.annotations.as_ref();
        annotations.and_then(|all| all.get(ABANDON_ANNOTATION)).is_some_and(|name| *name == self.id.path())
    }
}
