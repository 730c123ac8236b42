//! One run of a lane: reads what it was given, talks to the provider and the API server, and tells what
//! it remembers and when it wants to run again.

mod cleanup;
mod ensure;
mod failure;
mod gates;
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
use super::api::{ServiceWriter, within};
use super::circuit::{Circuit, Sign, Turn};
use super::events::Events;
use super::key::{Key, ObjectKey};
use super::memory::{Memory, Targets};
use super::nodes::NodeSet;
use super::orphans::Orphan;
use super::pods::PodClient;
use super::queue::{Task, Verdict, Work};
use super::status::Health;
use super::triggers::{Rules, addresses, is_deleting};
use crate::error::Result;
use crate::k8s::{self, Owner};
use crate::measure::{blame, work_span};
use crate::model::{LoadBalancer, ServiceId};
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

/// A Service in its lane.
struct Lane {
    key: Key,
    service: Arc<Service>,
    id: ServiceId,
    memory: Memory,
    nodes: Arc<NodeSet>,
    slices: Vec<Arc<EndpointSlice>>,
    /// As in [`Finished`].
    handed: Option<u64>,
    tone: Tone,
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
            return Ok(self.ensure_or_leave(lane));
        }
        if known && !self.may_own(service, &lane.memory) {
            return Ok(Action::Forget);
        }
        if known || self.rules.needs_cleanup(service, Owner::Unknown) {
            return Ok(Action::CleanUp);
        }
        if !self.rules.needs_cleanup(service, Owner::Us) {
            return Ok(Action::Nothing);
        }
        // The finalizer is one that other controllers use too: the cloud knows whose the Service is.
        match self.call(&lane.key, self.provider.get(&lane.id)).await {
            Ok(State::Absent) => Ok(Action::Nothing),
            Ok(_) => Ok(Action::CleanUp),
            Err(error) => Err(Failure::new("failed to check if load balancer exists before cleanup", error)),
        }
    }

    /// A Service that another controller looks after is not touched, unless it was ours up to now: then its
    /// load balancer goes (AWS-4, AWS-7).
    fn ensure_or_leave(&self, lane: &Lane) -> Action {
        match self.understand(lane) {
            Ok(wanted) if !self.provider.takes(&wanted) => {
                tracing::debug!("another controller looks after this Service");
                if lane.memory.asked { Action::CleanUp } else { Action::Nothing }
            }
            wanted => Action::Ensure(Box::new(wanted)),
        }
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

/// What an ensure that succeeds tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tone {
    /// That it began and ended.
    Usual,
    /// That it repaired what was left in order.
    Repair,
    /// Nothing: who knows whether there was something to do.
    Quiet,
}

impl Tone {
    fn of(work: Work, known: bool) -> Self {
        if work.sync || (work.drift && !known) {
            Self::Usual
        } else if work.drift {
            Self::Repair
        } else {
            Self::Quiet
        }
    }
}

/// What a Service needs.
enum Action {
    /// With what the provider is to make, or why the Service cannot be understood.
    Ensure(Box<std::result::Result<LoadBalancer, Failure>>),
    CleanUp,
    /// Nothing was ever made for it: only what it was told must go (SC-61, W-27).
    Forget,
    Nothing,
}

impl Lane {
    /// What stands for the newest targets.
    fn targets(&self) -> Targets {
        let endpoints = k8s::endpoints(self.slices.iter().map(AsRef::as_ref));
        Targets { nodes: self.nodes.generation, endpoints: self.memory.pods.marked(endpoints) }
    }

    /// With the pods that wait for being healthy targets, as far as they were looked at.
    fn with_pods(&self, wanted: LoadBalancer) -> LoadBalancer {
        LoadBalancer { endpoints: self.memory.pods.marked(wanted.endpoints), ..wanted }
    }

    /// Notes that the provider is about to get these targets: before the call, whatever comes of it.
    fn hand_over(&mut self, targets: Targets) {
        self.handed = Some(targets.nodes);
        self.memory.unreached = None;
        self.memory.targets = Some(targets);
        self.memory.asked = true;
    }
}
