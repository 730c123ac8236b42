//! Writes to what several Services share.
//!
//! A *shared resource* is written by one Service at a time. If it was written after a plan had read
//! it, the plan is stale, unless the very same step is what was written: then its result is taken over.
//! So a hundred Services that all need the same security group make one.
//!
//! The *parts of a container* (rules of a shared load balancer) are independent of each other: all
//! that wait while a write is under way go into the next write together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::backend::{Applied, Backend};
use crate::error::{Effect, Error, ErrorKind, Result};
use crate::graph::{ResourceKey, Spec};
use crate::plan::Step;

/// What became of a batch.
pub(super) enum Written {
    Applied(Vec<Applied>),
    Stale,
}

/// One queue of writers per shared resource or container.
pub(super) struct Fold<S> {
    clock: AtomicU64,
    units: Mutex<BTreeMap<ResourceKey, Arc<Unit<S>>>>,
}

struct Unit<S> {
    writer: tokio::sync::Mutex<Option<LastWrite<S>>>,
    waiting: Mutex<Vec<Request<S>>>,
}

struct LastWrite<S> {
    tick: u64,
    step: Step<S>,
    applied: Option<Vec<Applied>>,
}

struct Request<S> {
    steps: Vec<Step<S>>,
    reply: oneshot::Sender<Result<Vec<Applied>>>,
}

impl<S> Default for Fold<S> {
    fn default() -> Self {
        Self { clock: AtomicU64::new(0), units: Mutex::default() }
    }
}

impl<S: Spec> Fold<S> {
    /// Now, on a clock that counts writes to shared resources.
    pub(super) fn tick(&self) -> u64 {
        self.clock.load(Ordering::SeqCst)
    }

    fn unit(&self, key: &ResourceKey) -> Arc<Unit<S>> {
        let mut units = self.units.lock();
        let unit = units.entry(key.clone()).or_insert_with(|| {
            Arc::new(Unit { writer: tokio::sync::Mutex::new(None), waiting: Mutex::default() })
        });
        unit.clone()
    }

    /// Writes a shared resource, unless it was written since `planned`.
    pub(super) async fn write_shared<B: Backend<Spec = S>>(
        &self,
        backend: &B,
        step: &Step<S>,
        planned: u64,
    ) -> Result<Written> {
        let unit = self.unit(&step.key);
        let mut last = unit.writer.lock().await;
        if let Some(write) = last.as_ref().filter(|write| write.tick > planned) {
            return Ok(match &write.applied {
                Some(applied) if write.step == *step => Written::Applied(applied.clone()),
                _ => Written::Stale,
            });
        }
        let result = backend.apply(std::slice::from_ref(step)).await;
        let tick = self.clock.fetch_add(1, Ordering::SeqCst) + 1;
        *last = Some(LastWrite { tick, step: step.clone(), applied: result.as_ref().ok().cloned() });
        result.map(Written::Applied)
    }

    /// Writes parts of a container, together with all others that wait for it.
    pub(super) async fn write_parts<B: Backend<Spec = S>>(
        &self,
        backend: &B,
        steps: &[Step<S>],
    ) -> Result<Written> {
        let Some(container) = steps.first().and_then(|step| step.container.clone()) else {
            return Ok(Written::Applied(Vec::new()));
        };
        let unit = self.unit(&container);
        let (reply, mut result) = oneshot::channel();
        unit.waiting.lock().push(Request { steps: steps.to_vec(), reply });
        let _writer = unit.writer.lock().await;
        if let Some(answer) = answer(&mut result) {
            return answer.map(Written::Applied);
        }
        let requests = std::mem::take(&mut *unit.waiting.lock());
        serve(backend, requests.into_iter().filter(|request| !request.reply.is_closed()).collect()).await;
        answer(&mut result).unwrap_or_else(|| Err(abandoned(&container))).map(Written::Applied)
    }
}

/// The answer, if there is one by now. A writer that was cancelled leaves its requests unanswered.
fn answer(result: &mut oneshot::Receiver<Result<Vec<Applied>>>) -> Option<Result<Vec<Applied>>> {
    match result.try_recv() {
        Ok(answer) => Some(answer),
        Err(oneshot::error::TryRecvError::Empty) => None,
        Err(oneshot::error::TryRecvError::Closed) => {
            let message = "the write that this change was folded into was cancelled";
            Some(Err(Error::new(ErrorKind::Unavailable, message).with_effect(Effect::Unknown)))
        }
    }
}

/// One write for all requests; if the cloud refuses it, one each, so that one bad request fails alone.
async fn serve<B: Backend>(backend: &B, requests: Vec<Request<B::Spec>>) {
    let all: Vec<Step<B::Spec>> = requests.iter().flat_map(|request| request.steps.clone()).collect();
    match backend.apply(&all).await {
        Ok(applied) => {
            let mut applied = applied.into_iter();
            for request in requests {
                let own = applied.by_ref().take(request.steps.len()).collect();
                // Nobody listens any more if the Service's call was cancelled.
                let _ = request.reply.send(Ok(own));
            }
        }
        Err(error) if requests.len() > 1 && concerns_one_request(&error) => {
            for request in requests {
                let result = backend.apply(&request.steps).await;
                let _ = request.reply.send(result);
            }
        }
        Err(error) => {
            for request in requests {
                let _ = request.reply.send(Err(error.clone()));
            }
        }
    }
}

fn concerns_one_request(error: &Error) -> bool {
    use ErrorKind::{InUse, InvalidInput, NotFound, Ownership, Quota, Unsupported};
    let kinds = [InUse, InvalidInput, NotFound, Ownership, Quota, Unsupported];
    error.effect() == Effect::None && kinds.contains(&error.kind())
}

fn abandoned(container: &ResourceKey) -> Error {
    Error::new(ErrorKind::Internal, "a folded write gave no answer").on(container.to_string())
}
