//! Writes to what several Services share.
//!
//! A *shared resource* is written by one Service at a time. If it was written after a plan had read
//! it, the plan is stale, unless the very same step is what was written: then its result is taken over.
//! So a hundred Services that all need the same security group make one.
//!
//! The *parts of a container* (rules of a shared load balancer) are independent of each other: all
//! that wait while a write is under way go into the next write together. The container itself, and
//! parts of it that are shared, make plans stale as above.

mod history;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tracing::Span;

use crate::backend::{Applied, Backend};
use crate::error::{Effect, Error, ErrorKind, Result};
use crate::graph::{Owner, ResourceKey, Spec};
use crate::plan::Step;
use history::History;

/// What became of a batch.
#[derive(Debug)]
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
    /// Held while writing.
    history: tokio::sync::Mutex<History<S>>,
    waiting: Mutex<Vec<Request<S>>>,
}

struct Request<S> {
    steps: Vec<Step<S>>,
    planned: u64,
    /// Of the step that waits.
    span: Span,
    reply: oneshot::Sender<Result<Written>>,
}

impl<S> Default for Fold<S> {
    fn default() -> Self {
        Self { clock: AtomicU64::new(0), units: Mutex::default() }
    }
}

impl<S: Spec> Fold<S> {
    /// Now, on a clock that counts writes to what is shared.
    pub(super) fn now(&self) -> u64 {
        self.clock.load(Ordering::SeqCst)
    }

    /// Writes a batch: one step, or parts of one container. `planned` is when observing began.
    pub(super) async fn write<B: Backend<Spec = S>>(
        &self,
        backend: &B,
        steps: &[Step<S>],
        planned: u64,
    ) -> Result<Written> {
        let Some(first) = steps.first() else { return Ok(Written::Applied(Vec::new())) };
        match &first.container {
            Some(container) => self.write_parts(backend, container, steps, planned).await,
            None if first.owner == Owner::Cluster => self.write_shared(backend, first, planned).await,
            None => apply(backend, steps).await.map(Written::Applied),
        }
    }

    async fn write_shared<B: Backend<Spec = S>>(
        &self,
        backend: &B,
        step: &Step<S>,
        planned: u64,
    ) -> Result<Written> {
        let unit = self.unit(&step.key);
        let mut history = unit.history.lock().await;
        history.end(|| self.tick());
        let steps = std::slice::from_ref(step);
        if history.outdates(steps, planned) {
            return Ok(Written::Stale);
        }
        if let Some(same) = history.since(&step.key, planned) {
            return Ok(same);
        }
        history.begin(steps);
        let result = apply(backend, steps).await;
        history.end(|| self.tick());
        if let Some(applied) = result.as_ref().ok().and_then(|applied| applied.first()) {
            history.succeeded(&step.key, applied);
        }
        result.map(Written::Applied)
    }

    async fn write_parts<B: Backend<Spec = S>>(
        &self,
        backend: &B,
        container: &ResourceKey,
        steps: &[Step<S>],
        planned: u64,
    ) -> Result<Written> {
        let unit = self.unit(container);
        let (reply, mut result) = oneshot::channel();
        unit.waiting.lock().push(Request { steps: steps.to_vec(), planned, span: Span::current(), reply });
        let mut history = unit.history.lock().await;
        history.end(|| self.tick());
        if let Some(answer) = answer(&mut result) {
            return answer;
        }
        let requests = std::mem::take(&mut *unit.waiting.lock());
        serve(backend, still_valid(requests, &mut history)).await;
        history.end(|| self.tick());
        answer(&mut result).unwrap_or_else(|| Err(abandoned(container)))
    }

    fn unit(&self, key: &ResourceKey) -> Arc<Unit<S>> {
        let mut units = self.units.lock();
        let unit = units.entry(key.clone()).or_insert_with(|| {
            Arc::new(Unit { history: tokio::sync::Mutex::default(), waiting: Mutex::default() })
        });
        unit.clone()
    }

    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// The answer, if there is one by now. A writer that was cancelled leaves its requests unanswered.
fn answer(result: &mut oneshot::Receiver<Result<Written>>) -> Option<Result<Written>> {
    match result.try_recv() {
        Ok(answer) => Some(answer),
        Err(oneshot::error::TryRecvError::Empty) => None,
        Err(oneshot::error::TryRecvError::Closed) => {
            let message = "the write that this change was folded into was cancelled";
            Some(Err(Error::new(ErrorKind::Unavailable, message).with_effect(Effect::Unknown)))
        }
    }
}

/// Drops requests that nobody waits for any more, sends back those whose plan is stale, and notes
/// what of the rest is shared.
fn still_valid<S: Spec>(requests: Vec<Request<S>>, history: &mut History<S>) -> Vec<Request<S>> {
    let mut valid = Vec::with_capacity(requests.len());
    for request in requests.into_iter().filter(|request| !request.reply.is_closed()) {
        if history.outdates(&request.steps, request.planned) {
            send(request, Ok(Written::Stale));
        } else {
            history.begin(&request.steps);
            valid.push(request);
        }
    }
    valid
}

/// One write for all requests; if the cloud refuses it, one each, so that one bad request fails alone.
async fn serve<B: Backend>(backend: &B, requests: Vec<Request<B::Spec>>) {
    let all: Vec<Step<B::Spec>> = requests.iter().flat_map(|request| request.steps.clone()).collect();
    if all.is_empty() {
        return;
    }
    link(&requests);
    match apply(backend, &all).await {
        Ok(applied) => {
            let mut applied = applied.into_iter();
            for request in requests {
                let own = applied.by_ref().take(request.steps.len()).collect();
                send(request, Ok(Written::Applied(own)));
            }
        }
        Err(error) if requests.len() > 1 && concerns_one_request(&error) => {
            for request in requests {
                let result = apply(backend, &request.steps).await;
                send(request, result.map(Written::Applied));
            }
        }
        Err(error) => {
            for request in requests {
                send(request, Err(error.clone()));
            }
        }
    }
}

/// Leads from the spans of the steps that wait to the one of the step that writes for all, which is the current.
fn link<S>(requests: &[Request<S>]) {
    let writer = Span::current().id();
    for request in requests.iter().filter(|request| request.span.id() != writer) {
        request.span.follows_from(writer.clone());
    }
}

fn send<S>(request: Request<S>, answer: Result<Written>) {
    // Nobody listens any more if the Service's call was cancelled.
    let _ = request.reply.send(answer);
}

async fn apply<B: Backend>(backend: &B, steps: &[Step<B::Spec>]) -> Result<Vec<Applied>> {
    let applied = backend.apply(steps).await?;
    if applied.len() == steps.len() {
        return Ok(applied);
    }
    let message = format!("the provider answered {} steps with {} results", steps.len(), applied.len());
    Err(Error::new(ErrorKind::Internal, message).with_effect(Effect::Unknown))
}

fn concerns_one_request(error: &Error) -> bool {
    use ErrorKind::{InUse, InvalidInput, NotFound, Ownership, Quota, Unsupported};
    let kinds = [InUse, InvalidInput, NotFound, Ownership, Quota, Unsupported];
    error.effect() == Effect::None && kinds.contains(&error.kind())
}

fn abandoned(container: &ResourceKey) -> Error {
    Error::new(ErrorKind::Internal, "a folded write gave no answer").on(container.to_string())
}
