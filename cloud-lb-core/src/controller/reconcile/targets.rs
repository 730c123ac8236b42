//! Host updates: the newest targets for a load balancer that exists (SC-93, SC-94).

use tracing::{Instrument, Span};

use super::tell::throttled;
use super::{Finished, Lane, Reconciler};
use crate::controller::key::Key;
use crate::controller::memory::Told;
use crate::controller::nodes::NodeSet;
use crate::controller::notice::{Notice, node_names};
use crate::controller::pods::Look;
use crate::controller::queue::Verdict;
use crate::error::{Error, ErrorKind, Retry};
use crate::measure::{blame, work_span};
use crate::provider::{Outcome, State, TargetUpdate};

impl Reconciler {
    /// Hands over the newest targets, unless that was done before.
    pub(super) async fn update_targets(&self, lane: &mut Lane) -> Verdict {
        // One that is not complete yet has an ensure due soon, which brings the newest targets along.
        if !lane.memory.ensured || matches!(lane.memory.told, Some(Told::Pending(_))) {
            return Verdict::Done;
        }
        if let Err(error) = self.look_at_pods(lane, Look::New).await {
            return self.update_refused(lane, &error).await;
        }
        let targets = lane.targets();
        if lane.memory.targets.as_ref() == Some(&targets) {
            return Verdict::Done;
        }
        lane.hand_over(targets);
        let wanted = match self.translate(lane) {
            Ok(wanted) => wanted,
            // That the Service cannot be understood, its sync has told; what follows here is no sync.
            Err(failure) => return self.update_refused(lane, failure.error()).await,
        };
        let update = TargetUpdate::LoadBalancer(&wanted);
        match self.call(&lane.key, self.provider.update_targets(update)).await {
            Ok(Outcome::Done) => {
                let notice = if wanted.nodes.is_empty() { Notice::no_nodes() } else { Notice::updated() };
                self.tell(lane, notice).await;
                tracing::info!(nodes = wanted.nodes.len(), "targets updated");
                Verdict::Done
            }
            Ok(Outcome::Pending(pending)) => {
                lane.memory.targets = None;
                Verdict::Wait(pending.retry_after)
            }
            Ok(Outcome::ImplementedElsewhere) => Verdict::Done,
            Err(error) => self.update_failed(lane, &error).await,
        }
    }

    /// A failed update matters only if there is something to update. The verdict is that of the update,
    /// never that of the question (W-25). What failed is handed over again, not ensured (W-24).
    async fn update_failed(&self, lane: &mut Lane, error: &Error) -> Verdict {
        lane.memory.targets = None;
        if error.kind() == ErrorKind::Throttled {
            return throttled(error);
        }
        match self.call(&lane.key, self.provider.get(&lane.id)).await {
            Ok(State::Absent) => return Verdict::Done,
            Ok(_) => {}
            Err(question) => {
                tracing::warn!(error = %question, "cannot tell whether the load balancer exists");
            }
        }
        self.update_refused(lane, error).await
    }

    async fn update_refused(&self, lane: &mut Lane, error: &Error) -> Verdict {
        lane.memory.targets = None;
        lane.memory.unreached = Some(error.to_string());
        tracing::warn!(%error, kind = ?error.kind(), request_id = error.request_id(), "host update failed");
        blame(&Span::current(), error);
        self.tell(lane, Notice::update_failed(&lane.nodes.nodes, error)).await;
        Verdict::Failed(error.retry())
    }

    /// Hands the nodes over to a provider whose load balancers share their targets: one call, however
    /// many Services there are (W-1).
    pub(crate) async fn update_cluster(&self, nodes: &NodeSet) -> Finished {
        let provider = self.provider.name();
        let span = work_span!(INFO, "reconcile", cloud.provider = provider, work = "update");
        let verdict = self.hand_over_to_all(nodes).instrument(span).await;
        Finished { key: Key::Cluster, memory: None, verdict, handed: Some(nodes.generation) }
    }

    async fn hand_over_to_all(&self, nodes: &NodeSet) -> Verdict {
        let update = TargetUpdate::Cluster(&nodes.nodes);
        match self.call(&Key::Cluster, self.provider.update_targets(update)).await {
            Ok(Outcome::Done) => {
                tracing::info!(nodes = nodes.nodes.len(), "targets of the cluster updated");
                Verdict::Done
            }
            Ok(Outcome::Pending(pending)) => Verdict::Wait(pending.retry_after),
            Ok(Outcome::ImplementedElsewhere) => Verdict::Done,
            Err(error) if error.kind() == ErrorKind::Throttled => throttled(&error),
            Err(error) => {
                let nodes = node_names(&nodes.nodes);
                tracing::warn!(%error, nodes, "targets of the cluster could not be updated");
                blame(&Span::current(), &error);
                Verdict::Failed(match error.retry() {
                    // There is no object whose change could be waited for.
                    Retry::Never => Retry::Backoff,
                    retry => retry,
                })
            }
        }
    }
}
