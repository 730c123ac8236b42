//! Lanes, start and shutdown.
#![expect(clippy::indexing_slicing, reason = "a helper that fails fails its test")]

use std::time::Duration;

use cloud_lb_core::ErrorKind;
use provider_mock::apiserver::{Fault, Resource, Verb};
use serde_json::json;

use crate::cloud::{Answer, Op};
use crate::world::{World, finalizers, is_ready, lb};

#[tokio::test(start_paused = true)]
pub(crate) async fn w_22_a_load_balancer_that_is_stuck_delays_no_other() {
    let world = World::new();
    world.cloud.hold("stuck");
    world.add_service(lb("stuck"));
    for index in 0..20 {
        world.add_service(lb(&format!("s{index}")));
    }
    let world = world.start();
    world.until("all others ready", |world| (0..20).all(|index| is_ready(world, &format!("s{index}")))).await;
    assert!(!is_ready(&world, "stuck"));
    world.cloud.release("stuck");
    world.until_ready("stuck").await;
}

#[tokio::test(start_paused = true)]
pub(crate) async fn sc_31_no_more_lanes_run_at_once_than_allowed() {
    let world = World::new().options(|options| options.with_concurrency(3));
    for index in 0..30 {
        let name = format!("s{index}");
        world.cloud.hold(&name);
        world.add_service(lb(&name));
    }
    let world = world.start();
    world.rest().await;
    assert_eq!(world.cloud.count(Op::Ensure), 3);
    (0..30).for_each(|index| world.cloud.release(&format!("s{index}")));
    world.until("all ready", |world| (0..30).all(|index| is_ready(world, &format!("s{index}")))).await;
    assert_eq!(world.cloud.most_running(), 3);
}

/// W-2, SC-32: users, nodes and failures at once; calls for one Service never overlap, and all ends well.
#[tokio::test(start_paused = true)]
async fn w_2_under_load_calls_for_one_service_never_overlap() {
    for seed in 0..30 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut world = World::new()
            .options(|options| options.with_node_debounce(Duration::ZERO, Duration::ZERO))
            .start();
        let names: Vec<String> = (0..5).map(|index| format!("s{index}")).collect();
        for step in 0..120 {
            let name = &names[random.usize(..names.len())];
            match random.u8(..8) {
                0..=2 if !world.exists(name) => drop(world.add_service(lb(name))),
                0 if is_alive(&world, name) => world.change_service(name, |service| {
                    service["spec"]["ports"][0]["port"] = json!(80 + step);
                }),
                1 if is_alive(&world, name) => world.change_service(name, |service| {
                    let other =
                        if service["spec"]["type"] == "LoadBalancer" { "ClusterIP" } else { "LoadBalancer" };
                    service["spec"]["type"] = json!(other);
                }),
                2 if is_alive(&world, name) => world.delete_service(name),
                3 if is_alive(&world, name) => world.strip_finalizers(name),
                4 => world.add_node(&format!("x{step}")),
                5 => world.cloud.next(
                    [Op::Ensure, Op::Update, Op::Delete][random.usize(..3)],
                    Answer::Fail(cloud_lb_core::Error::new(ErrorKind::Unavailable, "no luck")),
                ),
                6 => world.api.faults().inject(Verb::Patch, Resource::Services, Fault::Fail(500), 1),
                _ => world.pass_time(Duration::from_millis(random.u64(..3000))).await,
            }
            tokio::task::yield_now().await;
        }
        world.pass_time(Duration::from_hours(1)).await;
        assert_eq!(world.cloud.overlaps(), 0, "seed {seed}");
        let mut wanted = 0;
        for name in names.iter().filter(|name| world.exists(name)) {
            let wants = world.service(name)["spec"]["type"] == "LoadBalancer";
            assert_eq!(is_ready(&world, name), wants, "seed {seed}: {name}");
            assert_eq!(finalizers(&world, name).len(), usize::from(wants), "seed {seed}: {name}");
            wanted += usize::from(wants);
        }
        assert_eq!(world.cloud.existing(), wanted, "seed {seed}: nothing is left over");
        world.stop().await.unwrap();
    }
}

fn is_alive(world: &World, name: &str) -> bool {
    world.exists(name) && world.service(name)["metadata"]["deletionTimestamp"].is_null()
}

#[tokio::test(start_paused = true)]
async fn sc_39_w_15_shutdown_lets_calls_in_flight_end() {
    let mut world = World::new();
    world.cloud.hold("web");
    world.add_service(lb("web"));
    world.launch();
    world.until("ensuring", |world| world.cloud.count(Op::Ensure) == 1).await;
    let cloud = world.cloud.clone();
    let release = async move {
        tokio::time::sleep(Duration::from_secs(20)).await;
        cloud.release("web");
    };
    let (result, ()) = tokio::join!(world.stop(), release);
    result.unwrap();
    assert!(is_ready(&world, "web"), "the status was written too");
}

#[tokio::test(start_paused = true)]
async fn sc_39_w_15_shutdown_does_not_wait_for_ever() {
    let mut world = World::new();
    world.cloud.hold("web");
    world.add_service(lb("web"));
    world.launch();
    world.until("ensuring", |world| world.cloud.count(Op::Ensure) == 1).await;
    let begin = tokio::time::Instant::now();
    world.stop().await.unwrap();
    assert_eq!(begin.elapsed().as_secs(), 30);
    world.cloud.release("web");
    world.launch();
    world.until_ready("web").await;
}

#[tokio::test(start_paused = true)]
async fn sc_3_shutdown_while_waiting_for_the_first_list_does_nothing() {
    let mut world = World::new();
    world.api.faults().inject(Verb::List, Resource::Nodes, Fault::Delay(Duration::from_mins(50)), 1);
    world.add_service(lb("web"));
    world.launch();
    world.rest().await;
    world.stop().await.unwrap();
    assert!(world.cloud.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_missing_permission_at_the_start_ends_the_controller_with_a_reason() {
    let mut world = World::new();
    world.api.faults().inject(Verb::List, Resource::Nodes, Fault::Fail(403), 1);
    world.launch();
    let error = world.ended().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(error.to_string().contains("nodes"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn l_5_an_api_server_that_is_down_is_waited_for() {
    let world = World::new();
    world.api.faults().inject(Verb::List, Resource::Services, Fault::Fail(503), 5);
    world.add_service(lb("web"));
    let world = world.start();
    world.until_ready("web").await;
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_task_that_dies_ends_the_controller_with_an_error() {
    let mut world = World::new();
    world.cloud.next(Op::Ensure, Answer::Panic);
    world.add_service(lb("web"));
    world.launch();
    assert_eq!(world.ended().await.unwrap_err().kind(), ErrorKind::Internal);
}

#[tokio::test(start_paused = true)]
async fn one_namespace_only() {
    let world = World::new().options(|options| options.with_namespace("default"));
    let mut elsewhere = lb("elsewhere");
    elsewhere["metadata"]["namespace"] = json!("kube-public");
    world.add_service(elsewhere);
    world.add_service(lb("web"));
    let world = world.start();
    world.until_ready("web").await;
    world.pass_time(Duration::from_mins(10)).await;
    assert_eq!(world.cloud.calls().len(), 1);
}
