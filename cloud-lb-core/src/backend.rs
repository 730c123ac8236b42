//! What a cloud implements.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;

use crate::error::Result;
use crate::graph::{Graph, Outputs, Spec};
use crate::model::{Gate, LoadBalancer, Node, ServiceId};
use crate::plan::{Change, Observed, Step, Warning};
use crate::provider::{Capabilities, Owned, Pending, State, Waiting};

/// Which resources are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// Those of one Service, and the shared ones.
    Service(&'a ServiceId),
    /// The same, of a Service that is to go. It is enough to tell what is there, whose it is and what
    /// refers to what: settings may be out of date, and parts that go with something else may be missing.
    Deletion(&'a ServiceId),
    /// Only the shared ones of the cluster.
    Cluster,
}

impl<'a> Scope<'a> {
    /// The Service whose resources are read, if it is one.
    pub fn service(self) -> Option<&'a ServiceId> {
        match self {
            Self::Service(service) | Self::Deletion(service) => Some(service),
            Self::Cluster => None,
        }
    }
}

/// What became of one step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Ids, addresses and names of the resource; empty after a delete.
    pub outputs: Outputs,
    /// Set while the cloud is still at work on it. Later steps go on as long as they need no output
    /// that is missing.
    pub pending: Option<Pending>,
}

/// What is there of several Services, and all that is owned.
#[derive(Debug, Clone)]
pub struct Everything<S> {
    /// What is there of each Service, in the order in which they were given.
    pub observed: Vec<Result<Observed<S>>>,
    /// Everything that carries the ownership marks of this cluster, sorted by Service.
    pub owned: Vec<Owned>,
}

/// A cloud, as five verbs and two pure functions. [`crate::engine::Engine`] turns it into a
/// [`crate::provider::LoadBalancerProvider`].
///
/// # Guarantees that an implementation gives
/// - `resolve`, `observe` and `observe_all` write nothing and return everything or an error: a failed
///   or partial read is never an empty list.
/// - `build`, `warnings`, `change` and `state` are pure and deterministic.
/// - `apply` makes one attempt; it does not loop, sleep or poll.
///
/// # Guarantees that the engine gives
/// - Nothing is written before the whole plan is known and found sane.
/// - `apply` gets steps of which all references are filled in, except those among the parts of one
///   container that are written together.
/// - Steps of one Service may be applied at the same time, but none before those that it needs are done.
/// - Writes to one shared resource or container never overlap within this process.
pub trait Backend: fmt::Debug + Send + Sync + 'static {
    /// Desired state of a resource: one enum, one variant per kind.
    type Spec: Spec;
    /// What was looked up before building: subnets, networks, certificates.
    type Facts: fmt::Debug + Send + Sync;

    /// Name of the provider, as on the command line.
    fn name(&self) -> &str;

    /// What it can do.
    fn capabilities(&self) -> &Capabilities;

    /// The name of the Service's load balancer in the cloud: pure, and one name per Service.
    fn load_balancer_name(&self, service: &ServiceId) -> String;

    /// Whether this provider looks after such a Service, by its identity, class and annotations; if not, `ensure` answers
    /// [`crate::provider::Standing::ImplementedElsewhere`]. Pure.
    fn takes(&self, lb: &LoadBalancer) -> bool;

    /// Refuses to delete what the user wants kept, as the annotations of the Service tell. Pure.
    ///
    /// # Errors
    /// `InvalidInput`, until the user takes the wish back.
    fn check_deletion(&self, service: &ServiceId, annotations: &BTreeMap<String, String>) -> Result<()>;

    /// Looks up what `build` needs. Reads only.
    fn resolve(&self, lb: &LoadBalancer) -> impl Future<Output = Result<Self::Facts>> + Send;

    /// The resources that the load balancer needs. Pure.
    ///
    /// # Errors
    /// `InvalidInput` or `Unsupported` for what the Service asks and cannot have.
    fn build(&self, lb: &LoadBalancer, facts: &Self::Facts) -> Result<Graph<Self::Spec>>;

    /// What the user should know about the Service, although `build` does not refuse it. Pure, and in a
    /// stable order; none unless the backend says so.
    fn warnings(&self, _lb: &LoadBalancer, _facts: &Self::Facts) -> Vec<Warning> {
        Vec::new()
    }

    /// The target sets that all Services share, for these nodes. Pure; empty where each load balancer
    /// has target sets of its own (see [`crate::provider::TargetScope`]).
    ///
    /// `have` tells which of them exist: only those are wanted.
    fn build_shared_targets(&self, nodes: &[Node], have: &Observed<Self::Spec>) -> Result<Graph<Self::Spec>>;

    /// Reads what is there, found by our ownership marks.
    fn observe(&self, scope: Scope<'_>) -> impl Future<Output = Result<Observed<Self::Spec>>> + Send;

    /// The sets of targets of a Service, or those that all share, as they are remembered, for a change of nothing
    /// else; `None`, as long as the backend says nothing else, for those who keep nothing.
    ///
    /// What is remembered may be wrong: a step that is made from it must be refused with `Conflict` or `NotFound`
    /// by [`apply`](Self::apply) if the cloud has the set otherwise, as one with an etag is. The engine then looks,
    /// and so it does where it would not write every set.
    fn recall(&self, _scope: Scope<'_>) -> Option<Observed<Self::Spec>> {
        None
    }

    /// Reads what is there of all these Services, each as [`observe`](Self::observe) of
    /// [`Scope::Service`], and everything that carries the ownership marks of this cluster: from listings of
    /// all where the cloud has them, and read anew, whatever is remembered.
    ///
    /// What somebody else has in the place of ours may be missing. Writes may happen meanwhile; what was
    /// read may not outlive them in memory.
    fn observe_all(
        &self,
        services: &[&LoadBalancer],
    ) -> impl Future<Output = Result<Everything<Self::Spec>>> + Send;

    /// What the readiness gates of these pods are to say: see
    /// [`LoadBalancerProvider::gates`](crate::provider::LoadBalancerProvider::gates). Writes nothing.
    fn gates(&self, _waiting: Waiting<'_>) -> impl Future<Output = Result<Vec<Gate>>> + Send {
        std::future::ready(Ok(Vec::new()))
    }

    /// What it takes to turn `have` into `want`. Pure.
    fn change(&self, have: &Self::Spec, want: &Self::Spec) -> Change;

    /// What the load balancer is, judged by its resources. Pure.
    fn state(&self, have: &Observed<Self::Spec>) -> State;

    /// Carries out steps: one, or several parts of one container, perhaps of several Services, which
    /// are then one write. The results stand in the order of the steps; an error means that none of
    /// the steps is known to have taken effect.
    ///
    /// Creating a container, or a shared part of one, that exists by now and is as wanted succeeds, and
    /// so does deleting what is gone by now. A container that still has parts after its delete step
    /// stays.
    ///
    /// # Errors
    /// `InUse` if something still refers to what is to go, or something on its way out still holds the
    /// place of what is to come: the engine waits where it can tell for what.
    fn apply(&self, steps: &[Step<Self::Spec>]) -> impl Future<Output = Result<Vec<Applied>>> + Send;
}
