//! The controller on the mock cloud, in each of the shapes of real ones.

use std::num::NonZeroU32;
use std::time::Duration;

use provider_mock::{Config, MockCloud, Options, Shape, provider};
use serde_json::json;

use crate::world::{World, finalizers, lb};

fn config(shape: Shape) -> Config {
    Config::new("kubernetes").with_shape(shape)
}

#[tokio::test(start_paused = true)]
async fn services_come_change_and_go_and_nothing_is_left() {
    for shape in [Shape::Stack, Shape::Rules, Shape::Shared] {
        let cloud = MockCloud::new(Options::default());
        let provider = provider(cloud.clone(), config(shape)).unwrap();
        let mut world = World::new().on(provider.clone());
        for name in ["a", "b", "c"] {
            world.add_service(lb(name));
        }
        world.launch();
        for name in ["a", "b", "c"] {
            world.until_ready(name).await;
        }
        world.rest().await;
        let writes = cloud.calls().total_writes();
        world.add_node("n3");
        world.pass_time(Duration::from_mins(1)).await;
        assert!(cloud.calls().total_writes() > writes, "{shape:?}: the node joined");
        world.stop().await.unwrap();
        let (writes, patches) = (cloud.calls().total_writes(), world.patches());
        world.launch();
        world.pass_time(Duration::from_mins(10)).await;
        assert_eq!(cloud.calls().total_writes(), writes, "{shape:?}: a restart changes nothing in the cloud");
        assert_eq!(world.patches(), patches, "{shape:?}: nor in the cluster");
        world.change_service("a", |service| service["spec"]["type"] = json!("ClusterIP"));
        world.until("cleaned up", |world| finalizers(world, "a").is_empty()).await;
        world.delete_service("b");
        world.delete_service("c");
        world.until("gone", |world| !world.exists("b") && !world.exists("c")).await;
        world.pass_time(Duration::from_mins(10)).await;
        let owned = provider.survey(&[]).await.unwrap().owned;
        assert!(owned.iter().all(|owned| owned.service.is_none()), "{shape:?}: {owned:?}");
        world.stop().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_cloud_is_waited_for() {
    let options = Options::default().with_provisioning(Duration::from_secs(45));
    let cloud = MockCloud::new(options);
    let mut world = World::new().on(provider(cloud, config(Shape::Stack)).unwrap());
    world.add_service(lb("web"));
    world.launch();
    world.until_ready("web").await;
    assert!(!world.events().iter().any(|event| event.starts_with("Warning")), "{:?}", world.events());
    world.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn w_14_a_cloud_that_takes_few_calls_gets_them_until_all_is_done() {
    // Each refusal names the time until the next call is taken, which is not enough for all that a Service needs.
    let number = |number| NonZeroU32::new(number).unwrap();
    let shapes = [Shape::Stack, Shape::Rules, Shape::Shared];
    for (shape, burst) in shapes.into_iter().flat_map(|shape| [(shape, 1), (shape, 16)]) {
        let cloud = MockCloud::new(Options::default().with_throttle(number(2), number(burst)));
        let provider = provider(cloud.clone(), config(shape)).unwrap();
        let mut world = World::new().on(provider);
        for name in ["a", "b", "c"] {
            world.add_service(lb(name));
        }
        world.launch();
        for name in ["a", "b", "c"] {
            world.until_ready(name).await;
        }
        world.stop().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_node_of_a_zone_is_behind_all_load_balancers_soon() {
    let cloud = MockCloud::new(Options::default());
    let provider = provider(cloud.clone(), config(Shape::Rules)).unwrap();
    let world = World::new().on(provider).ready(&[lb("a"), lb("b")]).await;
    world.add_node("n3");
    world
        .change_node("n3", |node| node["metadata"]["labels"] = json!({"topology.kubernetes.io/zone": "far"}));
    world.pass_time(Duration::from_mins(1)).await;
    let records = cloud.records();
    let groups = |kind: &str| {
        let records = records.iter().filter(move |record| record.kind == kind);
        records.map(|record| record.body["groups"].as_array().map_or(0, Vec::len)).collect::<Vec<_>>()
    };
    assert_eq!(groups("BackendService"), [2, 2], "{:?}", world.events());
}
