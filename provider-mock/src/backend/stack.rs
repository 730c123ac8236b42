//! Like AWS: each Service owns a load balancer with listeners and target groups; the cluster shares one
//! security group. Everything is found again by its tags.

mod desired;
pub(crate) mod kinds;

use std::collections::BTreeMap;

use cloud_lb_core::Result;
use cloud_lb_core::backend::{Applied, Backend, Everything, Scope};
use cloud_lb_core::graph::{Graph, Outputs};
use cloud_lb_core::model::{Address, IpFamily, LoadBalancer, Node, NodeField, PortStatus, ServiceId, Status};
use cloud_lb_core::naming::hashed_name;
use cloud_lb_core::ownership::{CLUSTER_TAG, Tags, UID_TAG};
use cloud_lb_core::plan::{Change, Observed, Ownership, Step};
use cloud_lb_core::provider::{Capabilities, State, TargetScope};

use super::desired::{Desired, change};
use super::link::Link;
use super::status;
use super::survey::{self, Found, Survey};
use kinds::{Balancer, LISTENER, LOAD_BALANCER, Listener, SECURITY_GROUP, StackKind, TARGET_GROUP};

/// Most characters of a load balancer's name.
const NAME_LIMIT: usize = 32;

/// Whether all load balancers are read.
fn shows_users(scope: Scope<'_>) -> bool {
    !matches!(scope, Scope::Service(_))
}

#[derive(Debug)]
pub(crate) struct Stack {
    link: Link<StackKind>,
    capabilities: Capabilities,
}

impl Stack {
    pub(crate) fn new(link: Link<StackKind>) -> Self {
        Self { link, capabilities: super::capabilities(TargetScope::LoadBalancer, &[NodeField::Addresses]) }
    }

    fn cluster(&self) -> &str {
        &self.link.config().cluster
    }

    /// What a Service has, and what is shared. Whether others use that matters only where it may go: a deletion
    /// looks at every load balancer.
    async fn found(&self, scope: Scope<'_>) -> Result<Vec<Found>> {
        let cluster = Tags::from([(CLUSTER_TAG.to_owned(), self.cluster().to_owned())]);
        let mut own = cluster.clone();
        own.extend(scope.service().map(|service| (UID_TAG.to_owned(), service.uid.clone())));
        let balancers = if shows_users(scope) { &cluster } else { &own };
        let mut found = self.link.list_all(&[SECURITY_GROUP], &cluster).await?;
        found.extend(self.link.list_all(&[LOAD_BALANCER], balancers).await?);
        found.extend(self.link.list_all(&[TARGET_GROUP, LISTENER], &own).await?);
        Ok(found)
    }
}

impl Backend for Stack {
    type Spec = Desired<StackKind>;
    type Facts = ();

    fn name(&self) -> &'static str {
        "mock"
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn load_balancer_name(&self, service: &ServiceId) -> String {
        let ServiceId { cluster, namespace, name, uid } = service;
        hashed_name(&[namespace, name, cluster, uid], NAME_LIMIT)
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

    fn build_shared_targets(
        &self,
        _nodes: &[Node],
        _have: &Observed<Self::Spec>,
    ) -> Result<Graph<Self::Spec>> {
        Ok(Graph::new())
    }

    async fn observe(&self, scope: Scope<'_>) -> Result<Observed<Self::Spec>> {
        let service = scope.service();
        let found = self.found(scope).await?;
        let survey = if shows_users(scope) { Survey::new } else { Survey::of_one };
        let mut observed = survey(self.cluster(), found).seen_by(service, self.link.memory())?;
        if let Some(service) = service {
            let places = vec![
                (desired::load_balancer_key(), self.load_balancer_name(service)),
                (desired::security_group_key(), desired::security_group_name(self.cluster())),
            ];
            self.link.add_foreign(service, places, &mut observed).await?;
        }
        Ok(observed)
    }

    fn recall(&self, scope: Scope<'_>) -> Option<Observed<Self::Spec>> {
        self.link.recall(scope)
    }

    async fn observe_all(&self, services: &[&LoadBalancer]) -> Result<Everything<Self::Spec>> {
        let found = self.found(Scope::Cluster).await?;
        Ok(survey::everything(self.cluster(), found, services, self.link.memory()))
    }

    fn change(&self, have: &Self::Spec, want: &Self::Spec) -> Change {
        change(have, want)
    }

    fn state(&self, have: &Observed<Self::Spec>) -> State {
        status::state(have, || self.status(have))
    }

    async fn apply(&self, steps: &[Step<Self::Spec>]) -> Result<Vec<Applied>> {
        self.link.apply_each(steps).await
    }
}

impl Stack {
    /// Nothing, as long as something is missing.
    fn status(&self, have: &Observed<Desired<StackKind>>) -> Option<Status> {
        let own = |key: &_| have.get(key).filter(|found| found.ownership == Ownership::Service);
        let balancer = own(&desired::load_balancer_key())?;
        let StackKind::LoadBalancer(Balancer { families, .. }) = &balancer.spec.body else { return None };
        let ports = ports(have);
        if ports.is_empty() {
            return None;
        }
        let places = self.places(families, &balancer.outputs);
        Some(Status {
            ingress: places.into_iter().map(|place| status::ingress(place, ports.clone())).collect(),
        })
    }

    fn places(&self, families: &[IpFamily], outputs: &Outputs) -> Vec<Address> {
        let mut places: Vec<Address> = families
            .iter()
            .filter_map(|family| status::place(self.link.config().addressing, outputs, *family))
            .collect();
        places.dedup();
        places
    }
}

fn ports(have: &Observed<Desired<StackKind>>) -> Vec<PortStatus> {
    let listeners = have.iter().filter_map(|(_, found)| match &found.spec.body {
        StackKind::Listener(Listener { port, protocol, .. }) if found.ownership == Ownership::Service => {
            Some(protocol.transports().iter().map(|transport| transport.port_status(*port)))
        }
        _ => None,
    });
    let mut ports: Vec<PortStatus> = listeners.flatten().collect();
    ports.sort();
    ports
}
