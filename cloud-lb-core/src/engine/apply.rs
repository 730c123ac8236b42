//! The steps of one plan: those that do not wait for each other run at the same time.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tracing::field::{Empty, display};
use tracing::{Instrument, Span};

use super::batch::{Batch, batches};
use super::fold::Written;
use super::{Engine, Planned, contended};
use crate::backend::{Applied, Backend};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Owner, Spec};
use crate::measure::{self, Fact, work_span};
use crate::plan::{Action, Have, Observed, Op, Ownership, Step, StepReport};
use crate::provider::{Outcome, Pending};

/// Most writes of one plan at the same time.
const AT_ONCE: usize = 8;

/// How a plan ended that did not fail.
pub(super) enum Ran<S> {
    /// Every step is done; what is there now.
    Done(Observed<S>),
    /// The rest must wait.
    Pending(Pending),
    /// Every other step is done, and at most deletes are left; what is there now.
    Tidying(Observed<S>, Pending),
    /// A shared resource was changed since it was read: plan again.
    Stale,
}

impl<S> Ran<S> {
    pub(super) fn outcome(self) -> Outcome {
        match self {
            Self::Done(_) => Outcome::Done,
            Self::Pending(pending) | Self::Tidying(_, pending) => Outcome::Pending(pending),
            Self::Stale => Outcome::Pending(contended()),
        }
    }
}

/// Where a batch is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Waiting,
    Running,
    Done,
    /// It failed, or what it waits for did not get done.
    Stopped,
}

/// A plan that is being carried out.
struct Run<S> {
    batches: Vec<Batch<S>>,
    progress: Vec<Progress>,
    have: Observed<S>,
    /// What the cloud is still at work on, of the first batch of which it is.
    pending: Option<(usize, Pending)>,
    failures: Vec<(usize, Error)>,
    stale: bool,
}

impl<B: Backend> Engine<B> {
    /// Carries out a plan. What fails stops only what waits for it; all errors are reported together.
    pub(super) async fn run(&self, subject: &str, planned: Planned<B>) -> Result<Ran<B::Spec>> {
        let Planned { plan, have, service, tick, .. } = planned;
        let mut run = Run::new(batches(plan), have);
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < AT_ONCE
                && let Some((index, steps)) = run.next()
            {
                running.push(async move {
                    let written = self.write(subject, &steps, tick).await;
                    (index, steps, written)
                });
            }
            let Some((index, steps, written)) = running.next().await else { return run.end() };
            self.recall.note(service.as_ref(), &steps, &written);
            let others_wrote = self.fold.now() != tick;
            run.ended(index, steps, written, others_wrote);
        }
    }

    async fn write(&self, subject: &str, batch: &[Step<B::Spec>], tick: u64) -> Result<Written> {
        let reports: Vec<StepReport> = match &self.observer {
            Some(_) => batch.iter().map(StepReport::of).collect(),
            None => Vec::new(),
        };
        self.tell(&reports, |observer, step| observer.started(subject, step));
        let span = step_span(batch);
        let written = self.fold.write(&self.backend, batch, tick).instrument(span.clone()).await;
        measure::end_span(&span, &written);
        if !matches!(written, Ok(Written::Stale)) {
            self.tell(&reports, |observer, step| observer.finished(subject, step, written.as_ref().err()));
        }
        log(subject, batch, &written);
        written
    }

    fn tell(&self, reports: &[StepReport], tell: impl Fn(&dyn super::StepObserver, &StepReport)) {
        if let Some(observer) = &self.observer {
            for step in reports {
                tell(observer.as_ref(), step);
            }
        }
    }
}

impl<S: Spec> Run<S> {
    fn new(batches: Vec<Batch<S>>, have: Observed<S>) -> Self {
        let progress = vec![Progress::Waiting; batches.len()];
        Self { batches, progress, have, pending: None, failures: Vec::new(), stale: false }
    }

    /// The first batch that waits for nothing any more, with its references filled in.
    fn next(&mut self) -> Option<(usize, Vec<Step<S>>)> {
        for index in 0..self.batches.len() {
            if self.stale || self.progress_of(index) != Progress::Waiting {
                continue;
            }
            let Some(batch) = self.batches.get(index) else { continue };
            let needs: BTreeSet<usize> = batch.needs.clone();
            if needs.iter().any(|need| self.progress_of(*need) == Progress::Stopped) {
                self.set(index, Progress::Stopped);
            } else if needs.iter().all(|need| self.progress_of(*need) == Progress::Done) {
                match batch.filled_in(&self.have) {
                    Ok(steps) => {
                        self.set(index, Progress::Running);
                        return Some((index, steps));
                    }
                    // What is still being made tells no id yet.
                    Err(_) if self.pending.is_some() => self.set(index, Progress::Stopped),
                    Err(error) => self.failed(index, error),
                }
            }
        }
        None
    }

    fn progress_of(&self, index: usize) -> Progress {
        self.progress.get(index).copied().unwrap_or(Progress::Done)
    }

    fn set(&mut self, index: usize, progress: Progress) {
        if let Some(place) = self.progress.get_mut(index) {
            *place = progress;
        }
    }

    fn failed(&mut self, index: usize, error: Error) {
        self.set(index, Progress::Stopped);
        self.failures.push((index, error));
    }

    fn ended(&mut self, index: usize, steps: Vec<Step<S>>, written: Result<Written>, others_wrote: bool) {
        match written {
            Ok(Written::Applied(applied)) => {
                self.set(index, Progress::Done);
                self.record(index, steps, applied);
            }
            Ok(Written::Stale) => self.stale = true,
            // What it refers to was shared, and its last user deleted it meanwhile.
            Err(error) if error.kind() == ErrorKind::NotFound && others_wrote => self.stale = true,
            Err(error) => self.failed(index, error),
        }
    }

    fn waits_for(&mut self, index: usize, pending: Pending) {
        if self.pending.as_ref().is_none_or(|(first, _)| index < *first) {
            self.pending = Some((index, pending));
        }
    }

    fn record(&mut self, index: usize, steps: Vec<Step<S>>, applied: Vec<Applied>) {
        for (step, applied) in steps.into_iter().zip(applied) {
            let settled = applied.pending.is_none();
            if let Some(waiting) = applied.pending {
                self.waits_for(index, waiting);
            }
            let op = step.action.op();
            if op == Op::Update || (op == Op::Delete && settled) {
                self.have.remove(&step.key, &step.outputs);
            }
            if let Action::Create(spec) | Action::Update { want: spec, .. } = step.action {
                let ownership = match step.owner {
                    Owner::Service => Ownership::Service,
                    Owner::Cluster => Ownership::Cluster { used_by_others: true },
                };
                let (container, outputs) = (step.container, applied.outputs);
                let have = Have { spec, ownership, container, outputs, uses: BTreeSet::new() };
                self.have.put(step.key, have);
            }
        }
    }

    /// What came of it, when nothing more can be done.
    fn end(mut self) -> Result<Ran<S>> {
        let mut errors = Vec::new();
        for (index, error) in std::mem::take(&mut self.failures) {
            match self.wait(index, &error) {
                Some(pending) => self.waits_for(index, pending),
                None => errors.push(error),
            }
        }
        if let Some(error) = Error::joined(errors) {
            return Err(error);
        }
        let left =
            self.batches.iter().zip(&self.progress).filter(|(_, progress)| **progress != Progress::Done);
        let only_deletes = left.into_iter().all(|(batch, _)| batch.is_delete());
        Ok(match self.pending {
            _ if self.stale => Ran::Stale,
            None => Ran::Done(self.have),
            Some((_, pending)) if only_deletes => Ran::Tidying(self.have, pending),
            Some((_, pending)) => Ran::Pending(pending),
        })
    }

    /// What to wait for after a refusal because something is in use: what is on its way out still holds
    /// it, or the cloud (or another Service, which the next look will show) still uses what is shared.
    fn wait(&self, index: usize, error: &Error) -> Option<Pending> {
        if error.kind() != ErrorKind::InUse {
            return None;
        }
        self.pending.as_ref().map(|(_, pending)| pending.clone()).or_else(|| {
            let step = self.batches.get(index)?.steps.iter().find(|step| deletes_shared(step))?;
            let reason = format!("{} is still in use", step.key);
            Some(Pending { retry_after: Duration::from_secs(5), reason })
        })
    }
}

fn deletes_shared<S>(step: &Step<S>) -> bool {
    step.owner == Owner::Cluster && step.action.op() == Op::Delete
}

/// One span for the steps that are one write, named after the first.
fn step_span<S: Spec>(batch: &[Step<S>]) -> Span {
    let span = work_span!(DEBUG, "step", kind = Empty, key = Empty, op = Empty, steps = batch.len());
    if let Some(step) = batch.first() {
        span.record("kind", step.key.kind);
        span.record("key", display(&step.key)).record("op", display(step.action.op()));
    }
    span
}

fn log<S: Spec>(subject: &str, batch: &[Step<S>], written: &Result<Written>) {
    for step in batch {
        let (op, key) = (step.action.op(), &step.key);
        match written {
            Ok(Written::Applied(_)) => {
                measure::note(&Fact::Step { kind: key.kind, op });
                tracing::info!(service = subject, %op, %key, why = step.why, "applied");
            }
            Ok(Written::Stale) => tracing::debug!(service = subject, %op, %key, "stale, planning again"),
            Err(error) => tracing::warn!(service = subject, %op, %key, %error, "step failed"),
        }
    }
}
