//! The data plane of the mock cloud: load balancers that really forward TCP and UDP on loopback.
//!
//! [`Dataplane::apply`] takes the wanted frontends and is level-triggered: it starts, changes in place and stops
//! what is needed, and connections that a change does not concern go on. Memory is bounded: each connection copies
//! through two fixed buffers, so that a slow reader slows its sender down and nothing else.
//!
//! All tasks belong to the [`Dataplane`] and end with it.

mod affinity;
pub(crate) mod balancer;
mod frontend;
mod health;
mod pool;
pub(crate) mod proxy_protocol;
pub(crate) mod server;
pub(crate) mod tcp;
mod udp;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use tokio::sync::watch;

pub use frontend::{
    Affinity, BackendTarget, ClientHeader, Frontend, HealthCheck, NoneHealthy, Probe, ProbePort,
    SourceAddress,
};
pub use health::HealthState;
pub(crate) use health::Tally;

use crate::net::{Binding, Net};
use pool::Pool;
use server::Server;
use tcp::Forwarder;

/// Forwards traffic of load balancers; see the module's description.
#[derive(Debug)]
pub struct Dataplane {
    net: Net,
    changes: watch::Sender<u64>,
    /// One `apply` at a time; readers take `running` only.
    applying: tokio::sync::Mutex<()>,
    running: Mutex<BTreeMap<String, Running>>,
}

#[derive(Debug)]
struct Running {
    server: Server,
    pool: Arc<Pool>,
}

/// A frontend that is served.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct BoundFrontend {
    /// The frontend's id.
    pub id: String,
    /// Its logical and its real address.
    pub binding: Binding,
}

/// Some frontends could not be served; all others are.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.describe())]
pub struct ApplyError {
    /// The frontends' ids, each with the reason.
    pub failures: Vec<(String, io::Error)>,
}

impl ApplyError {
    fn describe(&self) -> String {
        let each = |(id, error): &(String, io::Error)| format!("frontend {id}: {error}");
        self.failures.iter().map(each).collect::<Vec<_>>().join("; ")
    }
}

/// The health of one backend of one frontend.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct BackendHealth {
    /// The frontend's id.
    pub frontend: String,
    /// The backend's id.
    pub backend: String,
    /// What is known of the backend.
    pub state: HealthState,
    /// Why its last check failed; none if it did not.
    pub reason: Option<String>,
}

/// What went through one frontend since it was started.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FrontendStats {
    /// The frontend's id.
    pub id: String,
    /// Connections and datagrams that found no backend, no room or no admission.
    pub refused: u64,
    /// Its backends, those that are draining last.
    pub backends: Vec<BackendStats>,
}

/// What went to one backend since it was registered.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct BackendStats {
    /// The backend's id.
    pub id: String,
    /// Connections or UDP sessions that are open now.
    pub active: usize,
    /// Connections or UDP sessions that were ever opened.
    pub total: u64,
    /// Bytes from clients to the backend.
    pub bytes_in: u64,
    /// Bytes from the backend to clients.
    pub bytes_out: u64,
}

impl Dataplane {
    /// A data plane without frontends.
    pub fn new(net: Net) -> Self {
        Self {
            net,
            changes: watch::Sender::new(0),
            applying: tokio::sync::Mutex::default(),
            running: Mutex::default(),
        }
    }

    /// Serves exactly these frontends; returns where each is bound, in the order of their ids.
    ///
    /// A frontend keeps its connections as long as its id, address, port and transport stay; all else changes in
    /// place. Backends that are gone drain; frontends that are gone are closed and their connections reset.
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    /// Names the frontends that could not be bound or that use the id or the address of another; the rest is served.
    ///
    /// # Cancel safety
    /// When dropped half-way, some frontends are served and some are not; the next call puts that right.
    pub async fn apply(&self, frontends: Vec<Frontend>) -> Result<Vec<BoundFrontend>, ApplyError> {
        let _one_at_a_time = self.applying.lock().await;
        let (wanted, mut failures) = distinct(frontends);
        self.stop_others(&wanted).await;
        for frontend in wanted.into_values() {
            let id = frontend.id.clone();
            if let Err(error) = self.start_or_change(frontend) {
                failures.push((id, error));
            }
        }
        if failures.is_empty() { Ok(self.bound()) } else { Err(ApplyError { failures }) }
    }

    /// Closes what is not wanted, or not at this address.
    async fn stop_others(&self, wanted: &BTreeMap<String, Frontend>) {
        let stays = |id: &String, running: &mut Running| {
            let binding = running.server.binding();
            wanted.get(id).is_some_and(|frontend| {
                frontend.socket_address() == binding.logical && frontend.transport == binding.transport
            })
        };
        let gone: Vec<_> = self.running.lock().extract_if(.., |id, running| !stays(id, running)).collect();
        for (_, running) in gone {
            running.server.stop().await;
        }
    }

    fn start_or_change(&self, frontend: Frontend) -> io::Result<()> {
        let mut all = self.running.lock();
        if let Some(running) = all.get(&frontend.id) {
            running.pool.configure(frontend);
            return Ok(());
        }
        let (id, transport, address) = (frontend.id.clone(), frontend.transport, frontend.socket_address());
        let pool = Arc::new(Pool::new(self.net.clone(), self.changes.clone(), frontend));
        let forwarder = Forwarder { net: self.net.clone(), balancer: pool.balancer.clone() };
        let server = Server::forward(forwarder, transport, address)?;
        all.insert(id, Running { server, pool });
        Ok(())
    }

    /// Where each frontend is bound, in the order of their ids.
    pub fn bound(&self) -> Vec<BoundFrontend> {
        let running = self.running.lock();
        let one = |(id, running): (&String, &Running)| BoundFrontend {
            id: id.clone(),
            binding: running.server.binding().clone(),
        };
        running.iter().map(one).collect()
    }

    /// The health of every backend, in the order of frontends and backends.
    pub fn health(&self) -> Vec<BackendHealth> {
        let mut health = Vec::new();
        for (frontend, running) in &*self.running.lock() {
            for target in running.pool.targets() {
                let tally = target.tally.lock();
                let (state, reason) = (tally.state, tally.reason.clone());
                let (frontend, backend) = (frontend.clone(), target.id.clone());
                health.push(BackendHealth { frontend, backend, state, reason });
            }
        }
        health.sort_by(|a, b| (&a.frontend, &a.backend, a.state).cmp(&(&b.frontend, &b.backend, b.state)));
        health
    }

    /// Counts the changes of health and of settings: to wait for one instead of asking again and again.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// What went through each frontend, in the order of their ids.
    pub fn stats(&self) -> Vec<FrontendStats> {
        let running = self.running.lock();
        let one = |(id, running): (&String, &Running)| FrontendStats {
            id: id.clone(),
            refused: running.pool.balancer.refused(),
            backends: running.pool.targets().iter().map(|target| backend_stats(target)).collect(),
        };
        running.iter().map(one).collect()
    }

    /// Closes all frontends and resets their connections.
    pub async fn shutdown(&self) {
        let _one_at_a_time = self.applying.lock().await;
        self.stop_others(&BTreeMap::new()).await;
    }
}

fn backend_stats(target: &balancer::Target) -> BackendStats {
    BackendStats {
        id: target.id.clone(),
        active: target.active(),
        total: target.total(),
        bytes_in: target.bytes_in.load(Ordering::Relaxed),
        bytes_out: target.bytes_out.load(Ordering::Relaxed),
    }
}

/// The frontends by id, and those that use the id or the address of one before them.
fn distinct(frontends: Vec<Frontend>) -> (BTreeMap<String, Frontend>, Vec<(String, io::Error)>) {
    let (mut by_id, mut failures) = (BTreeMap::new(), Vec::new());
    let mut addresses: BTreeSet<(SocketAddr, _)> = BTreeSet::new();
    for frontend in frontends {
        let taken = if by_id.contains_key(&frontend.id) {
            "another frontend has the same id".to_owned()
        } else if addresses.insert((frontend.socket_address(), frontend.transport)) {
            by_id.insert(frontend.id.clone(), frontend);
            continue;
        } else {
            format!("another frontend has {} {}", frontend.transport, frontend.socket_address())
        };
        failures.push((frontend.id, io::Error::new(io::ErrorKind::AddrInUse, taken)));
    }
    (by_id, failures)
}
