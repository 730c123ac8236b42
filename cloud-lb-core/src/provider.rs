//! What controllers hold: a cloud behind one object-safe trait.

mod capabilities;
mod survey;

pub use capabilities::Capabilities;
pub use survey::{Finding, Owned, OwnedResource, Survey};

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;

use crate::error::Result;
use crate::model::{Endpoint, Gate, LoadBalancer, Node, ServiceId, Status};
use crate::plan::{PlanReport, Warning};

/// The cloud is still at work. Waiting is not an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pending {
    /// When to look again.
    pub retry_after: Duration,
    /// What is being waited for, for a person.
    pub reason: String,
}

/// How a call ended that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The cloud is as wanted.
    Done,
    /// All that can be written is written; call again later.
    Pending(Pending),
    /// Another controller looks after Services of this kind.
    ImplementedElsewhere,
}

/// What [`ensure`](LoadBalancerProvider::ensure) came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ensured {
    /// How far the load balancer is.
    pub standing: Standing,
    /// What the user should know, although nothing is refused.
    pub warnings: Vec<Warning>,
}

/// How far a load balancer is that is being made as wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is as wanted.
    Ready(Status),
    /// All that can be written is written; call again later.
    Pending(Pending),
    /// Clients are served as wanted, but what is not wanted any more is still on its way out; call again
    /// later.
    Tidying(Status, Pending),
    /// Another controller looks after Services of this kind (contract T-3).
    ImplementedElsewhere,
}

/// What a load balancer is at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Nothing of it exists.
    Absent,
    /// It exists and does not work yet.
    Pending(Pending),
    /// It works.
    Ready(Status),
}

/// Where target sets live, hence what a changed node costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum TargetScope {
    /// Each load balancer has its own: one update per load balancer.
    LoadBalancer,
    /// The cluster has one that all share: one update in all.
    Cluster,
}

/// Which nodes to put behind what.
#[derive(Debug, Clone, Copy)]
pub enum TargetUpdate<'a> {
    /// The nodes of this load balancer.
    LoadBalancer(&'a LoadBalancer),
    /// The nodes of the cluster, for [`TargetScope::Cluster`].
    Cluster(&'a [Node]),
}

/// Pods that wait for readiness gates.
#[derive(Debug, Clone, Copy)]
pub struct Waiting<'a> {
    /// The Service behind which they are.
    pub service: &'a ServiceId,
    /// The pods, each with the gates that are not open, whosever they are. A pod of two families is two endpoints.
    pub pods: &'a [Endpoint],
    /// The nodes of the cluster.
    pub nodes: &'a [Node],
}

/// Provisions native load balancers for Services.
///
/// The contracts T-1 to T-9 of the Kubernetes service controller, and what it lacks: a plan without
/// applying it, a survey of all at once, and declared capabilities.
///
/// # Guarantees
/// - Every method is idempotent and safe to call again after a crash at any point.
/// - Inputs are never kept: nothing but the cloud itself remembers what was done.
/// - Only resources that carry our ownership marks are changed or deleted.
/// - Calls for different Services may overlap; calls for one Service must not, and the controller's
///   lanes see to that.
///
/// # Cancel safety
/// A dropped future may have written any prefix of the plan; the next call repairs that.
#[async_trait]
pub trait LoadBalancerProvider: fmt::Debug + Send + Sync + 'static {
    /// Name of the provider, as on the command line.
    fn name(&self) -> &str;

    /// What it can do.
    fn capabilities(&self) -> &Capabilities;

    /// The name of the Service's load balancer in the cloud (T-2): pure, one name per Service.
    fn load_balancer_name(&self, service: &ServiceId) -> String;

    /// Whether it looks after such a Service: pure, to be asked before anything of the Service is touched. It is
    /// told by the identity, the class and the annotations, for a Service that is not understood may have
    /// nothing else. If not, [`ensure`](Self::ensure) answers [`Standing::ImplementedElsewhere`].
    fn takes(&self, lb: &LoadBalancer) -> bool;

    /// What exists of the Service's load balancer (T-1). "Does not exist" is [`State::Absent`], never
    /// an error.
    async fn get(&self, service: &ServiceId) -> Result<State>;

    /// What [`ensure`](Self::ensure) would write, without writing; without any resource if another controller
    /// looks after the Service.
    async fn plan(&self, lb: &LoadBalancer) -> Result<PlanReport>;

    /// What [`delete`](Self::delete) would write, without writing.
    async fn plan_delete(&self, service: &ServiceId) -> Result<PlanReport>;

    /// Creates the load balancer or makes it as wanted, with exactly these targets (T-3). Makes no
    /// write where nothing differs.
    ///
    /// # Errors
    /// `InvalidInput`, `Unsupported` and `Ownership` before anything is written.
    async fn ensure(&self, lb: &LoadBalancer) -> Result<Ensured>;

    /// Replaces the targets and nothing else (T-4).
    ///
    /// # Errors
    /// `NotFound` if the load balancer does not exist.
    async fn update_targets(&self, update: TargetUpdate<'_>) -> Result<Outcome>;

    /// What the readiness gates of these pods are to say, read anew. Gates that are not of this Service's load
    /// balancer are left out. None, unless the provider declares
    /// [`readiness_gates`](Capabilities::readiness_gates).
    async fn gates(&self, _waiting: Waiting<'_>) -> Result<Vec<Gate>> {
        Ok(Vec::new())
    }

    /// Whether the Service asks that its load balancer be kept when it goes: pure, to be asked before
    /// [`delete`](Self::delete) while the object still exists. What belongs to no object any more has
    /// nobody to ask.
    ///
    /// # Errors
    /// `InvalidInput`, until the user takes the wish back.
    fn check_deletion(&self, service: &ServiceId, annotations: &BTreeMap<String, String>) -> Result<()>;

    /// Removes everything that belongs to the Service (T-5). Nothing there is success. Needs no more
    /// than the id, and never returns [`Outcome::ImplementedElsewhere`].
    async fn delete(&self, service: &ServiceId) -> Result<Outcome>;

    /// Holds all these Services against the cloud, and lists everything that carries the ownership marks
    /// of this cluster. Writes nothing.
    ///
    /// It reads anew, in listings of all rather than with a look at each Service where the cloud has such.
    /// Unlike other calls, it may overlap with calls for the same Services; a finding about one that is
    /// being changed meanwhile may be outdated, and [`ensure`](Self::ensure) finds out.
    ///
    /// # Errors
    /// If what is there cannot be listed. What concerns one Service is a [`Finding::Failed`].
    async fn survey(&self, services: &[LoadBalancer]) -> Result<Survey>;
}

#[cfg(test)]
mod tests;
