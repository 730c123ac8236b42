//! Faults on demand and counts of requests, for tests.

use super::request::{Target, Verb};
use super::resource::Resource;
use super::status::ApiError;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// What happens to a request that an injected fault meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing is done, and the answer is a `Status` with this HTTP code.
    Fail(u16),
    /// The work is done, and the answer is still a `Status` with this HTTP code.
    FailAfterwards(u16),
    /// The request waits this long before anything is done.
    Delay(Duration),
}

/// The faults and counters of one [`ApiServer`](super::ApiServer).
///
/// A cheap handle: clones share their state. Only requests over the tower service and over HTTP
/// meet faults and are counted; the in-process methods of the server are not.
#[derive(Debug, Clone)]
pub struct Faults {
    state: Arc<Mutex<State>>,
    drops: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    pending: Vec<Pending>,
    counts: BTreeMap<(Verb, String), u64>,
}

#[derive(Debug)]
struct Pending {
    verb: Verb,
    resource: Resource,
    fault: Fault,
    times: usize,
}

impl Faults {
    pub(crate) fn new() -> Self {
        Self { state: Arc::default(), drops: watch::Sender::new(0) }
    }

    /// Lets the next `times` requests of this verb and resource (any namespace and subresource) meet
    /// `fault`. Several faults for the same requests are met one after the other, in the order of injection.
    pub fn inject(&self, verb: Verb, resource: Resource, fault: Fault, times: usize) {
        self.state.lock().pending.push(Pending { verb, resource, fault, times });
    }

    /// Forgets the faults that have not been met yet.
    pub fn clear(&self) {
        self.state.lock().pending.clear();
    }

    /// Ends every open watch, as a load balancer in front of a real server does.
    pub fn drop_watches(&self) {
        self.drops.send_modify(|count| *count += 1);
    }

    /// How many requests there were, by verb and resource; a subresource is named as in RBAC rules,
    /// for instance `services/status`.
    pub fn requests(&self) -> BTreeMap<(Verb, String), u64> {
        self.state.lock().counts.clone()
    }

    /// How many requests meant to change something, dry runs and refused ones included.
    pub fn writes(&self) -> u64 {
        self.state.lock().counts.iter().filter(|((verb, _), _)| verb.is_write()).map(|(_, count)| count).sum()
    }

    /// Starts counting anew.
    pub fn reset_counts(&self) {
        self.state.lock().counts.clear();
    }

    /// Counts a request and says which fault it meets.
    pub(crate) fn admit(&self, verb: Verb, target: &Target) -> Option<Fault> {
        let mut state = self.state.lock();
        *state.counts.entry((verb, target.counted_as())).or_default() += 1;
        let resource = target.endpoint.resource;
        let met =
            |pending: &Pending| pending.verb == verb && pending.resource == resource && pending.times > 0;
        let pending = state.pending.iter_mut().find(|pending| met(pending))?;
        pending.times -= 1;
        let fault = pending.fault;
        state.pending.retain(|pending| pending.times > 0);
        Some(fault)
    }

    /// Tells an open watch that it is to end.
    pub(crate) fn drops(&self) -> watch::Receiver<u64> {
        self.drops.subscribe()
    }
}

impl Fault {
    /// What comes before the work.
    pub(crate) async fn before(self) -> Result<(), ApiError> {
        match self {
            Self::Fail(code) => Err(ApiError::injected(code)),
            Self::Delay(duration) => {
                tokio::time::sleep(duration).await;
                Ok(())
            }
            Self::FailAfterwards(_) => Ok(()),
        }
    }

    /// What comes after it.
    pub(crate) fn after(self) -> Result<(), ApiError> {
        match self {
            Self::FailAfterwards(code) => Err(ApiError::injected(code)),
            Self::Fail(_) | Self::Delay(_) => Ok(()),
        }
    }
}
