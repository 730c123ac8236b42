//! The provider: modules put together.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;

use cloud_lb_core::backend::{Applied, Backend, Everything, Scope};
use cloud_lb_core::error::Result;
use cloud_lb_core::graph::Graph;
use cloud_lb_core::model::{Gate, IpFamily, LoadBalancer, Node, NodeField, Protocol, ServiceId};
use cloud_lb_core::plan::{Change, Observed, Step, Warning};
use cloud_lb_core::provider::{Capabilities, State, TargetScope, Waiting};

use crate::api::Api;
use crate::apply::{Leaving, NodeRuleWriter, Refused, Zoned};
use crate::config::Config;
use crate::desired::{self, load_balancer_name, takes};
use crate::facts::Account;
use crate::facts::resolve::Lookups;
use crate::inventory::{Inventory, View};
use crate::kinds::Spec;
use crate::observe::Stacks;
use crate::patience::Patience;
use crate::{change, status};

/// Network Load Balancers on AWS, as a [`Backend`]. Make a provider of it with
/// [`Engine::new`](cloud_lb_core::engine::Engine::new).
///
/// What AWS said is kept for `inventory-refresh-seconds`, and our own writes are known: within that time a
/// Service that is as wanted costs no call.
pub struct Aws<A> {
    pub(crate) api: A,
    pub(crate) config: Config,
    capabilities: Capabilities,
    pub(crate) inventory: Inventory,
    pub(crate) lookups: Lookups,
    pub(crate) stacks: Stacks,
    pub(crate) node_rules: NodeRuleWriter,
    pub(crate) refused: Refused,
    pub(crate) zoned: Zoned,
    pub(crate) patience: Patience,
    pub(crate) leaving: Leaving,
}

impl<A: Api> Aws<A> {
    /// Works on the account behind `api`.
    ///
    /// # Errors
    /// `InvalidInput` with everything that is wrong with the configuration (AWS-3).
    pub fn new(api: A, config: Config) -> Result<Self> {
        config.validate()?;
        let refresh = config.inventory_refresh();
        Ok(Self {
            api,
            capabilities: capabilities(),
            inventory: Inventory::new(refresh),
            lookups: Lookups::default(),
            stacks: Stacks::new(refresh),
            node_rules: NodeRuleWriter::default(),
            refused: Refused::default(),
            zoned: Zoned::default(),
            patience: Patience::default(),
            leaving: Leaving::default(),
            config,
        })
    }

    /// Forgets what AWS said, so that the next look reads everything anew.
    pub fn forget(&self) {
        self.inventory.forget();
        self.lookups.forget();
        self.stacks.forget_all();
    }

    /// The part of the account that a Service's desired state is made from, as
    /// [`build`](crate::build) takes it.
    pub async fn facts(&self, lb: &LoadBalancer) -> Result<Account> {
        self.account_for(lb).await
    }

    /// The shared view of the account.
    pub(crate) async fn view(&self) -> Result<std::sync::Arc<View>> {
        self.inventory.view(&self.api, &self.vpc_id().await?).await
    }
}

/// What the provider can do.
fn capabilities() -> Capabilities {
    Capabilities {
        protocols: [Protocol::Tcp, Protocol::Udp].into(),
        families: [IpFamily::V4, IpFamily::V6].into(),
        dual_stack: true,
        mixed_protocols: true,
        session_affinity: true,
        source_ranges: true,
        // Not honoured, but a warning and no refusal (AWS-11): Services carry it for other clouds.
        requested_address: true,
        pod_targets: true,
        readiness_gates: Some(crate::gates::PREFIX),
        target_scope: TargetScope::LoadBalancer,
        needs_provider_id: true,
        // The zone shares out the places of a target group with a limit (AWS-189).
        node_fields: [NodeField::ProviderId, NodeField::Labels, NodeField::Readiness, NodeField::Zone].into(),
        annotation_prefixes: vec!["service.beta.kubernetes.io/"],
    }
}

impl<A: Api> Backend for Aws<A> {
    type Spec = Spec;
    type Facts = Account;

    fn name(&self) -> &'static str {
        "aws"
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn load_balancer_name(&self, service: &ServiceId) -> String {
        load_balancer_name(service, self.config.default_load_balancer_scheme)
    }

    fn takes(&self, lb: &LoadBalancer) -> bool {
        takes(lb, &self.config)
    }

    fn check_deletion(&self, service: &ServiceId, annotations: &BTreeMap<String, String>) -> Result<()> {
        desired::check_deletion(service, annotations)
    }

    fn resolve(&self, lb: &LoadBalancer) -> impl Future<Output = Result<Account>> + Send {
        self.account_for(lb)
    }

    fn build(&self, lb: &LoadBalancer, facts: &Account) -> Result<Graph<Spec>> {
        desired::build(lb, facts, &self.config)
    }

    fn warnings(&self, lb: &LoadBalancer, facts: &Account) -> Vec<Warning> {
        desired::warnings(lb, facts, &self.config)
    }

    fn build_shared_targets(&self, _: &[Node], _: &Observed<Spec>) -> Result<Graph<Spec>> {
        Ok(Graph::new())
    }

    async fn observe(&self, scope: Scope<'_>) -> Result<Observed<Spec>> {
        match scope {
            Scope::Service(service) => self.observe_service(service).await,
            Scope::Deletion(service) => self.observe_leaving(service).await,
            // The shared security group has no targets.
            Scope::Cluster => Ok(Observed::new()),
        }
    }

    fn observe_all(
        &self,
        services: &[&LoadBalancer],
    ) -> impl Future<Output = Result<Everything<Spec>>> + Send {
        self.observe_services(services)
    }

    fn gates(&self, waiting: Waiting<'_>) -> impl Future<Output = Result<Vec<Gate>>> + Send {
        self.gates_of(waiting)
    }

    fn change(&self, have: &Spec, want: &Spec) -> Change {
        change::change(have, want, &self.config)
    }

    fn state(&self, have: &Observed<Spec>) -> State {
        status::state(have, &self.config, |arn| self.leaving.stage(arn))
    }

    async fn apply(&self, steps: &[Step<Spec>]) -> Result<Vec<Applied>> {
        let mut applied = Vec::with_capacity(steps.len());
        for step in steps {
            applied.push(self.apply_step(step).await?);
        }
        Ok(applied)
    }
}

impl<A: fmt::Debug> fmt::Debug for Aws<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws")
            .field("api", &self.api)
            .field("cluster", &self.config.cluster_name)
            .finish_non_exhaustive()
    }
}
