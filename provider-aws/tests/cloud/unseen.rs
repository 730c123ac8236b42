//! What AWS, or what is kept of its answers, does not show yet.

use std::time::Duration;

use cloud_lb_core::error::{ErrorKind, Retry};
use cloud_lb_core::model::LoadBalancer;
use cloud_lb_core::provider::LoadBalancerProvider;
use provider_aws::fake::Options;

use super::scenarios::g5;
use crate::support::{CLUSTER, NODE_GROUP, World, account, annotate, pass, port, service, tags};

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

#[tokio::test(start_paused = true)]
async fn aws_52_and_84_what_is_new_in_the_account_is_found_at_once() {
    let world = World::new(Options::default());
    let mut lb = service("web", &[port(80, 30_080)]);
    world.ensured(&lb).await;
    pass(60).await;
    world.aws.tamper(|account| {
        let mut subnet = account.subnets[0].clone();
        "subnet-9".clone_into(&mut subnet.subnet_id);
        "eu-west-1d".clone_into(&mut subnet.availability_zone);
        account.subnets.push(subnet);
        let mut group =
            account.security_groups.iter().find(|one| one.group_id == NODE_GROUP).unwrap().clone();
        "sg-new".clone_into(&mut group.group_id);
        group.tags = tags(&[("Name", "new")]);
        group.ip_permissions.clear();
        account.security_groups.push(group);
    });
    annotate(&mut lb, "subnets", "subnet-1,subnet-9");
    annotate(&mut lb, "security-groups", "new");
    let (_, calls) = world.calls_of(world.ensured(&lb)).await;
    assert_eq!(calls.of("DescribeSubnets"), 1, "{calls:#?}");
    let found = world.aws.account().load_balancers.remove(0);
    let ids: Vec<&str> = found.subnet_mappings.iter().map(|mapping| mapping.subnet_id.as_str()).collect();
    assert_eq!(
        (ids.as_slice(), found.security_groups.as_slice()),
        (&["subnet-1", "subnet-9"][..], &["sg-new".to_owned()][..])
    );
}

#[tokio::test(start_paused = true)]
async fn aws_54_what_the_account_lacks_is_asked_for_again_and_what_the_service_says_wrongly_is_not() {
    let world = World::new(Options::default());
    let mut lb = service("web", &[port(80, 30_080)]);
    world.ensured(&lb).await;
    pass(60).await;
    let wrong = |lb: &LoadBalancer| {
        let (world, lb) = (&world, lb.clone());
        async move { world.calls_of(world.provider.ensure(&lb)).await }
    };
    annotate(&mut lb, "subnets", "subnet-1,subnet-9");
    for (looks, wait) in [(1, 1), (0, 10), (1, 0)] {
        let (result, calls) = wrong(&lb).await;
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.retry()), (ErrorKind::InvalidInput, Retry::Backoff), "{error}");
        assert_eq!(calls.of("DescribeSubnets"), looks);
        pass(wait).await;
    }
    pass(60).await;
    annotate(&mut lb, "subnets", "subnet-1");
    annotate(&mut lb, "name", "-web");
    let (result, calls) = wrong(&lb).await;
    assert_eq!((result.unwrap_err().retry(), calls.of("DescribeSubnets")), (Retry::Never, 0));
}

#[tokio::test(start_paused = true)]
async fn aws_35_a_name_that_is_free_again_is_taken() {
    let other = World::new(Options::default());
    let lb = service("web", &[port(80, 30_080)]);
    other.ensured(&lb).await;
    let mut foreign = other.aws.account().load_balancers.remove(0);
    foreign.tags = tags(&[("owner", "terraform")]);
    foreign.listeners.clear();
    foreign.security_groups.clear();
    let mut account = account(CLUSTER);
    account.load_balancers.push(foreign);
    let world = World::of(account, Options::default(), crate::support::config(CLUSTER));
    let error = world.provider.ensure(&lb).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Ownership, Retry::Backoff));
    pass(60).await;
    world.aws.tamper(|account| account.load_balancers.clear());
    world.ensured(&lb).await;
}

#[tokio::test(start_paused = true)]
async fn aws_89_a_survey_that_read_what_was_before_forgets_no_need() {
    let world = World::new(Options::default());
    let (mut one, mut two) = (service("one", &[port(80, 30_001)]), service("two", &[port(80, 30_002)]));
    annotate(&mut one, "healthcheck-port", "9090");
    world.ensured(&one).await;
    world.ensured(&two).await;
    // The survey reads what was so before the Service was changed.
    world.aws.tamper(|account| {
        let group = account.target_groups.iter_mut().find(|group| group.port == 30_001).unwrap();
        "traffic-port".clone_into(&mut group.health_check.port);
    });
    world.provider.survey(&[one, two.clone()]).await.unwrap();
    two.ports[0].node_port = 30_003.try_into().ok();
    world.ensured(&two).await;
    assert_eq!(world.node_rules(), ["tcp 30001-30001", "tcp 30003-30003", "tcp 9090-9090"]);
}
