//! Leader election on the embedded API: never two leaders, whatever the network, the clocks and the API do.

#[path = "lease/network.rs"]
mod network;
#[path = "lease/replica.rs"]
mod replica;
#[path = "lease/rival.rs"]
mod rival;

use std::time::Duration;

use cloud_lb_core::ErrorKind;
use cloud_lb_core::lease::{Elector, LeaseOptions};
use provider_mock::apiserver::{ApiServer, Fault, Resource, Verb};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use network::Network;
use replica::Replicas;

const SECOND: Duration = Duration::from_secs(1);

fn lease(api: &ApiServer) -> Value {
    let lease = api.get(Resource::Leases, "kube-system", "cloud-lb");
    lease.and_then(|lease| lease.get("spec").cloned()).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn the_first_leads_and_renews_and_the_others_wait() {
    let api = ApiServer::new();
    let mut replicas = Replicas::of(&api);
    replicas.start("a", Network::new(&api), 0).await;
    replicas.pass(SECOND).await;
    replicas.start("b", Network::new(&api), 0).await;
    replicas.pass(SECOND * 120).await;
    assert_eq!(replicas.story(), ["0s a leads"]);
    let spec = lease(&api);
    assert_eq!((&spec["holderIdentity"], &spec["leaseDurationSeconds"]), (&json!("a"), &json!(15)));
    assert_eq!(spec["leaseTransitions"], 0);
}

#[tokio::test(start_paused = true)]
async fn w_15_a_lease_that_is_given_back_is_taken_at_once() {
    let api = ApiServer::new();
    let mut replicas = Replicas::of(&api);
    replicas.start("a", Network::new(&api), 0).await;
    replicas.pass(SECOND).await;
    replicas.start("b", Network::new(&api), 0).await;
    replicas.pass(SECOND * 29).await;
    replicas.resign("a");
    replicas.pass(SECOND * 30).await;
    let story = replicas.story();
    assert_eq!(story[..2], ["0s a leads", "30s a released"]);
    let taken: u64 = story[2].strip_suffix("s b leads").unwrap().parse().unwrap();
    assert!((30..=35).contains(&taken), "within one pause of a candidate: {story:?}");
    assert_eq!(lease(&api)["leaseTransitions"], 1);
}

#[tokio::test(start_paused = true)]
async fn l_2_a_leader_that_is_cut_off_stops_before_another_one_starts() {
    let api = ApiServer::new();
    let mut replicas = Replicas::of(&api);
    let network = Network::new(&api);
    // Nobody's clock is right; nothing depends on it.
    replicas.start("a", network.clone(), 3600).await;
    replicas.pass(SECOND).await;
    replicas.start("b", Network::new(&api), -86400).await;
    replicas.pass(SECOND * 29).await;
    network.silence();
    replicas.pass(SECOND * 60).await;
    let story = replicas.story();
    assert_eq!(story.len(), 3, "{story:?}");
    let moment = |index: usize| story[index].split_once("s ").unwrap().0.parse::<u64>().unwrap();
    assert!(story[1].ends_with(" a lost") && (38..=40).contains(&moment(1)), "{story:?}");
    assert!(story[2].ends_with(" b leads") && moment(2) >= moment(1) + 5, "{story:?}");
    replicas.assert_never_two();
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_is_asked_for_again_before_the_deadline() {
    let api = ApiServer::new();
    let mut replicas = Replicas::of(&api);
    replicas.start("a", Network::new(&api), 0).await;
    replicas.pass(SECOND * 10).await;
    api.faults().inject(Verb::Update, Resource::Leases, Fault::Delay(SECOND * 30), 1);
    replicas.pass(SECOND * 60).await;
    // Done, and not told: the version is not what we think it is.
    api.faults().inject(Verb::Update, Resource::Leases, Fault::FailAfterwards(500), 2);
    replicas.pass(SECOND * 60).await;
    api.faults().inject(Verb::Update, Resource::Leases, Fault::Fail(409), 2);
    api.faults().inject(Verb::Get, Resource::Leases, Fault::Fail(429), 1);
    replicas.pass(SECOND * 60).await;
    assert_eq!(replicas.story(), ["0s a leads"]);
    assert_eq!(lease(&api)["leaseTransitions"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_somebody_deletes_makes_no_second_leader() {
    let api = ApiServer::new();
    let mut replicas = Replicas::of(&api);
    replicas.start("a", Network::new(&api), 0).await;
    replicas.pass(SECOND).await;
    replicas.start("b", Network::new(&api), 0).await;
    for _ in 0..20 {
        replicas.pass(SECOND * 7).await;
        // It may be gone already.
        let _ = api.delete(Resource::Leases, "kube-system", "cloud-lb");
    }
    assert_eq!(replicas.story(), ["0s a leads"]);
}

#[tokio::test(start_paused = true)]
async fn what_others_put_into_the_lease_stays() {
    let api = ApiServer::new();
    let mut object = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "cloud-lb", "namespace": "kube-system", "labels": {"team": "edge"}},
    });
    api.create(Resource::Leases, object.clone()).unwrap();
    let mut elector = Elector::new(Network::new(&api).client(), LeaseOptions::default(), "a").unwrap();
    elector.acquire().await;
    object = api.get(Resource::Leases, "kube-system", "cloud-lb").unwrap();
    assert_eq!(object["metadata"]["labels"]["team"], "edge");
    assert_eq!(object["spec"]["holderIdentity"], "a");
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_another_one_took_is_lost_at_once() {
    let api = ApiServer::new();
    let mut elector = Elector::new(Network::new(&api).client(), LeaseOptions::default(), "a").unwrap();
    let standing = elector.standing();
    assert!(!standing.leads());
    elector.acquire().await;
    assert!(standing.leads() && standing.check().is_ok());
    let mut object = api.get(Resource::Leases, "kube-system", "cloud-lb").unwrap();
    object["spec"]["holderIdentity"] = json!("b");
    api.update(Resource::Leases, object).unwrap();
    let error = elector.hold(&CancellationToken::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(error.to_string(), "kube-system/cloud-lb: the lease was lost: b holds it");
    assert_eq!((standing.leads(), standing.holder().as_str()), (false, "b"));
}

#[tokio::test(start_paused = true)]
async fn l_3_a_leader_that_does_not_renew_is_not_well() {
    let api = ApiServer::new();
    let mut elector = Elector::new(Network::new(&api).client(), LeaseOptions::default(), "a").unwrap();
    elector.acquire().await;
    // Nobody polls `hold`: the elector is stuck.
    tokio::time::advance(SECOND * 36).await;
    assert_eq!(elector.standing().check(), Err("the lease was not renewed for 36s".to_owned()));
}

/// Three replicas that start again when they lost, on networks that break and mend, with an API that fails
/// and is slow, for a quarter of an hour each. `SEED=` replays one, and `SEEDS=` takes so many.
#[tokio::test(start_paused = true)]
async fn never_two_leaders_whatever_happens() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seeds = number("SEED").map_or(0..number("SEEDS").unwrap_or(4), |seed| seed..seed + 1);
    let (mut changes, expected) = (0, seeds.end - seeds.start);
    for seed in seeds {
        changes += replica::chaos(seed).await;
    }
    assert!(changes >= expected, "the lease changed hands only {changes} times");
}
