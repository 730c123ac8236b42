//! Whose a Service is: finalizers, classes, types and deletion in all combinations (W-11), several
//! controllers side by side, and Services that never had anything (SC-61).
#![expect(clippy::indexing_slicing, reason = "a helper that fails fails its test")]

use std::time::Duration;

use cloud_lb_core::k8s::{ClassPolicy, FINALIZER};
use cloud_lb_core::{Error, ErrorKind};
use serde_json::{Value, json};

use crate::cloud::{Answer, Op};
use crate::world::{World, finalizers, lb, of_type};

/// With our finalizer, being deleted, of type `LoadBalancer`, with a class that is not ours.
type State = (bool, bool, bool, bool);

/// What a controller that starts does to a Service.
#[derive(Debug, PartialEq)]
enum Fate {
    Ensured,
    Cleaned,
    LeftAlone,
}

const KEEPER: &str = "example.com/keeper";

/// A Service in one of the sixteen states; a foreign finalizer keeps it there while it is being deleted.
fn service(finalizer: bool, of_load_balancer: bool, foreign_class: bool) -> Value {
    let mut service = of_type("web", if of_load_balancer { "LoadBalancer" } else { "ClusterIP" });
    let finalizers: Vec<&str> = [KEEPER].into_iter().chain(finalizer.then_some(FINALIZER)).collect();
    service["metadata"]["finalizers"] = json!(finalizers);
    if foreign_class && of_load_balancer {
        service["spec"]["loadBalancerClass"] = json!("example.com/other");
    }
    service
}

async fn fate((finalizer, deleting, of_load_balancer, foreign_class): State) -> Fate {
    let world = World::new();
    let mut service = service(finalizer, of_load_balancer, foreign_class);
    // The API server wipes the class with the type; a Service of another type cannot have one.
    service["status"] = json!({});
    world.add_service(service);
    if deleting {
        world.delete_service("web");
    }
    let world = world.start();
    world.rest().await;
    let ensured = world.cloud.count(Op::Ensure) > 0;
    let cleaned = finalizer && !finalizers(&world, "web").contains(&FINALIZER.to_owned());
    assert_eq!(cleaned, world.cloud.count(Op::Delete) > 0);
    match (ensured, cleaned) {
        (true, false) => Fate::Ensured,
        (false, true) => Fate::Cleaned,
        (false, false) => Fate::LeftAlone,
        (true, true) => unreachable!("ensured and cleaned up"),
    }
}

#[tokio::test(start_paused = true)]
async fn aws_4_a_service_that_the_provider_leaves_to_others_is_not_touched() {
    let world = World::new();
    world.add_service(elsewhere(lb("web")));
    let world = world.start();
    world.rest().await;
    world.add_node("n3");
    world.rest().await;
    world
        .change_service("web", |service| service["spec"]["loadBalancerSourceRanges"] = json!(["10.0.0.0/8"]));
    world.rest().await;
    assert_eq!((world.patches(), world.cloud.calls().len()), (0, 0));
    assert_eq!((world.events(), finalizers(&world, "web")), (vec![], vec![]));
    world.delete_service("web");
    world.until("gone", |world| !world.exists("web")).await;
    assert_eq!(world.cloud.calls().len(), 0);
}

pub(crate) fn elsewhere(mut service: Value) -> Value {
    service["metadata"]["annotations"] = json!({"cloud.example/elsewhere": "yes"});
    service
}

#[tokio::test(start_paused = true)]
async fn aws_7_a_service_that_goes_over_to_others_is_cleaned_up_and_then_not_touched() {
    let world = World::new().ready(&[lb("web")]).await;
    world.change_service("web", |service| *service = elsewhere(service.take()));
    world.until("cleaned up", |world| finalizers(world, "web").is_empty()).await;
    world.rest().await;
    assert_eq!((world.cloud.existing(), world.cloud.count(Op::Delete)), (0, 1));
    assert_eq!(world.reasons()[2..], ["DeletingLoadBalancer", "DeletedLoadBalancer"]);
    let patches = world.patches();
    world
        .change_service("web", |service| service["spec"]["loadBalancerSourceRanges"] = json!(["10.0.0.0/8"]));
    world.rest().await;
    assert_eq!((world.cloud.count(Op::Delete), world.patches()), (1, patches));
    world.change_service("web", |service| service["metadata"]["annotations"] = json!({}));
    world.until("ours again", |world| world.cloud.existing() == 1).await;
}

#[tokio::test(start_paused = true)]
async fn w_11_all_sixteen_combinations_after_a_restart() {
    use Fate::{Cleaned, Ensured, LeftAlone};
    for (finalizer, deleting, of_load_balancer, foreign_class, expected) in [
        (false, false, false, false, LeftAlone),
        (false, false, false, true, LeftAlone),
        (false, false, true, false, Ensured),
        (false, false, true, true, LeftAlone),
        (false, true, false, false, LeftAlone),
        (false, true, false, true, LeftAlone),
        (false, true, true, false, LeftAlone),
        (false, true, true, true, LeftAlone),
        (true, false, false, false, Cleaned),
        (true, false, false, true, Cleaned),
        (true, false, true, false, Ensured),
        (true, false, true, true, LeftAlone),
        (true, true, false, false, Cleaned),
        (true, true, false, true, Cleaned),
        (true, true, true, false, Cleaned),
        (true, true, true, true, LeftAlone),
    ] {
        let state = (finalizer, deleting, of_load_balancer, foreign_class);
        assert_eq!(fate(state).await, expected, "{state:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn w_10_controllers_with_classes_of_their_own_work_side_by_side() {
    let of_blue = ClassPolicy { classless: false, classes: ["example.com/blue".to_owned()].into() };
    let mut red = World::new();
    let mut blue = red.neighbour(|options| {
        options
            .with_classes(of_blue)
            .with_finalizer("example.com/blue-cleanup")
            .with_cluster_name("kubernetes")
    });
    let mut service = lb("blue");
    service["spec"]["loadBalancerClass"] = json!("example.com/blue");
    red.add_service(service);
    red.add_service(lb("red"));
    red.launch();
    blue.launch();
    red.until_ready("red").await;
    red.until_ready("blue").await;
    red.rest().await;
    let served = |world: &World| -> Vec<String> {
        world.cloud.calls_of(Op::Ensure).into_iter().map(|call| call.service).collect()
    };
    assert_eq!((served(&red), served(&blue)), (vec!["red".to_owned()], vec!["blue".to_owned()]));
    assert_eq!(finalizers(&red, "red"), [FINALIZER]);
    assert_eq!(finalizers(&red, "blue"), ["example.com/blue-cleanup"]);
    // From one to the other, by two edits that both may see as one.
    red.change_service("blue", |service| service["spec"]["type"] = json!("ClusterIP"));
    red.change_service("blue", |service| service["spec"]["type"] = json!("LoadBalancer"));
    red.until("handed over", |world| finalizers(world, "blue") == [FINALIZER]).await;
    red.until_ready("blue").await;
    red.rest().await;
    assert_eq!((red.cloud.existing(), blue.cloud.existing()), (2, 0));
    red.delete_service("blue");
    red.until("gone", |world| !world.exists("blue")).await;
    assert_eq!((red.cloud.existing(), red.cloud.overlaps()), (1, 0));
}

#[tokio::test(start_paused = true)]
pub(crate) async fn sc_61_w_27_a_service_for_which_nothing_was_ever_made_is_let_go_without_a_word_or_call() {
    let world = World::new();
    for name in ["changed", "deleted"] {
        let mut service = lb(name);
        service["spec"]["loadBalancerIP"] = json!("no-address");
        world.add_service(service);
    }
    let world = world.start();
    world
        .until("told", |world| ["changed", "deleted"].iter().all(|name| world.condition(name).is_some()))
        .await;
    world.rest().await;
    world.change_service("changed", |service| service["spec"]["type"] = json!("ClusterIP"));
    world.delete_service("deleted");
    world.until("let go", |world| world.condition("changed").is_none()).await;
    world.rest().await;
    assert!(world.cloud.calls().is_empty());
    assert!(!world.reasons().iter().any(|reason| reason.contains("Delet")), "{:?}", world.reasons());
}

#[tokio::test(start_paused = true)]
async fn w_26_a_hanging_deletion_is_given_up_only_as_annotated() {
    let annotate = |world: &World, value: &str| {
        world.change_service("web", |service| {
            service["metadata"]["annotations"] = json!({"cloud-lb.dev/abandon-cloud-resources": value});
        });
    };
    let world = World::new().ready(&[lb("web")]).await;
    for _ in 0..100 {
        let denied = Error::new(ErrorKind::PermissionDenied, "DeleteLoadBalancer: access denied");
        world.cloud.next(Op::Delete, Answer::Fail(denied));
    }
    world.delete_service("web");
    world.pass_time(Duration::from_mins(5)).await;
    let blocked = "Warning SyncLoadBalancerFailed: Error syncing load balancer: failed to delete load balancer: \
                   DeleteLoadBalancer: access denied";
    let names_it =
        |event: &String| event.starts_with(blocked) && event.ends_with("abandon-cloud-resources=default/web");
    assert!(world.events().iter().any(names_it), "what blocks, and the way out: {:?}", world.events());
    assert!(world.condition("web").unwrap().2.contains("DeleteLoadBalancer: access denied"));
    for value in ["", "true", "default/api", "web"] {
        annotate(&world, value);
        world.pass_time(Duration::from_mins(1)).await;
        assert!(world.exists("web"), "{value:?} does not name the Service");
    }
    annotate(&world, "default/web");
    world.until("given up", |world| !world.exists("web")).await;
    world.pass_time(Duration::from_mins(10)).await;
    assert_eq!(world.cloud.existing(), 1, "it is still there, and nobody's");
    let told = "Warning AbandonedLoadBalancer: Gave up cloud resources as annotated, they may still exist: \
                DeleteLoadBalancer: access denied";
    assert!(world.events().contains(&told.to_owned()), "{:?}", world.events());
    assert_eq!(world.reasons().pop().as_deref(), Some("OrphanedLoadBalancer"), "it is not forgotten");
}

#[tokio::test(start_paused = true)]
pub(crate) async fn w_26_a_deletion_that_works_is_not_given_up() {
    let mut service = lb("web");
    service["metadata"]["annotations"] = json!({"cloud-lb.dev/abandon-cloud-resources": "default/web"});
    let world = World::new().ready(&[service]).await;
    world.delete_service("web");
    world.until("gone", |world| !world.exists("web")).await;
    world.rest().await;
    assert_eq!(world.cloud.existing(), 0);
    assert!(!world.reasons().contains(&"AbandonedLoadBalancer".to_owned()));
}
