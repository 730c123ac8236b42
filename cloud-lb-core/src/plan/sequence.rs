//! The order of steps.
//!
//! A step waits for another for one of these reasons:
//!
//! 1. what is written comes after what it refers to;
//! 2. what is deleted comes after what refers to it is deleted or pointed elsewhere;
//! 3. what holds a slot (see [`Spec::claims`]) gives it up before another takes it;
//! 4. a replacement comes after its predecessor is gone, or the other way round;
//! 5. a delete that no write waits for comes after all writes: traffic flows over the new before the old
//!    goes, and the old stays if the new cannot be made.

use std::collections::{BTreeMap, BTreeSet};
use std::{fmt, ptr};

use super::judge::{Verdict, Verdicts};
use super::{Have, Observed, ReplaceOrder};
use crate::error::Result;
use crate::graph::{self, Graph, Resource, ResourceKey, Spec};

/// One step to be: the write of a wanted resource, or the delete of an observed one. Several resources
/// may leave under one key, hence the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Task<'a> {
    Write(&'a ResourceKey),
    Delete(&'a ResourceKey, usize),
}

impl fmt::Display for Task<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write(key) | Self::Delete(key, _) => key.fmt(f),
        }
    }
}

/// All tasks in order, and for each the numbers of those that it waits for.
pub(super) struct Sequence<'a> {
    pub(super) tasks: Vec<Task<'a>>,
    pub(super) needs: Vec<BTreeSet<usize>>,
}

type Needs<'a> = BTreeMap<Task<'a>, BTreeSet<Task<'a>>>;

/// An observed resource, and the task that changes or deletes it; `None` if it is left as it is.
struct Found<'a, S> {
    key: &'a ResourceKey,
    have: &'a Have<S>,
    task: Option<Task<'a>>,
}

/// All that the order depends on.
pub(super) struct Situation<'a, S> {
    want: &'a Graph<S>,
    verdicts: &'a Verdicts<'a, S>,
    found: Vec<Found<'a, S>>,
}

impl<'a, S: Spec> Situation<'a, S> {
    pub(super) fn new(want: &'a Graph<S>, have: &'a Observed<S>, verdicts: &'a Verdicts<'a, S>) -> Self {
        let found = have.iter().enumerate().map(|(number, (key, have))| {
            let verdict = verdicts.get(key);
            let stays = verdict.and_then(Verdict::stays).is_some_and(|stays| ptr::eq(stays, have));
            let task = if stays {
                verdict.and_then(Verdict::written).map(|_| Task::Write(key))
            } else {
                have.ownership.is_ours_alone().then_some(Task::Delete(key, number))
            };
            Found { key, have, task }
        });
        Self { want, verdicts, found: found.collect() }
    }

    /// All tasks, each after those that it waits for.
    pub(super) fn sequence(&self) -> Result<Sequence<'a>> {
        let needs = self.needs();
        let tasks = graph::order(&needs, |task| match task {
            Task::Write(key) => self.want.get(key).and_then(|resource| resource.container.as_ref()),
            Task::Delete(_, number) => self.leaving(*number).and_then(|have| have.container.as_ref()),
        })?;
        let places: BTreeMap<&Task<'a>, usize> =
            tasks.iter().enumerate().map(|(place, task)| (task, place)).collect();
        let numbered = |task: &Task<'a>| {
            let needed = needs.get(task).into_iter().flatten();
            needed.filter_map(|needed| places.get(needed)).copied().collect()
        };
        let needs = tasks.iter().map(numbered).collect();
        Ok(Sequence { tasks, needs })
    }

    /// The observed resource of a delete.
    pub(super) fn leaving(&self, number: usize) -> Option<&'a Have<S>> {
        self.found.get(number).map(|found| found.have)
    }

    fn needs(&self) -> Needs<'a> {
        let mut needs = Needs::new();
        for (key, resource) in self.want.iter() {
            if let Some(verdict) = self.verdicts.get(key)
                && verdict.written().is_some()
            {
                needs.insert(Task::Write(key), self.before_write(key, resource, verdict));
            }
        }
        for found in &self.found {
            if let Some(task @ Task::Delete(..)) = found.task {
                needs.insert(task, self.before_delete(found));
            }
        }
        let urgent = urgent(&needs);
        for (_, needed) in needs.iter_mut().filter(|(task, _)| !urgent.contains(task)) {
            needed.extend(&urgent);
        }
        needs
    }

    fn before_write(
        &self,
        key: &ResourceKey,
        resource: &Resource<S>,
        verdict: &Verdict<'_, S>,
    ) -> BTreeSet<Task<'a>> {
        let needed = verdict.new_claims();
        let in_the_way = |found: &&Found<'a, S>| {
            if found.key == key {
                verdict.replaced() == Some(ReplaceOrder::DeleteFirst)
            } else {
                found.have.spec.claims().iter().any(|slot| needed.contains(slot))
            }
        };
        let dependencies = resource.dependencies(key);
        let is_written = |key: &ResourceKey| self.verdicts.get(key).and_then(Verdict::written).is_some();
        let references = self.want.iter().map(|(key, _)| key);
        let references = references.filter(|to| dependencies.contains(to) && is_written(to)).map(Task::Write);
        references.chain(self.found.iter().filter(in_the_way).filter_map(|found| found.task)).collect()
    }

    fn before_delete(&self, leaving: &Found<'a, S>) -> BTreeSet<Task<'a>> {
        let others = self.found.iter().filter(|other| !ptr::eq(*other, leaving));
        let dependents =
            others.filter(|other| other.have.holds(leaving.key, leaving.have)).filter_map(|other| other.task);
        let replaced = self.verdicts.get(leaving.key).and_then(Verdict::replaced);
        let successor = (replaced == Some(ReplaceOrder::CreateFirst)).then_some(Task::Write(leaving.key));
        dependents.chain(successor).collect()
    }
}

/// The writes, and what they wait for.
fn urgent<'a>(needs: &Needs<'a>) -> BTreeSet<Task<'a>> {
    let mut urgent = BTreeSet::new();
    let mut reached: Vec<Task<'a>> =
        needs.keys().filter(|task| matches!(task, Task::Write(_))).copied().collect();
    while let Some(task) = reached.pop() {
        if urgent.insert(task) {
            reached.extend(needs.get(&task).into_iter().flatten());
        }
    }
    urgent
}
