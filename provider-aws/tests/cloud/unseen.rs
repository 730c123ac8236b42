//! What AWS, or what is kept of its answers, does not show yet.

use std::time::Duration;

use cloud_lb_core::error::{ErrorKind, Retry};
use cloud_lb_core::provider::LoadBalancerProvider;
use provider_aws::fake::Options;

use super::scenarios::g5;
use crate::support::{World, pass};

#[tokio::test(start_paused = true)]
async fn aws_210_tags_that_are_not_shown_yet_are_no_collision_and_what_was_made_is_known() {
    let options = Options { tags_visible_after: Duration::from_secs(5), ..Options::default() };
    let world = World::new(options.clone());
    let mut refusals = 0;
    loop {
        match world.provider.ensure(&g5()).await {
            Ok(_) => break,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
                assert_eq!(error.retry(), Retry::After(Duration::from_secs(2)));
            }
        }
        refusals += 1;
        assert!(refusals < 20);
        pass(2).await;
    }
    assert!(refusals > 0);
    assert_eq!(world.aws.account().load_balancers.len(), 1);
    world.deleted(&g5()).await;
    world.assert_empty();
    // A Service that goes before its tags are seen leaves nothing behind.
    let world = World::new(options);
    world.provider.ensure(&g5()).await.unwrap_err();
    world.deleted(&g5()).await;
    world.assert_empty();
}
