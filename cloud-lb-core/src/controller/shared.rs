//! The targets that all load balancers of the cluster share, and which nodes they have.

use super::queue::Verdict;

/// Keeps older nodes from staying in shared targets.
///
/// Runs of different lanes overlap, and each hands over the nodes that were newest when it began: one
/// that ends late may have written older nodes over newer ones. Node sets go by their generation.
#[derive(Debug, Default)]
pub(crate) struct SharedTargets {
    /// The newest nodes that the targets must have in the end.
    wanted: u64,
    /// The nodes that were handed over last without a failure.
    handed: u64,
}

impl SharedTargets {
    /// A run begins with these nodes, or a pass wants them.
    pub(crate) fn want(&mut self, nodes: u64) {
        self.wanted = self.wanted.max(nodes);
    }

    /// A run ends that handed these nodes over. Whether the newest must be handed over again.
    pub(crate) fn end(&mut self, nodes: u64, verdict: Verdict) -> bool {
        if verdict == Verdict::Done {
            self.handed = nodes;
        }
        nodes < self.wanted
    }

    /// The targets were found to have these nodes.
    pub(crate) fn found(&mut self, nodes: u64) {
        self.handed = nodes;
    }

    /// Whether the targets may have other nodes than these.
    pub(crate) fn lack(&self, nodes: u64) -> bool {
        self.handed != nodes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Retry;

    #[test]
    fn older_nodes_that_come_last_are_made_good() {
        let mut shared = SharedTargets::default();
        shared.want(1);
        shared.want(2);
        assert!(!shared.end(2, Verdict::Done), "these are the newest");
        assert!(!shared.lack(2));
        assert!(shared.end(1, Verdict::Done), "it may have written after the other");
        assert!(shared.lack(2));
        assert!(!shared.end(2, Verdict::Done));
        assert!(!shared.lack(2));
    }

    #[test]
    fn a_failure_may_have_written_and_is_no_success() {
        let mut shared = SharedTargets::default();
        shared.want(2);
        assert!(shared.end(1, Verdict::Failed(Retry::Backoff)), "older nodes");
        assert!(!shared.end(2, Verdict::Failed(Retry::Backoff)), "its own retry follows");
        assert!(shared.lack(2));
    }

    #[test]
    fn a_run_that_began_before_newer_nodes_were_wanted_is_made_good() {
        let mut shared = SharedTargets::default();
        shared.want(1);
        shared.want(2);
        assert!(shared.end(1, Verdict::Done), "the pass wanted 2 while it ran");
    }
}
