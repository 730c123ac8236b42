//! Readiness gates (AWS-194, AWS-195): pods that are ready only once they are healthy targets.
//!
//! A pod that waits for a gate of the provider is a target although it is not ready: else it would wait for
//! ever. While some gate is not open, the provider is asked every `gateInterval`, in the lane of the Service.

use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use tracing::Span;

use super::tell::throttled;
use super::{Lane, Reconciler};
use crate::clock;
use crate::controller::key::Key;
use crate::controller::memory::Memory;
use crate::controller::notice::Notice;
use crate::controller::pods::{Look, UnreadyPods};
use crate::controller::queue::Verdict;
use crate::controller::status::Health;
use crate::error::{Error, ErrorKind, Result};
use crate::k8s;
use crate::measure::blame;
use crate::model::{Endpoint, Gate, GateStatus, ServiceId};
use crate::provider::Waiting;

/// Pods of one Service that are read at the same time.
const AT_ONCE: usize = 8;

/// Reason in a gate whose load balancer is deleted.
const DELETED: &str = "LoadBalancerDeleted";

impl Reconciler {
    /// Finds out which of the pods that are not ready wait for gates; makes no request where there is nothing
    /// new.
    pub(super) async fn look_at_pods(&self, lane: &mut Lane, look: Look) -> Result<()> {
        let Some(prefix) = self.provider.capabilities().readiness_gates else { return Ok(()) };
        let unready = k8s::unready_pods(lane.slices.iter().map(AsRef::as_ref));
        let names = lane.memory.pods.due(&unready, look);
        let reads: Vec<_> = names.iter().map(|name| self.pods.get(&lane.id.namespace, name)).collect();
        let read: Vec<Option<Pod>> = stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
        for pod in read.iter().flatten() {
            lane.memory.pods.note(pod, prefix);
        }
        Ok(())
    }

    /// Asks how the gates stand that are not open, and tells the pods.
    pub(super) async fn poll_gates(&self, lane: &mut Lane) -> Verdict {
        match self.tell_pods(lane).await {
            Ok(()) => Verdict::Done,
            Err(error) => {
                failed(&error);
                if error.kind() == ErrorKind::Throttled {
                    return throttled(&error);
                }
                blame(&Span::current(), &error);
                self.tell(lane, Notice::gates_failed(&error)).await;
                Verdict::Failed(error.retry())
            }
        }
    }

    async fn tell_pods(&self, lane: &mut Lane) -> Result<()> {
        self.look_at_pods(lane, Look::Again).await?;
        let mut pods = lane.memory.pods.closed(lane.targets().endpoints);
        let waiting = lane.memory.pods.waiting();
        pods.retain(|endpoint| endpoint.pod.as_deref().is_some_and(|pod| waiting.contains(pod)));
        if pods.is_empty() {
            return Ok(());
        }
        let asked = Waiting { service: &lane.id, pods: &pods, nodes: &lane.nodes.nodes };
        let mut gates = self.call(&lane.key, self.provider.gates(asked)).await?;
        explain(&mut gates, &lane.memory);
        self.write_gates(&lane.id, &mut lane.memory.pods, &gates).await
    }

    /// Opens the gates of a load balancer that is about to be deleted: before, so that none is left behind
    /// should the process end in between.
    ///
    /// # Errors
    /// That some may stay closed, which does not keep the load balancer from going.
    pub(super) async fn open_gates(
        &self,
        key: &Key,
        service: &ServiceId,
        endpoints: Vec<Endpoint>,
        unready: &mut UnreadyPods,
    ) -> Result<()> {
        let pods = unready.closed(endpoints);
        if pods.is_empty() {
            return Ok(());
        }
        let message = format!("the load balancer of Service {} is deleted", service.path());
        let open = |gate: Gate| Gate {
            status: GateStatus::Open,
            reason: DELETED.to_owned(),
            message: message.clone(),
            ..gate
        };
        let opened = async {
            let asked = Waiting { service, pods: &pods, nodes: &[] };
            let gates = self.call(key, self.provider.gates(asked)).await?;
            let gates: Vec<Gate> = gates.into_iter().map(open).collect();
            self.write_gates(service, unready, &gates).await
        };
        opened.await.inspect_err(failed)
    }

    /// Writes what differs, and remembers what was written. A pod that cannot be written to holds up no other; of
    /// several, the first is told.
    async fn write_gates(
        &self,
        service: &ServiceId,
        unready: &mut UnreadyPods,
        gates: &[Gate],
    ) -> Result<()> {
        let Some(prefix) = self.provider.capabilities().readiness_gates else { return Ok(()) };
        let patches: Vec<_> = unready
            .gated()
            .filter_map(|pod| {
                let told: Vec<&Gate> = gates.iter().filter(|gate| gate.pod == pod.name).collect();
                Some((pod.name.clone(), pod.patch(&told, clock::now())?))
            })
            .collect();
        let mut result = Ok(());
        for (name, patch) in patches {
            tracing::debug!(pod = name, %patch, "readiness gates change");
            match self.pods.patch_status(&service.namespace, &name, patch).await {
                Ok(pod) => pod.iter().for_each(|pod| unready.note(pod, prefix)),
                Err(error) => result = result.and(Err(error)),
            }
        }
        result
    }
}

/// Adds to gates of pods that are no targets what we know that the provider does not: that the Service cannot
/// be served, and why.
fn explain(gates: &mut [Gate], memory: &Memory) {
    let cause = match &memory.health {
        Some(Health::Failed(problem)) => Some(problem.message()),
        _ => memory.unreached.as_deref(),
    };
    let Some(cause) = cause else { return };
    for gate in gates.iter_mut().filter(|gate| gate.status == GateStatus::Unregistered) {
        gate.message = format!("{}; {cause}", gate.message);
    }
}

fn failed(error: &Error) {
    tracing::warn!(%error, kind = ?error.kind(), "readiness gates could not be looked after");
}
