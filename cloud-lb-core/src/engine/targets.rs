//! Changes of the targets and of nothing else.

use super::apply::Ran;
use super::{Engine, MAX_ROUNDS, Planned, contended};
use crate::backend::{Backend, Scope};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Graph, Spec};
use crate::measure::{Stage, stage};
use crate::model::{LoadBalancer, Node};
use crate::plan::{Observed, Plan};
use crate::provider::Outcome;

impl<B: Backend> Engine<B> {
    pub(super) async fn update_shared_targets(&self, nodes: &[Node]) -> Result<Outcome> {
        let want = |have: &Observed<B::Spec>| self.backend.build_shared_targets(nodes, have);
        if let Some(outcome) = self.update_unseen("cluster", Scope::Cluster, want).await? {
            return Ok(outcome);
        }
        for _ in 0..MAX_ROUNDS {
            let tick = self.fold.now();
            let have = stage(Stage::Observe, self.backend.observe(Scope::Cluster)).await?;
            let plan = self.difference(&want(&have)?, &have)?.only_target_sets();
            let planned = Planned { plan, have, tick };
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
                return Err(Error::new(
                    ErrorKind::NotFound,
                    "has no load balancer whose targets could be updated",
                )
                .on(lb.service.to_string()));
            }
            planned.plan = planned.plan.only_target_sets();
            match stage(Stage::Apply, self.run(&subject, planned)).await? {
                Ran::Stale => {}
                ran => return Ok(ran.outcome()),
            }
        }
        Ok(Outcome::Pending(contended()))
    }

    /// Writes the targets without a look at the cloud, where the backend remembers what the cloud has and the
    /// write tells whether that was so. `None`: it takes a look.
    async fn update_unseen(
        &self,
        subject: &str,
        scope: Scope<'_>,
        want: impl Fn(&Observed<B::Spec>) -> Result<Graph<B::Spec>>,
    ) -> Result<Option<Outcome>> {
        let tick = self.fold.now();
        let Some(have) = self.backend.recall(scope) else { return Ok(None) };
        let Some(plan) = self.plan_unseen(&want(&have)?, &have) else { return Ok(None) };
        match stage(Stage::Apply, self.run(subject, Planned { plan, have, tick })).await {
            Ok(Ran::Stale) => Ok(None),
            Ok(ran) => Ok(Some(ran.outcome())),
            Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A plan that writes every set of targets that is wanted: of one that is not written nobody would learn that
    /// it is not as it is remembered.
    fn plan_unseen(&self, want: &Graph<B::Spec>, have: &Observed<B::Spec>) -> Option<Plan<B::Spec>> {
        let plan = self.difference(want, have).ok()?.only_target_sets();
        let sets = want.iter().filter(|(_, resource)| resource.spec.is_target_set()).count();
        (sets > 0 && plan.steps.len() == sets).then_some(plan)
    }
}
