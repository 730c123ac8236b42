//! Makes a [`LoadBalancerProvider`] of a [`Backend`]: observe, plan, apply.

mod apply;
mod batch;
mod departures;
mod fold;
mod recall;
mod survey;
mod targets;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::{Backend, Scope};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Graph;
use crate::measure::{Stage, pure_stage, stage};
use crate::model::{Gate, LoadBalancer, ServiceId};
use crate::plan::{Change, Observed, Plan, PlanReport, StepReport, Warning, plan};
use crate::provider::{
    Capabilities, Ensured, LoadBalancerProvider, Outcome, Pending, Standing, State, Survey, TargetScope,
    TargetUpdate, Waiting,
};
use apply::Ran;
use async_trait::async_trait;
use departures::{Departures, Look, Running, departs, leaves_shared};
use fold::Fold;
use recall::{Recall, View};
use tokio::time::Instant;

/// How often one call plans anew because another Service changed a shared resource meanwhile. Each
/// round some Service gets on, so this is reached only under constant change.
const MAX_ROUNDS: usize = 8;

/// Watches steps as they happen, for progress displays. Called between cloud calls: must not block.
pub trait StepObserver: Send + Sync {
    /// A step is about to be carried out.
    fn started(&self, subject: &str, step: &StepReport);
    /// A step was carried out, or failed.
    fn finished(&self, subject: &str, step: &StepReport, error: Option<&Error>);
}

/// Plans and applies for one [`Backend`].
///
/// Steps that do not wait for each other run at the same time, within a Service and across Services. Writes
/// to a shared resource are serialised, and
/// parts of one container that wait at the same time are folded into one write (see
/// `docs/decisions`).
pub struct Engine<B: Backend> {
    backend: B,
    fold: Fold<B::Spec>,
    departures: Departures,
    recall: Recall<B::Spec>,
    observer: Option<Arc<dyn StepObserver>>,
}

/// What a Service needs, and what that was made from.
struct Desired<B: Backend> {
    graph: Graph<B::Spec>,
    facts: B::Facts,
}

/// A plan, and what it was made from.
struct Planned<B: Backend> {
    plan: Plan<B::Spec>,
    have: Observed<B::Spec>,
    /// The Service that it is for; `None`: for what all share.
    service: Option<ServiceId>,
    /// Tick at which observing began: a shared resource written later makes the plan stale.
    tick: u64,
    /// When observing began.
    look: Instant,
}

impl<B: Backend> Engine<B> {
    /// Makes a provider of a backend.
    pub fn new(backend: B) -> Self {
        let (departures, recall) = (Departures::new(Duration::ZERO), Recall::new(Duration::ZERO));
        Self { backend, fold: Fold::default(), departures, recall, observer: None }
    }

    /// Tells how late the cloud's listings may show what was written; default not at all.
    ///
    /// Within this time what was written is held against what is observed, and a write that got no answer
    /// is waited for.
    pub fn with_late_listings(mut self, lateness: Duration) -> Self {
        (self.departures, self.recall) = (Departures::new(lateness), Recall::new(lateness));
        self
    }

    /// Reports every step to `observer`.
    pub fn with_observer(mut self, observer: Arc<dyn StepObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// The backend.
    pub fn backend(&self) -> &B {
        &self.backend
    }

    async fn desired(&self, lb: &LoadBalancer) -> Result<Desired<B>> {
        self.backend.capabilities().check(lb)?;
        let facts = stage(Stage::Resolve, self.backend.resolve(lb)).await?;
        let graph = pure_stage(Stage::Build, || self.backend.build(lb, &facts))?;
        Ok(Desired { graph, facts })
    }

    fn warnings(&self, lb: &LoadBalancer, want: &Desired<B>) -> Vec<Warning> {
        self.backend.warnings(lb, &want.facts)
    }

    async fn planned(&self, scope: Scope<'_>, want: &Graph<B::Spec>) -> Result<Planned<B>> {
        let tick = self.fold.now();
        let look = self.recall.look();
        let mut have = stage(Stage::Observe, self.backend.observe(scope)).await?;
        let service = scope.service().cloned();
        let plan = self.difference(View { service: service.as_ref(), began: look }, want, &mut have)?;
        Ok(Planned { plan, have, service, tick, look })
    }

    /// The way from what is there to what is wanted. What listings may not show yet is filled in.
    fn difference(
        &self,
        view: View<'_>,
        want: &Graph<B::Spec>,
        have: &mut Observed<B::Spec>,
    ) -> Result<Plan<B::Spec>> {
        let change = |have: &B::Spec, want: &B::Spec| self.backend.change(have, want);
        self.recall.refresh(view, have);
        self.recall.complete(view, |key| want.get(key).is_some(), have);
        pure_stage(Stage::Plan, || {
            let planned = plan(want, have, change)?;
            let same = |one: &B::Spec, other: &B::Spec| matches!(change(one, other), Change::Same);
            if self.recall.correct(view, &planned, same, have) {
                return plan(want, have, change);
            }
            Ok(planned)
        })
    }

    /// Plans and applies until the plan is carried out or must wait.
    async fn converge(
        &self,
        subject: &ServiceId,
        scope: Scope<'_>,
        want: &Graph<B::Spec>,
        running: &mut Running<'_>,
    ) -> Result<Ran<B::Spec>> {
        for _ in 0..MAX_ROUNDS {
            let planned = self.planned(scope, want).await?;
            // What nobody could tell when this was planned, although others may have found it out since.
            let uncertain = self.recall.uncertain(subject);
            if departs(&planned.plan) {
                running.departs();
            }
            match stage(Stage::Apply, self.run(&subject.path(), planned)).await? {
                Ran::Stale => {}
                Ran::Done(have) => {
                    let unseen = self.recall.unseen().filter(|_| matches!(scope, Scope::Deletion(_)));
                    let pending = self.recall.uncertain(subject).or(uncertain).or(unseen);
                    return Ok(pending.map_or(Ran::Done(have), Ran::Pending));
                }
                ran => return Ok(ran),
            }
        }
        Ok(Ran::Stale)
    }

    /// The same, and once more if others stopped using meanwhile what is shared and left.
    async fn settle(
        &self,
        scope: Scope<'_>,
        service: &ServiceId,
        want: &Graph<B::Spec>,
    ) -> Result<Ran<B::Spec>> {
        loop {
            let mut running = self.departures.begin(service);
            let have = match self.converge(service, scope, want, &mut running).await? {
                Ran::Done(have) => have,
                ran => return Ok(ran),
            };
            match running.finish(matches!(scope, Scope::Deletion(_))) {
                Look::Now if leaves_shared(want, &have) => {}
                Look::After(retry_after) if leaves_shared(want, &have) => {
                    let reason = "the cloud may not show yet that nobody uses what is shared".to_owned();
                    return Ok(Ran::Tidying(have, Pending { retry_after, reason }));
                }
                Look::Now | Look::After(_) | Look::Enough => return Ok(Ran::Done(have)),
            }
        }
    }

    /// How the Service stands after the plan was carried out.
    fn settled(&self, ran: Ran<B::Spec>, service: &ServiceId) -> Result<Standing> {
        Ok(match ran {
            Ran::Done(have) => match self.backend.state(&have) {
                State::Ready(status) => Standing::Ready(status),
                State::Pending(pending) => Standing::Pending(pending),
                State::Absent => return Err(unfound(service)),
            },
            Ran::Tidying(have, pending) => match self.backend.state(&have) {
                State::Ready(status) => Standing::Tidying(status, pending),
                State::Pending(_) | State::Absent => Standing::Pending(pending),
            },
            Ran::Pending(pending) => Standing::Pending(pending),
            Ran::Stale => Standing::Pending(contended()),
        })
    }
}

#[async_trait]
impl<B: Backend> LoadBalancerProvider for Engine<B> {
    fn name(&self) -> &str {
        self.backend.name()
    }

    fn capabilities(&self) -> &Capabilities {
        self.backend.capabilities()
    }

    fn load_balancer_name(&self, service: &ServiceId) -> String {
        self.backend.load_balancer_name(service)
    }

    fn takes(&self, lb: &LoadBalancer) -> bool {
        self.backend.takes(lb)
    }

    async fn get(&self, service: &ServiceId) -> Result<State> {
        Ok(self.backend.state(&self.backend.observe(Scope::Service(service)).await?))
    }

    async fn plan(&self, lb: &LoadBalancer) -> Result<PlanReport> {
        if !self.backend.takes(lb) {
            return Ok(PlanReport::empty(lb.service.path()));
        }
        let want = self.desired(lb).await?;
        let planned = self.planned(Scope::Service(&lb.service), &want.graph).await?;
        Ok(PlanReport::of(lb.service.path(), &planned.plan, self.warnings(lb, &want)))
    }

    async fn plan_delete(&self, service: &ServiceId) -> Result<PlanReport> {
        let planned = self.planned(Scope::Deletion(service), &Graph::new()).await?;
        Ok(PlanReport::of(service.path(), &planned.plan, Vec::new()))
    }

    async fn ensure(&self, lb: &LoadBalancer) -> Result<Ensured> {
        if !self.backend.takes(lb) {
            return Ok(Ensured { standing: Standing::ImplementedElsewhere, warnings: Vec::new() });
        }
        let want = self.desired(lb).await?;
        let ran = self.settle(Scope::Service(&lb.service), &lb.service, &want.graph).await?;
        let standing = self.settled(ran, &lb.service)?;
        Ok(Ensured { standing, warnings: self.warnings(lb, &want) })
    }

    async fn update_targets(&self, update: TargetUpdate<'_>) -> Result<Outcome> {
        match (update, self.backend.capabilities().target_scope) {
            (TargetUpdate::Cluster(nodes), TargetScope::Cluster) => self.update_shared_targets(nodes).await,
            (TargetUpdate::LoadBalancer(lb), _) => self.update_own_targets(lb).await,
            (TargetUpdate::Cluster(_), TargetScope::LoadBalancer) => {
                let message = "target sets of this provider belong to single load balancers";
                Err(Error::new(ErrorKind::Unsupported, message))
            }
        }
    }

    async fn gates(&self, waiting: Waiting<'_>) -> Result<Vec<Gate>> {
        stage(Stage::Observe, self.backend.gates(waiting)).await
    }

    fn check_deletion(&self, service: &ServiceId, annotations: &BTreeMap<String, String>) -> Result<()> {
        self.backend.check_deletion(service, annotations)
    }

    async fn delete(&self, service: &ServiceId) -> Result<Outcome> {
        Ok(self.settle(Scope::Deletion(service), service, &Graph::new()).await?.outcome())
    }

    async fn survey(&self, services: &[LoadBalancer]) -> Result<Survey> {
        self.held_against(services).await
    }
}

impl<B: Backend> fmt::Debug for Engine<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("backend", &self.backend).finish_non_exhaustive()
    }
}

fn unfound(service: &ServiceId) -> Error {
    let message = "everything is as wanted, yet the provider finds no load balancer";
    Error::new(ErrorKind::Internal, message).on(service.to_string())
}

fn contended() -> Pending {
    Pending {
        retry_after: Duration::from_secs(1),
        reason: "other Services keep changing a shared resource".to_owned(),
    }
}
