//! What fails is reported as what it is, and the next run repairs it.

use super::fixtures::{load_balancer, service};
use super::harness::{Fault, World, Worlds, cancelled_after};
use super::report::{Failure, Report, Verdict, check, equal};
use super::transition::transitions;
use crate::error::{Effect, ErrorKind, Retry};
use crate::model::{LoadBalancer, Protocol};
use crate::provider::Capabilities;

/// Random walks of one run of the suite.
const WALKS: u64 = 8;

/// Changes of one random walk.
const STEPS: usize = 30;

/// Most calls of one run.
const MOST_CALLS: u64 = 200;

pub(super) async fn run(worlds: &dyn Worlds, report: &mut Report) {
    let failed = failed_writes_are_reported_and_repaired(worlds).await;
    report.add("failed writes are reported and repaired", failed);
    for seed in 0..WALKS {
        let name = format!("a random walk with stops, seed {seed}");
        report.add(name, a_random_walk_ends_well(worlds, seed).await);
    }
    report.add("a cancelled call harms no other", a_cancelled_call_harms_no_other(worlds).await);
    report.add("failed reads write nothing", failed_reads_write_nothing(worlds).await);
    report.add("unsupported is refused", unsupported_is_refused(worlds).await);
}

/// Any write may fail in any way: the error says how, and running again gets there.
pub async fn failed_writes_are_reported_and_repaired(worlds: &dyn Worlds) -> Verdict {
    let faults = [
        (Fault::Throttled, ErrorKind::Throttled, Effect::None),
        (Fault::Unavailable, ErrorKind::Unavailable, Effect::None),
        (Fault::TimeoutAfterWork, ErrorKind::Timeout, Effect::Unknown),
    ];
    for (fault, kind, effect) in faults {
        for nth in 1..MOST_CALLS {
            let world = World::new(worlds);
            let lb = load_balancer("web", world.0.provider().capabilities());
            world.0.fail_write(nth, fault);
            let Err(error) = world.0.provider().ensure(&lb).await else { break };
            let place = format!("{fault:?} at write {nth}");
            equal(&place, &(error.kind(), error.effect()), &(kind, effect))?;
            check(error.retry() != Retry::Never, format_args!("{place}: must be tried again"))?;
            world.0.recover();
            let verdict = world.ensured(&lb).await.map(|_| ());
            verdict.map_err(|failure| failure.within(&place))?;
            world.is_settled(&lb.service, Some(&lb)).await.map_err(|failure| failure.within(&place))?;
        }
    }
    Ok(())
}

/// From any wanted state to any other, each change stopped after a few writes: the last one is reached, and
/// nothing is left in the end. The same seed walks the same way.
pub async fn a_random_walk_ends_well(worlds: &dyn Worlds, seed: u64) -> Verdict {
    let world = World::new(worlds);
    let mut rng = fastrand::Rng::with_seed(seed);
    let all = transitions(world.0.provider().capabilities());
    let mut last = None;
    for _ in 0..STEPS {
        last = rng.choice(&all).map(|transition| transition.want.clone());
        let Some(want) = &last else { break };
        world.0.stop_after_writes(rng.u64(0..8));
        // Most are stopped; what they say then is another case.
        let _ = world.reached(&service("web"), want.as_ref()).await;
        world.0.recover();
    }
    let want = last.flatten();
    world.reached(&service("web"), want.as_ref()).await?;
    world.is_settled(&service("web"), want.as_ref()).await?;
    world.deletes_all(&service("web")).await
}

/// A call that is dropped while another one waits for the same shared resource leaves that one with a
/// result, or with an error that is worth another try.
pub async fn a_cancelled_call_harms_no_other(worlds: &dyn Worlds) -> Verdict {
    for polls in 1..MOST_CALLS {
        let world = World::new(worlds);
        let [one, two] = ["one", "two"].map(|name| load_balancer(name, world.0.provider().capabilities()));
        let provider = world.0.provider();
        let (cancelled, other) =
            tokio::join!(cancelled_after(polls, provider.ensure(&one)), provider.ensure(&two));
        if let Err(error) = other {
            let place = format!("after {polls} polls: {error}");
            check(error.retry() != Retry::Never, place)?;
        }
        for lb in [&one, &two] {
            world.ensured(lb).await?;
            world.is_settled(&lb.service, Some(lb)).await?;
        }
        world.deleted(&one.service).await?;
        world.deletes_all(&two.service).await?;
        if cancelled.is_some() {
            return Ok(());
        }
    }
    Err(Failure::new(format_args!("still not done after {MOST_CALLS} polls")))
}

/// A read that fails is an error, and never taken for "nothing is there".
pub async fn failed_reads_write_nothing(worlds: &dyn Worlds) -> Verdict {
    for nth in 1..MOST_CALLS {
        let world = World::new(worlds);
        let lb = load_balancer("web", world.0.provider().capabilities());
        world.ensured(&lb).await?;
        let before = (world.0.calls().writes, world.0.resources());
        world.0.fail_read(nth, Fault::Unavailable);
        let got = world.0.provider().ensure(&lb).await;
        equal(&format!("read {nth}: writes"), &world.0.calls().writes, &before.0)?;
        equal(&format!("read {nth}: resources"), &world.0.resources(), &before.1)?;
        match got {
            Ok(_) => return check(nth > 1, "the first read failed, and nobody noticed"),
            Err(error) => equal(&format!("read {nth}"), &error.kind(), &ErrorKind::Unavailable)?,
        }
    }
    Err(Failure::new(format_args!("still reading after {MOST_CALLS} calls")))
}

/// What the provider cannot do is refused before anything is read or written.
pub async fn unsupported_is_refused(worlds: &dyn Worlds) -> Verdict {
    let world = World::new(worlds);
    let provider = world.0.provider();
    for lb in unsupported(provider.capabilities()) {
        let error = provider.ensure(&lb).await.err();
        let kind = error.as_ref().map(crate::Error::kind);
        equal("error", &kind, &Some(ErrorKind::Unsupported))?;
        let tells = error.as_ref().is_some_and(|error| !error.violations().is_empty());
        check(tells, "the error does not tell which fields it is about")?;
        equal("retry", &error.map(|error| error.retry()), &Some(Retry::Never))?;
        let kind = provider.plan(&lb).await.err().map(|error| error.kind());
        equal("error of the plan", &kind, &Some(ErrorKind::Unsupported))?;
    }
    equal("writes", &world.0.calls().writes, &0)
}

fn unsupported(capabilities: &Capabilities) -> Vec<LoadBalancer> {
    let lb = load_balancer("web", capabilities);
    let mut all = Vec::new();
    for protocol in [Protocol::Tcp, Protocol::Udp, Protocol::Sctp] {
        if !capabilities.protocols.contains(&protocol) {
            let mut lb = lb.clone();
            lb.ports.iter_mut().for_each(|port| port.protocol = protocol);
            all.push(lb);
        }
    }
    if !capabilities.pod_targets {
        let mut lb = lb;
        lb.ports.iter_mut().for_each(|port| port.node_port = None);
        all.push(LoadBalancer { node_ports: false, ..lb });
    }
    all
}
