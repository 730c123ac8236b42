//! The ensure path, in the order of SC-50.

use super::{Failure, Lane, Reconciler, Tone};
use crate::controller::finalizer;
use crate::controller::memory::Told;
use crate::controller::notice::Notice;
use crate::controller::pods::{Look, UnreadyPods};
use crate::controller::queue::Verdict;
use crate::controller::status::{Health, PortsError};
use crate::k8s;
use crate::model::{LoadBalancer, Status};
use crate::plan::Warning;
use crate::provider::{Ensured, Pending, Standing};

impl Reconciler {
    /// Makes the load balancer as the Service asks and publishes its addresses.
    pub(super) async fn ensure(
        &self,
        lane: &mut Lane,
        wanted: Result<LoadBalancer, Failure>,
    ) -> Result<Verdict, Failure> {
        if lane.tone == Tone::Usual && !matches!(lane.memory.told, Some(Told::Pending(_))) {
            self.tell_once(lane, Told::Ensuring, Notice::ensuring()).await;
        }
        self.look_at_pods(lane, Look::New).await.map_err(|error| Failure::new(STEP, error))?;
        // Before the finalizer: a Service that cannot be understood is not touched.
        let wanted = lane.with_pods(wanted?);
        self.add_finalizer(lane).await?;
        if lane.nodes.nodes.is_empty() {
            self.tell(lane, Notice::no_nodes()).await;
        }
        lane.hand_over(lane.targets());
        let outcome = self.call(&lane.key, self.provider.ensure(&wanted)).await;
        let Ensured { standing, warnings } = outcome.map_err(|error| Failure::new(STEP, error))?;
        self.warn(lane, warnings).await;
        match standing {
            Standing::Ready(status) => self.publish(lane, &status, None).await.map(|()| Verdict::Done),
            Standing::Pending(pending) => self.wait(lane, pending).await,
            Standing::Tidying(status, pending) => {
                tracing::debug!(reason = pending.reason, "served; waiting for leftovers to go");
                self.publish(lane, &status, Some(&pending)).await?;
                lane.memory.told = Some(Told::Pending(pending.reason));
                Ok(Verdict::Wait(pending.retry_after))
            }
            Standing::ImplementedElsewhere => {
                tracing::debug!("another controller looks after this Service");
                lane.memory.ensured = false;
                lane.memory.pods = UnreadyPods::default();
                Ok(Verdict::Done)
            }
        }
    }

    /// The Service with everything behind it, as the provider gets it.
    pub(super) fn translate(&self, lane: &Lane) -> Result<LoadBalancer, Failure> {
        self.understand(lane).map(|wanted| lane.with_pods(wanted))
    }

    /// The Service with everything behind it, before it is known which pods wait for it.
    pub(super) fn understand(&self, lane: &Lane) -> Result<LoadBalancer, Failure> {
        let slices = lane.slices.iter().map(AsRef::as_ref);
        k8s::load_balancer(&self.cluster, &lane.service, &lane.nodes.nodes, slices)
            .map_err(|error| Failure::new(STEP, error))
    }

    /// The finalizer comes before the load balancer, so that none can be left behind.
    async fn add_finalizer(&self, lane: &Lane) -> Result<(), Failure> {
        let finalizers = lane.service.metadata.finalizers.as_deref().unwrap_or_default();
        let Some(patch) = finalizer::add(finalizers, &self.rules.finalizer) else { return Ok(()) };
        let result = self.writer.patch(&lane.service, patch).await;
        result.map(drop).map_err(|error| Failure::new("failed to add load balancer cleanup finalizer", error))
    }

    /// Tells where clients are served; `leftovers` are what is not wanted any more and still there.
    async fn publish(
        &self,
        lane: &mut Lane,
        status: &Status,
        leftovers: Option<&Pending>,
    ) -> Result<(), Failure> {
        lane.memory.ensured = true;
        match lane.tone {
            Tone::Usual => self.tell(lane, Notice::ensured()).await,
            Tone::Repair => self.tell(lane, Notice::repaired()).await,
            Tone::Quiet => {}
        }
        let addresses = k8s::status(status);
        let ports = PortsError::of_status(&addresses);
        let health = match leftovers {
            None => Health::Ready(ports),
            Some(pending) => Health::Tidying(ports, pending.reason.clone()),
        };
        lane.memory.written = self.write_status(&lane.service, Some(&addresses), Some(&health)).await?;
        tracing::info!(addresses = status.ingress.len(), "load balancer ensured");
        lane.memory.health = Some(health);
        lane.memory.published = Some(addresses);
        lane.memory.told = None;
        Ok(())
    }

    /// Tells each warning of the provider when it comes up, and not again as long as it stays.
    async fn warn(&self, lane: &mut Lane, warnings: Vec<Warning>) {
        for warning in warnings.iter().filter(|warning| !lane.memory.warnings.contains(warning)) {
            self.tell(lane, Notice::warned(warning)).await;
        }
        lane.memory.warnings = warnings;
    }

    /// The cloud is at work: no failure, told once, looked at again after a fixed time (W-14).
    async fn wait(&self, lane: &mut Lane, pending: Pending) -> Result<Verdict, Failure> {
        lane.memory.ensured = true;
        tracing::debug!(reason = pending.reason, "waiting for the cloud");
        let told = Told::Pending(pending.reason.clone());
        self.tell_once(lane, told, Notice::pending(&pending.reason)).await;
        let health = lane.memory.health.insert(Health::Pending(pending.reason));
        let written = self.write_status(&lane.service, None, Some(health)).await?;
        lane.memory.written = written;
        Ok(Verdict::Wait(pending.retry_after))
    }
}

const STEP: &str = "failed to ensure load balancer";
