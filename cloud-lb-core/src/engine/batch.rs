//! Steps that are written together, and what they wait for.

use std::collections::BTreeSet;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Input, ResourceKey, Spec};
use crate::plan::{Observed, Op, Plan, Step};

/// Steps that are written together.
pub(super) struct Batch<S> {
    pub(super) steps: Vec<Step<S>>,
    /// The batches that come before, by number.
    pub(super) needs: BTreeSet<usize>,
}

/// Neighbours in one container are written together, all other steps alone.
pub(super) fn batches<S>(plan: Plan<S>) -> Vec<Batch<S>> {
    let mut batches: Vec<Batch<S>> = Vec::new();
    let mut batch_of: Vec<usize> = Vec::new();
    for (step, needs) in plan.steps.into_iter().zip(plan.needs) {
        let neighbour = batches.last().and_then(|batch| batch.steps.last());
        let joins =
            step.container.is_some() && neighbour.is_some_and(|last| last.container == step.container);
        if !joins {
            batches.push(Batch { steps: Vec::new(), needs: BTreeSet::new() });
        }
        let own = batches.len().saturating_sub(1);
        if let Some(batch) = batches.last_mut() {
            let others = needs.iter().filter_map(|need| batch_of.get(*need)).copied();
            batch.needs.extend(others.filter(|other| *other != own));
            batch.steps.push(step);
        }
        batch_of.push(own);
    }
    batches
}

impl<S: Spec> Batch<S> {
    pub(super) fn is_delete(&self) -> bool {
        self.steps.iter().all(|step| step.action.op() == Op::Delete)
    }

    /// The steps with their references filled in. Those to what the batch itself creates stay: an older
    /// resource under the same key is not what is meant.
    ///
    /// # Errors
    /// `NotFound` for a reference that cannot be filled in yet.
    pub(super) fn filled_in(&self, have: &Observed<S>) -> Result<Vec<Step<S>>> {
        let mut steps = self.steps.clone();
        for step in &mut steps {
            let Some(spec) = step.action.wanted_mut() else { continue };
            for input in spec.inputs_mut() {
                let Input::Ref(reference) = &*input else { continue };
                if self.creates(&reference.to) {
                    continue;
                }
                let found = have.get(&reference.to).and_then(|found| found.outputs.get(reference.output));
                let Some(value) = found else {
                    let missing = format!("{} of {}", reference.output, reference.to);
                    let message = format!("needs the {missing}, which does not exist yet");
                    return Err(Error::new(ErrorKind::NotFound, message).on(step.key.to_string()));
                };
                *input = Input::Value(value.clone());
            }
        }
        Ok(steps)
    }

    fn creates(&self, key: &ResourceKey) -> bool {
        self.steps.iter().any(|step| step.key == *key && step.action.op() == Op::Create)
    }
}
