//! A resource as it should be, whatever the shape: its name, whose it is, and its settings.

use std::fmt;

use cloud_lb_core::graph::{Input, Spec};
use cloud_lb_core::ownership::Tags;
use cloud_lb_core::plan::{Change, ReplaceOrder};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::parts::Targets;

/// Desired state of a resource of one of a shape's kinds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Desired<K> {
    /// Name in the cloud; only looked at when the resource is made.
    pub(crate) name: String,
    /// Whose it is, see [`cloud_lb_core::ownership`].
    pub(crate) tags: Tags,
    /// Settings: exactly the fields that we own.
    #[serde(flatten)]
    pub(crate) body: K,
}

/// The kinds of a shape: one enum, one variant per kind. Serialises to the body of the resource.
pub(crate) trait Kind: Clone + fmt::Debug + PartialEq + Serialize + Send + Sync + 'static {
    /// Reads the settings of a resource.
    fn parse(kind: &str, body: &Value) -> serde_json::Result<Self>;

    /// Stands for a resource of somebody else, whose settings do not concern us.
    fn foreign() -> Self;

    /// The fields that come from other resources.
    fn inputs(&self) -> Vec<&Input>;

    /// The same, to be filled in.
    fn inputs_mut(&mut self) -> Vec<&mut Input>;

    /// See [`Spec::claims`].
    fn claims(&self) -> Vec<String> {
        Vec::new()
    }

    /// See [`Spec::is_target_set`].
    fn is_target_set(&self) -> bool;

    /// The targets, if it is a set of them.
    fn targets_mut(&mut self) -> Option<&mut Targets>;

    /// Fields that are fixed once the resource exists, and what goes first if they change.
    fn fixed(&self) -> (&'static [&'static str], ReplaceOrder);
}

impl<K: Kind> Spec for Desired<K> {
    fn inputs(&self) -> Vec<&Input> {
        self.body.inputs()
    }

    fn inputs_mut(&mut self) -> Vec<&mut Input> {
        self.body.inputs_mut()
    }

    fn claims(&self) -> Vec<String> {
        self.body.claims()
    }

    fn is_target_set(&self) -> bool {
        self.body.is_target_set()
    }
}

/// What it takes to turn one state into another: names and marks play no part in it.
pub(crate) fn change<K: Kind>(have: &Desired<K>, want: &Desired<K>) -> Change {
    let (fixed, order) = want.body.fixed();
    Change::between(&have.body, &want.body, fixed, order)
}

/// Reads a reference of an observed resource: a value, always.
pub(crate) fn known<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Input, D::Error> {
    String::deserialize(deserializer).map(Input::Value)
}

/// As [`known`], for a list.
pub(crate) fn known_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Input>, D::Error> {
    let values: Vec<String> = Vec::deserialize(deserializer)?;
    Ok(values.into_iter().map(Input::Value).collect())
}
