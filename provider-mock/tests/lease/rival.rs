//! The Lease of another controller that would do the same work.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::time::Duration;

use cloud_lb_core::ErrorKind;
use cloud_lb_core::lease::Rival;
use kube::Client;
use provider_mock::apiserver::{ApiServer, Fault, Resource, Verb};
use serde_json::json;
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);
const NAME: &str = "theirs";

fn rival(api: &ApiServer) -> Rival {
    Rival::new(Client::new(api.clone(), "default"), "kube-system", NAME)
}

/// Makes their Lease, or renews it.
fn renew(api: &ApiServer, holder: &str, at: u32) {
    let spec = json!({
        "holderIdentity": holder, "leaseDurationSeconds": 15, "renewTime": format!("2026-01-02T03:04:{at:02}.000000Z"),
    });
    let found = api.get(Resource::Leases, "kube-system", NAME);
    let metadata = found
        .as_ref()
        .map_or_else(|| json!({"namespace": "kube-system", "name": NAME}), |found| found["metadata"].clone());
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec,
    });
    let written = if found.is_some() {
        api.update(Resource::Leases, lease)
    } else {
        api.create(Resource::Leases, lease)
    };
    written.unwrap();
}

/// How long it takes until they are gone.
async fn waited(rival: &mut Rival) -> u64 {
    let start = Instant::now();
    rival.gone().await.unwrap();
    start.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn where_nobody_holds_the_lease_nobody_waits() {
    let api = ApiServer::new();
    assert_eq!(waited(&mut rival(&api)).await, 0, "there is none");
    renew(&api, "", 0);
    assert_eq!(waited(&mut rival(&api)).await, 0, "given back");
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_nobody_renews_is_waited_for_as_long_as_it_says_and_no_clock_is_asked() {
    let api = ApiServer::new();
    renew(&api, "them", 0);
    let mut rival = rival(&api);
    assert_eq!(waited(&mut rival).await, 15);
    assert_eq!(waited(&mut rival).await, 0, "it is known to be dead");
}

#[tokio::test(start_paused = true)]
async fn as_long_as_they_renew_it_we_wait_and_say_so() {
    let api = ApiServer::new();
    renew(&api, "them", 0);
    let mut rival = rival(&api);
    let standing = rival.standing();
    standing.check().unwrap();
    let waiting = tokio::spawn(async move { waited(&mut rival).await });
    for at in 1..=30 {
        tokio::time::sleep(SECOND * 2).await;
        renew(&api, "them", at);
    }
    assert!(!waiting.is_finished());
    assert_eq!(standing.check().unwrap_err(), "another controller does the same work");
    api.delete(Resource::Leases, "kube-system", NAME).unwrap();
    let waited = waiting.await.unwrap();
    assert!((70..=80).contains(&waited), "deleted is not dead: {waited}");
    standing.check().unwrap();
}

#[tokio::test(start_paused = true)]
async fn they_are_noticed_when_they_come_back() {
    let api = ApiServer::new();
    renew(&api, "them", 0);
    let mut rival = rival(&api);
    rival.gone().await.unwrap();
    let watching = tokio::spawn(async move { rival.returned().await });
    tokio::time::sleep(SECOND * 600).await;
    assert!(!watching.is_finished(), "what was dead stays dead");
    api.faults().inject(Verb::Get, Resource::Leases, Fault::Fail(500), 3);
    tokio::time::sleep(SECOND * 60).await;
    assert!(!watching.is_finished(), "what cannot be read is no news");
    renew(&api, "them again", 1);
    let start = Instant::now();
    let error = watching.await.unwrap().unwrap_err();
    assert!(start.elapsed() <= SECOND * 5, "{:?}", start.elapsed());
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(
        error.to_string(),
        "kube-system/theirs: another controller has begun to do the same work: them again holds its lease"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_cannot_be_read_is_not_one_that_is_not_there() {
    let api = ApiServer::new();
    api.faults().inject(Verb::Get, Resource::Leases, Fault::Fail(503), 4);
    assert_eq!(waited(&mut rival(&api)).await, 20);
    api.faults().inject(Verb::Get, Resource::Leases, Fault::Fail(403), 1);
    assert_eq!(rival(&api).gone().await.unwrap_err().kind(), ErrorKind::PermissionDenied);
}
