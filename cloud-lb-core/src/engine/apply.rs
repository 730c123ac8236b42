//! The step loop.

use std::time::Duration;

use super::fold::Written;
use super::{Engine, Planned, contended};
use crate::backend::{Applied, Backend};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Input, Owner, ResourceKey, Spec};
use crate::measure::{self, Fact};
use crate::plan::{Action, Have, Observed, Op, Ownership, Step, StepReport};
use crate::provider::{Outcome, Pending};

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
    pub(super) fn outcome<T>(self, done: impl FnOnce(Observed<S>) -> Outcome<T>) -> Outcome<T> {
        match self {
            Self::Done(have) => done(have),
            Self::Pending(pending) | Self::Tidying(_, pending) => Outcome::Pending(pending),
            Self::Stale => Outcome::Pending(contended()),
        }
    }
}

impl<B: Backend> Engine<B> {
    /// Carries out a plan, batch by batch.
    pub(super) async fn run(&self, subject: &str, planned: Planned<B>) -> Result<Ran<B::Spec>> {
        let Planned { plan, mut have, tick } = planned;
        let mut pending: Option<Pending> = None;
        let mut batches = batches(plan.steps).into_iter();
        while let Some(mut batch) = batches.next() {
            if let Some(missing) = fill_in(&mut batch, &have) {
                return pending.map(Ran::Pending).ok_or_else(|| missing_output(&batch, &missing));
            }
            match self.write(subject, &batch, tick).await {
                Ok(Written::Stale) => return Ok(Ran::Stale),
                Ok(Written::Applied(applied)) => record(&mut have, batch, applied, &mut pending),
                // What it refers to was shared, and its last user deleted it meanwhile.
                Err(error) if error.kind() == ErrorKind::NotFound && self.fold.now() != tick => {
                    return Ok(Ran::Stale);
                }
                Err(error) => {
                    let Some(pending) = wait(&batch, &error, pending) else { return Err(error) };
                    let only_deletes = is_delete(&batch) && batches.all(|batch| is_delete(&batch));
                    return Ok(if only_deletes {
                        Ran::Tidying(have, pending)
                    } else {
                        Ran::Pending(pending)
                    });
                }
            }
        }
        Ok(match pending {
            None => Ran::Done(have),
            Some(pending) => Ran::Tidying(have, pending),
        })
    }

    async fn write(&self, subject: &str, batch: &[Step<B::Spec>], tick: u64) -> Result<Written> {
        let reports: Vec<StepReport> = match &self.observer {
            Some(_) => batch.iter().map(StepReport::of).collect(),
            None => Vec::new(),
        };
        self.tell(&reports, |observer, step| observer.started(subject, step));
        let written = self.fold.write(&self.backend, batch, tick).await;
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

/// Steps that are written together: neighbours in one container, else one each.
fn batches<S>(steps: Vec<Step<S>>) -> Vec<Vec<Step<S>>> {
    let mut batches: Vec<Vec<Step<S>>> = Vec::new();
    for step in steps {
        match batches.last_mut() {
            Some(batch)
                if step.container.is_some()
                    && batch.last().is_some_and(|last| last.container == step.container) =>
            {
                batch.push(step);
            }
            _ => batches.push(vec![step]),
        }
    }
    batches
}

/// Fills in references; returns one that cannot be filled in yet. References to what the batch itself
/// creates stay: an older resource under the same key is not what is meant.
fn fill_in<S: Spec>(batch: &mut [Step<S>], have: &Observed<S>) -> Option<String> {
    let is_create = |step: &&Step<S>| step.action.op() == Op::Create;
    let created: Vec<ResourceKey> = batch.iter().filter(is_create).map(|step| step.key.clone()).collect();
    let mut missing = None;
    for spec in batch.iter_mut().filter_map(|step| step.action.wanted_mut()) {
        for input in spec.inputs_mut() {
            let Input::Ref(reference) = &*input else { continue };
            if created.contains(&reference.to) {
                continue;
            }
            match have.get(&reference.to).and_then(|found| found.outputs.get(reference.output)) {
                Some(value) => *input = Input::Value(value.clone()),
                None => missing = Some(format!("{} of {}", reference.output, reference.to)),
            }
        }
    }
    missing
}

fn missing_output<S>(batch: &[Step<S>], missing: &str) -> Error {
    let key = batch.first().map(|step| step.key.to_string()).unwrap_or_default();
    Error::new(ErrorKind::NotFound, format!("needs the {missing}, which does not exist yet")).on(key)
}

/// What to wait for after a refusal because something is in use: what is on its way out still holds
/// it, or the cloud (or another Service, which the next look will show) still uses what is shared.
fn wait<S>(batch: &[Step<S>], error: &Error, pending: Option<Pending>) -> Option<Pending> {
    if error.kind() != ErrorKind::InUse {
        return None;
    }
    let deletes_shared = |step: &&Step<S>| step.owner == Owner::Cluster && step.action.op() == Op::Delete;
    pending.or_else(|| {
        let step = batch.iter().find(deletes_shared)?;
        let reason = format!("{} is still in use", step.key);
        Some(Pending { retry_after: Duration::from_secs(5), reason })
    })
}

fn is_delete<S>(batch: &[Step<S>]) -> bool {
    batch.iter().all(|step| step.action.op() == Op::Delete)
}

fn record<S: Spec>(
    have: &mut Observed<S>,
    batch: Vec<Step<S>>,
    applied: Vec<Applied>,
    pending: &mut Option<Pending>,
) {
    for (step, applied) in batch.into_iter().zip(applied) {
        let settled = applied.pending.is_none();
        if let Some(waiting) = applied.pending {
            pending.get_or_insert(waiting);
        }
        let op = step.action.op();
        if op == Op::Update || (op == Op::Delete && settled) {
            have.remove(&step.key, &step.outputs);
        }
        if let Action::Create(spec) | Action::Update { want: spec, .. } = step.action {
            let ownership = match step.owner {
                Owner::Service => Ownership::Service,
                Owner::Cluster => Ownership::Cluster { used_by_others: true },
            };
            let (container, outputs) = (step.container, applied.outputs);
            have.put(step.key, Have { spec, ownership, container, outputs });
        }
    }
}
