//! Rules that are about the controller as a whole: what it watches, how it begins, what it never does.

use std::collections::BTreeSet;
use std::time::Duration;

use cloud_lb_core::error::Retry;
use cloud_lb_core::k8s::FINALIZER;
use cloud_lb_core::{Error, ErrorKind};
use provider_mock::apiserver::{Resource, Verb};
use serde_json::json;

use crate::cloud::{Answer, Op};
use crate::world::{World, address, finalizers, lb, seconds};

fn later() -> Error {
    Error::new(ErrorKind::Unavailable, "not now").with_retry(Retry::After(Duration::from_secs(42)))
}

/// The kinds that were listed or watched.
fn read(world: &World) -> BTreeSet<String> {
    let requests = world.api.faults().requests();
    let reads = requests.into_keys().filter(|(verb, _)| !verb.is_write());
    reads.map(|(verb, kind)| if verb == Verb::Get { format!("get {kind}") } else { kind }).collect()
}

/// W-1 and AWS need EndpointSlices for pods as targets; whoever has none does not ask for them.
#[tokio::test(start_paused = true)]
async fn sc_1_services_and_nodes_are_watched_and_nothing_else() {
    for (pods, expected) in [(false, "nodes services"), (true, "endpointslices nodes services")] {
        let world = World::with(|capabilities| capabilities.pod_targets = pods);
        world.add_service(lb("web"));
        let world = world.start();
        world.until_ready("web").await;
        world.change_service("web", |service| service["spec"]["ports"][0]["port"] = json!(81));
        world.add_node("n3");
        world.pass_time(Duration::from_hours(1)).await;
        assert_eq!(read(&world).into_iter().collect::<Vec<_>>().join(" "), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn sc_22_sc_8_what_is_listed_again_as_it_was_is_no_work() {
    let world = World::new().options(|options| options.with_drift_interval(Duration::ZERO));
    let world = world.ready(&[lb("web"), lb("api")]).await;
    world.api.faults().drop_watches();
    let other = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other", "namespace": "default"}});
    world.api.create(Resource::ConfigMaps, other).unwrap();
    world.api.compact();
    world.pass_time(Duration::from_mins(10)).await;
    assert!(world.api.faults().requests().contains_key(&(Verb::List, "services".to_owned())), "listed again");
    assert!(world.cloud.calls().is_empty(), "{:?}", world.cloud.calls());
    assert_eq!(world.patches(), 0);
}

#[tokio::test(start_paused = true)]
async fn sc_26_sc_41_a_lane_works_on_the_newest_object() {
    let world = World::new();
    world.cloud.hold("web");
    world.add_service(lb("web"));
    let world = world.start();
    world.until("ensuring", |world| world.cloud.count(Op::Ensure) == 1).await;
    for port in [81, 82, 83] {
        world.change_service("web", |service| service["spec"]["ports"][0]["port"] = json!(port));
        world.rest().await;
    }
    world.cloud.release("web");
    world.until("ensured again", |world| world.cloud.count(Op::Ensure) == 2).await;
    world.rest().await;
    let ports = world.cloud.calls_of(Op::Ensure).into_iter().map(|call| call.lb.unwrap().ports[0].port.get());
    assert_eq!(ports.collect::<Vec<_>>(), [80, 83], "what came in between is nobody's work any more");
}

/// Upstream forgets the delay that was asked for on all paths but ensure (W-14).
#[tokio::test(start_paused = true)]
async fn sc_36_w_14_an_asked_delay_holds_on_every_path() {
    let world = World::new().ready(&[lb("web"), lb("gone"), lb("changed")]).await;
    world.cloud.next(Op::Update, Answer::Fail(later()));
    world.cloud.next(Op::Update, Answer::Fail(later()));
    world.cloud.next(Op::Update, Answer::Fail(later()));
    world.add_node("n3");
    world.pass_time(Duration::from_mins(2)).await;
    assert_eq!(seconds(&world, Op::Update), [0, 0, 0, 42, 42, 42]);
    world.cloud.next(Op::Delete, Answer::Fail(later()));
    world.delete_service("gone");
    world.until("gone", |world| !world.exists("gone")).await;
    assert_eq!(seconds(&world, Op::Delete), [0, 42], "the cleanup of a deleted Service");
    world.cloud.forget_calls();
    world.cloud.next(Op::Delete, Answer::Fail(later()));
    world.change_service("changed", |service| service["spec"]["type"] = json!("ClusterIP"));
    world.until("clean", |world| finalizers(world, "changed").is_empty()).await;
    assert_eq!(seconds(&world, Op::Delete), [0, 42], "the cleanup of one that wants none any more");
}

#[tokio::test(start_paused = true)]
async fn sc_6_what_was_begun_and_failed_is_cleaned_up_when_its_service_vanishes() {
    let world = World::new();
    world.cloud.next(Op::Ensure, Answer::Fail(later()));
    world.add_service(lb("web"));
    let world = world.start();
    world.until("failed", |world| world.condition("web").is_some()).await;
    world.strip_finalizers("web");
    world.delete_service("web");
    world.pass_time(Duration::from_mins(5)).await;
    assert_eq!((world.cloud.count(Op::Ensure), world.cloud.count(Op::Delete)), (1, 1));
}

/// A cloud that publishes nothing is believed: in Rust a status cannot be null.
#[tokio::test(start_paused = true)]
async fn sc_53_an_empty_status_is_legal_and_takes_the_address_away() {
    let world = World::new().ready(&[lb("web")]).await;
    world.cloud.next(Op::Ensure, Answer::NoAddress);
    world.change_service("web", |service| service["spec"]["ports"][0]["port"] = json!(81));
    world.until("no address", |world| address(world, "web").is_none()).await;
    world.pass_time(Duration::from_mins(5)).await;
    assert_eq!((world.cloud.count(Op::Ensure), address(&world, "web")), (1, None));
    assert_eq!(world.condition("web").unwrap().0, "True");
    assert_eq!(world.reasons().last().map(String::as_str), Some("EnsuredLoadBalancer"));
}

/// The finalizer is the core's business, also where another controller looks after the Service.
#[tokio::test(start_paused = true)]
pub(crate) async fn t_6_the_finalizer_goes_also_where_the_provider_never_took_the_service() {
    let world = World::new();
    world.cloud.next(Op::Ensure, Answer::Elsewhere);
    world.add_service(lb("web"));
    let world = world.start();
    world.until("asked", |world| world.cloud.count(Op::Ensure) == 1).await;
    world.rest().await;
    assert_eq!(finalizers(&world, "web"), [FINALIZER]);
    world.cloud.next(Op::Delete, Answer::Elsewhere);
    world.delete_service("web");
    world.until("gone", |world| !world.exists("web")).await;
}

/// The lists of two upstream Rust controllers: each entry is what a test of ours is about, but these.
#[tokio::test(start_paused = true)]
async fn r_1_r_2_no_port_is_lost_and_nothing_is_written_twice() {
    let mut service = lb("dns");
    let port = |name: &str, protocol: &str| json!({"name": name, "port": 53, "protocol": protocol});
    service["spec"]["ports"] = json!([port("udp", "UDP"), port("tcp", "TCP")]);
    let world = World::new();
    world.add_service(service);
    let world = world.start();
    world.until_ready("dns").await;
    world.rest().await;
    let wanted = world.cloud.calls()[0].lb.clone().unwrap();
    let ports: Vec<String> =
        wanted.ports.iter().map(|port| format!("{:?} {}", port.protocol, port.port)).collect();
    assert_eq!(ports, ["Udp 53", "Tcp 53"], "F-3");
    let status = &world.service("dns")["status"]["loadBalancer"]["ingress"][0];
    assert_eq!(status["ipMode"], "VIP", "the names that the API has");
    let patches = world.patches();
    world.pass_time(Duration::from_hours(2)).await;
    assert_eq!(world.patches(), patches, "the status is not written again and again");
}
