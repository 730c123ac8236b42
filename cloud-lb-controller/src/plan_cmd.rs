//! `cloud-lb plan`: what would be made or changed, without doing it.

mod gather;
mod live;
mod offline;
mod render;

use std::sync::Arc;

use cloud_lb_core::k8s::{self, ClassPolicy, NodePolicy};
use cloud_lb_core::plan::PlanReport;
use cloud_lb_core::provider::LoadBalancerProvider;

use crate::Verdict;
use crate::args::{PlanArgs, ProviderArgs};
use crate::failure::{Failure, all};
use crate::{manifests, providers};
use gather::{Situation, Wanted};

/// Prints the plan of every Service.
pub(crate) async fn run(args: PlanArgs) -> Result<Verdict, Failure> {
    let PlanArgs { files, output, against_cluster, provider, cluster } = args;
    let ProviderArgs { provider: name, config, cluster_name } = provider;
    let provider = providers::build(name, config.as_deref(), &cluster_name, None)?;
    let manifests = manifests::read(&files)?;
    let mut situation = if against_cluster {
        live::gather(cluster, &manifests).await?
    } else {
        offline::gather(&manifests).await?
    };
    if against_cluster {
        situation.notes.extend(name.caveats());
    }
    let planner = Planner { provider, cluster: cluster_name };
    let mut reports = Vec::new();
    for wanted in &situation.services {
        reports.push(planner.report(wanted, &situation).await);
    }
    let reports = all(reports)?;
    render::notes(&situation.notes);
    render::reports(&reports, output).map_err(|error| Failure::of_output(&error))?;
    let changes = reports.iter().any(|(_, report)| !report.is_empty());
    Ok(if changes { Verdict::Changes } else { Verdict::Fine })
}

/// Why there is nothing to plan for a Service; for people, not for programs.
pub(crate) type Remark = Option<String>;

struct Planner {
    provider: Arc<dyn LoadBalancerProvider>,
    cluster: String,
}

impl Planner {
    async fn report(&self, wanted: &Wanted, situation: &Situation) -> Result<(Remark, PlanReport), Failure> {
        let service = &wanted.service;
        let refused = |error: cloud_lb_core::Error| wanted.refused(&error);
        let id = k8s::service_id(&self.cluster, service).map_err(refused)?;
        if k8s::wants_load_balancer(service, &ClassPolicy::default()) {
            let lb = self.load_balancer(wanted, situation).map_err(refused)?;
            return Ok((None, self.provider.plan(&lb).await.map_err(refused)?));
        }
        let report = if k8s::has_finalizer(service, k8s::FINALIZER) {
            self.provider.plan_delete(&id).await.map_err(refused)?
        } else {
            PlanReport { service: id.path(), steps: Vec::new(), resources: Vec::new(), warnings: Vec::new() }
        };
        Ok((Some(wanted.why_none()), report))
    }

    fn load_balancer(
        &self,
        wanted: &Wanted,
        situation: &Situation,
    ) -> cloud_lb_core::Result<cloud_lb_core::model::LoadBalancer> {
        let policy = NodePolicy {
            require_provider_id: self.provider.capabilities().needs_provider_id,
            ..NodePolicy::default()
        };
        let nodes = k8s::usable_nodes(&situation.nodes, &policy);
        k8s::load_balancer(&self.cluster, &wanted.service, &nodes, &situation.slices)
    }
}
