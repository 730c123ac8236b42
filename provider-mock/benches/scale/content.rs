//! A provider without a cloud: whatever is asked for is there already.

use std::collections::BTreeMap;

use async_trait::async_trait;
use cloud_lb_core::Result;
use cloud_lb_core::model::{Address, Ingress, LoadBalancer, Port, PortStatus, ServiceId, Status};
use cloud_lb_core::plan::PlanReport;
use cloud_lb_core::provider::{
    Capabilities, Ensured, Finding, LoadBalancerProvider, Outcome, Standing, State, Survey, TargetScope,
    TargetUpdate,
};

#[derive(Debug)]
pub(crate) struct Content(Capabilities);

impl Content {
    /// Each load balancer is told of new nodes.
    pub(crate) fn new() -> Self {
        Self(Capabilities::least(TargetScope::LoadBalancer))
    }

    fn status(&self, lb: &LoadBalancer) -> Status {
        let works = |port: &Port| PortStatus { port: port.port, protocol: port.protocol, error: None };
        let address = Address::Hostname(self.load_balancer_name(&lb.service));
        let ports = lb.ports.iter().map(works).collect();
        Status { ingress: vec![Ingress { address, ip_mode: None, ports }] }
    }
}

#[async_trait]
impl LoadBalancerProvider for Content {
    fn name(&self) -> &'static str {
        "content"
    }

    fn capabilities(&self) -> &Capabilities {
        &self.0
    }

    fn load_balancer_name(&self, service: &ServiceId) -> String {
        format!("{}.{}.example", service.name, service.namespace)
    }

    fn takes(&self, _: &LoadBalancer) -> bool {
        true
    }

    async fn get(&self, _: &ServiceId) -> Result<State> {
        Ok(State::Absent)
    }

    async fn plan(&self, lb: &LoadBalancer) -> Result<PlanReport> {
        Ok(PlanReport::empty(lb.service.path()))
    }

    async fn plan_delete(&self, service: &ServiceId) -> Result<PlanReport> {
        Ok(PlanReport::empty(service.path()))
    }

    async fn ensure(&self, lb: &LoadBalancer) -> Result<Ensured> {
        Ok(Ensured { standing: Standing::Ready(self.status(lb)), warnings: Vec::new() })
    }

    async fn update_targets(&self, _: TargetUpdate<'_>) -> Result<Outcome> {
        Ok(Outcome::Done)
    }

    fn check_deletion(&self, _: &ServiceId, _: &BTreeMap<String, String>) -> Result<()> {
        Ok(())
    }

    async fn delete(&self, _: &ServiceId) -> Result<Outcome> {
        Ok(Outcome::Done)
    }

    async fn survey(&self, services: &[LoadBalancer]) -> Result<Survey> {
        let findings = services.iter().map(|lb| Finding::Converged(self.status(lb))).collect();
        Ok(Survey { findings, owned: Vec::new() })
    }
}
