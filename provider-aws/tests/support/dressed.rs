//! Dresses the Services of the core's suite up as those of AWS.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use cloud_lb_core::error::Result;
use cloud_lb_core::model::{IpFamily, LoadBalancer, Node, ServiceId};
use cloud_lb_core::plan::PlanReport;
use cloud_lb_core::provider::{
    Capabilities, Ensured, LoadBalancerProvider, Outcome, State, Survey, TargetUpdate,
};

const PREFIX: &str = "service.beta.kubernetes.io/aws-load-balancer-";

/// A provider that takes the suite's Services for AWS's.
#[derive(Debug)]
pub(crate) struct Dressed {
    pub(crate) provider: Arc<dyn LoadBalancerProvider>,
    /// The machines of `node-1`, `node-2` and so on.
    pub(crate) instance_ids: Vec<String>,
}

impl Dressed {
    fn dressed(&self, lb: &LoadBalancer) -> LoadBalancer {
        let mut lb = lb.clone();
        let mut annotate =
            |key: &str, value: &str| lb.annotations.insert(format!("{PREFIX}{key}"), value.into());
        annotate("type", "external");
        annotate("nlb-target-type", "instance");
        if lb.families.contains(&IpFamily::V6) {
            annotate("ip-address-type", "dualstack");
        }
        for node in lb.nodes.iter_mut() {
            node.provider_id = Some(format!("aws:///eu-west-1a/{}", self.instance_of(node)));
        }
        lb
    }

    fn instance_of(&self, node: &Node) -> &str {
        let number: usize = node.name.trim_start_matches("node-").parse().unwrap();
        &self.instance_ids[number - 1]
    }

    /// The node of a machine.
    pub(crate) fn node_of(&self, instance_id: &str) -> String {
        let index = self.instance_ids.iter().position(|id| id == instance_id).unwrap();
        format!("node-{}", index + 1)
    }
}

#[async_trait]
impl LoadBalancerProvider for Dressed {
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
        self.provider.takes(&self.dressed(lb))
    }

    async fn get(&self, service: &ServiceId) -> Result<State> {
        self.provider.get(service).await
    }

    async fn plan(&self, lb: &LoadBalancer) -> Result<PlanReport> {
        self.provider.plan(&self.dressed(lb)).await
    }

    async fn plan_delete(&self, service: &ServiceId) -> Result<PlanReport> {
        self.provider.plan_delete(service).await
    }

    async fn ensure(&self, lb: &LoadBalancer) -> Result<Ensured> {
        self.provider.ensure(&self.dressed(lb)).await
    }

    async fn update_targets(&self, update: TargetUpdate<'_>) -> Result<Outcome> {
        match update {
            TargetUpdate::LoadBalancer(lb) => {
                self.provider.update_targets(TargetUpdate::LoadBalancer(&self.dressed(lb))).await
            }
            TargetUpdate::Cluster(nodes) => self.provider.update_targets(TargetUpdate::Cluster(nodes)).await,
        }
    }

    fn check_deletion(&self, service: &ServiceId, annotations: &BTreeMap<String, String>) -> Result<()> {
        self.provider.check_deletion(service, annotations)
    }

    async fn delete(&self, service: &ServiceId) -> Result<Outcome> {
        self.provider.delete(service).await
    }

    async fn survey(&self, services: &[LoadBalancer]) -> Result<Survey> {
        let services: Vec<LoadBalancer> = services.iter().map(|lb| self.dressed(lb)).collect();
        self.provider.survey(&services).await
    }
}
