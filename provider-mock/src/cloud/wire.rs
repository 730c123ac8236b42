//! The link from the account to the data plane.

use parking_lot::Mutex;
use tokio::time::Instant;

use super::frontends::{Wired, wired};
use super::store::Store;
use crate::dataplane::Dataplane;
use crate::net::Net;

#[derive(Debug)]
pub(super) struct Wire {
    dataplane: Dataplane,
    /// One publication at a time, so that an older state never follows a newer one.
    publishing: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    wired: Vec<Wired>,
    /// When the account changes next by itself.
    due: Option<Instant>,
}

impl Wire {
    pub(super) fn new(net: Net) -> Self {
        Self {
            dataplane: Dataplane::new(net),
            publishing: tokio::sync::Mutex::default(),
            state: Mutex::default(),
        }
    }

    pub(super) fn dataplane(&self) -> &Dataplane {
        &self.dataplane
    }

    pub(super) fn make_due(&self) {
        self.state.lock().due = Some(Instant::now());
    }

    pub(super) fn is_due(&self) -> bool {
        self.state.lock().due.is_some_and(|due| due <= Instant::now())
    }

    /// Makes the data plane forward what the account says now.
    pub(super) async fn publish(&self, store: &Mutex<Store>) {
        let _one_at_a_time = self.publishing.lock().await;
        let (records, due) = {
            let (store, now) = (store.lock(), Instant::now());
            (store.records(now), store.next_change(now))
        };
        let wired = wired(&records);
        let frontends = wired.iter().map(|one| one.frontend.clone()).collect();
        let unchanged = {
            let mut state = self.state.lock();
            state.due = due;
            state.wired == wired
        };
        if unchanged {
            return;
        }
        if let Err(error) = self.dataplane.apply(frontends).await {
            // A real cloud would not tell either; the load balancer just does not answer.
            tracing::warn!(%error, "some frontends cannot be served");
        }
        // Only now: if this is cancelled before, the next publication does it all again.
        self.state.lock().wired = wired;
    }
}
