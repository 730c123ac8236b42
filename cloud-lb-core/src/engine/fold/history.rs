//! What was last done to each shared resource of one unit.

use std::collections::BTreeMap;

use super::Written;
use crate::backend::Applied;
use crate::graph::{Owner, ResourceKey, Spec};
use crate::plan::{Op, Step};

/// The last write to each shared resource of a unit.
pub(super) struct History<S>(BTreeMap<ResourceKey, LastWrite<S>>);

struct LastWrite<S> {
    step: Step<S>,
    /// `None` while it is under way, and after its writer was cancelled.
    ended: Option<u64>,
    /// `None` if it failed, or may have.
    applied: Option<Applied>,
}

impl<S> LastWrite<S> {
    fn is_after(&self, time: u64) -> bool {
        self.ended.is_none_or(|ended| ended > time)
    }
}

impl<S> Default for History<S> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<S: Spec> History<S> {
    /// Whether a plan that was made at `planned` and has these steps no longer holds: something that
    /// it also writes was written otherwise, or something that it may use was deleted.
    pub(super) fn outdates(&self, steps: &[Step<S>], planned: u64) -> bool {
        self.0.values().filter(|write| write.is_after(planned)).any(|write| {
            match steps.iter().find(|step| step.owner == Owner::Cluster && step.key == write.step.key) {
                Some(own) => *own != write.step,
                None => write.step.action.op() == Op::Delete,
            }
        })
    }

    /// What the last write to `key` means for a plan with the same step, if it was after `planned`: its
    /// result, or that it may have failed.
    pub(super) fn since(&self, key: &ResourceKey, planned: u64) -> Option<Written> {
        let write = self.0.get(key).filter(|write| write.is_after(planned))?;
        Some(match &write.applied {
            Some(applied) => Written::Applied(vec![applied.clone()]),
            None => Written::Stale,
        })
    }

    /// Takes note of writes that are about to begin.
    pub(super) fn begin(&mut self, steps: &[Step<S>]) {
        for step in steps.iter().filter(|step| step.owner == Owner::Cluster) {
            let write = LastWrite { step: step.clone(), ended: None, applied: None };
            self.0.insert(step.key.clone(), write);
        }
    }

    /// Takes note that no write is under way any more. A write whose writer was cancelled may have
    /// happened at any time until now.
    pub(super) fn end(&mut self, now: impl Fn() -> u64) {
        for write in self.0.values_mut().filter(|write| write.ended.is_none()) {
            write.ended = Some(now());
        }
    }

    /// Keeps the result of the last write to `key`, for others who planned the same.
    pub(super) fn succeeded(&mut self, key: &ResourceKey, applied: &Applied) {
        if let Some(write) = self.0.get_mut(key) {
            write.applied = Some(applied.clone());
        }
    }
}
