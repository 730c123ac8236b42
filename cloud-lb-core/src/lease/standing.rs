//! How an elector stands, for those that only look.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Time that the leader's health check waits beyond the lease duration before it complains (rule L-3).
const TOLERANCE: Duration = Duration::from_secs(20);

/// How an [`Elector`](super::Elector) stands; a cheap handle for health checks.
#[derive(Debug, Clone, Default)]
pub struct Standing(pub(super) Arc<Mutex<State>>);

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) leads: bool,
    pub(super) holder: String,
    pub(super) renewed: Option<Instant>,
    pub(super) lease_duration: Duration,
}

impl Standing {
    /// Whether it leads.
    pub fn leads(&self) -> bool {
        self.0.lock().leads
    }

    /// Who holds the Lease, as far as it saw; empty if nobody does.
    pub fn holder(&self) -> String {
        self.0.lock().holder.clone()
    }

    /// Complains if it leads and has not renewed for much longer than it may (L-3): it is stuck.
    ///
    /// # Errors
    /// Says for how long.
    pub fn check(&self) -> std::result::Result<(), String> {
        let state = self.0.lock();
        let age = state.renewed.map(|renewed| renewed.elapsed()).unwrap_or_default();
        if state.leads && age > state.lease_duration + TOLERANCE {
            return Err(format!("the lease was not renewed for {age:?}"));
        }
        Ok(())
    }
}
