//! Every golden case on the account in memory: what is planned is reached, the second plan is empty, a
//! process that is killed after any write is followed by one that gets there, and a delete leaves nothing
//! (AWS-203, S12).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cloud_lb_core::engine::Engine;
use cloud_lb_core::model::LoadBalancer;
use cloud_lb_core::provider::{LoadBalancerProvider, Outcome, Standing};
use provider_aws::facts::{GroupFacts, Instance};
use provider_aws::fake::{FakeAws, Options};
use provider_aws::{Account, Aws, Config, takes};

use crate::case::{Case, Variant};

/// Most calls until something that waits must be done.
const PATIENCE: usize = 20;
/// More writes than any case needs.
const MOST_WRITES: u64 = 100;

/// One variant of a golden case that is neither refused nor about a deletion.
struct Trial {
    name: String,
    lb: LoadBalancer,
    account: Account,
    config: Config,
}

impl Trial {
    fn of(path: &Path, name: &str, variant: &Variant) -> Option<Self> {
        let config = variant.config();
        let (account, lb) = (variant.account(), variant.service(&config.cluster_name));
        let (mut account, mut config) = (account, config);
        complete(&mut account, &lb, &config);
        config.aws_vpc_id.clone_from(&account.vpc_id);
        let is_buildable = !variant.deleted
            && !config.cluster_name.is_empty()
            && takes(&lb, &config)
            && provider_aws::build(&lb, &account, &config).is_ok();
        let name = format!("{} {name}", path.file_stem().unwrap().display());
        is_buildable.then_some(Self { name, lb, account, config })
    }

    fn process(&self, aws: &FakeAws) -> Engine<Aws<FakeAws>> {
        Engine::new(Aws::new(aws.clone(), self.config.clone()).unwrap())
    }

    async fn ensured(&self, provider: &Engine<Aws<FakeAws>>) {
        for _ in 0..PATIENCE {
            match provider
                .ensure(&self.lb)
                .await
                .unwrap_or_else(|error| panic!("{}: {error:?}", self.name))
                .standing
            {
                Standing::Ready(_) => return,
                Standing::Pending(pending) | Standing::Tidying(_, pending) => {
                    tokio::time::sleep(pending.retry_after).await;
                }
                Standing::ImplementedElsewhere => panic!("{}: not taken", self.name),
            }
        }
        panic!("{}: never done: {:?}", self.name, provider.ensure(&self.lb).await)
    }

    async fn deleted(&self, provider: &Engine<Aws<FakeAws>>) {
        for _ in 0..PATIENCE {
            let service = &self.lb.service;
            match provider.delete(service).await.unwrap_or_else(|error| panic!("{}: {error:?}", self.name)) {
                Outcome::Done => return,
                Outcome::Pending(pending) => {
                    tokio::time::sleep(pending.retry_after).await;
                }
                Outcome::ImplementedElsewhere => panic!("{}: not taken", self.name),
            }
        }
        panic!("{}: never deleted", self.name)
    }

    /// The second plan is empty, for this process and for one that remembers nothing.
    async fn assert_settled(&self, aws: &FakeAws, provider: &Engine<Aws<FakeAws>>) {
        for provider in [provider, &self.process(aws)] {
            let plan = provider.plan(&self.lb).await.unwrap();
            assert!(plan.is_empty(), "{}: {plan}", self.name);
        }
    }

    /// Reaches what is wanted; how many writes that took.
    async fn is_reached(&self) -> u64 {
        let aws = FakeAws::new(self.account.clone(), Options::default());
        let provider = self.process(&aws);
        self.ensured(&provider).await;
        let writes = aws.calls().total_writes();
        self.assert_settled(&aws, &provider).await;
        writes
    }

    async fn survives_a_stop(&self, writes: u64) {
        let aws = FakeAws::new(self.account.clone(), Options::default());
        aws.crash_after_writes(writes);
        // What runs at the same time may share a write, so that it may be one less than another time.
        let _ = self.process(&aws).ensure(&self.lb).await;
        aws.recover();
        let provider = self.process(&aws);
        self.ensured(&provider).await;
        self.assert_settled(&aws, &provider).await;
        self.deleted(&provider).await;
        let left = aws.account();
        let stack = left.stack(&self.lb.service);
        assert!(stack.load_balancers.is_empty(), "{}: {stack:?}", self.name);
        assert!(stack.target_groups.is_empty(), "{}: {stack:?}", self.name);
        assert!(stack.security_groups.is_empty(), "{}: {stack:?}", self.name);
    }
}

/// Adds what a case does not care to tell.
fn complete(account: &mut Account, service: &LoadBalancer, config: &Config) {
    for id in service.nodes.iter().filter_map(|node| node.provider_id.as_deref()?.rsplit('/').next()) {
        if !account.instances.iter().any(|instance| instance.instance_id == id) {
            let vpc_id = account.vpc_id.clone();
            account.instances.push(Instance { instance_id: id.to_owned(), vpc_id, ..Instance::default() });
        }
    }
    // A listener whose certificate is not there is never made (AWS-137).
    account.certificates = None;
    for lb in &mut account.load_balancers {
        lb.dns_name = format!("{}.elb.us-west-2.amazonaws.com", lb.load_balancer_name);
    }
    let of_lbs = account.load_balancers.iter().flat_map(|lb| &lb.security_groups);
    let mentioned: BTreeSet<String> = of_lbs.chain([&config.backend_security_group]).cloned().collect();
    for group_id in mentioned.into_iter().filter(|id| !id.is_empty()) {
        if !account.security_groups.iter().any(|group| group.group_id == group_id) {
            let vpc_id = account.vpc_id.clone();
            account.security_groups.push(GroupFacts { group_id, vpc_id, ..GroupFacts::default() });
        }
    }
}

fn trials() -> Vec<Trial> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir("tests/golden").unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.sort();
    let mut trials = Vec::new();
    for path in paths {
        let case = Case::read(&path);
        let variants = case.variants.iter();
        let variants = variants.map(|(name, variant)| (name, variant.clone().on(&case.base)));
        trials.extend(variants.filter_map(|(name, variant)| Trial::of(&path, name, &variant)));
    }
    trials
}

#[tokio::test(start_paused = true)]
async fn aws_203_every_golden_case_is_reached_and_survives_a_stop_after_any_write() {
    let trials = trials();
    assert!(trials.len() > 50, "only {} cases", trials.len());
    for trial in trials {
        let writes = trial.is_reached().await;
        assert!(writes < MOST_WRITES, "{}: {writes} writes", trial.name);
        for stop in 0..writes {
            trial.survives_a_stop(stop).await;
        }
    }
}
