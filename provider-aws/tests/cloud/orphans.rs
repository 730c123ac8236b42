//! What is owned, with its age and what it costs (W-28).

use cloud_lb_core::provider::LoadBalancerProvider;
use provider_aws::facts::Address;
use provider_aws::fake::Options;
use serde_json::json;

use crate::support::{CLUSTER, World, account, annotate, config, port, service};

#[tokio::test(start_paused = true)]
async fn w_28_load_balancers_tell_their_age_and_that_they_cost_and_hold_addresses() {
    let mut account = account(CLUSTER);
    let ids = ["eipalloc-1", "eipalloc-2", "eipalloc-3"];
    account.addresses =
        ids.iter().map(|id| Address { allocation_id: (*id).to_owned(), ..Address::default() }).collect();
    let world = World::of(account, Options::default(), config(CLUSTER));
    let mut lb = service("web", &[port(80, 30_080)]);
    annotate(&mut lb, "scheme", "internet-facing");
    annotate(&mut lb, "eip-allocations", &ids.join(","));
    world.ensured(&lb).await;
    let owned = world.provider.survey(&[]).await.unwrap().owned;
    let owned = owned.iter().find(|owned| owned.is_of(&lb.service)).unwrap();
    assert!(owned.is_billed());
    assert_eq!(owned.oldest().unwrap().to_string(), "2026-01-01T00:00:00Z");
    for resource in &owned.resources {
        let told = json!(resource);
        if resource.kind == "LoadBalancer" {
            let held = ids.map(|id| format!("Elastic IP {id}"));
            assert_eq!((&told["billed"], &told["holds"]), (&json!(true), &json!(held)), "{told}");
        } else {
            assert_eq!((&told["billed"], &told["created"]), (&json!(false), &json!(null)), "{told}");
        }
    }
}
