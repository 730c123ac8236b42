//! The toy world as a backend, with hooks to stop time, fail calls and watch writes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use cloud_lb_core::backend::{Applied, Backend, Everything, Scope};
use cloud_lb_core::engine::Engine;
use cloud_lb_core::graph::Graph;
use cloud_lb_core::model::{
    IpFamily, LoadBalancer, Node, NodeList, Protocol, ServiceId, SessionAffinity, Status, TrafficPolicy,
};
use cloud_lb_core::plan::{Change, Observed, Step};
use cloud_lb_core::provider::{Capabilities, Pending, State, TargetScope};
use cloud_lb_core::{Error, ErrorKind, Result};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::toy::{Toy, change};
use crate::world::World;

#[derive(Debug)]
pub(crate) struct Toys {
    pub(crate) world: Mutex<World>,
    /// What each Service wants, by UID.
    pub(crate) wanted: Mutex<BTreeMap<String, Graph<Toy>>>,
    /// Writes so far: the steps of each.
    pub(crate) writes: Mutex<Vec<Vec<String>>>,
    /// What the next writes answer; `None` lets one pass.
    pub(crate) answers: Mutex<VecDeque<Option<Error>>>,
    /// Kinds on which the cloud is still at work after a step: nothing is known of them yet.
    pub(crate) slow: Mutex<BTreeSet<&'static str>>,
    /// Each write uses up one permit.
    pub(crate) gate: Semaphore,
    capabilities: Capabilities,
}

pub(crate) type ToyEngine = Arc<Engine<Toys>>;

pub(crate) fn engine(wanted: impl IntoIterator<Item = (&'static str, Graph<Toy>)>) -> ToyEngine {
    let wanted = wanted.into_iter().map(|(uid, graph)| (uid.to_owned(), graph));
    Arc::new(Engine::new(Toys {
        world: Mutex::default(),
        wanted: Mutex::new(wanted.collect()),
        writes: Mutex::default(),
        answers: Mutex::default(),
        slow: Mutex::default(),
        gate: Semaphore::new(1000),
        capabilities: capabilities(),
    }))
}

fn capabilities() -> Capabilities {
    Capabilities {
        protocols: [Protocol::Tcp].into(),
        families: [IpFamily::V4].into(),
        dual_stack: false,
        mixed_protocols: false,
        session_affinity: false,
        source_ranges: false,
        requested_address: false,
        pod_targets: true,
        readiness_gates: None,
        target_scope: TargetScope::LoadBalancer,
        needs_provider_id: false,
        node_fields: [].into(),
        annotation_prefixes: vec![],
    }
}

pub(crate) fn service(uid: &str) -> ServiceId {
    let [cluster, namespace, name, uid] = ["c", "default", uid, uid].map(str::to_owned);
    ServiceId { cluster, namespace, name, uid }
}

pub(crate) fn lb(uid: &str) -> LoadBalancer {
    LoadBalancer {
        service: service(uid),
        ports: vec![],
        families: vec![IpFamily::V4],
        affinity: SessionAffinity::None,
        source_ranges: vec![],
        source_ranges_given: false,
        traffic_policy: TrafficPolicy::Cluster,
        requested_address: None,
        class: None,
        node_ports: true,
        annotations: BTreeMap::new(),
        nodes: NodeList::default(),
        endpoints: vec![],
    }
}

impl Toys {
    pub(crate) fn want(&self, uid: &str, graph: Graph<Toy>) {
        self.wanted.lock().insert(uid.to_owned(), graph);
    }

    /// The writes since the last call, each as its steps.
    pub(crate) fn take_writes(&self) -> Vec<String> {
        std::mem::take(&mut *self.writes.lock()).iter().map(|steps| steps.join(", ")).collect()
    }

    pub(crate) fn answer(&self, answers: impl IntoIterator<Item = Option<Error>>) {
        self.answers.lock().extend(answers);
    }

    /// From now on writes wait for [`Toys::resume`].
    pub(crate) fn pause(&self) {
        self.gate.forget_permits(usize::MAX);
    }

    pub(crate) fn resume(&self) {
        self.gate.add_permits(1000);
    }

    fn carry_out(&self, steps: &[Step<Toy>]) -> Result<Vec<Applied>> {
        let mut world = self.world.lock().clone();
        let slow = self.slow.lock();
        let mut applied = Vec::new();
        for step in steps {
            let mut one = world.apply(step)?;
            if slow.contains(step.key.kind) {
                one.outputs.clear();
                one.pending = Some(pending());
            }
            applied.push(one);
        }
        *self.world.lock() = world;
        Ok(applied)
    }
}

pub(crate) fn pending() -> Pending {
    Pending { retry_after: Duration::from_secs(3), reason: "the cloud is at work".to_owned() }
}

impl Backend for Toys {
    type Spec = Toy;
    type Facts = ();

    fn name(&self) -> &'static str {
        "toys"
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn load_balancer_name(&self, service: &ServiceId) -> String {
        service.uid.clone()
    }

    fn takes(&self, lb: &LoadBalancer) -> bool {
        lb.class.is_none()
    }

    fn check_deletion(&self, _: &ServiceId, _: &BTreeMap<String, String>) -> Result<()> {
        Ok(())
    }

    async fn resolve(&self, _: &LoadBalancer) -> Result<()> {
        Ok(())
    }

    fn build(&self, lb: &LoadBalancer, (): &()) -> Result<Graph<Toy>> {
        let wanted = self.wanted.lock().get(&lb.service.uid).cloned();
        wanted.ok_or_else(|| Error::new(ErrorKind::InvalidInput, "the test says not what it wants"))
    }

    fn build_shared_targets(&self, _: &[Node], _: &Observed<Toy>) -> Result<Graph<Toy>> {
        Ok(Graph::new())
    }

    async fn observe(&self, scope: Scope<'_>) -> Result<Observed<Toy>> {
        // So that calls of several Services interleave.
        tokio::task::yield_now().await;
        let observed = match scope {
            Scope::Service(service) | Scope::Deletion(service) => self.world.lock().observe(&service.uid),
            Scope::Cluster => self.world.lock().observe(""),
        };
        tokio::task::yield_now().await;
        Ok(observed)
    }

    async fn observe_all(&self, services: &[&LoadBalancer]) -> Result<Everything<Toy>> {
        let world = self.world.lock();
        let observed = services.iter().map(|lb| Ok(world.observe(&lb.service.uid))).collect();
        Ok(Everything { observed, owned: vec![] })
    }

    fn change(&self, have: &Toy, want: &Toy) -> Change {
        change(have, want)
    }

    fn state(&self, have: &Observed<Toy>) -> State {
        if have.is_absent() { State::Absent } else { State::Ready(Status::default()) }
    }

    async fn apply(&self, steps: &[Step<Toy>]) -> Result<Vec<Applied>> {
        let shown = steps.iter().map(|step| format!("{} {}", step.action.op(), step.key.kind));
        self.writes.lock().push(shown.collect());
        self.gate.acquire().await.unwrap().forget();
        let answer = self.answers.lock().pop_front().flatten();
        answer.map_or_else(|| self.carry_out(steps), Err)
    }
}
