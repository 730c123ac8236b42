//! A cloud that does as it is told and writes down what it was asked.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a helper that fails fails its test"
)]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cloud_lb_core::model::{
    Address, Gate, GateStatus, Ingress, IpFamily, IpMode, LoadBalancer, Node, NodeField, Protocol, ServiceId,
    Status,
};
use cloud_lb_core::plan::{PlanReport, Warning};
use cloud_lb_core::provider::{
    Capabilities, Ensured, Finding, LoadBalancerProvider, Outcome, Owned, OwnedResource, Pending, Standing,
    State, Survey, TargetScope, TargetUpdate, Waiting,
};
use cloud_lb_core::{Error, ErrorKind, Result};
use parking_lot::Mutex;
use provider_mock::apiserver::Resource;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::cluster::Cluster;

/// A method of the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Op {
    Get,
    Ensure,
    Update,
    UpdateCluster,
    Gates,
    Delete,
    Survey,
}

/// What the next call of a method meets instead of the usual.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Fail(Error),
    Pending(Duration, &'static str),
    Elsewhere,
    NoAddress,
    Hang,
    Panic,
}

/// One call.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) op: Op,
    /// Name of the Service; empty for calls about the cluster.
    pub(crate) service: String,
    pub(crate) uid: String,
    pub(crate) nodes: Vec<String>,
    pub(crate) lb: Option<LoadBalancer>,
    pub(crate) at: Instant,
    /// Version of the API's last write before the call.
    pub(crate) version: u64,
    /// Finalizers of the Service at the time of the call.
    pub(crate) finalizers: Vec<String>,
}

#[derive(Debug, Default)]
struct Notes {
    calls: Vec<Call>,
    answers: BTreeMap<Op, VecDeque<Answer>>,
    outage: Option<Error>,
    held: BTreeSet<String>,
    existing: BTreeSet<String>,
    owners: BTreeMap<String, ServiceId>,
    drifted: BTreeSet<String>,
    surveys: Vec<usize>,
    warnings: Vec<Warning>,
    healthy: BTreeSet<String>,
    unregistered: BTreeSet<String>,
    running: BTreeMap<String, usize>,
    most_running: usize,
    overlaps: usize,
}

/// A handle on the cloud; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Cloud {
    notes: Arc<Mutex<Notes>>,
    changes: watch::Sender<u64>,
    capabilities: Capabilities,
    api: Cluster,
}

impl Cloud {
    pub(crate) fn new(api: Cluster) -> Self {
        let capabilities = Capabilities {
            protocols: [Protocol::Tcp, Protocol::Udp, Protocol::Sctp].into(),
            families: [IpFamily::V4, IpFamily::V6].into(),
            dual_stack: true,
            mixed_protocols: true,
            session_affinity: true,
            source_ranges: true,
            requested_address: true,
            pod_targets: false,
            readiness_gates: None,
            target_scope: TargetScope::LoadBalancer,
            needs_provider_id: false,
            node_fields: [NodeField::ProviderId].into(),
            annotation_prefixes: vec!["cloud.example/"],
        };
        Self { notes: Arc::default(), changes: watch::Sender::new(0), capabilities, api }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Capabilities)) -> Self {
        change(&mut self.capabilities);
        self
    }

    /// Tells what the next call of this method meets; several are met one after the other.
    pub(crate) fn next(&self, op: Op, answer: Answer) {
        self.notes.lock().answers.entry(op).or_default().push_back(answer);
    }

    /// Lets every call fail from now on, or none any more.
    pub(crate) fn outage(&self, error: Option<Error>) {
        self.notes.lock().outage = error;
    }

    /// Holds all writing calls for a Service, or the answer to each `survey`, until [`release`](Self::release).
    pub(crate) fn hold(&self, service: &str) {
        self.notes.lock().held.insert(service.to_owned());
    }

    pub(crate) fn release(&self, service: &str) {
        self.notes.lock().held.remove(service);
        self.changed();
    }

    /// Lets a load balancer exist that no call made.
    pub(crate) fn plant(&self, uid: &str) {
        self.notes.lock().existing.insert(uid.to_owned());
    }

    /// Lets a load balancer with its marks exist that no call made.
    pub(crate) fn plant_owned(&self, id: &ServiceId) {
        self.notes.lock().owners.insert(id.uid.clone(), id.clone());
        self.plant(&id.uid);
    }

    /// Lets somebody change a load balancer in the cloud.
    pub(crate) fn drift(&self, uid: &str) {
        self.notes.lock().drifted.insert(uid.to_owned());
    }

    /// Warns of this from now on, and of nothing else.
    pub(crate) fn warn(&self, messages: &[&str]) {
        let warning = |message: &&str| Warning { reason: "Scripted", message: (*message).to_owned() };
        self.notes.lock().warnings = messages.iter().map(warning).collect();
    }

    /// Lets a pod be a healthy target from now on; else it is one that is being checked.
    pub(crate) fn heal(&self, pod: &str) {
        self.notes.lock().healthy.insert(pod.to_owned());
    }

    /// Lets a pod be no target from now on.
    pub(crate) fn refuse(&self, pod: &str) {
        self.notes.lock().unregistered.insert(pod.to_owned());
    }

    /// Of how many Services each survey was; surveys are no calls.
    pub(crate) fn surveys(&self) -> Vec<usize> {
        self.notes.lock().surveys.clone()
    }

    /// All calls.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.notes.lock().calls.clone()
    }

    /// Lets a load balancer be gone that no call deleted.
    pub(crate) fn forget_load_balancer(&self, uid: &str) {
        self.notes.lock().existing.remove(uid);
    }

    /// The calls of a method.
    pub(crate) fn calls_of(&self, op: Op) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.op == op).collect()
    }

    pub(crate) fn count(&self, op: Op) -> usize {
        self.calls_of(op).len()
    }

    pub(crate) fn forget_calls(&self) {
        self.notes.lock().calls.clear();
    }

    pub(crate) fn existing(&self) -> usize {
        self.notes.lock().existing.len()
    }

    /// How many calls for one Service ran while another one for it ran.
    pub(crate) fn overlaps(&self) -> usize {
        self.notes.lock().overlaps
    }

    /// How many calls ran at once at most.
    pub(crate) fn most_running(&self) -> usize {
        self.notes.lock().most_running
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn changed(&self) {
        self.changes.send_modify(|version| *version += 1);
    }

    /// Writes the call down and gives the answer that was told, if any.
    async fn enter(&self, mut call: Call) -> Result<Option<Answer>> {
        if let Some(service) = self.api.get(Resource::Services, "default", &call.service) {
            let finalizers = service["metadata"]["finalizers"].clone();
            call.finalizers = serde_json::from_value(finalizers).unwrap_or_default();
        }
        call.version = self.api.version();
        let (op, service) = (call.op, call.service.clone());
        let _running = self.begin(call);
        self.changed();
        tokio::task::yield_now().await;
        if op != Op::Get {
            self.until_released(&service).await;
        }
        if let Some(error) = self.notes.lock().outage.clone() {
            return Err(error);
        }
        let answer = self.notes.lock().answers.get_mut(&op).and_then(VecDeque::pop_front);
        match answer {
            Some(Answer::Fail(error)) => Err(error),
            Some(Answer::Hang) => std::future::pending().await,
            Some(Answer::Panic) => panic!("the cloud fell down"),
            answer => Ok(answer),
        }
    }

    fn held_against(&self, services: &[LoadBalancer]) -> Result<Survey> {
        let mut notes = self.notes.lock();
        notes.surveys.push(services.len());
        let told = notes.answers.get_mut(&Op::Survey).and_then(VecDeque::pop_front);
        if let Some(error) = notes.outage.clone() {
            return Err(error);
        }
        if let Some(Answer::Fail(error)) = told {
            return Err(error);
        }
        let findings = services.iter().map(|lb| {
            let uid = &lb.service.uid;
            if notes.existing.contains(uid) && !notes.drifted.contains(uid) {
                return Finding::Converged(status());
            }
            Finding::Differs(PlanReport::empty(lb.service.path()))
        });
        let owned = notes.owners.values().filter(|id| notes.existing.contains(&id.uid)).map(|id| Owned {
            service: Some(id.clone()),
            resources: vec![OwnedResource::new("balancer", &id.uid)],
        });
        Ok(Survey { findings: findings.collect(), owned: owned.collect() })
    }

    async fn until_released(&self, what: &str) {
        let mut changes = self.changes.subscribe();
        while self.notes.lock().held.contains(what) {
            changes.changed().await.unwrap();
        }
    }

    fn begin(&self, call: Call) -> Running {
        let service = call.service.clone();
        let mut notes = self.notes.lock();
        notes.calls.push(call);
        let count = notes.running.entry(service.clone()).or_default();
        *count += 1;
        let overlap = *count > 1;
        notes.overlaps += usize::from(overlap);
        let running = notes.running.values().sum();
        notes.most_running = notes.most_running.max(running);
        Running { notes: Arc::clone(&self.notes), service }
    }
}

/// A call that runs.
struct Running {
    notes: Arc<Mutex<Notes>>,
    service: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(count) = self.notes.lock().running.get_mut(&self.service) {
            *count -= 1;
        }
    }
}

fn names(nodes: &[Node]) -> Vec<String> {
    nodes.iter().map(|node| node.name.clone()).collect()
}

fn call(op: Op, id: Option<&ServiceId>) -> Call {
    Call {
        op,
        service: id.map(|id| id.name.clone()).unwrap_or_default(),
        uid: id.map(|id| id.uid.clone()).unwrap_or_default(),
        nodes: Vec::new(),
        lb: None,
        at: Instant::now(),
        version: 0,
        finalizers: Vec::new(),
    }
}

fn outcome(answer: Option<&Answer>) -> Outcome {
    match answer {
        Some(Answer::Pending(retry_after, reason)) => {
            Outcome::Pending(Pending { retry_after: *retry_after, reason: (*reason).to_owned() })
        }
        Some(Answer::Elsewhere) => Outcome::ImplementedElsewhere,
        _ => Outcome::Done,
    }
}

fn standing(answer: Option<&Answer>) -> Standing {
    match outcome(answer) {
        Outcome::Done if matches!(answer, Some(Answer::NoAddress)) => Standing::Ready(Status::default()),
        Outcome::Done => Standing::Ready(status()),
        Outcome::Pending(pending) => Standing::Pending(pending),
        Outcome::ImplementedElsewhere => Standing::ImplementedElsewhere,
    }
}

/// What readiness gates begin with that are filled in; the name of the Service follows.
pub(crate) const GATES: &str = "health.example/";

/// The address that every load balancer gets.
pub(crate) const ADDRESS: &str = "192.0.2.1";

fn status() -> Status {
    let address = Address::Ip(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
    Status { ingress: vec![Ingress { address, ip_mode: Some(IpMode::Vip), ports: Vec::new() }] }
}

fn unplanned() -> Error {
    Error::new(ErrorKind::Unsupported, "this cloud makes no plans")
}

#[async_trait]
impl LoadBalancerProvider for Cloud {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn load_balancer_name(&self, service: &ServiceId) -> String {
        service.uid.clone()
    }

    fn takes(&self, lb: &LoadBalancer) -> bool {
        !lb.annotations.contains_key("cloud.example/elsewhere")
    }

    async fn get(&self, service: &ServiceId) -> Result<State> {
        self.enter(call(Op::Get, Some(service))).await?;
        let exists = self.notes.lock().existing.contains(&service.uid);
        Ok(if exists { State::Ready(status()) } else { State::Absent })
    }

    async fn plan(&self, _: &LoadBalancer) -> Result<PlanReport> {
        Err(unplanned())
    }

    async fn plan_delete(&self, _: &ServiceId) -> Result<PlanReport> {
        Err(unplanned())
    }

    async fn ensure(&self, lb: &LoadBalancer) -> Result<Ensured> {
        let call =
            Call { nodes: names(&lb.nodes), lb: Some(lb.clone()), ..call(Op::Ensure, Some(&lb.service)) };
        let answer = self.enter(call).await?;
        let standing = standing(answer.as_ref());
        if standing == Standing::ImplementedElsewhere {
            return Ok(Ensured { standing, warnings: Vec::new() });
        }
        self.plant_owned(&lb.service);
        let mut notes = self.notes.lock();
        notes.drifted.remove(&lb.service.uid);
        Ok(Ensured { standing, warnings: notes.warnings.clone() })
    }

    async fn update_targets(&self, update: TargetUpdate<'_>) -> Result<Outcome> {
        let call = match update {
            TargetUpdate::LoadBalancer(lb) => {
                Call { nodes: names(&lb.nodes), lb: Some(lb.clone()), ..call(Op::Update, Some(&lb.service)) }
            }
            TargetUpdate::Cluster(nodes) => Call { nodes: names(nodes), ..call(Op::UpdateCluster, None) },
        };
        Ok(outcome(self.enter(call).await?.as_ref()))
    }

    async fn gates(&self, waiting: Waiting<'_>) -> Result<Vec<Gate>> {
        self.enter(call(Op::Gates, Some(waiting.service))).await?;
        let notes = self.notes.lock();
        let ours = format!("{GATES}{}", waiting.service.name);
        let asked = waiting.pods.iter().filter(|pod| pod.gates.contains(&ours));
        let judge = |pod: &str| match (notes.healthy.contains(pod), notes.unregistered.contains(pod)) {
            (true, _) => (GateStatus::Open, "", ""),
            (_, true) => (GateStatus::Unregistered, "NoTarget", "no target"),
            _ => (GateStatus::Closed, "Initial", "being checked"),
        };
        let gates = asked.filter_map(|endpoint| {
            let pod = endpoint.pod.clone()?;
            let (status, reason, message) = judge(&pod);
            let (reason, message) = (reason.to_owned(), message.to_owned());
            Some(Gate { pod, condition: ours.clone(), status, reason, message })
        });
        Ok(gates.collect())
    }

    fn check_deletion(&self, service: &ServiceId, annotations: &BTreeMap<String, String>) -> Result<()> {
        match annotations.get("cloud.example/keep") {
            None => Ok(()),
            Some(_) => Err(Error::new(ErrorKind::InvalidInput, format!("{} is to be kept", service.name))),
        }
    }

    async fn delete(&self, service: &ServiceId) -> Result<Outcome> {
        let answer = self.enter(call(Op::Delete, Some(service))).await?;
        let outcome = outcome(answer.as_ref());
        if outcome == Outcome::Done {
            self.notes.lock().existing.remove(&service.uid);
            self.changed();
        }
        Ok(outcome)
    }

    async fn survey(&self, services: &[LoadBalancer]) -> Result<Survey> {
        tokio::task::yield_now().await;
        let survey = self.held_against(services)?;
        self.changed();
        self.until_released("survey").await;
        Ok(survey)
    }
}
