//! The difference between what is wanted and what is there, as a value.
//!
//! [`plan`] is pure: the same graph and the same observation give the same plan, byte for byte.

mod build;
mod diff;
mod judge;
mod observed;
mod report;
mod sequence;
mod torn;
mod words;

pub use build::plan;
pub use diff::{Change, FieldChange, ReplaceOrder, field_changes};
pub use observed::{Have, Observed, Ownership};
pub use report::{PlanReport, ResourceReport, StepReport};

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use crate::graph::{Graph, Outputs, Owner, ResourceKey, Spec};

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// Makes a resource that is not there.
    Create,
    /// Changes a resource in place.
    Update,
    /// Removes a resource.
    Delete,
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        })
    }
}

/// The states that a step leads from and to.
#[derive(Debug, Clone, PartialEq)]
pub enum Action<S> {
    /// Make this.
    Create(S),
    /// Turn `have` into `want`.
    Update {
        /// Observed state.
        have: S,
        /// Desired state.
        want: S,
    },
    /// Remove this.
    Delete(S),
}

impl<S> Action<S> {
    /// What the action does.
    pub fn op(&self) -> Op {
        match self {
            Self::Create(_) => Op::Create,
            Self::Update { .. } => Op::Update,
            Self::Delete(_) => Op::Delete,
        }
    }

    /// The wanted state; for a delete, the state that goes.
    pub fn spec(&self) -> &S {
        match self {
            Self::Create(spec) | Self::Update { want: spec, .. } | Self::Delete(spec) => spec,
        }
    }

    pub(crate) fn wanted_mut(&mut self) -> Option<&mut S> {
        match self {
            Self::Create(spec) | Self::Update { want: spec, .. } => Some(spec),
            Self::Delete(_) => None,
        }
    }
}

/// One write, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Step<S> {
    /// The resource.
    pub key: ResourceKey,
    /// Who it belongs to.
    pub owner: Owner,
    /// The resource that it is written with, if any.
    pub container: Option<ResourceKey>,
    /// What is done.
    pub action: Action<S>,
    /// Why, for a person.
    pub why: String,
    /// The fields that change; empty for creates and deletes.
    pub fields: Vec<FieldChange>,
    /// Outputs of the observed resource (its ids); empty for a create.
    pub outputs: Outputs,
}

/// The steps from what is there to what is wanted, in the order in which they are safe.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan<S> {
    /// Steps in an order in which each is safe. Empty: nothing differs.
    pub steps: Vec<Step<S>>,
    /// For each step the steps that come before it, by number; all others may run beside it. A step that
    /// fails stops only what waits for it.
    pub needs: Vec<BTreeSet<usize>>,
    /// The desired graph that the steps lead to.
    pub desired: Graph<S>,
}

impl<S: Spec> Plan<S> {
    /// Keeps only the changes in place of sets of targets: the fast path when nodes come and go.
    ///
    /// What is missing or must be replaced is left to the next full run, which does it in order with
    /// all that depends on it.
    pub fn only_target_sets(mut self) -> Self {
        self.steps.retain(|step| step.action.spec().is_target_set() && step.action.op() == Op::Update);
        // They refer to what is there already, and to nothing of each other.
        self.needs = vec![BTreeSet::new(); self.steps.len()];
        self
    }
}
