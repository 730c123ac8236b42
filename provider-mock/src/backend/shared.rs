//! Like Azure: all Services are parts of one load balancer and of one security group, each of which is read,
//! changed and written as a whole, guarded by its etag; they share the pool of nodes. Only addresses belong
//! to a Service alone.

mod container;
mod desired;
pub(crate) mod kinds;

use std::collections::BTreeMap;

use cloud_lb_core::backend::{Applied, Backend, Everything, Scope};
use cloud_lb_core::graph::{Graph, Outputs};
use cloud_lb_core::model::{IpFamily, LoadBalancer, Node, NodeField, PortStatus, ServiceId};
use cloud_lb_core::ownership::{CLUSTER_TAG, Tags, UID_TAG};
use cloud_lb_core::plan::{Change, Observed, Op, Ownership, Step};
use cloud_lb_core::provider::{Capabilities, State, TargetScope};
use cloud_lb_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::desired::{Desired, change};
use super::link::Link;
use super::parts::family_key;
use super::status;
use super::survey::{self, Found, Survey};
use crate::cloud::{Life, Record};
use container::container_of;
use kinds::{BACKEND_POOL, LOAD_BALANCER, PUBLIC_ADDRESS, SECURITY_GROUP, SharedKind};

/// Most characters of a name.
const NAME_LIMIT: usize = 80;

#[derive(Debug)]
pub(crate) struct Shared {
    link: Link<SharedKind>,
    capabilities: Capabilities,
}

impl Shared {
    pub(crate) fn new(link: Link<SharedKind>) -> Self {
        Self { link, capabilities: super::capabilities(TargetScope::Cluster, &[NodeField::Addresses]) }
    }

    fn cluster(&self) -> &str {
        &self.link.config().cluster
    }

    async fn container(&self, kind: &'static str) -> Result<Option<Record>> {
        self.link.find(kind, &desired::shared_name(self.cluster())).await
    }

    /// The pool, and the addresses and the parts of both containers, of one Service or of all.
    async fn found(&self, service: Option<&ServiceId>) -> Result<Vec<Found>> {
        let mut tags = Tags::from([(CLUSTER_TAG.to_owned(), self.cluster().to_owned())]);
        let mut found = self.link.list_all(&[BACKEND_POOL], &tags).await?;
        tags.extend(service.map(|service| (UID_TAG.to_owned(), service.uid.clone())));
        found.extend(self.link.list_all(&[PUBLIC_ADDRESS], &tags).await?);
        for kind in [LOAD_BALANCER, SECURITY_GROUP] {
            if let Some(record) = self.container(kind).await? {
                found.extend(container::explode(&record, service)?);
            }
        }
        Ok(found)
    }

    /// All steps in one container, as one write.
    async fn write(&self, kind: &'static str, steps: &[Step<Desired<SharedKind>>]) -> Result<Vec<Applied>> {
        let current = self.container(kind).await?;
        let mut body = current.as_ref().map_or_else(|| json!({}), |record| Value::clone(&record.body));
        for step in steps {
            container::edit(&mut body, step)?;
        }
        let op_on_whole = |op| steps.iter().any(|step| step.key.kind == kind && step.action.op() == op);
        let empty = container::is_empty(&body);
        let written = match current {
            None if empty && !op_on_whole(Op::Create) => return Ok(vec![Applied::default(); steps.len()]),
            None => {
                let want = desired::container(self.cluster());
                self.link.applied(&self.link.create_new(kind, &want, body).await?)
            }
            Some(record) if empty && op_on_whole(Op::Delete) => {
                self.link.delete(kind, &record.id, Some(record.etag)).await?
            }
            Some(record) => self.rewrite(&record, body).await?,
        };
        Ok(steps.iter().map(|step| applied(step, &written)).collect())
    }

    async fn rewrite(&self, record: &Record, body: Value) -> Result<Applied> {
        if record.life == Life::Deleting {
            return Ok(Applied { outputs: Outputs::new(), pending: self.link.waiting(record) });
        }
        if *record.body == body {
            return Ok(self.link.applied(record));
        }
        let record = self.link.modify(record.kind, &record.id, body, Some(record.etag)).await?;
        Ok(self.link.applied(&record))
    }
}

/// What a write of the whole means for one step.
fn applied(step: &Step<Desired<SharedKind>>, written: &Applied) -> Applied {
    if step.action.op() == Op::Delete {
        return Applied { outputs: Outputs::new(), pending: written.pending.clone() };
    }
    if written.outputs.is_empty() {
        return written.clone();
    }
    let outputs = container::outputs_of(step.key.kind, &step.action.spec().name, &written.outputs);
    Applied { outputs, pending: written.pending.clone() }
}

fn ports(have: &Observed<Desired<SharedKind>>, family: IpFamily) -> Vec<PortStatus> {
    let rules = have.iter().filter_map(|(_, found)| match &found.spec.body {
        SharedKind::Rule(rule) if found.ownership == Ownership::Service => Some(rule),
        _ => None,
    });
    let of_family = rules.filter(|rule| rule.family == family);
    of_family.map(|rule| rule.protocol.port_status(rule.port)).collect()
}

impl Backend for Shared {
    type Spec = Desired<SharedKind>;
    type Facts = ();

    fn name(&self) -> &'static str {
        "mock"
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn load_balancer_name(&self, service: &ServiceId) -> String {
        desired::base_name(service)
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
        desired::build(lb)
    }

    fn build_shared_targets(&self, nodes: &[Node], have: &Observed<Self::Spec>) -> Result<Graph<Self::Spec>> {
        let mut graph = Graph::new();
        if have.get(&desired::pool_key()).is_some() {
            desired::add_pool(&mut graph, self.cluster(), nodes)?;
        }
        Ok(graph)
    }

    async fn observe(&self, scope: Scope<'_>) -> Result<Observed<Self::Spec>> {
        let service = scope.service();
        let survey = Survey::new(self.cluster(), self.found(service).await?);
        let mut observed = survey.seen_by(service, self.link.memory())?;
        if let Some(service) = service {
            let shared = desired::shared_name(self.cluster());
            let mut places: Vec<_> = [LOAD_BALANCER, SECURITY_GROUP]
                .map(|kind| (desired::container_key(kind), shared.clone()))
                .into();
            places.push((desired::pool_key(), shared));
            for family in [IpFamily::V4, IpFamily::V6] {
                let name = desired::own_name(service, family_key(family));
                places.push((desired::address_key(family), name));
            }
            self.link.add_foreign(service, places, &mut observed).await?;
        }
        Ok(observed)
    }

    fn recall(&self, scope: Scope<'_>) -> Option<Observed<Self::Spec>> {
        self.link.recall(scope)
    }

    async fn observe_all(&self, services: &[&LoadBalancer]) -> Result<Everything<Self::Spec>> {
        Ok(survey::everything(self.cluster(), self.found(None).await?, services, self.link.memory()))
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
        let containers = steps.iter().map(|step| step.container.as_ref().map(|container| container.kind));
        match containers.reduce(|one, other| if one == other { one } else { None }).flatten() {
            Some(kind) => self.write(kind, steps).await,
            None if steps.iter().all(|step| step.container.is_none()) => self.link.apply_each(steps).await,
            None => Err(Error::new(ErrorKind::Internal, "steps in several containers cannot be one write")),
        }
    }
}
