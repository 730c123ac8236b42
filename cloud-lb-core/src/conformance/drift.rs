//! What somebody changes behind our back is put right.

use super::fixtures::load_balancer;
use super::harness::{World, Worlds};
use super::report::{Failure, Report, Verdict, check, equal};
use crate::model::LoadBalancer;

pub(super) async fn run(worlds: &dyn Worlds, report: &mut Report) {
    report.add("changed settings are repaired", changed_settings_are_repaired(worlds).await);
    report.add("removed resources are repaired", removed_resources_are_repaired(worlds).await);
}

/// Every single resource in turn has a setting changed; the next run restores it.
pub async fn changed_settings_are_repaired(worlds: &dyn Worlds) -> Verdict {
    let mut tampered = 0;
    for nth in 0.. {
        let (world, lb) = begin(worlds).await?;
        let before = world.0.resources();
        let Some(id) = before.keys().nth(nth) else { break };
        if !world.0.tamper(id) {
            continue;
        }
        tampered += 1;
        let verdict = async {
            world.ensured(&lb).await?;
            let settings = |all: std::collections::BTreeMap<_, _>| all.into_values().collect::<Vec<_>>();
            equal("settings", &settings(world.0.resources()), &settings(before.clone()))?;
            world.is_settled(&lb.service, Some(&lb)).await?;
            world.deletes_all(&lb.service).await
        };
        verdict.await.map_err(|failure: Failure| failure.within(id))?;
    }
    check(tampered > 0, "no resource can be tampered with")
}

/// Every single resource in turn disappears; the next run makes it again. A delete copes as well.
pub async fn removed_resources_are_repaired(worlds: &dyn Worlds) -> Verdict {
    for nth in 0.. {
        let (world, lb) = begin(worlds).await?;
        let before = world.0.resources();
        let Some(id) = before.keys().nth(nth) else { break };
        let verdict = async {
            world.0.remove(id);
            world.ensured(&lb).await?;
            equal("number of resources", &world.0.resources().len(), &before.len())?;
            world.is_settled(&lb.service, Some(&lb)).await?;
            let again = world.0.resources();
            again.keys().nth(nth).into_iter().for_each(|id| world.0.remove(id));
            world.deletes_all(&lb.service).await
        };
        verdict.await.map_err(|failure: Failure| failure.within(id))?;
    }
    Ok(())
}

async fn begin(worlds: &dyn Worlds) -> Result<(World, LoadBalancer), Failure> {
    let world = World::new(worlds);
    let lb = load_balancer("web", world.0.provider().capabilities());
    world.ensured(&lb).await?;
    Ok((world, lb))
}
