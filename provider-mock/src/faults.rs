//! Faults on demand, reproducible from a seed.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use cloud_lb_core::call::Access;
use cloud_lb_core::error::Effect;
use cloud_lb_core::{Error, ErrorKind, Result};
use parking_lot::Mutex;
use serde::Serialize;

use crate::fuse::Fuse;

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// It fails and does nothing.
    Fail(ErrorKind),
    /// It does its work and fails nevertheless: the caller cannot know.
    FailAfterWork(ErrorKind),
    /// It does nothing and never answers.
    Drop,
    /// It does its work and never answers.
    DropAfterWork,
}

impl Fault {
    pub(crate) fn after_work(self) -> bool {
        matches!(self, Self::FailAfterWork(_) | Self::DropAfterWork)
    }

    /// What the caller gets; nothing, for ever, if the answer is dropped.
    pub(crate) async fn answer<T>(self) -> Result<T> {
        match self {
            Self::Fail(ErrorKind::Timeout) => Err(injected(ErrorKind::Timeout, Effect::Unknown)),
            Self::Fail(kind) => Err(injected(kind, Effect::None)),
            Self::FailAfterWork(kind) => Err(injected(kind, Effect::Unknown)),
            Self::Drop | Self::DropAfterWork => std::future::pending().await,
        }
    }
}

fn injected(kind: ErrorKind, effect: Effect) -> Error {
    Error::new(kind, "the mock cloud was told to fail this call").with_effect(effect)
}

/// Which calls a fault concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallMatch {
    /// Every call.
    Any,
    /// Reads or writes.
    Access(Access),
    /// One operation, for example `CreateListener`.
    Operation(Cow<'static, str>),
}

impl CallMatch {
    fn matches(&self, operation: &str, access: Access) -> bool {
        match self {
            Self::Any => true,
            Self::Access(wanted) => *wanted == access,
            Self::Operation(wanted) => wanted == operation,
        }
    }
}

/// A fault that was injected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Injected {
    /// Number of the call, from 1, over all calls.
    pub call: u64,
    /// The operation.
    pub operation: String,
    /// What happened to it.
    pub fault: Fault,
}

/// The faults of one cloud; clones share them.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<Plan>>);

#[derive(Debug, Default)]
struct Plan {
    calls: u64,
    once: Vec<Once>,
    random: Option<Random>,
    /// Writes that may still be made before everything stops.
    writes_left: Option<u64>,
    fuse: Option<Fuse>,
    log: Vec<Injected>,
}

#[derive(Debug)]
struct Once {
    calls: CallMatch,
    /// Matching calls until it strikes; 1 is the next.
    countdown: u64,
    fault: Fault,
}

#[derive(Debug)]
struct Random {
    rng: fastrand::Rng,
    probability: f64,
    faults: Vec<Fault>,
}

impl Faults {
    /// Lets the `nth` matching call from now go wrong; 1 is the next, 0 is taken as 1.
    pub fn on_nth(&self, nth: u64, calls: CallMatch, fault: Fault) {
        self.0.lock().once.push(Once { calls, countdown: nth.max(1), fault });
    }

    /// Lets each call go wrong with this probability (0 to 1), in one of these ways, as `seed` decides.
    ///
    /// The same seed and the same order of calls give the same faults.
    pub fn randomly(&self, seed: u64, probability: f64, faults: Vec<Fault>) {
        self.0.lock().random = Some(Random { rng: fastrand::Rng::with_seed(seed), probability, faults });
    }

    /// Lets `writes` more writes succeed; from then on every call, reads too, fails with `Unavailable`
    /// until [`clear`](Self::clear). As if the process had been killed.
    pub fn crash_after_writes(&self, writes: u64) {
        self.0.lock().writes_left = Some(writes);
    }

    /// Lets the client die with this fuse.
    pub fn die_with(&self, fuse: Fuse) {
        self.0.lock().fuse = Some(fuse);
    }

    pub(crate) fn fuse(&self) -> Option<Fuse> {
        self.0.lock().fuse.clone()
    }

    /// Forgets all faults. The log, the call numbers and a fuse stay.
    pub fn clear(&self) {
        let mut plan = self.0.lock();
        plan.once.clear();
        plan.random = None;
        plan.writes_left = None;
    }

    /// What was injected so far, in order.
    pub fn injected(&self) -> Vec<Injected> {
        self.0.lock().log.clone()
    }

    /// Whether a crash set by [`crash_after_writes`](Self::crash_after_writes) has happened.
    pub fn has_crashed(&self) -> bool {
        self.0.lock().writes_left == Some(0)
    }

    /// Decides on a call.
    pub(crate) fn next(&self, operation: &str, access: Access) -> Option<Fault> {
        let mut plan = self.0.lock();
        plan.calls += 1;
        let fault = plan.crash(access).or_else(|| plan.once(operation, access)).or_else(|| plan.random())?;
        let injected = Injected { call: plan.calls, operation: operation.to_owned(), fault };
        plan.log.push(injected);
        Some(fault)
    }
}

impl Plan {
    fn crash(&mut self, access: Access) -> Option<Fault> {
        match (self.writes_left.as_mut()?, access) {
            (0, _) => Some(Fault::Fail(ErrorKind::Unavailable)),
            (left, Access::Write) => {
                *left -= 1;
                None
            }
            (_, Access::Read) => None,
        }
    }

    fn once(&mut self, operation: &str, access: Access) -> Option<Fault> {
        for once in self.once.iter_mut().filter(|once| once.calls.matches(operation, access)) {
            once.countdown -= 1;
        }
        let struck = self.once.iter().position(|once| once.countdown == 0)?;
        let fault = self.once.remove(struck).fault;
        // Another one for the same call strikes at the next.
        self.once.iter_mut().for_each(|once| once.countdown = once.countdown.max(1));
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

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.lock().fmt(f)
    }
}

#[cfg(test)]
mod tests;
