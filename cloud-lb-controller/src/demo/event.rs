//! What the demo has to tell. Text and JSON are two forms of the same events.

use std::collections::BTreeMap;

use cloud_lb_core::plan::PlanReport;
use serde::Serialize;

use super::table::Table;

/// One thing that happened.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(super) enum Event {
    /// The world is there.
    Started { shape: String, nodes: Vec<String>, api: String },
    /// A step of the demo begins.
    Step { number: usize, of: usize, title: &'static str },
    /// Something that the user should know.
    Note { text: String },
    /// What the provider is going to do.
    Plan(PlanReport),
    /// The provider did one step of a plan.
    Done(CloudStep),
    /// Services as kubectl shows them.
    Services(Table),
    /// Requests were sent.
    Traffic(Traffic),
    /// Something that was expected is so.
    Checked { text: String, millis: u128 },
    /// The demo leaves all running.
    Kept { kubeconfig: String, commands: Vec<String> },
    /// A step did not do what it should; standard error says so, too.
    Failed { step: &'static str, reason: String },
    /// Every step did what it should.
    Finished { millis: u128 },
}

/// A step of a plan that was carried out.
#[derive(Debug, Clone, Serialize)]
pub(super) struct CloudStep {
    /// `namespace/name` of the Service that it was done for, or `cluster`.
    pub(super) service: String,
    pub(super) op: cloud_lb_core::plan::Op,
    pub(super) key: String,
    /// Why it failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    /// Whether the controller tries it again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) retried: bool,
}

/// What became of some requests to one port.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Traffic {
    /// Where they went, such as `http://127.23.1.1:80`.
    pub(super) to: String,
    pub(super) sent: usize,
    pub(super) answered: usize,
    /// How many came in through each node.
    pub(super) nodes: BTreeMap<String, usize>,
    /// How many each pod answered.
    pub(super) pods: BTreeMap<String, usize>,
    /// Why the last request that failed did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

impl Traffic {
    pub(super) fn all_answered(&self) -> bool {
        self.answered == self.sent
    }
}
