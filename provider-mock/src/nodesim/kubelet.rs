//! The machines of the simulation as the embedded API sees them.

mod addresses;
mod objects;
mod view;

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::task::AbortOnDropHandle;

use super::{NodeSim, now};
use crate::apiserver::{ApiError, ApiServer, Resource};
use crate::net::{IpFamily, Net};
use addresses::HeldAddresses;
use view::{View, addresses, is_leaving, key, node_of, pod_addresses};

/// How often a node says that it lives, as the kubelet's `nodeStatusReportFrequency`.
///
/// Node Leases, which a kubelet renews each 10 s, are left out: nothing here reads them.
const HEARTBEAT: Duration = Duration::from_mins(5);
/// After a write that was refused or a socket that could not be bound.
const RETRY: Duration = Duration::from_millis(500);
/// Scheduling, running and seeing that all is done take three; the rest is for others who write meanwhile.
const PASSES: usize = 10;

/// The scheduler and the kubelets of a simulated cluster, until dropped.
///
/// Follows the embedded API level-triggered: pods without a node get one in turn, pods on a node get addresses, run
/// and are reported `Running` and, once their readiness gates are open, `Ready`; nodes and pods that go are switched off. Only Nodes with an address of
/// this network are simulated; other Nodes and the pods on them are left alone.
#[derive(Debug)]
pub struct Kubelets {
    shared: Arc<Shared>,
    _task: AbortOnDropHandle<()>,
}

#[derive(Debug)]
struct Shared {
    api: ApiServer,
    net: Net,
    sim: NodeSim,
    /// Held while the API is followed, so that one does it at a time.
    held: tokio::sync::Mutex<HeldAddresses>,
}

/// Why nodes could not be registered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// No address is free.
    #[error("no address for a node")]
    Address(#[from] io::Error),
    /// The API refused a Node.
    #[error("the API refused a node")]
    Refused(#[from] ApiError),
}

impl Kubelets {
    /// Begins to follow the API; must be called within a tokio runtime.
    pub fn start(api: ApiServer, net: Net) -> Self {
        let sim = NodeSim::new(net.clone());
        let shared = Arc::new(Shared { api, net, sim, held: tokio::sync::Mutex::default() });
        let task = AbortOnDropHandle::new(tokio::spawn(shared.clone().follow()));
        Self { shared, _task: task }
    }

    /// Adds Nodes `node-1`, `node-2`, … (the next free names) with an address of each family; returns their names.
    ///
    /// They are spread over the zones `zone-a`, `zone-b` and `zone-c`, have the provider ID `mock://<zone>/<name>`
    /// and are Ready.
    ///
    /// # Errors
    /// When the addresses are used up or the API refuses a Node; nodes added before stay.
    pub async fn register_nodes(
        &self,
        count: usize,
        families: &[IpFamily],
    ) -> Result<Vec<String>, RegisterError> {
        let mut names = Vec::new();
        let mut index = 0;
        while names.len() < count {
            let name = format!("node-{}", index + 1);
            if self.shared.api.get(Resource::Nodes, "", &name).is_none() {
                self.shared.register(index, families)?;
                names.push(name);
            }
            index += 1;
        }
        self.shared.reconcile().await;
        Ok(names)
    }

    /// Switches a machine off: its connections are reset, its Node becomes `Unknown` and its pods not ready.
    ///
    /// All of it is done when this returns; a real node controller would take 40 s to notice.
    pub async fn kill(&self, node: &str) {
        self.shared.sim.kill(node).await;
        self.shared.reconcile().await;
    }

    /// Switches a machine on again, with the pods that are still assigned to it.
    pub async fn revive(&self, node: &str) {
        // What could not be bound is tried again, and reported, by `reconcile`.
        let _ = self.shared.sim.revive(node).await;
        self.shared.reconcile().await;
    }

    /// The machines that were switched off with [`Kubelets::kill`].
    pub async fn dead(&self) -> BTreeSet<String> {
        self.shared.sim.dead().await
    }

    /// Follows the API up to what it says now, instead of soon; false if something has to be tried again.
    pub async fn settle(&self) -> bool {
        self.shared.reconcile().await
    }
}

impl Shared {
    async fn follow(self: Arc<Self>) {
        let mut changes = self.api.changes();
        let mut heartbeats = interval(HEARTBEAT);
        heartbeats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeats.tick().await;
        loop {
            changes.borrow_and_update();
            let settled = self.reconcile().await;
            tokio::select! {
                biased;
                more = changes.changed() => {
                    if more.is_err() {
                        return;
                    }
                }
                () = sleep(RETRY), if !settled => {}
                _ = heartbeats.tick() => self.heartbeat().await,
            }
        }
    }

    /// Passes until there is nothing left to write; false if something has to be tried again.
    async fn reconcile(&self) -> bool {
        let mut held = self.held.lock().await;
        for _ in 0..PASSES {
            let (writes, served) = self.pass(&mut held).await;
            if writes == Writes::default() {
                return served;
            }
        }
        false
    }

    /// Nodes, scheduling, pods, sockets: all from one look at the API.
    async fn pass(&self, held: &mut HeldAddresses) -> (Writes, bool) {
        let view = View::read(&self.api, &self.net);
        let dead = self.sim.dead().await;
        let mut writes = Writes::default();
        self.report_machines(&view, &dead, &mut writes);
        self.schedule(&view, &mut writes);
        self.run_pods(&view, &dead, (held, &mut writes));
        self.report_gates(&view, &dead, &mut writes);
        let gone = held.take_gone(&view, &self.net);
        let served = self.sim.sync(view.cluster()).await;
        // Only now nothing listens on them any more.
        for address in gone {
            self.net.release_address(address);
        }
        if let Err(error) = &served {
            tracing::warn!(%error, "some sockets of the simulated machines are not served");
        }
        (writes, served.is_ok())
    }

    fn register(&self, index: usize, families: &[IpFamily]) -> Result<(), RegisterError> {
        let addresses: Vec<IpAddr> =
            families.iter().map(|family| self.net.node_address(*family)).collect::<io::Result<_>>()?;
        let node = objects::node(index, &addresses, now());
        let registered = self.api.create(Resource::Nodes, node.clone()).and_then(|mut created| {
            put(&mut created, "status", node.get("status").cloned().unwrap_or_default());
            self.api.update_status(Resource::Nodes, created)
        });
        if let Err(error) = registered {
            for address in addresses {
                self.net.release_address(address);
            }
            return Err(error.into());
        }
        Ok(())
    }

    /// Nodes and pods are not ready while their machine is off.
    fn report_machines(&self, view: &View, dead: &BTreeSet<String>, writes: &mut Writes) {
        for machine in view.machines() {
            let alive = !dead.contains(machine.node);
            if !objects::is_due(alive, machine.ready) {
                continue;
            }
            let (namespace, name) = machine.key;
            let Some(mut object) = self.api.get(machine.resource, namespace, name) else { continue };
            objects::follow_machine(&mut object, alive, machine.lost, now());
            writes.count(self.api.update_status(machine.resource, object));
        }
    }

    fn schedule(&self, view: &View, writes: &mut Writes) {
        for (pod, node) in view.schedule() {
            let (namespace, name) = key(pod);
            let Some(mut object) = self.api.get(Resource::Pods, namespace, name) else { continue };
            if let Some(spec) = object.get_mut("spec") {
                put(spec, "nodeName", json!(node));
            }
            writes.count(self.api.update(Resource::Pods, object));
        }
    }

    /// Gives addresses to pods that have none, and reports them running.
    fn run_pods(
        &self,
        view: &View,
        dead: &BTreeSet<String>,
        (held, writes): (&mut HeldAddresses, &mut Writes),
    ) {
        for pod in view.pods.iter().filter(|pod| pod_addresses(pod).is_empty() && !is_leaving(pod)) {
            let living = node_of(pod).filter(|name| !dead.contains(*name));
            let Some(node) = living.and_then(|name| view.node(name)) else { continue };
            let host = addresses(node);
            let Some(own) = held.for_pod(pod, &host, &self.net) else {
                writes.refused += 1;
                continue;
            };
            let (namespace, name) = key(pod);
            let Some(mut object) = self.api.get(Resource::Pods, namespace, name) else { continue };
            put(&mut object, "status", objects::pod_status(pod, &own, &host, now()));
            writes.count(self.api.update_status(Resource::Pods, object));
        }
    }

    /// Pods with readiness gates are ready while all of these are open.
    fn report_gates(&self, view: &View, dead: &BTreeSet<String>, writes: &mut Writes) {
        for pod in view.pods.iter().filter(|pod| objects::gates_are_due(pod) && !is_leaving(pod)) {
            let living = node_of(pod).filter(|name| !dead.contains(*name));
            if living.and_then(|name| view.node(name)).is_none() {
                continue;
            }
            let (namespace, name) = key(pod);
            let Some(mut object) = self.api.get(Resource::Pods, namespace, name) else { continue };
            let Some(status) = object.get_mut("status") else { continue };
            objects::follow_gates(status, now());
            writes.count(self.api.update_status(Resource::Pods, object));
        }
    }

    async fn heartbeat(&self) {
        let dead = self.sim.dead().await;
        for node in View::read(&self.api, &self.net).nodes {
            let name = node.metadata.name.unwrap_or_default();
            let living = Some(&name).filter(|name| !dead.contains(*name));
            if let Some(mut object) = living.and_then(|name| self.api.get(Resource::Nodes, "", name)) {
                objects::heartbeat(&mut object, now());
                Writes::default().count(self.api.update_status(Resource::Nodes, object));
            }
        }
    }
}

fn put(object: &mut Value, field: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(field.to_owned(), value);
    }
}

/// What one pass wrote.
#[derive(Debug, Default, PartialEq, Eq)]
struct Writes {
    done: usize,
    refused: usize,
}

impl Writes {
    /// A refused write is tried again with the next pass, which reads anew.
    fn count(&mut self, result: Result<Value, ApiError>) {
        match result {
            Ok(_) => self.done += 1,
            Err(error) => {
                tracing::debug!(%error, "a kubelet's write was refused");
                self.refused += 1;
            }
        }
    }
}
