//! Surveys: all load balancers are held against the cloud at once, at the start and now and then (W-3, W-5),
//! and what belongs to nobody is found (W-28).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Dispatcher;
use crate::clock;
use crate::controller::circuit::Gate;
use crate::controller::key::{Key, ObjectKey};
use crate::controller::memory::{Memory, Targets};
use crate::controller::orphans::{Claims, Orphans, find_orphans};
use crate::controller::queue::Work;
use crate::controller::status;
use crate::error::{Error, Result};
use crate::k8s;
use crate::model::{LoadBalancer, ServiceId, Status};
use crate::provider::{Finding, Survey};

/// When surveys are made, and what they are for.
pub(super) struct Surveys {
    pub(super) running: JoinSet<Surveyed>,
    due: Option<Instant>,
    /// Whether what the survey that runs looks at is out of date.
    hurried: bool,
    failures: u32,
    /// Services that look as if an earlier process had left them in order; the first survey tells. `None`
    /// after it.
    awaiting: Option<BTreeSet<ObjectKey>>,
    pub(super) orphans: Orphans,
}

/// A Service that a survey looks at.
struct Entry {
    key: ObjectKey,
    service: Arc<Service>,
    targets: Targets,
}

/// What a survey looked at, and what it found.
pub(super) struct Surveyed {
    entries: Vec<Entry>,
    /// The Services that there were when it began.
    claims: Claims,
    result: Result<Survey>,
}

impl Surveys {
    pub(super) fn new(orphans: Orphans) -> Self {
        let awaiting = Some(BTreeSet::new());
        Self {
            running: JoinSet::new(),
            due: Some(Instant::now()),
            hurried: false,
            failures: 0,
            awaiting,
            orphans,
        }
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.due.filter(|_| self.running.is_empty())
    }

    /// Makes the next survey due now.
    pub(super) fn hasten(&mut self, now: Instant) {
        self.due = Some(now);
        self.hurried = true;
    }

    /// Leaves a Service that looks settled to the first survey, if that is still to come.
    pub(super) fn await_first(&mut self, key: &ObjectKey) -> bool {
        self.awaiting.as_mut().is_some_and(|awaiting| {
            awaiting.insert(key.clone());
            true
        })
    }

    /// Takes a Service back from the first survey. Whether it was left to that.
    pub(super) fn await_no_more(&mut self, key: &ObjectKey) -> bool {
        self.awaiting.as_mut().is_some_and(|awaiting| awaiting.remove(key))
    }
}

impl Dispatcher {
    /// Begins the survey that is due, if the cloud is well.
    pub(super) fn start_survey(&mut self) {
        let now = Instant::now();
        if !self.is_ready() || self.surveys.due().is_none_or(|due| due > now) {
            return;
        }
        if self.reconciler.circuit.lock().gate(now) != Gate::Free {
            self.surveys.due = Some(now + self.options.probe_delay);
            return;
        }
        self.surveys.hurried = false;
        let (entries, wanted): (Vec<Entry>, Vec<LoadBalancer>) =
            self.candidates().into_iter().filter_map(|(key, service)| self.entry(key, service)).unzip();
        let reconciler = Arc::clone(&self.reconciler);
        let (timeout, claims) = (self.options.survey_timeout, self.claims());
        tracing::debug!(services = entries.len(), "survey begins");
        let survey = async move { reconciler.survey(&wanted, timeout).await };
        self.surveys.running.spawn(async move { Surveyed { result: survey.await, entries, claims } });
    }

    /// The Services whose load balancers are to be as they were left.
    fn candidates(&self) -> Vec<(ObjectKey, Arc<Service>)> {
        let keys: Vec<&ObjectKey> = match &self.surveys.awaiting {
            Some(awaiting) => awaiting.iter().collect(),
            None => self.memories.iter().filter(|(_, memory)| memory.ensured).map(|(key, _)| key).collect(),
        };
        let idle = keys.into_iter().filter(|key| self.queue.is_idle(&Key::Service((*key).clone())));
        idle.filter_map(|key| Some((key.clone(), Arc::clone(self.services.get(key)?)))).collect()
    }

    fn entry(&mut self, key: ObjectKey, service: Arc<Service>) -> Option<(Entry, LoadBalancer)> {
        let (nodes, slices) = (self.nodes.current(), self.endpoints.of(&key));
        let slices = slices.iter().map(AsRef::as_ref);
        let mut wanted = k8s::load_balancer(&self.reconciler.cluster, &service, &nodes.nodes, slices).ok()?;
        if let Some(memory) = self.memories.get(&key) {
            wanted.endpoints = memory.pods.marked(wanted.endpoints);
        }
        let targets = self.targets(&key);
        Some((Entry { key, service, targets }, wanted))
    }

    /// What stands for the newest targets of a Service.
    fn targets(&mut self, key: &ObjectKey) -> Targets {
        let slices = self.endpoints.of(key);
        let endpoints = k8s::endpoints(slices.iter().map(AsRef::as_ref));
        let endpoints = match self.memories.get(key) {
            Some(memory) => memory.pods.marked(endpoints),
            None => endpoints,
        };
        Targets { nodes: self.nodes.current().generation, endpoints }
    }

    /// Takes in what a survey found, and plans the next one.
    pub(super) fn surveyed(&mut self, surveyed: Surveyed) {
        let Surveyed { entries, claims, result } = surveyed;
        match result {
            Ok(Survey { findings, owned }) => {
                for (entry, finding) in entries.into_iter().zip(findings) {
                    self.judge(entry, finding);
                }
                self.find_orphans(&owned, &claims);
                self.surveys.failures = 0;
                self.gauges.survey_failures(0);
                self.plan_survey(self.options.drift_interval);
            }
            Err(error) => self.survey_failed(&error),
        }
        for key in self.surveys.awaiting.take().into_iter().flatten() {
            // Nobody could tell: each is looked at by itself.
            let known = self.memories.contains_key(&key);
            let lane = Key::Service(key);
            if !known && self.queue.is_idle(&lane) {
                self.queue.touch(&lane, Work::CHECK);
            }
        }
    }

    /// A survey that failed is no reason to act, only to ask again.
    fn survey_failed(&mut self, error: &Error) {
        tracing::warn!(%error, kind = ?error.kind(), "the survey of all load balancers failed");
        let delay = self.options.pace(0.0).backoff.delay(self.surveys.failures);
        self.surveys.failures = self.surveys.failures.saturating_add(1);
        self.gauges.survey_failures(self.surveys.failures);
        self.plan_survey(delay.min(self.options.drift_interval));
    }

    /// Plans the next survey up to a tenth later than asked, unless surveys are off.
    fn plan_survey(&mut self, delay: Duration) {
        let jitter = 1.0 + 0.1 * self.random.f64();
        let is_on = !self.options.drift_interval.is_zero();
        let delay = if self.surveys.hurried { Duration::ZERO } else { delay.mul_f64(jitter) };
        self.surveys.due = (is_on || self.surveys.hurried).then(|| Instant::now() + delay);
    }

    /// Draws the conclusion for one Service, unless it changed meanwhile.
    fn judge(&mut self, entry: Entry, finding: Finding) {
        let lane = Key::Service(entry.key.clone());
        let same = |service: &Arc<Service>| {
            service.metadata.resource_version == entry.service.metadata.resource_version
        };
        let newest = self.services.get(&entry.key);
        let known = self.memories.contains_key(&entry.key);
        if !newest.is_some_and(same) || !self.queue.is_idle(&lane) {
            return;
        }
        let work = match finding {
            Finding::Converged(status) if !known => return self.adopt(entry, &status),
            Finding::Converged(_) => Work::NONE,
            Finding::ImplementedElsewhere if known => Work::NONE,
            Finding::Differs(_) if known && self.targets(&entry.key) != entry.targets => Work::NONE,
            // Pods that nobody looked at yet may be targets that are not ready: that is no drift.
            Finding::Differs(_) if !known && self.may_wait(&entry.key) => Work::CHECK,
            Finding::Differs(report) => {
                self.gauges.drifted(report.steps.iter().map(|step| step.kind));
                let steps: Vec<String> = report.steps.iter().map(|step| step.key.to_string()).collect();
                tracing::warn!(service = %entry.key, ?steps, "the load balancer is not as wanted");
                Work::DRIFT
            }
            Finding::Pending(_) | Finding::Failed(_) | Finding::ImplementedElsewhere => Work::CHECK,
        };
        self.surveys.awaiting.as_mut().map(|awaiting| awaiting.remove(&entry.key));
        self.queue.touch(&lane, work);
    }

    /// Remembers a load balancer that an earlier process left in order (W-3): nothing but its status may
    /// have to be written.
    fn adopt(&mut self, entry: Entry, status: &Status) {
        let Entry { key, service, targets } = entry;
        let memory = Memory::adopted(Arc::clone(&service), targets.clone(), k8s::status(status));
        let (published, health) = (memory.published.as_ref(), memory.health.as_ref());
        let mut work = Work::NONE;
        if status::patch(&service, published, health, clock::now()).is_some() {
            work = work.and(Work::STATUS);
        }
        if targets != self.targets(&key) {
            work = work.and(Work::TARGETS);
        }
        if self.shares_targets() {
            self.shared.found(targets.nodes);
        }
        self.poll_unseen(&key);
        self.gauges.remember(None, Some(&memory));
        self.memories.insert(key.clone(), memory);
        self.queue.touch(&Key::Service(key), work);
    }

    /// What a survey found that belonged to nobody, neither when it began nor now: what it read may be of any time
    /// between.
    fn find_orphans(&mut self, owned: &[crate::provider::Owned], before: &Claims) {
        let (now, claims) = (Instant::now(), self.claims());
        let is_orphan = |id: &ServiceId| !before.has(id) && !claims.has(id) && self.sees(&id.namespace);
        let mut orphans = find_orphans(owned, std::iter::empty(), &self.reconciler.cluster);
        orphans.retain(|owned| owned.service.as_ref().is_some_and(is_orphan));
        self.gauges.orphans(orphans.len());
        for name in self.surveys.orphans.found(&orphans, now) {
            self.queue.touch(&Key::Service(name), Work::ORPHANS);
        }
    }

    /// All Services that exist, and those that are gone and not cleaned up yet.
    pub(super) fn claims(&self) -> Claims {
        let remembered = self.memories.values().map(|memory| &*memory.service);
        Claims::of(self.services.iter().chain(remembered))
    }

    /// Whether Services of the namespace are watched: of others it is not known whether they exist.
    fn sees(&self, namespace: &str) -> bool {
        self.options.namespace.as_ref().is_none_or(|only| only == namespace)
    }
}
