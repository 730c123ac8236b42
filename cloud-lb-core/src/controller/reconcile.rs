//! One run of a lane: reads what it was given, talks to the provider and the API server, and tells what
//! it remembers and when it wants to run again.

mod cleanup;
mod ensure;
mod failure;
mod gates;
mod lane;
mod survey;
mod targets;
mod tell;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::ResourceExt;
use parking_lot::Mutex;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use self::failure::Failure;
use self::lane::{Action, Lane, Tone};
use self::tell::throttled;
use super::api::{ServiceWriter, within};
use super::circuit::{Circuit, Sign, Turn};
use super::events::Events;
use super::key::{Key, ObjectKey};
use super::memory::Memory;
use super::nodes::NodeSet;
use super::orphans::Orphan;
use super::pods::PodClient;
use super::queue::{Task, Verdict, Work};
use super::status::Health;
use super::triggers::{Rules, addresses, is_deleting};
use crate::error::{Error, ErrorKind, Result};
use crate::k8s::{self, Owner};
use crate::measure::{blame, work_span};
use crate::provider::{LoadBalancerProvider, State};

/// What a lane gets to run: the newest of everything at that time.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) key: ObjectKey,
    /// `None` if the Service does not exist any more. Shared with the cache and never written to (SC-4).
    pub(crate) service: Option<Arc<Service>>,
    pub(crate) memory: Option<Memory>,
    pub(crate) nodes: Arc<NodeSet>,
    pub(crate) slices: Vec<Arc<EndpointSlice>>,
    /// What is in the cloud for Services of this name that do not exist.
    pub(crate) orphans: Vec<Orphan>,
}

/// What a lane leaves behind.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) key: Key,
    pub(crate) memory: Option<Memory>,
    pub(crate) verdict: Verdict,
    /// Generation of the nodes that the provider was given, if it was given any.
    pub(crate) handed: Option<u64>,
}

/// Does the work of lanes. Holds nothing of single Services: what is remembered travels with the job.
pub(crate) struct Reconciler {
    pub(crate) provider: Arc<dyn LoadBalancerProvider>,
    pub(crate) cluster: String,
    pub(crate) rules: Rules,
    pub(crate) writer: ServiceWriter,
    pub(crate) pods: PodClient,
    pub(crate) events: Events,
    pub(crate) timeout: Duration,
    /// How seldom at the least a contested status is written again.
    pub(crate) restore_delay: Duration,
    pub(crate) circuit: Mutex<Circuit>,
}

impl Reconciler {
    /// Runs the lane of one Service.
    ///
    /// # Cancel safety
    /// Any prefix of the work may have been done; the next run repairs that.
    pub(crate) async fn run(&self, job: Job, task: Task) -> Finished {
        let object = job.service.as_ref().or(job.memory.as_ref().map(|memory| &memory.service));
        let uid = object.and_then(|service| service.uid()).unwrap_or_default();
        let goes = job.service.as_ref().is_none_or(|service| is_deleting(service));
        let provider = self.provider.name();
        let ObjectKey { namespace, name } = &job.key;
        let span = work_span!(
            INFO,
            "reconcile",
            k8s.namespace.name = namespace,
            k8s.service.name = name,
            k8s.service.uid = uid,
            cloud.provider = provider,
            work = Empty
        );
        let run = async {
            match task {
                Task::Work(work) => Box::pin(self.dispatch(job, work)).await,
                Task::Hold => Box::pin(self.hold(job)).await,
            }
        };
        let finished = run.instrument(span).await;
        if goes && finished.memory.is_none() {
            self.events.forget(&uid);
        }
        finished
    }

    async fn dispatch(&self, mut job: Job, work: Work) -> Finished {
        let key = Key::Service(job.key.clone());
        if let Some(failed) = self.forget_predecessor(&mut job).await {
            return Finished { key, memory: job.memory, verdict: failed, handed: None };
        }
        if work.orphans {
            let verdict = self.see_to(&key, &job.orphans).await;
            if verdict != Verdict::Done || work == Work::ORPHANS {
                return Finished { key, memory: job.memory, verdict, handed: None };
            }
        }
        let known = job.memory.is_some();
        let (Some(service), true) = (job.service, known || work.is_sync()) else {
            return Finished { key, memory: None, verdict: Verdict::Done, handed: None };
        };
        let id = match k8s::service_id(&self.cluster, &service) {
            Ok(id) => id,
            Err(error) => {
                tracing::error!(%error, "a Service without an identity is left alone");
                blame(&Span::current(), &error);
                let verdict = Verdict::Failed(error.retry());
                return Finished { key, memory: job.memory, verdict, handed: None };
            }
        };
        let memory = job.memory.unwrap_or_else(|| Memory::new(Arc::clone(&service)));
        let Job { nodes, slices, .. } = job;
        let mut lane = Lane {
            key: key.clone(),
            service,
            id,
            memory,
            nodes,
            slices,
            handed: None,
            tone: Tone::of(work, known),
        };
        let (keep, verdict) = if work.is_sync() {
            self.sync(&mut lane, known).await
        } else {
            (true, self.follow(&mut lane, work).await)
        };
        Finished { key, memory: keep.then_some(lane.memory), verdict, handed: lane.handed }
    }

    /// Ensures or cleans up (SC-42). The first of the pair tells whether the Service stays remembered.
    async fn sync(&self, lane: &mut Lane, known: bool) -> (bool, Verdict) {
        lane.memory.service = Arc::clone(&lane.service);
        let result = match self.decide(lane, known).await {
            Ok(Action::Nothing) => return (false, Verdict::Done),
            Ok(Action::AskAgain(error)) => return (false, not_told(&error)),
            Ok(Action::Forget) => {
                let told = self.write_status(&lane.service, None, Some(&Health::Gone)).await;
                told.map(|_| (false, Verdict::Done))
            }
            Ok(Action::Ensure(wanted)) => {
                Span::current().record("work", "ensure");
                self.ensure(lane, *wanted).await.map(|verdict| (true, verdict))
            }
            Ok(Action::CleanUp) => {
                Span::current().record("work", "delete");
                let verdict = self.clean_up(lane).await;
                verdict.map(|verdict| (verdict != Verdict::Done, verdict))
            }
            Err(failure) => Err(failure),
        };
        match result {
            Ok(result) => result,
            Err(failure) => (true, self.report(lane, &failure).await),
        }
    }

    async fn decide(&self, lane: &mut Lane, known: bool) -> std::result::Result<Action, Failure> {
        let service = &lane.service;
        if self.rules.wants(service) && !is_deleting(service) {
            return Ok(self.ensure_or_leave(lane, known));
        }
        if lane.memory.asked || self.rules.needs_cleanup(service, Owner::Unknown) {
            return Ok(Action::CleanUp);
        }
        let untold = if known { Action::Forget } else { Action::Nothing };
        let may_be_ours =
            self.rules.needs_cleanup(service, Owner::Us) || (known && self.may_own(service, &lane.memory));
        if !may_be_ours {
            return Ok(untold);
        }
        // The finalizer is one that other controllers use too: the cloud knows whose the Service is.
        match self.call(&lane.key, self.provider.get(&lane.id)).await {
            Ok(State::Absent) => Ok(untold),
            Ok(_) => Ok(Action::CleanUp),
            Err(error) if known => Err(Failure::new(CHECK, error)),
            Err(error) => Ok(Action::AskAgain(error)),
        }
    }

    /// A Service that another controller looks after is not touched, unless it was ours up to now: then its
    /// load balancer goes (AWS-4, AWS-7).
    fn ensure_or_leave(&self, lane: &Lane, known: bool) -> Action {
        if self.takes(&lane.service) {
            return Action::Ensure(Box::new(self.understand(lane)));
        }
        tracing::debug!("another controller looks after this Service");
        match (lane.memory.asked, known) {
            (true, _) => Action::CleanUp,
            (false, true) => Action::Forget,
            (false, false) => Action::Nothing,
        }
    }

    /// Whether the provider looks after such a Service, be it understood or not.
    fn takes(&self, service: &Service) -> bool {
        self.provider.takes(&k8s::outline(&self.cluster, service))
    }

    /// Whether there may be something of the Service in the cloud, as far as can be told without asking.
    fn may_own(&self, service: &Service, memory: &Memory) -> bool {
        let has_addresses = addresses(service).ingress.is_some_and(|ingress| !ingress.is_empty());
        memory.asked || has_addresses || self.rules.has_finalizer(service)
    }

    /// The lesser work on a Service that is as it was.
    async fn follow(&self, lane: &mut Lane, work: Work) -> Verdict {
        if is_deleting(&lane.service) || !self.rules.wants(&lane.service) {
            return Verdict::Done;
        }
        if work.status {
            match self.restore_status(lane).await {
                Ok(None) => {}
                Ok(Some(rest)) => return Verdict::Wait(rest),
                Err(failure) => return self.not_restored(lane, &failure).await,
            }
        }
        let verdict = if work.targets {
            Span::current().record("work", "update");
            self.update_targets(lane).await
        } else {
            Verdict::Done
        };
        let polled = if work.gates { self.poll_gates(lane).await } else { Verdict::Done };
        if verdict == Verdict::Done { polled } else { verdict }
    }

    /// Gives a call to the provider its deadline, and notes what its end tells of the cloud.
    async fn call<T>(&self, key: &Key, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        self.call_within(self.timeout, key, call).await
    }

    async fn call_within<T>(
        &self,
        timeout: Duration,
        key: &Key,
        call: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let result = within(timeout, call).await;
        if let Some(sign) = Sign::of(&result) {
            let turn = self.circuit.lock().note(key, sign, Instant::now());
            match turn {
                Some(Turn::Opened(delay)) => {
                    tracing::error!(?delay, "the cloud does not answer: leaving it alone until a probe");
                }
                Some(Turn::Closed) => tracing::info!("the cloud answers again"),
                None => {}
            }
        }
        result
    }
}

const CHECK: &str = "failed to check if load balancer exists before cleanup";

/// Nobody knows whether the Service is ours: then it is told nothing.
fn not_told(error: &Error) -> Verdict {
    tracing::warn!(%error, kind = ?error.kind(), "{CHECK}");
    blame(&Span::current(), error);
    match error.kind() {
        ErrorKind::Throttled => throttled(error),
        _ => Verdict::Failed(error.retry()),
    }
}
