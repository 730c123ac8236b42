//! Changes of the targets and of nothing else.

use std::time::Duration;

use super::apply::Ran;
use super::recall::View;
use super::{Engine, MAX_ROUNDS, Planned, contended};
use crate::backend::{Backend, Scope};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Graph, Spec};
use crate::measure::{Stage, stage};
use crate::model::{LoadBalancer, Node, ServiceId};
use crate::plan::{Observed, Plan};
use crate::provider::{Outcome, Pending};
use tokio::time::Instant;

impl<B: Backend> Engine<B> {
    pub(super) async fn update_shared_targets(&self, nodes: &[Node]) -> Result<Outcome> {
        let want = |have: &Observed<B::Spec>| self.backend.build_shared_targets(nodes, have);
        if let Some(outcome) = self.update_unseen("cluster", Scope::Cluster, want).await? {
            return Ok(outcome);
        }
        for _ in 0..MAX_ROUNDS {
            let (tick, look) = (self.fold.now(), self.recall.look());
            let mut have = stage(Stage::Observe, self.backend.observe(Scope::Cluster)).await?;
            let view = View { service: None, began: look };
            self.recall.complete(view, |_| false, &mut have);
            let want = want(&have)?;
            let plan = self.difference(view, &want, &mut have)?.only_target_sets();
            let planned = Planned { plan, have, service: None, tick, look };
            match stage(Stage::Apply, self.run("cluster", planned)).await? {
                Ran::Stale => {}
                ran => return Ok(ran.outcome()),
            }
        }
        Ok(Outcome::Pending(contended()))
    }

    pub(super) async fn update_own_targets(&self, lb: &LoadBalancer) -> Result<Outcome> {
        let subject = lb.service.path();
        let want = self.desired(lb).await?.graph;
        let scope = Scope::Service(&lb.service);
        if let Some(outcome) = self.update_unseen(&subject, scope, |_| Ok(want.clone())).await? {
            return Ok(outcome);
        }
        for _ in 0..MAX_ROUNDS {
            let mut planned = self.planned(scope, &want).await?;
            if planned.have.is_absent() {
                return self.no_targets(&lb.service, planned.look);
            }
            planned.plan = planned.plan.only_target_sets();
            match stage(Stage::Apply, self.run(&subject, planned)).await? {
                Ran::Stale => {}
                ran => return Ok(ran.outcome()),
            }
        }
        Ok(Outcome::Pending(contended()))
    }

    /// What to answer where nothing of a Service is there that could be updated.
    fn no_targets(&self, service: &ServiceId, look: Instant) -> Result<Outcome> {
        if self.recall.knows_of(service, look) {
            let reason = "the cloud does not show yet what was made".to_owned();
            return Ok(Outcome::Pending(Pending { retry_after: Duration::from_secs(1), reason }));
        }
        let message = "has no load balancer whose targets could be updated";
        Err(Error::new(ErrorKind::NotFound, message).on(service.to_string()))
    }

    /// Writes the targets without a look at the cloud, where the backend remembers what the cloud has and the
    /// write tells whether that was so. `None`: it takes a look.
    async fn update_unseen(
        &self,
        subject: &str,
        scope: Scope<'_>,
        want: impl Fn(&Observed<B::Spec>) -> Result<Graph<B::Spec>>,
    ) -> Result<Option<Outcome>> {
        let (tick, look, service) = (self.fold.now(), self.recall.look(), scope.service().cloned());
        let Some(mut have) = self.backend.recall(scope) else { return Ok(None) };
        let want = want(&have)?;
        let view = View { service: service.as_ref(), began: look };
        let Some(plan) = self.plan_unseen(view, &want, &mut have) else { return Ok(None) };
        match stage(Stage::Apply, self.run(subject, Planned { plan, have, service, tick, look })).await {
            Ok(Ran::Stale) => Ok(None),
            Ok(ran) => Ok(Some(ran.outcome())),
            Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A plan that writes every set of targets that is wanted: of one that is not written nobody would learn that
    /// it is not as it is remembered.
    fn plan_unseen(
        &self,
        view: View<'_>,
        want: &Graph<B::Spec>,
        have: &mut Observed<B::Spec>,
    ) -> Option<Plan<B::Spec>> {
        let plan = self.difference(view, want, have).ok()?.only_target_sets();
        let sets = want.iter().filter(|(_, resource)| resource.spec.is_target_set()).count();
        (sets > 0 && plan.steps.len() == sets).then_some(plan)
    }
}
