use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::Value;

use super::report::{Failure, Verdict, check, equal};
use crate::Error;
use crate::engine::StepObserver;
use crate::model::{LoadBalancer, ServiceId, Status};
use crate::plan::{PlanReport, StepReport};
use crate::provider::{LoadBalancerProvider, Outcome, Standing};

/// Most calls until something that waits must be done.
const PATIENCE: usize = 500;

/// How fast a cloud is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Everything is made at once.
    Instant,
    /// Load balancers take a while, so that providers answer [`Standing::Pending`].
    Slow,
}

/// Makes worlds: each an empty account and a provider on it, for the cluster
/// [`fixtures::CLUSTER`](super::fixtures::CLUSTER).
pub trait Worlds: Send + Sync {
    /// A fresh world.
    fn make(&self, pace: Pace) -> Box<dyn Harness>;
}

/// How often the cloud was called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Calls {
    /// Calls that only read.
    pub reads: u64,
    /// Calls that write.
    pub writes: u64,
}

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `Throttled`; nothing was done.
    Throttled,
    /// `Unavailable`; nothing was done.
    Unavailable,
    /// `Timeout`, with an unknown effect; all was done.
    TimeoutAfterWork,
}

/// One world: a provider, and the account behind it, to be watched and tampered with.
#[async_trait]
pub trait Harness: Send + Sync {
    /// The provider.
    fn provider(&self) -> Arc<dyn LoadBalancerProvider>;

    /// Calls so far.
    fn calls(&self) -> Calls;

    /// Steps that succeeded since the last call of this method, see [`Recorder`].
    fn take_steps(&self) -> Vec<String>;

    /// Lets so many more writes succeed; then every call fails until [`recover`](Self::recover), as if
    /// the process had been killed.
    fn stop_after_writes(&self, writes: u64);

    /// Lets the `nth` write from now (1 is the next) go wrong.
    fn fail_write(&self, nth: u64, fault: Fault);

    /// Lets the `nth` read from now (1 is the next) go wrong.
    fn fail_read(&self, nth: u64, fault: Fault);

    /// Ends all faults.
    fn recover(&self);

    /// Settings of everything in the account, by id.
    fn resources(&self) -> BTreeMap<String, Value>;

    /// Changes a setting of a resource that the provider looks after; `false` if it has none that the
    /// cloud lets change.
    fn tamper(&self, id: &str) -> bool;

    /// Removes a resource.
    fn remove(&self, id: &str);

    /// Makes a resource somebody else's; `false` if it carries no marks of its own, or is no more than
    /// the container of parts that carry theirs.
    fn estrange(&self, id: &str) -> bool;

    /// Makes a second resource with the same marks and settings; `false` if the cloud has no room for it,
    /// or if the provider finds such resources by their name alone.
    fn duplicate(&self, id: &str) -> bool;

    /// Nodes behind a load balancer by name, and whether they are draining.
    fn targets(&self, service: &ServiceId) -> BTreeMap<String, bool>;

    /// Lets time pass in the cloud.
    async fn pass_time(&self, time: Duration);
}

/// Keeps the steps that succeed, for [`Harness::take_steps`]. Give it to
/// [`Engine::with_observer`](crate::engine::Engine::with_observer).
#[derive(Debug, Default)]
pub struct Recorder(Mutex<Vec<String>>);

impl Recorder {
    /// The steps since the last call, as `create TargetGroup/tcp-80`.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock())
    }
}

impl StepObserver for Recorder {
    fn started(&self, _: &str, _: &StepReport) {}

    fn finished(&self, _: &str, step: &StepReport, error: Option<&Error>) {
        if error.is_none() {
            self.0.lock().push(shown(step));
        }
    }
}

pub(super) fn shown(step: &StepReport) -> String {
    format!("{} {}", step.op, step.key)
}

/// Drops a future that is not done after so many polls.
pub(super) async fn cancelled_after<F: Future>(polls: u64, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        left = left.saturating_sub(1);
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// What cases do with a world.
pub(super) struct World(pub(super) Box<dyn Harness>);

impl World {
    pub(super) fn new(worlds: &dyn Worlds) -> Self {
        Self(worlds.make(Pace::Instant))
    }

    pub(super) async fn ensured(&self, lb: &LoadBalancer) -> Result<Status, Failure> {
        let mut reason = String::new();
        for _ in 0..PATIENCE {
            match self.0.provider().ensure(lb).await?.standing {
                Standing::Ready(status) => return Ok(status),
                Standing::Pending(pending) | Standing::Tidying(_, pending) => {
                    self.0.pass_time(pending.retry_after).await;
                    reason = pending.reason;
                }
                Standing::ImplementedElsewhere => return Err(Failure::new("the Service is not taken")),
            }
        }
        Err(Failure::new(format_args!("ensure waits for ever: {reason}")))
    }

    pub(super) async fn deleted(&self, service: &ServiceId) -> Verdict {
        let mut reason = String::new();
        for _ in 0..PATIENCE {
            match self.0.provider().delete(service).await? {
                Outcome::Done => return Ok(()),
                Outcome::Pending(pending) => {
                    self.0.pass_time(pending.retry_after).await;
                    reason = pending.reason;
                }
                Outcome::ImplementedElsewhere => {
                    return Err(Failure::new("delete answered ImplementedElsewhere, against T-5"));
                }
            }
        }
        Err(Failure::new(format_args!("delete waits for ever: {reason}")))
    }

    /// Leads to `want`; `None` deletes.
    pub(super) async fn reached(&self, service: &ServiceId, want: Option<&LoadBalancer>) -> Verdict {
        match want {
            Some(lb) => self.ensured(lb).await.map(|_| ()),
            None => self.deleted(service).await,
        }
    }

    pub(super) async fn planned(
        &self,
        service: &ServiceId,
        want: Option<&LoadBalancer>,
    ) -> Result<PlanReport, Failure> {
        let before = self.0.calls().writes;
        let plan = match want {
            Some(lb) => self.0.provider().plan(lb).await?,
            None => self.0.provider().plan_delete(service).await?,
        };
        equal("writes made by a plan", &(self.0.calls().writes - before), &0)?;
        Ok(plan)
    }

    /// Another run writes nothing, and another plan is empty.
    pub(super) async fn is_settled(&self, service: &ServiceId, want: Option<&LoadBalancer>) -> Verdict {
        // SC-55: asking again costs nothing.
        let again = self.planned(service, want).await?;
        check(again.is_empty(), format_args!("the second plan is not empty: {again}"))?;
        let before = self.0.calls().writes;
        self.reached(service, want).await?;
        equal("writes of the second run", &(self.0.calls().writes - before), &0)
    }

    pub(super) fn is_empty(&self) -> Verdict {
        let left: Vec<String> = self.0.resources().into_keys().collect();
        equal("resources left", &left, &Vec::new())
    }

    pub(super) async fn deletes_all(&self, service: &ServiceId) -> Verdict {
        self.deleted(service).await?;
        self.is_empty()
    }
}
