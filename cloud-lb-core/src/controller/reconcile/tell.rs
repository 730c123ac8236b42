//! What the Service is told: by events, and in its status.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{LoadBalancerStatus, Service};
use kube::ResourceExt;
use tokio::time::Instant;
use tracing::Span;

use super::failure::DELETION;
use super::{Failure, Finished, Job, Lane, Reconciler, Tone};
use crate::clock;
use crate::controller::contest::managers;
use crate::controller::key::Key;
use crate::controller::memory::{Memory, Told};
use crate::controller::notice::Notice;
use crate::controller::queue::Verdict;
use crate::controller::status::{self, Health, MIXED_PROTOCOLS, Problem};
use crate::controller::triggers::{ABANDON_ANNOTATION, is_deleting, is_told, version};
use crate::error::{Error, ErrorKind, Retry};
use crate::k8s::{self, Owner};
use crate::measure::blame;

impl Reconciler {
    /// Tells the Service that its sync failed (SC-42 step 5), by event and condition.
    pub(super) async fn report(&self, lane: &mut Lane, failure: &Failure) -> Verdict {
        let error = failure.error();
        let (kind, request_id) = (error.kind(), error.request_id());
        if kind == ErrorKind::Throttled {
            return self.slowed(lane, failure).await;
        }
        blame(&Span::current(), error);
        if error.retry() == Retry::Never {
            tracing::error!(%failure, ?kind, request_id, "sync failed, and only a change can mend it");
        } else {
            tracing::warn!(%failure, ?kind, request_id, "sync failed and will be tried again");
        }
        let text = match way_out(lane, failure) {
            Some(way_out) => format!("{failure}; {way_out}"),
            None => failure.to_string(),
        };
        self.tell(lane, Notice::sync_failed(&text)).await;
        let problem = Problem::new(error, text);
        self.tell_mixed_protocols(lane, &problem).await;
        self.set_health(lane, Health::Failed(problem)).await;
        Verdict::Failed(error.retry())
    }

    /// An event of its own for what clusters look for (F-4), once.
    async fn tell_mixed_protocols(&self, lane: &Lane, problem: &Problem) {
        let known = lane.memory.health.as_ref().and_then(Health::ports);
        if let Some(ports) = &problem.ports
            && ports.reason == MIXED_PROTOCOLS
            && known != Some(ports)
        {
            self.tell(lane, Notice::mixed_protocols(&ports.message)).await;
        }
    }

    /// Too many calls are made, by all Services together: this one waits and has not failed (W-14).
    async fn slowed(&self, lane: &mut Lane, failure: &Failure) -> Verdict {
        tracing::warn!(%failure, "asked for fewer calls");
        let reason = failure.to_string();
        if lane.memory.told != Some(Told::Deleting) {
            self.tell_once(lane, Told::Pending(reason.clone()), Notice::pending(&reason)).await;
        }
        self.set_health(lane, Health::Pending(reason)).await;
        throttled(failure.error())
    }

    /// Tells the Service that its work waits for the cloud to be back (W-24), unless it knows of a failure.
    pub(crate) async fn hold(&self, job: Job) -> Finished {
        let key = Key::Service(job.key);
        let finished = |memory| Finished { key: key.clone(), memory, verdict: Verdict::Done, handed: None };
        let memory = job.memory;
        let (Some(service), false) = (job.service, memory.as_ref().is_some_and(has_failed)) else {
            return finished(memory);
        };
        let is_other = memory.as_ref().is_some_and(|memory| memory.service.uid() != service.uid());
        let asked = memory.as_ref().is_some_and(|memory| memory.asked);
        let (Some(step), Ok(id), false) =
            (self.next_step(&service, asked), k8s::service_id(&self.cluster, &service), is_other)
        else {
            return finished(memory);
        };
        let memory = memory.unwrap_or_else(|| Memory::new(Arc::clone(&service)));
        let (nodes, slices) = (job.nodes, job.slices);
        let tone = Tone::Usual;
        let mut lane = Lane { key: key.clone(), service, id, memory, nodes, slices, handed: None, tone };
        let message = "the cloud does not answer; waiting until it does";
        if is_deleting(&lane.service) && lane.is_abandoned() && self.abandon(&mut lane, message).await.is_ok()
        {
            return finished(None);
        }
        let failure = Failure::new(step, Error::new(ErrorKind::Unavailable, message));
        self.report(&mut lane, &failure).await;
        finished(Some(lane.memory))
    }

    /// What a sync would do to the Service, as far as is known to be ours to do.
    fn next_step(&self, service: &Service, asked: bool) -> Option<&'static str> {
        if self.rules.serves(service) && self.takes(service) {
            return Some("failed to ensure load balancer");
        }
        (asked || self.rules.needs_cleanup(service, Owner::Unknown)).then_some(DELETION)
    }

    /// Writes the status again that somebody changed, without a call to the cloud (W-4). Tells how long to wait
    /// with that, where others insist.
    pub(super) async fn restore_status(&self, lane: &mut Lane) -> Result<Option<Duration>, Failure> {
        if let Some(rest) = lane.memory.contest.wait(Instant::now(), self.restore_delay) {
            return Ok(Some(rest));
        }
        let changed = !is_told(&lane.service, &lane.memory);
        let Memory { published, health, .. } = &lane.memory;
        if changed {
            tracing::info!("the status was changed by somebody else: restoring it");
        }
        lane.memory.written = self.write_status(&lane.service, published.as_ref(), health.as_ref()).await?;
        if changed && lane.memory.contest.restored(Instant::now()) {
            self.tell(lane, Notice::contested(&managers(&lane.service))).await;
        }
        Ok(None)
    }

    /// A status that could not be restored says nothing of the load balancer: what is remembered of its health
    /// stays, for the next attempt to write.
    pub(super) async fn not_restored(&self, lane: &Lane, failure: &Failure) -> Verdict {
        let error = failure.error();
        tracing::warn!(%failure, kind = ?error.kind(), "the status could not be restored");
        if error.kind() == ErrorKind::Throttled {
            return throttled(error);
        }
        blame(&Span::current(), error);
        self.tell(lane, Notice::sync_failed(failure)).await;
        Verdict::Failed(error.retry())
    }

    async fn set_health(&self, lane: &mut Lane, health: Health) {
        let health = lane.memory.health.insert(health);
        match self.write_status(&lane.service, None, Some(health)).await {
            Ok(written) => lane.memory.written = written,
            Err(failure) => tracing::warn!(%failure, "the conditions could not be written"),
        }
    }

    /// Patches the status if it differs, and tells the version that has it as wanted. That the Service is gone
    /// is no failure (SC-85).
    pub(super) async fn write_status(
        &self,
        service: &Service,
        addresses: Option<&LoadBalancerStatus>,
        health: Option<&Health>,
    ) -> Result<Option<u64>, Failure> {
        let mut newest = None;
        // Once more if the first patch met an object that somebody had changed meanwhile.
        for _ in 0..2 {
            let seen = newest.as_ref().unwrap_or(service);
            let Some(patch) = status::patch(seen, addresses, health, clock::now()) else { break };
            match self.writer.patch(service, patch).await {
                Ok(patched) => newest = Some(patched),
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(Failure::new("failed to update load balancer status", error)),
            }
        }
        Ok(version(newest.as_ref().unwrap_or(service)))
    }

    pub(super) async fn tell(&self, lane: &Lane, notice: Notice) {
        self.events.publish(&lane.service, notice).await;
    }

    /// Tells of a state that goes on, unless that was told before (W-23).
    pub(super) async fn tell_once(&self, lane: &mut Lane, told: Told, notice: Notice) {
        if lane.memory.told.as_ref() != Some(&told) {
            lane.memory.told = Some(told);
            self.tell(lane, notice).await;
        }
    }
}

/// How to end a deletion that the cloud does not let end (W-26). One that the Service itself forbids needs none.
fn way_out(lane: &Lane, failure: &Failure) -> Option<String> {
    let stuck = failure.is_of_deletion() && failure.error().kind() != ErrorKind::InvalidInput;
    let (namespace, name) = (&lane.id.namespace, &lane.id.name);
    stuck.then(|| {
        format!(
            "if the cloud is gone for good, this gives up what is left there: kubectl annotate service -n {namespace} \
             {name} {ABANDON_ANNOTATION}={namespace}/{name}"
        )
    })
}

/// What to do after an error that asks for fewer calls.
pub(super) fn throttled(error: &Error) -> Verdict {
    Verdict::Throttled(match error.retry() {
        Retry::After(pause) => Some(pause),
        Retry::Backoff | Retry::Never => None,
    })
}

fn has_failed(memory: &Memory) -> bool {
    matches!(memory.health, Some(Health::Failed(..)))
}
