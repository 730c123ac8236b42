//! `cloud-lb plan`: what would be made or changed, without doing it.

mod gather;
mod live;
mod offline;
mod render;

use cloud_lb_core::k8s::{self, NodePolicy};
use cloud_lb_core::plan::PlanReport;

use crate::Verdict;
use crate::args::PlanArgs;
use crate::failure::{Failure, all};
use crate::providers::{Asked, Linked};
use crate::{manifests, providers};
use gather::{Situation, Wanted};

/// Prints the plan of every Service.
pub(crate) async fn run(args: PlanArgs) -> Result<Verdict, Failure> {
    let PlanArgs { files, output, against_cluster, facts, provider, cluster } = args;
    let name = provider.provider;
    let asked = Asked { facts: facts.as_deref(), ..Asked::from(&provider) };
    let linked = providers::link(name, asked).await?;
    let manifests = manifests::read(&files)?;
    let mut situation = if against_cluster {
        live::gather(cluster, &manifests, &linked.finalizer).await?
    } else {
        offline::gather(&manifests, &linked.stand_ins).await?
    };
    if against_cluster {
        situation.notes.extend(name.caveats());
    }
    let mut reports = Vec::new();
    for wanted in &situation.services {
        reports.push(report(&linked, wanted, &situation).await);
    }
    let reports = all(reports)?;
    render::notes(&situation.notes);
    render::reports(&reports, output).map_err(|error| Failure::of_output(&error))?;
    let changes = reports.iter().any(|one| !one.report.is_empty());
    Ok(if changes { Verdict::Changes } else { Verdict::Fine })
}

/// The plan for a Service; programs get the plan alone.
struct Reported {
    report: PlanReport,
    /// Why there is nothing to plan.
    remark: Option<String>,
}

async fn report(linked: &Linked, wanted: &Wanted, situation: &Situation) -> Result<Reported, Failure> {
    let service = &wanted.service;
    let refused = |error: cloud_lb_core::Error| wanted.refused(&error);
    let id = k8s::service_id(&linked.cluster, service).map_err(refused)?;
    if k8s::wants_load_balancer(service, &linked.classes) {
        let lb = load_balancer(linked, wanted, situation).map_err(refused)?;
        let report = linked.provider.plan(&lb).await.map_err(refused)?;
        let is_elsewhere = report.resources.is_empty() && report.is_empty();
        let remark = is_elsewhere.then(|| linked.why_not.clone());
        return Ok(Reported { report, remark });
    }
    let report = if k8s::has_finalizer(service, &linked.finalizer) {
        linked.provider.plan_delete(&id).await.map_err(refused)?
    } else {
        PlanReport::empty(id.path())
    };
    Ok(Reported { report, remark: Some(wanted.why_none()) })
}

fn load_balancer(
    linked: &Linked,
    wanted: &Wanted,
    situation: &Situation,
) -> cloud_lb_core::Result<cloud_lb_core::model::LoadBalancer> {
    let policy = NodePolicy {
        require_provider_id: linked.provider.capabilities().needs_provider_id,
        ..linked.nodes.clone()
    };
    let nodes = k8s::usable_nodes(&situation.nodes, &policy);
    k8s::load_balancer(&linked.cluster, &wanted.service, &nodes, &situation.slices)
}
