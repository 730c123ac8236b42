use crate::helpers::{refusal, service, services};
use kube::api::{Patch, PatchParams, PostParams};
use provider_mock::apiserver::{ApiServer, Fault, Resource, Verb};
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test]
async fn injected_failures_hit_the_next_matching_requests_only() {
    let server = ApiServer::new();
    let api = services(&server);
    server.faults().inject(Verb::Create, Resource::Services, Fault::Fail(503), 2);
    assert_eq!(api.get_opt("a").await.unwrap(), None);
    for _ in 0..2 {
        let (code, reason, _) = refusal(api.create(&PostParams::default(), &service("a")).await);
        assert_eq!((code, reason.as_str()), (503, "ServiceUnavailable"));
    }
    api.create(&PostParams::default(), &service("a")).await.unwrap();
}

#[tokio::test]
async fn a_failure_afterwards_has_done_the_work() {
    let server = ApiServer::new();
    server.faults().inject(Verb::Create, Resource::Services, Fault::FailAfterwards(504), 1);
    let (code, ..) = refusal(services(&server).create(&PostParams::default(), &service("a")).await);
    assert_eq!(code, 504);
    assert!(server.get(Resource::Services, "default", "a").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_delay_holds_the_request() {
    let server = ApiServer::new();
    server.faults().inject(Verb::Get, Resource::Services, Fault::Delay(Duration::from_secs(7)), 1);
    let start = Instant::now();
    services(&server).get_opt("a").await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(7));
}

#[tokio::test]
async fn requests_are_counted_by_verb_and_subresource() {
    let server = ApiServer::new();
    let api = services(&server);
    api.create(&PostParams::default(), &service("a")).await.unwrap();
    assert_eq!(server.faults().writes(), 1);
    server.faults().reset_counts();
    api.get("a").await.unwrap();
    assert_eq!(server.faults().writes(), 0);
    let patch = Patch::Strategic(json!({"status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}}));
    api.patch_status("a", &PatchParams::default(), &patch).await.unwrap();
    let counts = server.faults().requests();
    assert_eq!(counts.get(&(Verb::Patch, "services/status".to_owned())), Some(&1));
    assert_eq!(counts.get(&(Verb::Patch, "services".to_owned())), None);
    assert_eq!(server.faults().writes(), 1);
}
