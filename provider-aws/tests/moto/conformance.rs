//! The behaviour suite of the core on moto, over real HTTP.
//!
//! What makes tens of thousands of calls runs on the fake alone, because each takes moto some milliseconds:
//! here every change is made as planned, and those in `STOPPED` are stopped after every write. Also on the
//! fake alone: slow clouds, since moto makes load balancers at once; cancellation at every await; random
//! walks, which come by the changes of `UNSUPPORTED`; the errors of failed writes, since an answer over HTTP
//! that is lost is `Timeout` only after 30 s (the error table is held in `tests/wire`). What moto cannot do is
//! listed with the reason, and the list is exact.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cloud_lb_core::call::Access;
use cloud_lb_core::conformance::{
    self, Calls, Fault, Harness, Pace, Recorder, Transition, Verdict, Worlds, fixtures,
};
use cloud_lb_core::engine::Engine;
use cloud_lb_core::model::ServiceId;
use cloud_lb_core::provider::LoadBalancerProvider;
use provider_aws::{Aws, Config, Sdk};
use serde_json::Value;
use tokio::runtime::Handle;

use crate::account::Account;
use crate::dressed::Dressed;

const NO_MODIFY: &str = "moto's ModifyListener knows TCP alone (`moto/elbv2/models.py`, `modify_listener`)";

/// Changes that cannot be followed here, and why.
const UNSUPPORTED: [(&str, &str); 3] = [
    ("TCP becomes UDP", NO_MODIFY),
    ("UDP beside TCP", NO_MODIFY),
    ("traffic policy Local", "moto's ModifyTargetGroup forgets the matcher (`modify_target_group`)"),
];

struct Motos;

/// The suite's harness is synchronous where it looks at the cloud.
fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| Handle::current().block_on(work))
}

impl Worlds for Motos {
    /// moto makes load balancers at once: there is no slow one.
    fn make(&self, _: Pace) -> Box<dyn Harness> {
        wait(async {
            let account = Account::usual().await.unwrap();
            let recorder = Arc::new(Recorder::default());
            let config = Config::for_cluster(fixtures::CLUSTER);
            let engine = Arc::new(account.engine(config).await.with_observer(recorder.clone()));
            let instance_ids = account.instance_ids();
            let provider = Arc::new(Dressed { provider: engine.clone(), instance_ids });
            let world = World { account, engine, provider, recorder };
            Box::new(world) as Box<dyn Harness>
        })
    }
}

struct World {
    account: Account,
    engine: Arc<Engine<Aws<Sdk>>>,
    provider: Arc<Dressed>,
    recorder: Arc<Recorder>,
}

#[async_trait]
impl Harness for World {
    fn provider(&self) -> Arc<dyn LoadBalancerProvider> {
        self.provider.clone()
    }

    fn calls(&self) -> Calls {
        self.account.proxy.calls()
    }

    fn take_steps(&self) -> Vec<String> {
        self.recorder.take()
    }

    fn stop_after_writes(&self, writes: u64) {
        self.account.proxy.stop_after_writes(writes);
    }

    fn fail_write(&self, nth: u64, fault: Fault) {
        self.account.proxy.fail(nth, Access::Write, fault);
    }

    fn fail_read(&self, nth: u64, fault: Fault) {
        self.engine.backend().forget();
        self.account.proxy.fail(nth, Access::Read, fault);
    }

    fn recover(&self) {
        self.account.proxy.recover();
    }

    /// Load balancers with their listeners, target groups with their targets, and the security groups that
    /// were not there before. Neither marks nor users are settings.
    fn resources(&self) -> BTreeMap<String, Value> {
        let seen = wait(self.account.seen());
        let of = |kind: &str| seen.get(kind).cloned().unwrap_or_default();
        let mut all = of("LoadBalancer");
        for listener in of("Listener").into_values() {
            let lb = all.get_mut(listener["LoadBalancerArn"].as_str().unwrap()).unwrap();
            let port = format!("Listener {}", listener["Port"]);
            lb[port] = unmarked(listener);
        }
        for (arn, mut group) in of("TargetGroup") {
            group["Targets"] = of("Targets")[&arn]["Targets"].clone();
            all.insert(arn, group);
        }
        let is_ours = |group: &Value| group["Description"].as_str().unwrap().starts_with("[k8s]");
        all.extend(of("SecurityGroup").into_iter().filter(|(_, group)| is_ours(group)));
        all.into_iter().map(|(id, settings)| (id, unmarked(settings))).collect()
    }

    fn tamper(&self, id: &str) -> bool {
        let tampered = wait(self.account.tamper(id));
        self.engine.backend().forget();
        tampered
    }

    fn remove(&self, id: &str) {
        wait(self.account.remove(id));
        self.engine.backend().forget();
    }

    fn estrange(&self, id: &str) -> bool {
        wait(self.account.estrange(id));
        self.engine.backend().forget();
        true
    }

    fn duplicate(&self, id: &str) -> bool {
        let duplicated = wait(self.account.duplicate(id));
        self.engine.backend().forget();
        duplicated
    }

    fn targets(&self, service: &ServiceId) -> BTreeMap<String, bool> {
        let ids = wait(self.account.targets_of(&service.path()));
        ids.iter().map(|id| (self.provider.node_of(id), false)).collect()
    }

    /// Nothing in moto depends on time.
    async fn pass_time(&self, _: Duration) {}
}

fn unmarked(mut settings: Value) -> Value {
    settings.as_object_mut().unwrap().remove("Tags");
    settings
}

fn transition(name: &str) -> Transition {
    let capabilities = Motos.make(Pace::Instant).provider().capabilities().clone();
    conformance::transitions(&capabilities).into_iter().find(|one| one.name == name).unwrap()
}

fn moto() -> bool {
    let is_there = std::env::var_os("MOTO_ENDPOINT").is_some_and(|url| !url.is_empty());
    if !is_there {
        println!("skipped: MOTO_ENDPOINT is not set");
    }
    is_there
}

#[track_caller]
fn holds(what: &str, verdict: Verdict) {
    if let Err(failure) = verdict {
        panic!("{what}: {failure}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_change_is_done_as_planned() {
    if !moto() {
        return;
    }
    let capabilities = Motos.make(Pace::Instant).provider().capabilities().clone();
    let mut failed = BTreeMap::new();
    for change in conformance::transitions(&capabilities) {
        if let Err(failure) = change.is_done_as_planned(&Motos).await {
            failed.insert(change.name, failure.to_string());
        }
    }
    let names: BTreeSet<&str> = failed.keys().copied().collect();
    assert_eq!(names, UNSUPPORTED.iter().map(|(name, _)| *name).collect(), "{failed:#?}");
}

/// Changes that make, change and remove every kind of resource.
const STOPPED: [&str; 3] = ["create", "delete", "all ports changed"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stops_after_any_write_are_repaired() {
    for name in STOPPED.into_iter().filter(|_| moto()) {
        holds(name, transition(name).survives_stops(&Motos, Pace::Instant).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deletes_after_any_write_leave_nothing() {
    for name in ["create", "delete"].into_iter().filter(|_| moto()) {
        holds(name, transition(name).is_deleted_after_stops(&Motos, Pace::Instant).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_answers_of_any_write_are_repaired() {
    for name in ["create", "delete"].into_iter().filter(|_| moto()) {
        holds(name, transition(name).survives_timeouts(&Motos, 1).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lives_of_services() {
    if !moto() {
        return;
    }
    holds("nothing at first", conformance::nothing_is_there_at_first(&Motos).await);
    holds("at once", conformance::services_come_and_go_at_once(&Motos).await);
    holds("side by side", conformance::services_do_not_touch_each_other(&Motos).await);
    holds("listed", conformance::everything_owned_is_listed(&Motos).await);
    holds("no targets", conformance::targets_of_nothing_are_not_found(&Motos).await);
    holds("new nodes", conformance::nodes_change_with_few_writes(&Motos).await);
    holds("unsupported", conformance::unsupported_is_refused(&Motos).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_do_is_seen() {
    if !moto() {
        return;
    }
    holds("changed", conformance::changed_settings_are_repaired(&Motos).await);
    holds("removed", conformance::removed_resources_are_repaired(&Motos).await);
    holds("foreign", conformance::foreign_resources_are_left_alone(&Motos).await);
    holds("failed reads", conformance::failed_reads_write_nothing(&Motos).await);
}
