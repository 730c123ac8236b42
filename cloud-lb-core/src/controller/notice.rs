//! What Services are told: the events of the service controller, to the letter. Users and tests match on
//! type and reason, so these are public API.

use std::collections::BTreeSet;
use std::fmt::Display;

use super::pods::is_about_pods;
use super::status::MIXED_PROTOCOLS;
use crate::error::{Error, ErrorKind, Retry};
use crate::model::Node;
use crate::plan::Warning;
use crate::provider::OwnedResource;

/// Node names that one message shows at most (SC-1201).
const SHOWN_NODES: usize = 20;

/// Cloud resources that one message shows at most.
const SHOWN_RESOURCES: usize = 10;

/// Longest message in bytes that an event may have; the limit of `events.k8s.io/v1`.
const MAX_MESSAGE: usize = 1024;

/// Whether anybody needs to worry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    Normal,
    Warning,
}

impl Severity {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

/// One thing worth an event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Notice {
    pub(crate) severity: Severity,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

impl Notice {
    fn normal(reason: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Normal, reason, message: shorten(message.into()) }
    }

    fn warning(reason: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, reason, message: shorten(message.into()) }
    }

    pub(crate) fn ensuring() -> Self {
        Self::normal("EnsuringLoadBalancer", "Ensuring load balancer")
    }

    pub(crate) fn ensured() -> Self {
        Self::normal("EnsuredLoadBalancer", "Ensured load balancer")
    }

    /// The cloud needs time; not a failure, so not a warning (W-14).
    pub(crate) fn pending(reason: &str) -> Self {
        Self::normal("PendingLoadBalancer", format!("Waiting for load balancer: {reason}"))
    }

    pub(crate) fn sync_failed(error: &impl Display) -> Self {
        Self::warning("SyncLoadBalancerFailed", format!("Error syncing load balancer: {error}"))
    }

    pub(crate) fn deleting() -> Self {
        Self::normal("DeletingLoadBalancer", "Deleting load balancer")
    }

    pub(crate) fn deleted() -> Self {
        Self::normal("DeletedLoadBalancer", "Deleted load balancer")
    }

    /// The cloud keeps what it has, because the Service says so (W-26).
    pub(crate) fn abandoned(blocker: &impl Display) -> Self {
        let message = format!("Gave up cloud resources as annotated, they may still exist: {blocker}");
        Self::warning("AbandonedLoadBalancer", message)
    }

    /// The provider cannot serve TCP and UDP by one load balancer (F-4).
    pub(crate) fn mixed_protocols(message: &str) -> Self {
        Self::warning(MIXED_PROTOCOLS, message)
    }

    /// What the provider has to say about a Service that it does not refuse.
    pub(crate) fn warned(warning: &Warning) -> Self {
        Self::warning(warning.reason, warning.message.as_str())
    }

    /// The cloud was not as it had been left (W-5).
    pub(crate) fn repaired() -> Self {
        Self::normal("RepairedLoadBalancer", "Repaired load balancer that was changed in the cloud")
    }

    /// Somebody else keeps changing what the status says (W-4).
    pub(crate) fn contested(managers: &BTreeSet<&str>) -> Self {
        let managers: Vec<&str> = managers.iter().copied().collect();
        let managers = if managers.is_empty() { "unknown".to_owned() } else { managers.join(", ") };
        let message = format!(
            "The status is changed by others again and again; it is written less and less often. Field managers of it: {managers}"
        );
        Self::warning("ContestedStatus", message)
    }

    /// The cloud has something for a Service that does not exist (W-28). What costs money comes first.
    pub(crate) fn orphaned(resources: &[OwnedResource]) -> Self {
        let (billed, free): (Vec<_>, Vec<_>) = resources.iter().partition(|resource| resource.billed);
        let shown: Vec<String> =
            billed.into_iter().chain(free).take(SHOWN_RESOURCES).map(ToString::to_string).collect();
        let more = match resources.len().saturating_sub(SHOWN_RESOURCES) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let message =
            format!("The Service does not exist, but in the cloud there is: {}{more}", shown.join(", "));
        Self::warning("OrphanedLoadBalancer", message)
    }

    pub(crate) fn delete_failed(error: &impl Display) -> Self {
        Self::warning("DeleteLoadBalancerFailed", format!("Error deleting load balancer: {error}"))
    }

    pub(crate) fn no_nodes() -> Self {
        Self::warning("UnAvailableLoadBalancer", "There are no available nodes for LoadBalancer")
    }

    /// Pods wait for readiness gates, and these could not be read or written.
    pub(crate) fn gates_failed(error: &Error) -> Self {
        let advice = gates_advice(error).unwrap_or_else(|| "it is tried again".to_owned());
        let message = format!(
            "Error updating readiness gates of pods, which stay closed until it succeeds: {error}; {advice}"
        );
        Self::warning("ReadinessGatesFailed", message)
    }

    /// The load balancer goes, and the gates of pods that wait for it may stay closed: nobody tries again.
    pub(crate) fn gates_left(error: &Error) -> Self {
        let advice = gates_advice(error).map(|advice| format!("; {advice}")).unwrap_or_default();
        let message = format!(
            "Error opening readiness gates of pods before the load balancer is deleted: {error}{advice}; pods that stay \
             unready need the condition of the gate set by hand, or to be made anew without it"
        );
        Self::warning("ReadinessGatesFailed", message)
    }

    pub(crate) fn updated() -> Self {
        Self::normal("UpdatedLoadBalancer", "Updated load balancer with new hosts")
    }

    pub(crate) fn update_failed(nodes: &[Node], error: &impl Display) -> Self {
        let message = format!(
            "Error updating load balancer with new hosts {} [node names limited, total number of nodes: {}], error: {error}",
            node_names(nodes),
            nodes.len()
        );
        Self::warning("UpdateLoadBalancerFailed", message)
    }
}

/// What a person has to do about gates, if it takes one.
fn gates_advice(error: &Error) -> Option<String> {
    let right = error.operation().unwrap_or("read the health of targets");
    let who =
        if is_about_pods(error) { "service account in the cluster" } else { "credentials for the cloud" };
    match (error.kind(), error.retry()) {
        (ErrorKind::PermissionDenied, _) => Some(format!("give the controller's {who} the right to {right}")),
        (_, Retry::Never) => Some("only a change can mend it".to_owned()),
        _ => None,
    }
}

/// The first names, sorted, and how many more there are (SC-1201).
pub(crate) fn node_names(nodes: &[Node]) -> String {
    let mut names: Vec<&str> = nodes.iter().take(SHOWN_NODES).map(|node| node.name.as_str()).collect();
    names.sort_unstable();
    match nodes.len().saturating_sub(SHOWN_NODES) {
        0 => format!("[{}]", names.join(" ")),
        more => format!("[{} <{more} more>]", names.join(" ")),
    }
}

/// Cuts a message that is too long for an event, at a character.
fn shorten(mut message: String) -> String {
    const ELLIPSIS: &str = "...";
    if message.len() > MAX_MESSAGE {
        message.truncate(message.floor_char_boundary(MAX_MESSAGE - ELLIPSIS.len()));
        message.push_str(ELLIPSIS);
    }
    message
}

#[cfg(test)]
mod tests;
