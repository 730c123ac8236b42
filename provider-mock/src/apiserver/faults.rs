//! Faults on demand and counts of requests, for tests.

use super::request::{Target, Verb};
use super::resource::Resource;
use super::status::ApiError;
use crate::fuse::Fuse;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

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
    /// The work is done, and the answer waits this long.
    DelayAfterwards(Duration),
    /// Nothing is done, and no answer comes.
    Drop,
    /// The work is done, and no answer comes.
    DropAfterwards,
}

/// The faults and counters of one client of an [`ApiServer`](super::ApiServer), or of several that share them.
///
/// A cheap handle: clones share their state. Only requests over the tower service and over HTTP
/// meet faults and are counted; the in-process methods of the server are not.
#[derive(Debug, Clone)]
pub struct Faults {
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    pending: Vec<Pending>,
    random: Option<Random>,
    fuse: Option<Fuse>,
    lag: Duration,
    cut: bool,
    drops: u64,
    counts: BTreeMap<(Verb, String), u64>,
    injected: Vec<Fault>,
}

#[derive(Debug)]
struct Pending {
    verb: Verb,
    resource: Resource,
    fault: Fault,
    times: usize,
}

#[derive(Debug)]
struct Random {
    rng: fastrand::Rng,
    probability: f64,
    faults: Vec<Fault>,
}

impl Faults {
    pub(crate) fn new() -> Self {
        Self { state: Arc::default(), changed: Arc::default() }
    }

    /// Lets the next `times` requests of this verb and resource (any namespace and subresource) meet
    /// `fault`. Several faults for the same requests are met one after the other, in the order of injection.
    pub fn inject(&self, verb: Verb, resource: Resource, fault: Fault, times: usize) {
        self.state.lock().pending.push(Pending { verb, resource, fault, times });
    }

    /// Lets each request meet one of these faults with this probability (0 to 1), as `seed` decides.
    ///
    /// The same seed and the same order of requests give the same faults.
    pub fn randomly(&self, seed: u64, probability: f64, faults: Vec<Fault>) {
        self.state.lock().random = Some(Random { rng: fastrand::Rng::with_seed(seed), probability, faults });
    }

    /// Lets every open watch tell what happens only so much later: clients see the past.
    pub fn set_lag(&self, lag: Duration) {
        self.state.lock().lag = lag;
    }

    /// Cuts the connection: requests and watches wait, as on a network that loses every packet, until
    /// [`mend`](Self::mend).
    pub fn cut(&self) {
        self.change(|state| state.cut = true);
    }

    /// Ends what [`cut`](Self::cut) began; whatever still waits goes on.
    pub fn mend(&self) {
        self.change(|state| state.cut = false);
    }

    /// Lets the client die with this fuse.
    pub fn die_with(&self, fuse: Fuse) {
        self.state.lock().fuse = Some(fuse);
    }

    /// Forgets the faults that have not been met yet, mends the connection, and lets watches be prompt.
    /// A fuse stays.
    pub fn clear(&self) {
        self.change(|state| {
            state.pending.clear();
            (state.random, state.lag, state.cut) = (None, Duration::ZERO, false);
        });
    }

    /// Ends every open watch, as a load balancer in front of a real server does.
    pub fn drop_watches(&self) {
        self.change(|state| state.drops += 1);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock());
        self.changed.notify_waiters();
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

    /// The faults that requests met so far, in order.
    pub fn injected(&self) -> Vec<Fault> {
        self.state.lock().injected.clone()
    }

    /// Starts counting anew.
    pub fn reset_counts(&self) {
        self.state.lock().counts.clear();
    }

    /// Counts a request and says which fault it meets.
    pub(crate) fn admit(&self, verb: Verb, target: &Target) -> Option<Fault> {
        let mut state = self.state.lock();
        *state.counts.entry((verb, target.counted_as())).or_default() += 1;
        let fault = state.planned(verb, target.endpoint.resource).or_else(|| state.random())?;
        state.injected.push(fault);
        Some(fault)
    }

    /// The next change of what open watches must know.
    pub(crate) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// How often watches were dropped.
    pub(crate) fn drops(&self) -> u64 {
        self.state.lock().drops
    }

    pub(crate) fn lag(&self) -> Duration {
        self.state.lock().lag
    }

    /// Waits while the connection is cut.
    pub(crate) async fn passage(&self) {
        loop {
            let mut change = pin!(self.changed.notified());
            change.as_mut().enable();
            if !self.state.lock().cut {
                return;
            }
            change.await;
        }
    }

    /// What ends the client, if something is to.
    pub(crate) fn fuse(&self) -> Option<Fuse> {
        self.state.lock().fuse.clone()
    }
}

impl State {
    fn planned(&mut self, verb: Verb, resource: Resource) -> Option<Fault> {
        let met =
            |pending: &Pending| pending.verb == verb && pending.resource == resource && pending.times > 0;
        let pending = self.pending.iter_mut().find(|pending| met(pending))?;
        pending.times -= 1;
        let fault = pending.fault;
        self.pending.retain(|pending| pending.times > 0);
        Some(fault)
    }

    fn random(&mut self) -> Option<Fault> {
        let random = self.random.as_mut()?;
        if random.rng.f64() >= random.probability {
            return None;
        }
        random.rng.choice(&random.faults).copied()
    }
}

impl Fault {
    /// What comes before the work.
    pub(crate) async fn before(self) -> Result<(), ApiError> {
        match self {
            Self::Fail(code) => return Err(ApiError::injected(code)),
            Self::Delay(duration) => tokio::time::sleep(duration).await,
            Self::Drop => std::future::pending().await,
            Self::FailAfterwards(_) | Self::DelayAfterwards(_) | Self::DropAfterwards => {}
        }
        Ok(())
    }

    /// What comes after it.
    pub(crate) async fn after(self) -> Result<(), ApiError> {
        match self {
            Self::FailAfterwards(code) => return Err(ApiError::injected(code)),
            Self::DelayAfterwards(duration) => tokio::time::sleep(duration).await,
            Self::DropAfterwards => std::future::pending().await,
            Self::Fail(_) | Self::Delay(_) | Self::Drop => {}
        }
        Ok(())
    }
}
