use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::error::Result;
use crate::measure::{self, CallResult, Fact, Measure, Method};
use crate::model::{Gate, LoadBalancer, ServiceId};
use crate::plan::PlanReport;
use crate::provider::{
    Capabilities, Ensured, LoadBalancerProvider, Outcome, Standing, State, Survey, TargetUpdate, Waiting,
};

/// Tells a [`Measure`] of every call of a provider, and of all that happens in it.
///
/// The measure is that of the task: what a provider spawns onto other tasks is not told.
#[derive(Debug)]
pub struct Measured {
    provider: Arc<dyn LoadBalancerProvider>,
    measure: Arc<dyn Measure>,
}

impl Measured {
    /// Wraps a provider.
    pub fn new(provider: Arc<dyn LoadBalancerProvider>, measure: Arc<dyn Measure>) -> Self {
        Self { provider, measure }
    }

    async fn call<T>(
        &self,
        method: Method,
        call: impl Future<Output = Result<T>> + Send,
        judge: impl Fn(&T) -> CallResult + Send,
    ) -> Result<T> {
        let begin = Instant::now();
        let result = measure::measured(Arc::clone(&self.measure), call).await;
        let took = begin.elapsed();
        let word = result.as_ref().map_or_else(|error| CallResult::Failed(error.kind()), judge);
        self.measure.note(&Fact::ProviderCall { method, result: word, took });
        result
    }
}

fn done<T>(_: &T) -> CallResult {
    CallResult::Done
}

fn standing(ensured: &Ensured) -> CallResult {
    match ensured.standing {
        Standing::Ready(_) | Standing::Tidying(..) => CallResult::Done,
        Standing::Pending(_) => CallResult::Pending,
        Standing::ImplementedElsewhere => CallResult::Elsewhere,
    }
}

fn outcome(outcome: &Outcome) -> CallResult {
    match outcome {
        Outcome::Done => CallResult::Done,
        Outcome::Pending(_) => CallResult::Pending,
        Outcome::ImplementedElsewhere => CallResult::Elsewhere,
    }
}

// A method that is not wrapped would not be measured.
#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl LoadBalancerProvider for Measured {
    fn name(&self) -> &str {
        self.provider.name()
    }

    fn capabilities(&self) -> &Capabilities {
        self.provider.capabilities()
    }

    fn load_balancer_name(&self, service: &ServiceId) -> String {
        self.provider.load_balancer_name(service)
    }

    fn takes(&self, lb: &LoadBalancer) -> bool {
        self.provider.takes(lb)
    }

    async fn get(&self, service: &ServiceId) -> Result<State> {
        self.call(Method::Get, self.provider.get(service), done).await
    }

    async fn plan(&self, lb: &LoadBalancer) -> Result<PlanReport> {
        self.call(Method::Plan, self.provider.plan(lb), done).await
    }

    async fn plan_delete(&self, service: &ServiceId) -> Result<PlanReport> {
        self.call(Method::PlanDelete, self.provider.plan_delete(service), done).await
    }

    async fn ensure(&self, lb: &LoadBalancer) -> Result<Ensured> {
        self.call(Method::Ensure, self.provider.ensure(lb), standing).await
    }

    async fn update_targets(&self, update: TargetUpdate<'_>) -> Result<Outcome> {
        self.call(Method::UpdateTargets, self.provider.update_targets(update), outcome).await
    }

    async fn gates(&self, waiting: Waiting<'_>) -> Result<Vec<Gate>> {
        self.call(Method::Gates, self.provider.gates(waiting), done).await
    }

    fn check_deletion(&self, service: &ServiceId, annotations: &BTreeMap<String, String>) -> Result<()> {
        self.provider.check_deletion(service, annotations)
    }

    async fn delete(&self, service: &ServiceId) -> Result<Outcome> {
        self.call(Method::Delete, self.provider.delete(service), outcome).await
    }

    async fn survey(&self, services: &[LoadBalancer]) -> Result<Survey> {
        self.call(Method::Survey, self.provider.survey(services), done).await
    }
}
