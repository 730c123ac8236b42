//! All Services at once are found to be what each of them is.

use std::collections::BTreeSet;

use super::fixtures::load_balancer;
use super::harness::{Pace, World, Worlds, shown};
use super::lifecycle::trio;
use super::report::{Failure, Report, Verdict, check, equal};
use crate::error::ErrorKind;
use crate::model::{LoadBalancer, Protocol};
use crate::provider::{Finding, Owned, Survey};

pub(super) async fn run(worlds: &dyn Worlds, report: &mut Report) {
    let apart = a_survey_tells_each_service_apart(worlds).await;
    report.add("a survey tells each service apart", apart);
    report.add("a survey finds every difference", a_survey_finds_every_difference(worlds).await);
    report.add("everything owned is listed", everything_owned_is_listed(worlds).await);
}

/// One Service is as wanted, one does not exist, one asks for what cannot be had, and one is being made.
pub async fn a_survey_tells_each_service_apart(worlds: &dyn Worlds) -> Verdict {
    let world = World::new(worlds);
    let [converged, absent, _] = trio(&world);
    let status = world.ensured(&converged).await?;
    let plan = world.planned(&absent.service, Some(&absent)).await?;
    let findings = surveyed(&world, &[converged, absent]).await?.findings;
    let [Finding::Converged(found), Finding::Differs(found_plan)] = findings.as_slice() else {
        return Err(Failure::new(format_args!("found {findings:?}")));
    };
    equal("status", found, &status)?;
    equal("plan", found_plan, &plan)?;
    refuses_alone(&world).await?;

    let world = World(worlds.make(Pace::Slow));
    let lb = load_balancer("web", world.0.provider().capabilities());
    world.0.provider().ensure(&lb).await?;
    let findings = surveyed(&world, &[lb]).await?.findings;
    let is_early = matches!(findings.as_slice(), [Finding::Pending(_) | Finding::Differs(_)]);
    check(is_early, format_args!("found {findings:?} while it is being made"))
}

/// Whatever is changed or removed behind our back, a survey tells what it takes to repair it: as much as a
/// plan.
pub async fn a_survey_finds_every_difference(worlds: &dyn Worlds) -> Verdict {
    let changes: [fn(&World, &str) -> bool; 2] = [
        |world, id| world.0.tamper(id),
        |world, id| {
            world.0.remove(id);
            true
        },
    ];
    for change in changes {
        for nth in 0.. {
            let world = World::new(worlds);
            let [one, two, _] = trio(&world);
            world.ensured(&one).await?;
            let before: BTreeSet<String> = world.0.resources().into_keys().collect();
            world.ensured(&two).await?;
            let Some(id) = before.iter().nth(nth) else { break };
            if change(&world, id) {
                is_as_planned(&world, &[one, two]).await.map_err(|failure| failure.within(id))?;
            }
        }
    }
    Ok(())
}

/// What a survey says is owned is all that is there, under the right Services.
pub async fn everything_owned_is_listed(worlds: &dyn Worlds) -> Verdict {
    let world = World::new(worlds);
    let lbs = trio(&world);
    for lb in &lbs {
        world.ensured(lb).await?;
    }
    let owned = surveyed(&world, &[]).await?.owned;
    for lb in &lbs {
        let own = owned.iter().filter(|owned| owned.is_of(&lb.service)).count();
        equal(&format!("owned by {}", lb.service), &own, &1)?;
    }
    let of_services = |owned: &&Owned| owned.service.is_some();
    equal("Services", &owned.iter().filter(of_services).count(), &lbs.len())?;
    let listed: BTreeSet<&str> =
        owned.iter().flat_map(|owned| &owned.resources).map(|resource| resource.id.as_str()).collect();
    let resources = world.0.resources();
    let missing: Vec<&String> = resources.keys().filter(|id| !listed.contains(id.as_str())).collect();
    equal("resources that are not listed", &missing, &Vec::new())
}

async fn surveyed(world: &World, lbs: &[LoadBalancer]) -> Result<Survey, Failure> {
    let before = world.0.calls().writes;
    let survey = world.0.provider().survey(lbs).await?;
    equal("writes made by a survey", &(world.0.calls().writes - before), &0)?;
    equal("findings", &survey.findings.len(), &lbs.len())?;
    Ok(survey)
}

/// A Service that asks for what cannot be had fails, and no other.
async fn refuses_alone(world: &World) -> Verdict {
    let [converged, _, mut impossible] = trio(world);
    impossible.ports.iter_mut().for_each(|port| port.protocol = Protocol::Sctp);
    if world.0.provider().capabilities().check(&impossible).is_ok() {
        return Ok(());
    }
    match surveyed(world, &[impossible, converged]).await?.findings.as_slice() {
        [Finding::Failed(error), Finding::Converged(_)] => {
            equal("error", &error.kind(), &ErrorKind::Unsupported)
        }
        findings => Err(Failure::new(format_args!("found {findings:?}"))),
    }
}

async fn is_as_planned(world: &World, lbs: &[LoadBalancer]) -> Verdict {
    let findings = surveyed(world, lbs).await?.findings;
    for (lb, finding) in lbs.iter().zip(&findings) {
        let plan = world.planned(&lb.service, Some(lb)).await?;
        let planned: Vec<String> = plan.steps.iter().map(shown).collect();
        let found = match finding {
            Finding::Differs(plan) => plan.steps.iter().map(shown).collect(),
            Finding::Converged(_) => Vec::new(),
            finding => return Err(Failure::new(format_args!("found {finding:?}"))),
        };
        equal("steps", &found, &planned)?;
    }
    let differs = findings.iter().any(|finding| matches!(finding, Finding::Differs(_)));
    check(differs, "no Service is found to differ")
}
