//! Restart, drift and orphans: all load balancers held against the cloud at once (W-3, W-5, W-28).
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use cloud_lb_core::model::ServiceId;
use cloud_lb_core::provider::LoadBalancerProvider;
use cloud_lb_core::{Error, ErrorKind};
use provider_mock::{Config, MockCloud, Options, Shape, provider};
use serde_json::{Value, json};

use crate::cloud::{Answer, Op};
use crate::snapshots::add_pod;
use crate::world::{World, address, finalizers, lb};

const HOUR: Duration = Duration::from_hours(1);

fn services(count: usize) -> Vec<Value> {
    (0..count).map(|index| lb(&format!("s{index}"))).collect()
}

fn down() -> Error {
    Error::new(ErrorKind::Unavailable, "the cloud is down")
}

fn uid(world: &World, name: &str) -> String {
    world.service(name)["metadata"]["uid"].as_str().unwrap().to_owned()
}

fn orphan(name: &str, uid: &str) -> ServiceId {
    let text = str::to_owned;
    ServiceId { cluster: text("kubernetes"), namespace: text("default"), name: text(name), uid: text(uid) }
}

/// Stops the controller, does something, and starts another one.
async fn restart(world: &mut World, meanwhile: impl FnOnce(&World)) {
    world.stop().await.unwrap();
    meanwhile(world);
    world.cloud.forget_calls();
    world.api.faults().reset_counts();
    world.launch();
    world.rest().await;
}

#[tokio::test(start_paused = true)]
async fn w_3_a_restart_of_1000_converged_services_is_one_survey_and_no_write() {
    let mut world = World::new().ready(&services(1000)).await;
    let (events, surveys) = (world.events().len(), world.cloud.surveys().len());
    restart(&mut world, |_| {}).await;
    assert!(world.cloud.calls().is_empty());
    assert_eq!(world.cloud.surveys()[surveys..], [1000]);
    assert_eq!((world.api.faults().writes(), world.events().len()), (0, events));
    world.add_node("n3");
    world.pass_time(Duration::from_mins(1)).await;
    assert_eq!(
        (world.cloud.count(Op::Update), world.cloud.count(Op::Ensure)),
        (1000, 0),
        "all are known again"
    );
}

#[tokio::test(start_paused = true)]
async fn w_3_on_the_mock_cloud_a_restart_costs_as_many_reads_for_30_services_as_for_3() {
    for shape in [Shape::Stack, Shape::Rules, Shape::Shared] {
        let mut reads = Vec::new();
        for count in [3, 30] {
            let cloud = MockCloud::new(Options::default());
            let provider = provider(cloud.clone(), Config::new("kubernetes").with_shape(shape)).unwrap();
            let mut world = World::new().on(provider).ready(&services(count)).await;
            world.pass_time(Duration::from_mins(1)).await;
            world.stop().await.unwrap();
            let before = cloud.calls();
            world.api.faults().reset_counts();
            world.launch();
            world.pass_time(Duration::from_mins(5)).await;
            let calls = cloud.calls().since(&before);
            assert_eq!((calls.total_writes(), world.api.faults().writes()), (0, 0), "{shape:?}");
            reads.push(calls.total_reads());
            world.stop().await.unwrap();
        }
        assert_eq!(reads[0], reads[1], "{shape:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn w_3_after_a_restart_only_what_differs_is_ensured_and_what_is_new_goes_first() {
    let mut world = World::new().options(|options| options.with_concurrency(1)).ready(&services(20)).await;
    restart(&mut world, |world| {
        world.cloud.drift(&uid(world, "s3"));
        world.cloud.forget_load_balancer(&uid(world, "s4"));
        world.change_status("s5", json!({}));
        world.delete_service("s6");
        world.add_service(lb("zz-new"));
    })
    .await;
    let calls: Vec<(Op, String)> = world
        .cloud
        .calls()
        .into_iter()
        .filter(|call| call.op != Op::Get)
        .map(|call| (call.op, call.service))
        .collect();
    let first: Vec<&str> = calls[..3].iter().map(|(_, service)| service.as_str()).collect();
    assert!(["s5", "s6", "zz-new"].iter().all(|name| first.contains(name)), "{calls:?}");
    assert_eq!(calls[3..], [(Op::Ensure, "s3".to_owned()), (Op::Ensure, "s4".to_owned())]);
    assert!(address(&world, "s5").is_some() && !world.exists("s6"));
}

#[tokio::test(start_paused = true)]
async fn w_3_a_survey_that_fails_at_the_start_is_made_up_for_one_by_one() {
    let mut world = World::new().ready(&services(5)).await;
    let events = world.events().len();
    restart(&mut world, |world| world.cloud.next(Op::Survey, Answer::Fail(down()))).await;
    assert_eq!(world.cloud.count(Op::Ensure), 5);
    assert_eq!((world.patches(), world.events().len()), (0, events), "nothing changed, nothing is told");
    let surveys = world.cloud.surveys().len();
    world.pass_time(Duration::from_secs(10)).await;
    assert_eq!(world.cloud.surveys().len(), surveys + 1, "and it is asked again");
}

#[tokio::test(start_paused = true)]
async fn w_5_drift_is_repaired_and_told() {
    let world = World::new().ready(&services(3)).await;
    world.cloud.drift(&uid(&world, "s1"));
    world.pass_time(Duration::from_mins(12)).await;
    let ensured: Vec<String> = world.cloud.calls().into_iter().map(|call| call.service).collect();
    assert_eq!(ensured, ["s1"]);
    let told = "Normal RepairedLoadBalancer: Repaired load balancer that was changed in the cloud";
    assert_eq!(world.events().last().map(String::as_str), Some(told));
    let uid = uid(&world, "s2");
    world.cloud.forget_load_balancer(&uid);
    world.cloud.next(Op::Survey, Answer::Fail(down()));
    world.pass_time(Duration::from_mins(12)).await;
    assert_eq!(world.cloud.existing(), 3, "a survey that fails is tried again");
    assert_eq!(world.cloud.count(Op::Ensure), 2);
}

#[tokio::test(start_paused = true)]
async fn w_5_surveys_can_be_off() {
    let world =
        World::new().options(|options| options.with_drift_interval(Duration::ZERO)).ready(&services(1)).await;
    world.cloud.drift(&uid(&world, "s0"));
    world.pass_time(24 * HOUR).await;
    assert!(world.cloud.calls().is_empty());
    assert_eq!(world.cloud.surveys().len(), 1, "the one at the start");
}

#[tokio::test(start_paused = true)]
async fn w_5_while_the_cloud_is_away_no_survey_is_made_and_nothing_is_touched() {
    let world = World::new().ready(&services(5)).await;
    world.cloud.outage(Some(down()));
    for index in 0..5 {
        world.change_service(&format!("s{index}"), |service| service["spec"]["ports"][0]["port"] = json!(81));
    }
    world.rest().await;
    let surveys = world.cloud.surveys().len();
    world.pass_time(HOUR).await;
    assert_eq!(world.cloud.surveys().len(), surveys);
}

#[tokio::test(start_paused = true)]
async fn w_28_orphans_are_told_once_and_never_deleted_unless_asked() {
    let world = World::new().ready(&services(2)).await;
    world.cloud.plant_owned(&orphan("gone", "u-gone"));
    world.pass_time(5 * HOUR).await;
    let told = "Warning OrphanedLoadBalancer: The Service does not exist, but in the cloud there is: balancer u-gone";
    assert_eq!(world.events().iter().filter(|event| *event == told).count(), 1, "{:?}", world.events());
    assert_eq!((world.cloud.count(Op::Delete), world.cloud.existing()), (0, 3));
}

#[tokio::test(start_paused = true)]
async fn w_28_orphans_are_deleted_after_their_grace_and_nothing_else_is() {
    let mut world =
        World::new().options(|options| options.with_orphans_deleted_after(HOUR)).ready(&services(2)).await;
    let mut other_class = lb("theirs");
    other_class["spec"]["loadBalancerClass"] = json!("example.com/other");
    let theirs = world.add_service(other_class);
    let old = uid(&world, "s0");
    // s0 is deleted and made anew, s1 deleted, while nobody looks; of both the load balancer stays.
    restart(&mut world, |world| {
        for name in ["s0", "s1"] {
            world.strip_finalizers(name);
            world.delete_service(name);
        }
        world.add_service(lb("s0"));
        world.cloud.plant_owned(&orphan("theirs", &theirs));
    })
    .await;
    world.until_ready("s0").await;
    assert_eq!(world.cloud.existing(), 4);
    world.cloud.next(Op::Delete, Answer::Fail(down()));
    world.pass_time(Duration::from_mins(59)).await;
    assert_eq!(world.cloud.count(Op::Delete), 0, "not within their grace");
    world.pass_time(Duration::from_mins(15)).await;
    assert_eq!(world.cloud.count(Op::Delete), 3, "one deletion failed and was tried again");
    let deleted: Vec<String> = world.cloud.calls_of(Op::Delete).into_iter().map(|call| call.uid).collect();
    assert!(deleted.contains(&old) && !deleted.contains(&theirs) && !deleted.contains(&uid(&world, "s0")));
    assert_eq!((world.cloud.existing(), world.cloud.overlaps()), (2, 0));
    assert!(!finalizers(&world, "s0").is_empty());
}

#[tokio::test(start_paused = true)]
async fn w_28_surveys_that_fail_let_no_orphan_expire() {
    let world =
        World::new().options(|options| options.with_orphans_deleted_after(HOUR)).ready(&services(1)).await;
    world.cloud.plant_owned(&orphan("gone", "u-gone"));
    world.pass_time(Duration::from_mins(15)).await;
    for _ in 0..100 {
        world.cloud.next(Op::Survey, Answer::Fail(down()));
    }
    world.pass_time(3 * HOUR).await;
    assert_eq!(world.cloud.count(Op::Delete), 0);
}

#[tokio::test(start_paused = true)]
async fn surveys_that_fail_are_counted_until_one_ends_well() {
    let world = World::new().ready(&services(1)).await;
    for _ in 0..3 {
        world.cloud.next(Op::Survey, Answer::Fail(down()));
    }
    let failures = || world.vitals().snapshot().survey_failures;
    let mut seen = BTreeSet::new();
    // The third failure stands for twenty seconds, until the next survey.
    for _ in 0..15 * 60 {
        world.pass_time(Duration::from_secs(1)).await;
        seen.insert(failures());
    }
    assert!(seen.contains(&3), "{seen:?}");
    world.pass_time(HOUR).await;
    assert_eq!(failures(), 0);
}

#[tokio::test(start_paused = true)]
async fn w_28_vanished_while_nobody_looked_is_found_on_the_mock_cloud() {
    for shape in [Shape::Stack, Shape::Rules, Shape::Shared] {
        let cloud = MockCloud::new(Options::default());
        let provider = provider(cloud, Config::new("kubernetes").with_shape(shape)).unwrap();
        let provider: Arc<dyn LoadBalancerProvider> = provider;
        let mut world = World::new()
            .on(Arc::clone(&provider))
            .options(|options| options.with_orphans_deleted_after(HOUR))
            .ready(&services(2))
            .await;
        restart(&mut world, |world| {
            world.strip_finalizers("s0");
            world.delete_service("s0");
        })
        .await;
        world.pass_time(2 * HOUR).await;
        let owned = provider.survey(&[]).await.unwrap().owned;
        let left: Vec<String> =
            owned.into_iter().filter_map(|owned| owned.service).map(|id| id.name).collect();
        assert_eq!(left, ["s1"], "{shape:?}");
        world.stop().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn w_28_what_was_deleted_while_a_survey_ran_is_no_orphan() {
    let world = World::new().options(|options| options.with_orphans_deleted_after(Duration::ZERO));
    let world = world.ready(&services(2)).await;
    world.cloud.hold("survey");
    let surveys = world.cloud.surveys().len();
    world.until("looking", |world| world.cloud.surveys().len() > surveys).await;
    world.delete_service("s0");
    world.until("gone", |world| !world.exists("s0")).await;
    world.cloud.release("survey");
    world.rest().await;
    assert!(!world.reasons().contains(&"OrphanedLoadBalancer".to_owned()), "{:?}", world.reasons());
    assert_eq!(world.cloud.count(Op::Delete), 1);
}

fn with_pods() -> World {
    World::with(|capabilities| capabilities.pod_targets = true)
}

#[tokio::test(start_paused = true)]
async fn w_3_pods_do_not_wait_for_the_first_survey() {
    let mut world = with_pods().ready(&services(2)).await;
    world.stop().await.unwrap();
    world.cloud.forget_calls();
    world.cloud.hold("survey");
    world.launch();
    world.rest().await;
    assert!(world.cloud.calls().is_empty(), "what is listed first is no change");
    add_pod(&world, "s1", "10.1.0.7");
    world.rest().await;
    let calls: Vec<(Op, String)> =
        world.cloud.calls().into_iter().map(|call| (call.op, call.service)).collect();
    assert_eq!(calls, [(Op::Ensure, "s1".to_owned())]);
    world.cloud.release("survey");
    world.rest().await;
    assert_eq!(world.cloud.calls().len(), 1, "the other one is found as it was left");
}

#[tokio::test(start_paused = true)]
async fn w_5_pods_that_change_while_a_survey_runs_are_no_drift() {
    let world = with_pods().ready(&services(1)).await;
    world.cloud.hold("survey");
    world.cloud.drift(&uid(&world, "s0"));
    let surveys = world.cloud.surveys().len();
    world.until("looking", |world| world.cloud.surveys().len() > surveys).await;
    add_pod(&world, "s0", "10.1.0.7");
    world.until("handed over", |world| world.cloud.count(Op::Update) == 1).await;
    world.rest().await;
    world.cloud.release("survey");
    world.rest().await;
    assert_eq!(world.cloud.count(Op::Ensure), 0, "what the survey saw is of before");
    world.until("repaired by the next", |world| world.cloud.count(Op::Ensure) == 1).await;
}
