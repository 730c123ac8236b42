//! Every change of a load balancer, and what holds for each: the plan tells what is done, a second run
//! writes nothing, a stop after any write is repaired by the next run, and nothing is left in the end.

use super::fixtures::{load_balancer, service};
use super::harness::{Fault, Pace, World, Worlds, cancelled_after, shown};
use super::report::{Report, Verdict, check, equal};
use super::{ports, targets};
use crate::model::{LoadBalancer, NodeState, ServiceId};
use crate::provider::Capabilities;

/// Most writes of one change; a provider that needs more is stuck in a loop.
const MOST_WRITES: u64 = 200;

/// Most polls of one change: each call to the cloud takes a few.
const MOST_POLLS: u64 = 2000;

/// A change from one wanted state to another.
#[derive(Debug, Clone)]
pub struct Transition {
    /// What changes.
    pub name: &'static str,
    /// What was wanted before; `None`: nothing.
    pub before: Option<LoadBalancer>,
    /// What is wanted now; `None`: nothing.
    pub want: Option<LoadBalancer>,
}

/// The changes that a provider of these capabilities must master.
pub fn transitions(capabilities: &Capabilities) -> Vec<Transition> {
    let lb = load_balancer("web", capabilities);
    let mut all = vec![
        Transition { name: "create", before: None, want: Some(lb.clone()) },
        Transition { name: "delete", before: Some(lb), want: None },
    ];
    all.extend(ports::transitions(capabilities));
    all.extend(targets::transitions(capabilities));
    all
}

/// A change there, and the change back.
pub(super) fn there_and_back(
    there: &'static str,
    back: &'static str,
    one: LoadBalancer,
    other: LoadBalancer,
) -> [Transition; 2] {
    [
        Transition { name: there, before: Some(one.clone()), want: Some(other.clone()) },
        Transition { name: back, before: Some(other), want: Some(one) },
    ]
}

impl Transition {
    /// Runs all cases of this change.
    pub async fn run(&self, worlds: &dyn Worlds, report: &mut Report) {
        let name = self.name;
        report.add(format!("{name}: is done as planned"), self.is_done_as_planned(worlds).await);
        for (pace, cloud) in [(Pace::Instant, "an instant"), (Pace::Slow, "a slow")] {
            let stopped = self.survives_stops(worlds, pace).await;
            report.add(format!("{name}: stop after any write to {cloud} cloud"), stopped);
            let deleted = self.is_deleted_after_stops(worlds, pace).await;
            report.add(format!("{name}: delete after any write to {cloud} cloud"), deleted);
        }
        report.add(format!("{name}: cancelled at any await"), self.survives_cancellation(worlds).await);
        for (writes, what) in [(1, "any write"), (2, "any two writes"), (4, "any four writes")] {
            let survived = self.survives_timeouts(worlds, writes).await;
            report.add(format!("{name}: unknown outcome of {what}"), survived);
        }
    }

    /// The plan says what is done, it is done, and a second run writes nothing.
    pub async fn is_done_as_planned(&self, worlds: &dyn Worlds) -> Verdict {
        let world = self.begin(worlds, Pace::Instant).await?;
        let planned = world.planned(&self.service(), self.want.as_ref()).await?;
        check(!planned.is_empty(), "the plan is empty")?;
        world.0.take_steps();
        world.reached(&self.service(), self.want.as_ref()).await?;
        // Some run at the same time, and end in any order.
        let sorted = |mut steps: Vec<String>| {
            steps.sort();
            steps
        };
        let planned = sorted(planned.steps.iter().map(shown).collect());
        equal("steps", &sorted(world.0.take_steps()), &planned)?;
        self.is_reached(&world).await
    }

    /// Whatever write was the last, the next run gets there.
    pub async fn survives_stops(&self, worlds: &dyn Worlds, pace: Pace) -> Verdict {
        let usual = self.usual_resources(worlds).await?;
        for writes in 0..MOST_WRITES {
            let world = self.begin(worlds, pace).await?;
            let stopped = self.stop_after(&world, writes).await;
            check(stopped || writes > 0, "it was stopped at once, and yet succeeded")?;
            let verdict = async {
                world.reached(&self.service(), self.want.as_ref()).await?;
                equal("number of resources", &world.0.resources().len(), &usual)?;
                self.is_reached(&world).await?;
                world.deletes_all(&self.service()).await
            };
            verdict.await.map_err(|failure| failure.within(format_args!("stopped after write {writes}")))?;
            if !stopped {
                return Ok(());
            }
        }
        check(false, format_args!("still not done after {MOST_WRITES} writes"))
    }

    /// Whatever write was the last, a delete leaves nothing.
    pub async fn is_deleted_after_stops(&self, worlds: &dyn Worlds, pace: Pace) -> Verdict {
        for writes in 0..MOST_WRITES {
            let world = self.begin(worlds, pace).await?;
            let stopped = self.stop_after(&world, writes).await;
            let verdict = world.deletes_all(&self.service()).await;
            verdict.map_err(|failure| failure.within(format_args!("stopped after write {writes}")))?;
            if !stopped {
                return Ok(());
            }
        }
        check(false, format_args!("still not done after {MOST_WRITES} writes"))
    }

    /// Wherever the call is dropped, the next run gets there.
    pub async fn survives_cancellation(&self, worlds: &dyn Worlds) -> Verdict {
        for polls in 1..MOST_POLLS {
            let world = self.begin(worlds, Pace::Instant).await?;
            let service = self.service();
            let run = world.reached(&service, self.want.as_ref());
            let Some(done) = cancelled_after(polls, run).await else {
                let verdict = async {
                    world.reached(&self.service(), self.want.as_ref()).await?;
                    self.is_reached(&world).await?;
                    world.deletes_all(&self.service()).await
                };
                verdict.await.map_err(|failure| failure.within(format_args!("after {polls} polls")))?;
                continue;
            };
            return done;
        }
        check(false, format_args!("still not done after {MOST_POLLS} polls"))
    }

    /// Writes one after the other, or at the same time, that took effect and seemed to fail do no harm when
    /// everything is done again.
    pub async fn survives_timeouts(&self, worlds: &dyn Worlds, writes: u64) -> Verdict {
        let usual = self.usual_resources(worlds).await?;
        for nth in 1..MOST_WRITES {
            let world = self.begin(worlds, Pace::Instant).await?;
            (nth..nth + writes).for_each(|nth| world.0.fail_write(nth, Fault::TimeoutAfterWork));
            let failed = world.reached(&self.service(), self.want.as_ref()).await.is_err();
            world.0.recover();
            let verdict = async {
                world.reached(&self.service(), self.want.as_ref()).await?;
                equal("number of resources", &world.0.resources().len(), &usual)?;
                self.is_reached(&world).await?;
                world.deletes_all(&self.service()).await
            };
            verdict.await.map_err(|failure| failure.within(format_args!("write {nth} timed out")))?;
            if !failed {
                return Ok(());
            }
        }
        check(false, format_args!("still not done after {MOST_WRITES} writes"))
    }

    fn service(&self) -> ServiceId {
        let lb = self.want.as_ref().or(self.before.as_ref());
        lb.map_or_else(|| service("web"), |lb| lb.service.clone())
    }

    async fn begin(&self, worlds: &dyn Worlds, pace: Pace) -> Result<World, super::Failure> {
        let world = World(worlds.make(pace));
        if let Some(before) = &self.before {
            world.ensured(before).await.map_err(|failure| failure.within("before the change"))?;
        }
        Ok(world)
    }

    async fn usual_resources(&self, worlds: &dyn Worlds) -> Result<usize, super::Failure> {
        let world = self.begin(worlds, Pace::Instant).await?;
        world.reached(&self.service(), self.want.as_ref()).await?;
        Ok(world.0.resources().len())
    }

    /// Whether the run was stopped; if not, it got to its end.
    async fn stop_after(&self, world: &World, writes: u64) -> bool {
        world.0.stop_after_writes(writes);
        let stopped = world.reached(&self.service(), self.want.as_ref()).await.is_err();
        world.0.recover();
        stopped
    }

    async fn is_reached(&self, world: &World) -> Verdict {
        world.is_settled(&self.service(), self.want.as_ref()).await?;
        let Some(want) = &self.want else { return world.is_empty() };
        let have = world.0.targets(&want.service);
        for node in &want.nodes {
            let draining = have.get(&node.name);
            let as_wanted = match node.state {
                NodeState::Active => draining == Some(&false),
                NodeState::Draining => draining != Some(&false),
            };
            check(as_wanted, format_args!("{} is not a target as it should be: {have:?}", node.name))?;
        }
        let strangers = have.keys().find(|name| want.nodes.iter().all(|node| node.name != **name));
        check(strangers.is_none(), format_args!("{strangers:?} is a target and should not be"))
    }
}
