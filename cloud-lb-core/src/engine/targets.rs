//! The fast path when nodes come and go: only sets of targets, changed in place.

use std::time::Duration;

use super::apply::Ran;
use super::{Engine, MAX_ROUNDS, Planned, contended};
use crate::backend::{Backend, Scope};
use crate::error::{Error, ErrorKind, Result};
use crate::measure::{Stage, stage};
use crate::model::{LoadBalancer, Node, ServiceId};
use crate::provider::{Outcome, Pending};

impl<B: Backend> Engine<B> {
    pub(super) async fn update_shared_targets(&self, nodes: &[Node]) -> Result<Outcome> {
        for _ in 0..MAX_ROUNDS {
            let tick = self.fold.now();
            let mut have = stage(Stage::Observe, self.backend.observe(Scope::Cluster)).await?;
            self.recall.complete(None, |_| false, &mut have);
            let want = self.backend.build_shared_targets(nodes, &have)?;
            let plan = self.difference(None, &want, &mut have)?.only_target_sets();
            let planned = Planned { plan, have, service: None, tick };
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
        for _ in 0..MAX_ROUNDS {
            let mut planned = self.planned(Scope::Service(&lb.service), &want).await?;
            if planned.have.is_absent() {
                return self.no_targets(&lb.service);
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
    fn no_targets(&self, service: &ServiceId) -> Result<Outcome> {
        if self.recall.knows_of(service) {
            let reason = "the cloud does not show yet what was made".to_owned();
            return Ok(Outcome::Pending(Pending { retry_after: Duration::from_secs(1), reason }));
        }
        let message = "has no load balancer whose targets could be updated";
        Err(Error::new(ErrorKind::NotFound, message).on(service.to_string()))
    }
}
