//! The behaviour suite of the core, over each shape of the mock cloud.
#![cfg(test)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cloud_lb_core::ErrorKind;
use cloud_lb_core::call::Access;
use cloud_lb_core::conformance::{self, Calls, Harness, Pace, Recorder, Worlds, fixtures};
use cloud_lb_core::model::ServiceId;
use cloud_lb_core::ownership::UID_TAG;
use cloud_lb_core::provider::LoadBalancerProvider;
use provider_mock::{
    CallMatch, Config, Fault, MockCloud, NewResource, Options, Record, Shape, provider_with_observer,
};
use serde_json::Value;

struct Account {
    shape: Shape,
    cloud: MockCloud,
    provider: Arc<dyn LoadBalancerProvider>,
    recorder: Arc<Recorder>,
}

struct Accounts(Shape);

impl Worlds for Accounts {
    fn make(&self, pace: Pace) -> Box<dyn Harness> {
        let provisioning = match pace {
            Pace::Instant => Duration::ZERO,
            Pace::Slow => Duration::from_secs(30),
        };
        let cloud = MockCloud::new(Options::new().with_provisioning(provisioning));
        let recorder = Arc::new(Recorder::default());
        let config = Config::new(fixtures::CLUSTER).with_shape(self.0);
        let provider = provider_with_observer(cloud.clone(), config, recorder.clone()).unwrap();
        Box::new(Account { shape: self.0, cloud, provider, recorder })
    }
}

impl Account {
    fn record(&self, id: &str) -> Record {
        self.cloud.records().into_iter().find(|record| record.id == id).unwrap()
    }

    /// Containers of this shape are found by name; their parts carry marks of their own.
    fn is_container(&self, record: &Record) -> bool {
        self.shape == Shape::Shared && ["LoadBalancer", "SecurityGroup"].contains(&record.kind)
    }

    fn fail(&self, nth: u64, access: Access, fault: conformance::Fault) {
        let fault = match fault {
            conformance::Fault::Throttled => Fault::Fail(ErrorKind::Throttled),
            conformance::Fault::Unavailable => Fault::Fail(ErrorKind::Unavailable),
            conformance::Fault::TimeoutAfterWork => Fault::FailAfterWork(ErrorKind::Timeout),
        };
        self.cloud.faults().on_nth(nth, CallMatch::Access(access), fault);
    }
}

#[async_trait]
impl Harness for Account {
    fn provider(&self) -> Arc<dyn LoadBalancerProvider> {
        self.provider.clone()
    }

    fn calls(&self) -> Calls {
        let calls = self.cloud.calls();
        Calls { reads: calls.total_reads(), writes: calls.total_writes() }
    }

    fn take_steps(&self) -> Vec<String> {
        self.recorder.take()
    }

    fn stop_after_writes(&self, writes: u64) {
        self.cloud.faults().crash_after_writes(writes);
    }

    fn fail_write(&self, nth: u64, fault: conformance::Fault) {
        self.fail(nth, Access::Write, fault);
    }

    fn fail_read(&self, nth: u64, fault: conformance::Fault) {
        self.fail(nth, Access::Read, fault);
    }

    fn recover(&self) {
        self.cloud.faults().clear();
    }

    fn resources(&self) -> BTreeMap<String, Value> {
        self.cloud.records().into_iter().map(|record| (record.id, Value::clone(&record.body))).collect()
    }

    fn tamper(&self, id: &str) -> bool {
        let body = self.record(id).body;
        let mut changes = Vec::new();
        changeable(&body, "", &mut changes);
        changes
            .into_iter()
            .any(|(at, to)| self.cloud.tamper(id, |body| *body.pointer_mut(&at).unwrap() = to).is_ok())
    }

    fn remove(&self, id: &str) {
        self.cloud.remove(id);
    }

    fn estrange(&self, id: &str) -> bool {
        let record = self.record(id);
        if self.is_container(&record) || record.marks().is_empty() {
            return false;
        }
        self.cloud.retag(id, |tags| *tags = [("owner".to_owned(), "them".to_owned())].into()).is_ok()
    }

    fn duplicate(&self, id: &str) -> bool {
        let record = self.record(id);
        if self.is_container(&record) {
            return false;
        }
        let Record { kind, name, tags, description, body, .. } = record;
        let (name, body) = (format!("{name}-copy"), Value::clone(&body));
        let new = NewResource { kind, name, tags, description, body };
        self.cloud.add(new).is_ok()
    }

    fn targets(&self, service: &ServiceId) -> BTreeMap<String, bool> {
        let mut targets = BTreeMap::new();
        for record in self.cloud.records() {
            if record.marks().get(UID_TAG).is_some_and(|uid| *uid != service.uid) {
                continue;
            }
            for target in record.body["targets"].as_array().into_iter().flatten() {
                let name = target["node"].as_str().unwrap().to_owned();
                targets.insert(name, target["draining"].as_bool().unwrap_or_default());
            }
        }
        targets
    }

    async fn pass_time(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

/// Numbers plus one, and lists without their last item, each with where it is.
fn changeable(value: &Value, at: &str, changes: &mut Vec<(String, Value)>) {
    match value {
        Value::Number(number) => {
            let more = number.as_u64().unwrap_or_default() + 1;
            changes.push((at.to_owned(), more.into()));
        }
        Value::Array(items) => {
            if let Some((_, fewer)) = items.split_last() {
                changes.push((at.to_owned(), fewer.to_vec().into()));
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                changeable(field, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), changes);
            }
        }
        _ => {}
    }
}

async fn assert_conforms(shape: Shape) {
    let report = conformance::run_all(&Accounts(shape)).await;
    assert!(report.cases().count() > 100, "{report}");
    assert_eq!(report.failures().count(), 0, "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_stack_for_each_service_conforms() {
    assert_conforms(Shape::Stack).await;
}

#[tokio::test(start_paused = true)]
async fn rules_before_shared_instance_groups_conform() {
    assert_conforms(Shape::Rules).await;
}

#[tokio::test(start_paused = true)]
async fn parts_of_one_shared_load_balancer_conform() {
    assert_conforms(Shape::Shared).await;
}
