//! New nodes cost one call for each set of targets, for the sets are remembered; and no update is ever lost because
//! what is remembered is not so any more.

use std::sync::Arc;

use cloud_lb_core::call::Access;
use cloud_lb_core::model::{LoadBalancer, NodeList, Protocol};
use cloud_lb_core::provider::{LoadBalancerProvider, Outcome, TargetUpdate};
use cloud_lb_core::{ErrorKind, Result};
use provider_mock::{CallMatch, Config, Fault, MockCloud, Options, Record, Shape, provider};
use serde_json::json;

use super::support::{ensured, load_balancer, make, node, port};

/// Those that remember.
const SHAPES: [Shape; 2] = [Shape::Stack, Shape::Shared];

/// Two sets of targets, where they belong to the load balancer.
fn web() -> LoadBalancer {
    let mut lb = load_balancer("web");
    lb.ports.push(port(Protocol::Tcp, 443, 30_443));
    lb
}

fn behind(nodes: impl IntoIterator<Item = u8>) -> NodeList {
    nodes.into_iter().map(node).collect()
}

async fn update(provider: &dyn LoadBalancerProvider, shape: Shape, nodes: &NodeList) -> Result<Outcome> {
    let lb = LoadBalancer { nodes: nodes.clone(), ..web() };
    let update = match shape {
        Shape::Stack => TargetUpdate::LoadBalancer(&lb),
        Shape::Rules | Shape::Shared => TargetUpdate::Cluster(nodes),
    };
    provider.update_targets(update).await
}

fn sets(cloud: &MockCloud) -> Vec<Record> {
    let mut records = cloud.records();
    records.retain(|record| record.body.get("targets").is_some());
    records
}

/// The nodes of each set.
fn targets(cloud: &MockCloud) -> Vec<Vec<String>> {
    let names = |record: &Record| {
        let targets = record.body["targets"].as_array().unwrap();
        targets.iter().map(|target| target["node"].as_str().unwrap().to_owned()).collect()
    };
    sets(cloud).iter().map(names).collect()
}

fn assert_behind(cloud: &MockCloud, nodes: &NodeList, what: &str) {
    let wanted: Vec<String> = nodes.iter().map(|node| node.name.clone()).collect();
    assert!(targets(cloud).iter().all(|set| *set == wanted), "{what}: {:?}, not {wanted:?}", targets(cloud));
}

#[tokio::test(start_paused = true)]
async fn new_nodes_cost_one_call_for_each_set() {
    for shape in SHAPES {
        let (cloud, provider) = make(shape, Options::new());
        ensured(&*provider, &web()).await;
        for last in 4..=6 {
            let (before, nodes) = (cloud.calls(), behind(1..=last));
            assert_eq!(update(&*provider, shape, &nodes).await.unwrap(), Outcome::Done);
            let calls = cloud.calls().since(&before);
            let expected = if shape == Shape::Stack { 2 } else { 1 };
            assert_eq!((calls.total_reads(), calls.total_writes()), (0, expected), "{shape:?}: {calls:?}");
            assert_behind(&cloud, &nodes, "each set");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_surveyed_knows_as_well() {
    for shape in SHAPES {
        let (cloud, first) = make(shape, Options::new());
        ensured(&*first, &web()).await;
        let second = provider(cloud.clone(), Config::new("c1").with_shape(shape)).unwrap();
        second.survey(&[web()]).await.unwrap();
        let before = cloud.calls();
        update(&*second, shape, &behind(2..=5)).await.unwrap();
        assert_eq!(cloud.calls().since(&before).total_reads(), 0, "{shape:?}");
        assert_behind(&cloud, &behind(2..=5), "each set");
    }
}

#[tokio::test(start_paused = true)]
async fn what_others_did_meanwhile_is_made_good() {
    for shape in SHAPES {
        let (cloud, provider) = make(shape, Options::new());
        ensured(&*provider, &web()).await;
        for nodes in [behind(1..=3), behind(1..=4)] {
            for set in sets(&cloud) {
                cloud.tamper(&set.id, |body| body["targets"] = json!([])).unwrap();
            }
            assert_eq!(update(&*provider, shape, &nodes).await.unwrap(), Outcome::Done);
            assert_behind(&cloud, &nodes, "as wanted, also where by memory there is nothing to do");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_of_which_nobody_knows_what_became_is_not_believed() {
    for shape in SHAPES {
        for fault in [Fault::Fail(ErrorKind::Timeout), Fault::FailAfterWork(ErrorKind::Timeout)] {
            let (cloud, provider) = make(shape, Options::new());
            ensured(&*provider, &web()).await;
            cloud.faults().on_nth(1, CallMatch::Access(Access::Write), fault);
            assert!(update(&*provider, shape, &behind(2..=5)).await.is_err(), "{shape:?} {fault:?}");
            let before = cloud.calls();
            update(&*provider, shape, &behind(2..=5)).await.unwrap();
            assert!(cloud.calls().since(&before).total_reads() > 0, "{shape:?} {fault:?}: a look");
            assert_behind(&cloud, &behind(2..=5), "each set");
        }
    }
}

/// Whoever was told that an update is done, of several who write the same sets at different times, with faults and
/// meddling in between: the cloud has what he asked for.
#[tokio::test(start_paused = true)]
async fn an_update_that_is_done_is_done() {
    for seed in 0..30 {
        for shape in SHAPES {
            story(shape, seed).await;
        }
    }
}

async fn story(shape: Shape, seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let account = MockCloud::new(Options::new());
    let clients = [account.clone(), account.client()];
    let make = |cloud: &MockCloud| provider(cloud.clone(), Config::new("c1").with_shape(shape)).unwrap();
    let providers: [Arc<dyn LoadBalancerProvider>; 2] = [make(&clients[0]), make(&clients[1])];
    ensured(&*providers[0], &web()).await;
    for step in 0..30 {
        let who = rng.usize(..2);
        match rng.u8(..8) {
            0 => _ = providers[who].survey(&[web()]).await.unwrap(),
            1 => _ = providers[who].plan(&web()).await.unwrap(),
            2 => {
                let set = rng.choice(sets(&account)).unwrap();
                account.tamper(&set.id, |body| body["targets"] = json!([])).unwrap();
            }
            3 => {
                let kinds = [Fault::Fail, Fault::FailAfterWork];
                let fault = rng.choice(kinds).unwrap()(ErrorKind::Unavailable);
                clients[who].faults().on_nth(1, CallMatch::Access(Access::Write), fault);
            }
            _ => {
                let nodes = behind((1..=5).filter(|_| rng.bool()));
                if update(&*providers[who], shape, &nodes).await.is_ok_and(|outcome| outcome == Outcome::Done)
                {
                    assert_behind(&account, &nodes, &format!("{shape:?}, seed {seed}, step {step}"));
                }
            }
        }
    }
}
