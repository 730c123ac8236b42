//! What it costs, in calls to the cloud: the promises of the benchmark at a small size, where every call counts.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::time::Duration;

use provider_mock::{CallCounts, Config, MockCloud, Options, Shape, provider};
use serde_json::json;

use crate::world::{World, lb};

const SERVICES: u16 = 12;

/// A cluster in which all is as wanted.
async fn converged(shape: Shape) -> (MockCloud, World) {
    let cloud = MockCloud::new(Options::default());
    let provider = provider(cloud.clone(), Config::new("kubernetes").with_shape(shape)).unwrap();
    let services: Vec<_> = (0..SERVICES).map(numbered).collect();
    (cloud, World::new().on(provider).ready(&services).await)
}

fn numbered(number: u16) -> serde_json::Value {
    let mut service = lb(&format!("web-{number}"));
    service["spec"]["ports"] = json!([{"port": 1000 + number, "protocol": "TCP"}]);
    service
}

/// The calls until a minute has passed.
async fn calls(cloud: &MockCloud, world: &World) -> CallCounts {
    let before = cloud.calls();
    world.pass_time(Duration::from_mins(1)).await;
    cloud.calls().since(&before)
}

#[tokio::test(start_paused = true)]
async fn w_1_a_node_that_joins_costs_one_call_for_each_set_of_targets() {
    for (shape, expected) in [(Shape::Stack, u64::from(SERVICES)), (Shape::Rules, 1), (Shape::Shared, 1)] {
        let (cloud, mut world) = converged(shape).await;
        for life in ["that made them", "that found them"] {
            for name in ["joins", "joins-too"] {
                world.add_node(&format!("{name}-{}", life.len()));
                let calls = calls(&cloud, &world).await;
                let count = (calls.total_reads(), calls.total_writes());
                assert_eq!(count, (0, expected), "{shape:?}, a process {life}: {calls:?}");
            }
            world.stop().await.unwrap();
            world.launch();
            let restart = calls(&cloud, &world).await;
            assert_eq!(restart.total_writes(), 0, "{shape:?}: {restart:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn w_19_a_node_that_reports_costs_no_call() {
    for shape in [Shape::Stack, Shape::Rules, Shape::Shared] {
        let (cloud, world) = converged(shape).await;
        for beat in 0..10 {
            world.change_node("n1", |node| node["metadata"]["labels"] = json!({"beat": beat.to_string()}));
        }
        assert_eq!(calls(&cloud, &world).await, CallCounts::default(), "{shape:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn w_3_a_restart_reads_all_services_at_once() {
    for shape in [Shape::Stack, Shape::Shared] {
        let (cloud, mut world) = converged(shape).await;
        world.stop().await.unwrap();
        world.launch();
        let calls = calls(&cloud, &world).await;
        assert_eq!((calls.total_reads(), calls.total_writes()), (4, 0), "{shape:?}: {calls:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_new_service_costs_does_not_depend_on_how_many_there_are() {
    for shape in [Shape::Stack, Shape::Shared] {
        let mut costs = Vec::new();
        let page = std::num::NonZeroUsize::MIN.saturating_add(2);
        let cloud = MockCloud::new(Options::default().with_page_size(page));
        let provider = provider(cloud.clone(), Config::new("kubernetes").with_shape(shape)).unwrap();
        let world = World::new().options(|options| options.with_drift_interval(Duration::ZERO));
        let world = world.on(provider).ready(&[numbered(0)]).await;
        for number in 1..SERVICES {
            world.add_service(numbered(number));
            let calls = calls(&cloud, &world).await;
            costs.push(calls.total_reads() + calls.total_writes());
        }
        costs.dedup();
        assert_eq!(costs.len(), 1, "{shape:?}: {costs:?}");
    }
}
