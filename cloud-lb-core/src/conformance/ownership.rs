//! What is not ours is never touched.

use super::fixtures::load_balancer;
use super::harness::{World, Worlds};
use super::report::{Failure, Report, Verdict, check, equal};
use crate::error::ErrorKind;
use crate::model::LoadBalancer;

pub(super) async fn run(worlds: &dyn Worlds, report: &mut Report) {
    report.add("foreign resources are left alone", foreign_resources_are_left_alone(worlds).await);
    report.add("ambiguous resources are refused", ambiguous_resources_are_refused(worlds).await);
}

/// Every single resource in turn turns out to be somebody else's: it is not changed and not deleted. If it
/// is in the way, that is an `Ownership` error.
pub async fn foreign_resources_are_left_alone(worlds: &dyn Worlds) -> Verdict {
    let mut estranged = 0;
    for nth in 0.. {
        let (world, mut lb) = begin(worlds).await?;
        let before = world.0.resources();
        let Some((id, settings)) = before.iter().nth(nth) else { break };
        if !world.0.estrange(id) {
            continue;
        }
        estranged += 1;
        let untouched = || equal(id, &world.0.resources().get(id), &Some(settings));
        lb.nodes = lb.nodes.iter().take(1).cloned().collect();
        if let Err(error) = world.0.provider().ensure(&lb).await {
            equal(&format!("{id}: {error}: error"), &error.kind(), &ErrorKind::Ownership)?;
        }
        untouched()?;
        // What the foreign one refers to may well be undeletable; that is for its owner to solve.
        let _ = world.0.provider().delete(&lb.service).await;
        untouched()?;
    }
    check(estranged > 0, "no resource can be estranged")
}

/// Two resources that claim to be the same are an `Ownership` error; nothing is written.
pub async fn ambiguous_resources_are_refused(worlds: &dyn Worlds) -> Verdict {
    let mut duplicated = 0;
    for nth in 0.. {
        let (world, lb) = begin(worlds).await?;
        let Some(id) = world.0.resources().into_keys().nth(nth) else { break };
        if !world.0.duplicate(&id) {
            continue;
        }
        duplicated += 1;
        let before = world.0.calls().writes;
        let kind = world.0.provider().ensure(&lb).await.err().map(|error| error.kind());
        equal(&format!("{id}: error"), &kind, &Some(ErrorKind::Ownership))?;
        equal("writes", &(world.0.calls().writes - before), &0)?;
    }
    check(duplicated > 0, "no resource can be duplicated")
}

async fn begin(worlds: &dyn Worlds) -> Result<(World, LoadBalancer), Failure> {
    let world = World::new(worlds);
    let lb = load_balancer("web", world.0.provider().capabilities());
    world.ensured(&lb).await?;
    Ok((world, lb))
}
