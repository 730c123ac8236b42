//! Machines on loopback: nodes with a kube-proxy, and pods that answer.
//!
//! [`NodeSim::sync`] takes the wanted [`Cluster`] and is level-triggered. Every node listens on the nodePorts of all
//! Services and forwards to their endpoints as kube-proxy would, answers for itself on port 10256, and for Services
//! with `externalTrafficPolicy: Local` on their health check port. Every pod speaks HTTP on its TCP ports (a line
//! of JSON that names pod, node and client; bodies are echoed) and echoes datagrams on its UDP ports.
//!
//! [`Kubelets`] ties the machines to the embedded API: it schedules pods, runs them and reports.
//!
//! Where kube-proxy would drop packets for want of an endpoint, TCP connections are reset: same end, sooner.

mod cluster;
mod health;
mod http;
mod kubelet;
mod pod;
mod proxy;
mod running;
mod wanted;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;

use futures::future::join_all;
use jiff::Timestamp;
use parking_lot::Mutex;

pub use cluster::{Cluster, PodIdentity, SimNode, SimPod};
pub use kubelet::{Kubelets, RegisterError};
pub use wanted::NODE_HEALTH_PORT;

use crate::net::{Net, Transport};
use running::Running;
use wanted::{Sockets, Wanted};

/// The machines of a cluster; see the module's description. All tasks end with it.
#[derive(Debug)]
pub struct NodeSim {
    net: Net,
    /// What `sync`, `kill` and `revive` were last told; held while they work, so that one works at a time.
    told: tokio::sync::Mutex<Told>,
    running: Mutex<BTreeMap<(SocketAddr, Transport), Running>>,
}

#[derive(Debug, Default)]
struct Told {
    cluster: Cluster,
    dead: BTreeSet<String>,
}

/// Some sockets could not be served; all others are.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.describe())]
pub struct SyncError {
    /// The sockets, each with the reason.
    pub failures: Vec<(SocketAddr, Transport, io::Error)>,
}

impl SyncError {
    fn describe(&self) -> String {
        let each = |(address, transport, error): &(SocketAddr, Transport, io::Error)| {
            format!("{transport} {address}: {error}")
        };
        self.failures.iter().map(each).collect::<Vec<_>>().join("; ")
    }
}

impl NodeSim {
    /// A simulation without machines.
    pub fn new(net: Net) -> Self {
        Self { net, told: tokio::sync::Mutex::default(), running: Mutex::default() }
    }

    /// Serves exactly this cluster, but for the machines that were killed.
    ///
    /// Connections through a nodePort go on when endpoints change, as long as their pod lives.
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    /// Names the sockets that could not be bound or that two things claim; the rest is served.
    ///
    /// # Cancel safety
    /// When dropped half-way, some sockets are served and some are not; the next call puts that right.
    pub async fn sync(&self, cluster: Cluster) -> Result<(), SyncError> {
        let mut told = self.told.lock().await;
        told.cluster = cluster;
        self.serve(&told).await
    }

    /// Switches a machine off: its sockets close and its connections are reset before this returns.
    ///
    /// Its pods die with it. Unknown names are remembered, and stay off when they appear.
    pub async fn kill(&self, node: &str) {
        let mut told = self.told.lock().await;
        told.dead.insert(node.to_owned());
        self.stop(|_, running| running.node == node).await;
    }

    /// Switches a machine on again; errors as [`NodeSim::sync`].
    pub async fn revive(&self, node: &str) -> Result<(), SyncError> {
        let mut told = self.told.lock().await;
        told.dead.remove(node);
        self.serve(&told).await
    }

    /// The machines that are switched off.
    pub async fn dead(&self) -> BTreeSet<String> {
        self.told.lock().await.dead.clone()
    }

    /// Switches all machines off and forgets the cluster.
    pub async fn shutdown(&self) {
        let mut told = self.told.lock().await;
        *told = Told::default();
        self.stop(|_, _| true).await;
    }

    async fn serve(&self, told: &Told) -> Result<(), SyncError> {
        let Sockets { by_address, conflicts } = Sockets::of(&told.cluster, &told.dead);
        let changed =
            |key: &_, running: &Running| by_address.get(key).is_some_and(|wanted| running.change(wanted));
        self.stop(|key, running| !changed(key, running)).await;
        let claimed = |(address, transport)| {
            (address, transport, io::Error::new(io::ErrorKind::AddrInUse, "claimed twice in the cluster"))
        };
        let mut failures: Vec<_> = conflicts.into_iter().map(claimed).collect();
        for ((address, transport), wanted) in by_address {
            if let Err(error) = self.start(address, transport, wanted) {
                failures.push((address, transport, error));
            }
        }
        if failures.is_empty() { Ok(()) } else { Err(SyncError { failures }) }
    }

    fn start(&self, address: SocketAddr, transport: Transport, wanted: Wanted) -> io::Result<()> {
        let mut running = self.running.lock();
        if let Entry::Vacant(free) = running.entry((address, transport)) {
            free.insert(Running::start(&self.net, address, transport, wanted)?);
        }
        Ok(())
    }

    async fn stop(&self, ends: impl Fn(&(SocketAddr, Transport), &Running) -> bool) {
        let ended: Vec<_> = self.running.lock().extract_if(.., |key, running| ends(key, running)).collect();
        // All at once: each is told to end before any is waited for.
        join_all(ended.into_iter().map(|(_, running)| running.server.stop())).await;
    }
}

/// The wall clock of all machines: what they write into objects and answers, never what they decide by.
fn now() -> Timestamp {
    Timestamp::now()
}
