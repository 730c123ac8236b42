//! All Services held against the cloud at once.

use futures::StreamExt;
use futures::stream;

use super::recall::View;
use super::{Engine, unfound};
use crate::backend::{Backend, Everything};
use crate::error::{Error, ErrorKind, Result};
use crate::measure::{Stage, stage};
use crate::model::LoadBalancer;
use crate::plan::{Observed, PlanReport};
use crate::provider::{Finding, State, Survey};
use tokio::time::Instant;

/// Services whose facts are looked up at the same time.
const AT_ONCE: usize = 8;

impl<B: Backend> Engine<B> {
    pub(super) async fn held_against(&self, services: &[LoadBalancer]) -> Result<Survey> {
        let taken: Vec<&LoadBalancer> = services.iter().filter(|lb| self.backend.takes(lb)).collect();
        let look = self.recall.look();
        let all = stage(Stage::Observe, self.backend.observe_all(&taken)).await?;
        let Everything { observed, owned } = all;
        if observed.len() != taken.len() {
            let message =
                format!("the provider told of {} Services, asked for {}", observed.len(), taken.len());
            return Err(Error::new(ErrorKind::Internal, message));
        }
        let mut observed = observed.into_iter();
        let findings: Vec<_> = services
            .iter()
            .map(|lb| self.finding(lb, look, if self.backend.takes(lb) { observed.next() } else { None }))
            .collect();
        let findings = stream::iter(findings).buffered(AT_ONCE).collect().await;
        Ok(Survey { findings, owned })
    }

    /// How a Service stands of which this was observed; nothing, if it is not ours to look after.
    async fn finding(
        &self,
        lb: &LoadBalancer,
        look: Instant,
        have: Option<Result<Observed<B::Spec>>>,
    ) -> Finding {
        let Some(have) = have else { return Finding::ImplementedElsewhere };
        // Planning for thousands of Services must not keep others from running.
        tokio::task::yield_now().await;
        let found = async { self.standing(lb, look, have?).await };
        found.await.unwrap_or_else(Finding::Failed)
    }

    async fn standing(
        &self,
        lb: &LoadBalancer,
        look: Instant,
        mut have: Observed<B::Spec>,
    ) -> Result<Finding> {
        let want = self.desired(lb).await?;
        let plan =
            self.difference(View { service: Some(&lb.service), began: look }, &want.graph, &mut have)?;
        if !plan.steps.is_empty() {
            return Ok(Finding::Differs(PlanReport::of(lb.service.path(), &plan, self.warnings(lb, &want))));
        }
        Ok(match self.backend.state(&have) {
            State::Ready(status) => Finding::Converged(status),
            State::Pending(pending) => Finding::Pending(pending),
            State::Absent => Finding::Failed(unfound(&lb.service)),
        })
    }
}
