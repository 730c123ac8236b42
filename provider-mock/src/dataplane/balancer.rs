//! Choosing a backend for each new flow.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::affinity::AffinityTable;
use super::frontend::{Affinity, BackendTarget, Frontend, NoneHealthy};
use super::health::{HealthState, Tally};

/// One backend with its health and its counters; flows hold it for as long as they last.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) id: String,
    pub(crate) address: SocketAddr,
    pub(crate) tally: Mutex<Tally>,
    /// Cancelled when flows to this target must end.
    pub(crate) closed: CancellationToken,
    active: AtomicUsize,
    total: AtomicU64,
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
}

impl Target {
    pub(crate) fn new(target: &BackendTarget, tally: Tally) -> Arc<Self> {
        Arc::new(Self {
            id: target.id.clone(),
            address: target.address,
            tally: Mutex::new(tally),
            closed: CancellationToken::new(),
            active: AtomicUsize::new(0),
            total: AtomicU64::new(0),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
        })
    }

    pub(crate) fn state(&self) -> HealthState {
        self.tally.lock().state
    }

    pub(crate) fn active(&self) -> usize {
        self.active.load(Ordering::Relaxed)
    }

    pub(crate) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    pub(crate) fn is(&self, wanted: &BackendTarget) -> bool {
        self.id == wanted.id && self.address == wanted.address
    }
}

/// A flow's hold on its target; counts it as active until dropped.
#[derive(Debug)]
pub(crate) struct Lease(Arc<Target>);

impl Lease {
    pub(crate) fn new(target: Arc<Target>) -> Self {
        target.active.fetch_add(1, Ordering::Relaxed);
        target.total.fetch_add(1, Ordering::Relaxed);
        Self(target)
    }

    pub(crate) fn target(&self) -> &Arc<Target> {
        &self.0
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The backends of one frontend, and the choice among them.
#[derive(Debug)]
pub(crate) struct Balancer {
    frontend: RwLock<Arc<Frontend>>,
    choice: Mutex<Choice>,
    refused: AtomicU64,
}

#[derive(Debug, Default)]
struct Choice {
    targets: Vec<Arc<Target>>,
    affinity: AffinityTable,
    turn: usize,
}

impl Balancer {
    /// A balancer without targets; [`Balancer::configure`] brings them.
    pub(crate) fn new(frontend: Frontend) -> Self {
        Self {
            frontend: RwLock::new(Arc::new(frontend)),
            choice: Mutex::default(),
            refused: AtomicU64::new(0),
        }
    }

    pub(crate) fn frontend(&self) -> Arc<Frontend> {
        self.frontend.read().clone()
    }

    /// Takes the frontend's settings and backends, each once, over; targets that stay keep their flows, health and counters.
    ///
    /// Returns the targets that are gone. `make` gives the target of a backend that is new, so that one that is still draining can come back.
    pub(crate) fn configure(
        &self,
        frontend: Frontend,
        mut make: impl FnMut(&BackendTarget) -> Arc<Target>,
    ) -> Vec<Arc<Target>> {
        let mut choice = self.choice.lock();
        let mut old = std::mem::take(&mut choice.targets);
        for wanted in &frontend.backends {
            if choice.targets.iter().any(|target| target.is(wanted)) {
                continue;
            }
            let target = match old.iter().position(|target| target.is(wanted)) {
                Some(index) => old.swap_remove(index),
                None => make(wanted),
            };
            choice.targets.push(target);
        }
        *self.frontend.write() = Arc::new(frontend);
        old
    }

    pub(crate) fn targets(&self) -> Vec<Arc<Target>> {
        self.choice.lock().targets.clone()
    }

    /// The target for a new flow of a client, other than those tried already.
    pub(crate) fn pick(&self, client: IpAddr, tried: &[Arc<Target>]) -> Option<Arc<Target>> {
        let frontend = self.frontend();
        let mut choice = self.choice.lock();
        let usable = usable(&choice.targets, frontend.none_healthy, tried);
        let index = match frontend.affinity {
            Affinity::None => {
                let index = least_loaded(&usable, choice.turn)?;
                choice.turn = index + 1;
                index
            }
            Affinity::ClientIp { timeout } => {
                let ids: Vec<&str> = usable.iter().map(|target| target.id.as_str()).collect();
                choice.affinity.choose(client, &ids, timeout, Instant::now())?
            }
        };
        usable.get(index).cloned()
    }

    /// Whether a UDP session may stay with its target.
    pub(crate) fn keeps(&self, target: &Target) -> bool {
        !target.closed.is_cancelled()
            && (target.state() != HealthState::Unhealthy
                || self.frontend.read().none_healthy == NoneHealthy::TryAll)
    }

    pub(crate) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

fn usable(targets: &[Arc<Target>], none_healthy: NoneHealthy, tried: &[Arc<Target>]) -> Vec<Arc<Target>> {
    let any_healthy = targets.iter().any(|target| target.state() == HealthState::Healthy);
    let fail_open = !any_healthy && none_healthy == NoneHealthy::TryAll;
    let untried = |target: &&Arc<Target>| !tried.iter().any(|done| Arc::ptr_eq(done, target));
    let serving = |target: &&Arc<Target>| fail_open || target.state() == HealthState::Healthy;
    targets.iter().filter(untried).filter(serving).cloned().collect()
}

/// Fewest active flows; among equals, the next in turn.
fn least_loaded(targets: &[Arc<Target>], turn: usize) -> Option<usize> {
    let count = targets.len();
    let in_turn = (0..count).map(|offset| (turn + offset) % count);
    in_turn.min_by_key(|index| targets.get(*index).map(|target| target.active()))
}
