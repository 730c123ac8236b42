//! The behaviour suite of the core.
//!
//! Two cases do not hold: of two load balancers of a Service one stays (AWS-37), and AWS's tags (those of
//! aws-load-balancer-controller, AWS-36) name a Service by namespace and name, without its UID: see `KNOWN`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cloud_lb_core::call::Access;
use cloud_lb_core::conformance::{self, Calls, Harness, Pace, Recorder, Worlds, fixtures};
use cloud_lb_core::engine::Engine;
use cloud_lb_core::error::ErrorKind;
use cloud_lb_core::model::ServiceId;
use cloud_lb_core::provider::LoadBalancerProvider;
use provider_aws::config::Publish;
use provider_aws::fake::{FakeAws, Fault, Options};
use provider_aws::{Account, Aws};
use serde_json::Value;

use crate::dressed::Dressed;
use crate::support::{NODE_GROUP, account, config, instance_id};

/// Cases that cannot hold on AWS, each with the reason.
const KNOWN: [&str; 2] = [
    // Of several load balancers one stays, as upstream has it (AWS-37).
    "ambiguous resources are refused",
    // The new Service takes over what the old one left (specification 2.4: the finalizer sees to the order).
    "a new service of the same name is another",
];

struct Accounts;

impl Worlds for Accounts {
    fn make(&self, pace: Pace) -> Box<dyn Harness> {
        let wait = match pace {
            Pace::Instant => Duration::ZERO,
            Pace::Slow => Duration::from_secs(30),
        };
        let options = Options { provisioning: wait, interfaces_linger: wait, ..Options::default() };
        let aws = FakeAws::new(account(fixtures::CLUSTER), options);
        let recorder = Arc::new(Recorder::default());
        let mut config = config(fixtures::CLUSTER);
        config.publish = if pace == Pace::Slow { Publish::Active } else { Publish::Created };
        let backend = Aws::new(aws.clone(), config).unwrap();
        let engine = Arc::new(Engine::new(backend).with_observer(recorder.clone()));
        let instance_ids = (1..=10).map(instance_id).collect();
        let provider = Arc::new(Dressed { provider: engine.clone(), instance_ids });
        Box::new(World { aws, engine, provider, recorder })
    }
}

struct World {
    aws: FakeAws,
    engine: Arc<Engine<Aws<FakeAws>>>,
    provider: Arc<Dressed>,
    recorder: Arc<Recorder>,
}

impl World {
    /// Changes the account; the provider looks again, as it does when the time has come.
    fn tampered<T>(&self, change: impl FnOnce(&mut Account) -> T) -> T {
        let result = self.aws.tamper(change);
        self.engine.backend().forget();
        result
    }

    fn fail(&self, nth: u64, access: Access, fault: conformance::Fault) {
        let fault = match fault {
            conformance::Fault::Throttled => Fault::Fail(ErrorKind::Throttled),
            conformance::Fault::Unavailable => Fault::Fail(ErrorKind::Unavailable),
            conformance::Fault::TimeoutAfterWork => Fault::FailAfterWork(ErrorKind::Timeout),
        };
        self.aws.on_nth(nth, access, None, fault);
    }
}

#[async_trait]
impl Harness for World {
    fn provider(&self) -> Arc<dyn LoadBalancerProvider> {
        self.provider.clone()
    }

    fn calls(&self) -> Calls {
        let calls = self.aws.calls();
        Calls { reads: calls.total_reads(), writes: calls.total_writes() }
    }

    fn take_steps(&self) -> Vec<String> {
        self.recorder.take()
    }

    fn stop_after_writes(&self, writes: u64) {
        self.aws.crash_after_writes(writes);
    }

    fn fail_write(&self, nth: u64, fault: conformance::Fault) {
        self.fail(nth, Access::Write, fault);
    }

    fn fail_read(&self, nth: u64, fault: conformance::Fault) {
        self.engine.backend().forget();
        self.fail(nth, Access::Read, fault);
    }

    fn recover(&self) {
        self.aws.recover();
    }

    fn resources(&self) -> BTreeMap<String, Value> {
        let mut account = self.aws.account();
        // Neither health nor marks nor users are settings.
        account.target_groups.iter_mut().flat_map(|g| &mut g.targets).for_each(|target| target.state = None);
        account.load_balancers.iter_mut().for_each(|lb| lb.tags.clear());
        for group in &mut account.target_groups {
            group.tags.clear();
            group.load_balancer_arns.clear();
        }
        account.security_groups.iter_mut().for_each(|group| group.tags.clear());
        let lbs = account.load_balancers.iter();
        let lbs = lbs.map(|lb| (lb.load_balancer_arn.clone(), serde_json::to_value(lb).unwrap()));
        let tgs = account.target_groups.iter();
        let tgs = tgs.map(|group| (group.target_group_arn.clone(), serde_json::to_value(group).unwrap()));
        let ours = account.security_groups.iter().filter(|group| group.group_id != NODE_GROUP);
        let groups = ours.map(|group| (group.group_id.clone(), serde_json::to_value(group).unwrap()));
        lbs.chain(tgs).chain(groups).collect()
    }

    fn tamper(&self, id: &str) -> bool {
        self.tampered(|account| {
            if let Some(lb) = account.load_balancers.iter_mut().find(|lb| lb.load_balancer_arn == id) {
                // Not the subnets: those that a load balancer has are those that it is to have (AWS-50).
                lb.security_groups.pop();
                return true;
            }
            if let Some(group) = account.target_groups.iter_mut().find(|g| g.target_group_arn == id) {
                group.health_check.interval += 1;
                return true;
            }
            let group = account.security_groups.iter_mut().find(|group| group.group_id == id).unwrap();
            group.ip_permissions.pop().is_some()
        })
    }

    fn remove(&self, id: &str) {
        self.tampered(|account| {
            account.load_balancers.retain(|lb| lb.load_balancer_arn != id);
            for lb in &mut account.load_balancers {
                lb.listeners.retain(|listener| listener.target_group_arn != id);
                lb.security_groups.retain(|group| group != id);
            }
            account.target_groups.retain(|group| group.target_group_arn != id);
            account.security_groups.retain(|group| group.group_id != id);
            for group in &mut account.security_groups {
                group.ip_permissions.retain(|rule| !rule.group_ids.iter().any(|source| source == id));
            }
        });
    }

    fn estrange(&self, id: &str) -> bool {
        self.tampered(|account| {
            let of_lbs = account.load_balancers.iter_mut().map(|lb| (&lb.load_balancer_arn, &mut lb.tags));
            let of_tgs = account.target_groups.iter_mut().map(|g| (&g.target_group_arn, &mut g.tags));
            let groups = account.security_groups.iter_mut().map(|g| (&g.group_id, &mut g.tags));
            let (_, tags) = of_lbs.chain(of_tgs).chain(groups).find(|(found, _)| *found == id).unwrap();
            *tags = [("owner".to_owned(), "them".to_owned())].into();
        });
        true
    }

    fn duplicate(&self, id: &str) -> bool {
        self.tampered(|account| {
            if let Some(lb) = account.load_balancers.iter().find(|lb| lb.load_balancer_arn == id) {
                let mut copy = lb.clone();
                copy.load_balancer_arn += "-copy";
                copy.load_balancer_name += "-copy";
                copy.listeners.clear();
                account.load_balancers.push(copy);
                return true;
            }
            if id.contains(":targetgroup/") {
                // One that no load balancer uses is what a crash left, and goes (AWS-37).
                return false;
            }
            let group = account.security_groups.iter().find(|group| group.group_id == id).unwrap();
            if group.description.contains("Backend") {
                // Of several shared ones the first is used (AWS-97).
                return false;
            }
            let mut copy = group.clone();
            copy.group_id += "-copy";
            copy.group_name += "-copy";
            account.security_groups.push(copy);
            true
        })
    }

    fn targets(&self, service: &ServiceId) -> BTreeMap<String, bool> {
        let account = self.aws.account();
        let stack = account.stack(service);
        let targets = stack.target_groups.iter().flat_map(|group| &group.targets);
        targets.map(|target| (self.provider.node_of(&target.id), false)).collect()
    }

    async fn pass_time(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_provider_conforms() {
    let report = conformance::run_all(&Accounts).await;
    assert!(report.cases().count() > 100, "{report}");
    let unexpected: Vec<String> = report
        .failures()
        .map(|failure| format!("{failure:?}"))
        .filter(|failure| !KNOWN.iter().any(|known| failure.contains(known)))
        .collect();
    assert!(unexpected.is_empty(), "{}", unexpected.join("\n"));
}
