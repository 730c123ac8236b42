//! `cloud-lb demo`: the main job from end to end, on this machine, with real traffic.

mod event;
mod keep;
mod look;
mod narrator;
mod pods;
mod steps;
mod subject;
mod table;
mod traffic;
mod world;

use std::path::PathBuf;

use tokio::time::Instant;

use crate::Verdict;
use crate::args::DemoArgs;
use crate::failure::{Failure, all};
use crate::manifests::{self, Manifest};
use crate::providers::Shape;
use crate::signals;
use crate::submit::concerns_us;
use event::Event;
use narrator::Narrator;
use steps::Step;
use subject::Subject;
use world::World;

/// What is shown where no manifest is given.
const DEFAULT_MANIFEST: &str = include_str!("../../examples/manifests/loadbalancer.yaml");

/// The story, in order.
const STORY: [Step; 7] =
    [Step::Apply, Step::Plan, Step::Provide, Step::Request, Step::Kill, Step::Switch, Step::Delete];

/// A run of the demo.
struct Demo {
    world: World,
    narrator: Narrator,
    subjects: Vec<Subject>,
}

/// Plays the story; a signal ends it at once.
pub(crate) async fn run(args: DemoArgs) -> Result<Verdict, Failure> {
    let DemoArgs { files, keep, output, shape } = args;
    let interrupted = signals::ended()?;
    tokio::pin!(interrupted);
    let mut demo = tokio::select! {
        biased;
        name = &mut interrupted => return Err(Failure::new(format!("interrupted by {name}; nothing is left behind"))),
        played = play(&files, Narrator::new(output), shape, keep) => played?,
    };
    if keep {
        let kept = demo.keep()?;
        tokio::select! {
            biased;
            _ = interrupted => {}
            ended = demo.watch() => ended?,
        }
        demo.clear().await?;
        drop(kept);
    }
    demo.world.stop().await?;
    Ok(Verdict::Fine)
}

async fn play(files: &[PathBuf], narrator: Narrator, shape: Shape, keep: bool) -> Result<Demo, Failure> {
    let begin = Instant::now();
    let (subjects, left_out) = subjects(files)?;
    let world = World::start(shape).await?;
    narrator.tell(&world.introduction(shape))?;
    if !left_out.is_empty() {
        let text = format!("left out: {}; only Services are shown here", left_out.join(", "));
        narrator.tell(&Event::Note { text })?;
    }
    let balanced = subjects.iter().any(Subject::wants_load_balancer);
    let mut demo = Demo { world, narrator, subjects };
    demo.perform(&story(balanced, keep)).await?;
    demo.narrator.tell(&Event::Finished { millis: begin.elapsed().as_millis() })?;
    Ok(demo)
}

/// The steps that there is something to show for.
fn story(balanced: bool, keep: bool) -> Vec<Step> {
    let told = |step: &Step| match step {
        Step::Apply | Step::Request => true,
        Step::Plan | Step::Provide | Step::Kill | Step::Switch => balanced,
        Step::Delete => !keep,
    };
    STORY.into_iter().filter(told).collect()
}

impl Demo {
    async fn perform(&mut self, story: &[Step]) -> Result<(), Failure> {
        for (index, step) in story.iter().enumerate() {
            self.narrator.tell(&Event::Step { number: index + 1, of: story.len(), title: step.title() })?;
            let performed = self.step(*step).await;
            self.narrator.rest();
            if let Err(failure) = performed {
                let reason = failure.to_string();
                self.narrator.tell(&Event::Failed { step: step.title(), reason })?;
                return Err(failure);
            }
        }
        Ok(())
    }
}

/// The Services to show, and the names of what is not one.
fn subjects(files: &[PathBuf]) -> Result<(Vec<Subject>, Vec<String>), Failure> {
    let manifests = match files {
        [] => manifests::read_text("loadbalancer.yaml", DEFAULT_MANIFEST)?,
        files => manifests::read(files)?,
    };
    all(manifests.iter().map(concerns_us))?;
    let (services, others): (Vec<Manifest>, Vec<Manifest>) =
        manifests.into_iter().partition(|manifest| manifest.kind() == "Service");
    if services.is_empty() {
        return Err(Failure::new(
            "the manifests hold no Service, expected at least one object of kind Service",
        ));
    }
    Ok((services.into_iter().map(Subject::new).collect(), others.iter().map(Manifest::subject).collect()))
}
