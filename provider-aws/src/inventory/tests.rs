use cloud_lb_core::deadline::within;

use super::*;
use crate::Account;
use crate::fake::{FakeAws, Options};

#[tokio::test(start_paused = true)]
async fn aws_237_who_waits_for_the_view_of_another_one_is_not_without_an_answer() {
    let latency = Duration::from_secs(30);
    let api = FakeAws::new(Account::default(), Options { latency, ..Options::default() });
    let inventory = Inventory::new(Duration::from_mins(30));
    let fills = inventory.view(&api, "vpc-1");
    let waits = within(latency / 2, inventory.view(&api, "vpc-1"));
    let (filled, waited) = tokio::join!(fills, waits);
    let waited = waited.expect("it is in time").unwrap();
    assert!(Arc::ptr_eq(&filled.unwrap(), &waited));
}
