//! Like Google Cloud: each Service owns an address, forwarding rules and a firewall of each family and a
//! backend service; the nodes are in instance groups, one in each zone, that the whole cluster shares.
//! Everything is found again by its name and by marks in its description.

mod desired;
pub(crate) mod kinds;

use std::collections::BTreeMap;

use cloud_lb_core::Result;
use cloud_lb_core::backend::{Applied, Backend, Everything, Scope};
use cloud_lb_core::graph::Graph;
use cloud_lb_core::model::{IpFamily, LoadBalancer, Node, NodeField, PortStatus, ServiceId};
use cloud_lb_core::naming::hashed_name;
use cloud_lb_core::ownership::Tags;
use cloud_lb_core::plan::{Change, Observed, Ownership, Step};
use cloud_lb_core::provider::{Capabilities, State, TargetScope};

use super::desired::{Desired, change};
use super::link::Link;
use super::parts::family_key;
use super::status;
use super::survey::{self, Survey};
use kinds::{ForwardingRule, KINDS, RulesKind};

/// Most characters of a name.
const NAME_LIMIT: usize = 63;

#[derive(Debug)]
pub(crate) struct Rules {
    link: Link<RulesKind>,
    capabilities: Capabilities,
}

impl Rules {
    pub(crate) fn new(link: Link<RulesKind>) -> Self {
        Self {
            link,
            capabilities: super::capabilities(TargetScope::Cluster, &[NodeField::Addresses, NodeField::Zone]),
        }
    }

    fn cluster(&self) -> &str {
        &self.link.config().cluster
    }
}

fn ports(have: &Observed<Desired<RulesKind>>, family: IpFamily) -> Vec<PortStatus> {
    let rules = have.iter().filter_map(|(_, found)| match &found.spec.body {
        RulesKind::ForwardingRule(rule) if found.ownership == Ownership::Service => Some(rule),
        _ => None,
    });
    let of_rule = |rule: &ForwardingRule| -> Vec<PortStatus> {
        rule.ports.iter().map(|pair| rule.protocol.port_status(pair.port)).collect()
    };
    rules.filter(|rule| rule.family == family).flat_map(of_rule).collect()
}

impl Backend for Rules {
    type Spec = Desired<RulesKind>;
    type Facts = ();

    fn name(&self) -> &'static str {
        "mock"
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn load_balancer_name(&self, service: &ServiceId) -> String {
        let ServiceId { cluster, namespace, name, uid } = service;
        // The names of the resources go on from here.
        hashed_name(&[namespace, name, cluster, uid], NAME_LIMIT / 2)
    }

    fn takes(&self, lb: &LoadBalancer) -> bool {
        super::takes(self.link.config(), lb)
    }

    fn check_deletion(&self, _: &ServiceId, _: &BTreeMap<String, String>) -> Result<()> {
        Ok(())
    }

    async fn resolve(&self, _lb: &LoadBalancer) -> Result<()> {
        Ok(())
    }

    fn build(&self, lb: &LoadBalancer, _facts: &()) -> Result<Graph<Self::Spec>> {
        desired::build(lb, &self.load_balancer_name(&lb.service))
    }

    fn build_shared_targets(&self, nodes: &[Node], have: &Observed<Self::Spec>) -> Result<Graph<Self::Spec>> {
        let mut graph = Graph::new();
        desired::add_instance_groups(&mut graph, self.cluster(), nodes, |key| have.get(key).is_some())?;
        desired::add_emptied_groups(&mut graph, have)?;
        Ok(graph)
    }

    async fn observe(&self, scope: Scope<'_>) -> Result<Observed<Self::Spec>> {
        let service = scope.service();
        // Descriptions cannot be filtered by, so that everybody's resources are read.
        let found = self.link.list_all(KINDS, &Tags::new()).await?;
        let mut observed = Survey::new(self.cluster(), found).seen_by(service, self.link.memory())?;
        if let Some(service) = service {
            let base = self.load_balancer_name(service);
            let mut places = vec![(desired::backend_service_key(), desired::name_of(&base, "main"))];
            for family in [IpFamily::V4, IpFamily::V6] {
                places.push((desired::address_key(family), desired::name_of(&base, family_key(family))));
            }
            self.link.add_foreign(service, places, &mut observed).await?;
        }
        Ok(observed)
    }

    fn recall(&self, scope: Scope<'_>) -> Option<Observed<Self::Spec>> {
        self.link.recall(scope)
    }

    async fn observe_all(&self, services: &[&LoadBalancer]) -> Result<Everything<Self::Spec>> {
        let found = self.link.list_all(KINDS, &Tags::new()).await?;
        Ok(survey::everything(self.cluster(), found, services, self.link.memory()))
    }

    fn change(&self, have: &Self::Spec, want: &Self::Spec) -> Change {
        change(have, want)
    }

    fn state(&self, have: &Observed<Self::Spec>) -> State {
        let addressing = self.link.config().addressing;
        status::state(have, || {
            status::by_family(have, addressing, desired::address_key, |family| ports(have, family))
        })
    }

    async fn apply(&self, steps: &[Step<Self::Spec>]) -> Result<Vec<Applied>> {
        self.link.apply_each(steps).await
    }
}
