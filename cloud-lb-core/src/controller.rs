//! The service controller: keeps the load balancers of a cluster as its Services ask.
//!
//! Rule numbers (SC-n, W-n) are those of the service controller's specification.
//!
//! One loop (`dispatch`) owns all state. It takes in what the watches see, decides by pure functions what
//! is work (`triggers`) and keeps it in a `queue` of lanes: one for each Service, in which ensure, host
//! update and deletion never overlap (W-2), and which run side by side. A lane (`reconcile`) gets
//! the newest objects and what is remembered of its Service, talks to the provider and the API server,
//! and hands back what to remember.

mod api;
mod circuit;
mod contest;
mod dispatch;
mod endpoints;
mod events;
mod finalizer;
mod gauges;
mod index;
mod key;
mod memory;
mod nodes;
mod notice;
mod options;
mod orphans;
mod pods;
mod queue;
mod reconcile;
mod shared;
mod status;
mod triggers;
mod watch;

use std::fmt;
use std::sync::Arc;

use kube::Client;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

pub use self::options::Options;
pub use self::orphans::find_orphans;
pub use self::status::{DEGRADED_CONDITION, PROGRESSING_CONDITION, READY_CONDITION};
pub use self::triggers::ABANDON_ANNOTATION;

pub(crate) use self::api::from_kube;

use self::api::ServiceWriter;
use self::circuit::Circuit;
use self::dispatch::Dispatcher;
use self::events::Events;
use self::gauges::Gauges;
use self::nodes::Nodes;
use self::pods::PodClient;
use self::reconcile::Reconciler;
use self::triggers::Rules;
use self::watch::Slices;
use crate::error::Result;
use crate::k8s::{self, NodePolicy};
use crate::layers::Measured;
use crate::measure::{Measure, Unmeasured};
use crate::provider::LoadBalancerProvider;
use crate::vitals::Vitals;

/// Keeps the load balancers of a cluster as its Services ask.
///
/// It watches (SC-1) Services and nodes (and EndpointSlices, if the provider sends traffic to pods), and writes
/// only `services/status` and events, and `pods/status` of pods with readiness gates of the provider.
///
/// # Guarantees
/// - The calls for one Service never overlap, in whatever order its object and the nodes change.
/// - The finalizer is on the Service before its load balancer is made, and goes after it is gone.
/// - Nothing happens before everything was listed once.
/// - At most one of several controllers may run for a cluster and a set of classes at a time; electing
///   it is up to the caller.
pub struct Controller {
    client: Client,
    provider: Arc<dyn LoadBalancerProvider>,
    options: Options,
    measure: Arc<dyn Measure>,
    vitals: Vitals,
}

impl fmt::Debug for Controller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Controller")
            .field("provider", &self.provider)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Controller {
    /// Makes a controller; nothing happens until [`run`](Self::run). There is none without a provider, and no provider
    /// without load balancers (SC-2, T-8); whether a provider can be had, its own builder says.
    ///
    /// # Errors
    /// `InvalidInput` if the options are wrong.
    pub fn new(client: Client, provider: Arc<dyn LoadBalancerProvider>, options: Options) -> Result<Self> {
        options.validate()?;
        let (measure, vitals) = (Arc::new(Unmeasured), Vitals::default());
        Ok(Self { client, provider, options, measure, vitals })
    }

    /// Tells `measure` of everything that happens, in the controller and in the provider.
    pub fn with_measure(mut self, measure: Arc<dyn Measure>) -> Self {
        self.provider = Arc::new(Measured::new(self.provider, Arc::clone(&measure)));
        self.measure = measure;
        self
    }

    /// What the controller is at, for health checks and metrics.
    pub fn vitals(&self) -> Vitals {
        self.vitals.clone()
    }

    /// Runs until `shutdown` is cancelled, then waits for the calls in flight, up to
    /// [`drain_timeout`](Options::drain_timeout).
    ///
    /// An API server that does not answer is waited for.
    ///
    /// # Errors
    /// - `PermissionDenied` if Services, nodes or EndpointSlices cannot be listed at the start.
    /// - `Internal` if a task of the controller dies, which is a bug.
    ///
    /// # Cancel safety
    /// Dropping the future drops the calls in flight. The next run repairs what they left undone.
    pub async fn run(self, shutdown: CancellationToken) -> Result<()> {
        let capabilities = self.provider.capabilities();
        let uses_pods = capabilities.pod_targets || capabilities.readiness_gates.is_some();
        let slices = if uses_pods { Slices::Watched } else { Slices::Ignored };
        let client = api::impatient(&self.client, self.options.call_timeout);
        let watches = watch::watches(&client, self.options.namespace.as_deref(), slices);
        let nodes = Nodes::new(self.node_policy(), capabilities.node_fields.clone(), self.options.debounce());
        tracing::info!(provider = self.provider.name(), "service controller starts");
        if !self.options.classes.classless && self.options.finalizer == k8s::FINALIZER {
            let finalizer = k8s::FINALIZER;
            tracing::warn!(
                finalizer,
                "looks after classes only, with the finalizer that all controllers share"
            );
        }
        let gauges = Gauges::new(self.vitals.clone(), Arc::clone(&self.measure));
        let dispatcher = Dispatcher::new(self.reconciler(), nodes, slices, self.options, gauges);
        dispatcher.run(watches, shutdown).await?;
        tracing::info!("service controller stopped");
        Ok(())
    }

    fn reconciler(&self) -> Reconciler {
        let (client, options) = (&self.client, &self.options);
        Reconciler {
            provider: Arc::clone(&self.provider),
            cluster: options.cluster_name.clone(),
            rules: Rules {
                classes: options.classes.clone(),
                finalizer: options.finalizer.clone(),
                annotations: self.provider.capabilities().annotation_prefixes.clone(),
            },
            writer: ServiceWriter::new(client.clone(), options.call_timeout),
            pods: PodClient::new(client.clone(), options.call_timeout),
            events: Events::new(client.clone(), options.call_timeout),
            timeout: options.call_timeout,
            restore_delay: options.max_restore_delay,
            circuit: Mutex::new(Circuit::new(options.circuit())),
        }
    }

    /// W-16: a provider that needs provider ids does not get nodes without one.
    fn node_policy(&self) -> NodePolicy {
        let mut policy = self.options.nodes.clone();
        policy.require_provider_id |= self.provider.capabilities().needs_provider_id;
        policy
    }
}
