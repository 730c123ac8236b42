//! One load balancer takes the place of another, or grows.

use std::collections::BTreeMap;
use std::time::Duration;

use cloud_lb_core::model::{IpFamily, LoadBalancer};
use cloud_lb_core::provider::{LoadBalancerProvider, Standing};
use provider_aws::Account;
use provider_aws::config::DualstackTargets;
use provider_aws::fake::Options;
use provider_aws::kinds::{Scheme, TargetFamily};

use crate::support::{CLUSTER, World, account, annotate, config, pass, port, service};

/// A change of scheme; the states in which it asks to be called again.
async fn replaced(world: &World, lb: &mut LoadBalancer) -> Vec<String> {
    annotate(lb, "scheme", "internet-facing");
    let mut reasons = Vec::new();
    for _ in 0..100 {
        match world.provider.ensure(lb).await.unwrap().standing {
            Standing::Ready(_) => return reasons,
            Standing::Pending(waiting) | Standing::Tidying(_, waiting) => {
                tokio::time::sleep(waiting.retry_after).await;
                reasons.push(waiting.reason);
            }
            Standing::ImplementedElsewhere => panic!("not taken"),
        }
    }
    panic!("never done: {reasons:?}")
}

fn schemes(world: &World) -> Vec<Scheme> {
    world.aws.account().load_balancers.iter().map(|lb| lb.scheme).collect()
}

#[tokio::test(start_paused = true)]
async fn aws_118_a_port_that_is_served_is_waited_for_although_another_never_was() {
    let (healthy_after, silent_ports) = (Duration::from_mins(2), [30_443].into());
    let world = World::new(Options { healthy_after, silent_ports, ..Options::default() });
    let mut lb = service("web", &[port(80, 30_080), port(443, 30_443)]);
    world.ensured(&lb).await;
    pass(150).await;
    let reasons = replaced(&world, &mut lb).await;
    let is = |text: &'static str| move |reason: &&String| reason.contains(text);
    assert!(
        reasons.iter().filter(is("not healthy yet")).count() >= 8,
        "port 80 needs two minutes: {reasons:?}"
    );
    assert!(
        reasons.iter().filter(is("not healthy yet")).count() < 40,
        "the other is not waited for: {reasons:?}"
    );
    assert_eq!(reasons.iter().filter(is("drain")).count(), 1, "{reasons:?}");
    assert_eq!(schemes(&world), [Scheme::InternetFacing]);
}

#[tokio::test(start_paused = true)]
async fn aws_60_and_118_elastic_addresses_are_looked_up_for_a_load_balancer_that_replaces_another() {
    let mut account = account(CLUSTER);
    let address = |n: u8| provider_aws::facts::Address {
        allocation_id: format!("eip{n}"),
        public_ip: String::new(),
        associated_with: None,
    };
    account.addresses = (1..=3).map(address).collect();
    let world = World::of(account, Options::default(), config(CLUSTER));
    let mut lb = service("web", &[port(80, 30_080)]);
    world.ensured(&lb).await;
    annotate(&mut lb, "eip-allocations", "eip1, eip2, eip3");
    replaced(&world, &mut lb).await;
    let account = world.aws.account();
    assert_eq!(account.load_balancers[0].subnet_mappings[2].allocation_id.as_deref(), Some("eip3"));
    assert_eq!(account.load_balancers.len(), 1);
}

/// Subnets 1 and 2 are public, 3 is private, and no tag says so.
fn without_role_tags() -> Account {
    use provider_aws::facts::RouteKind::{Private, Public};
    let mut account = account(CLUSTER);
    for (subnet, routes) in account.subnets.iter_mut().zip([Public, Public, Private]) {
        subnet.tags.clear();
        subnet.routes = Some(routes);
    }
    account
}

fn subnets(world: &World) -> Vec<String> {
    let account = world.aws.account();
    account.load_balancers[0].subnet_mappings.iter().map(|mapping| mapping.subnet_id.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn aws_51_and_118_routes_tell_the_subnets_of_a_load_balancer_that_replaces_another() {
    let world = World::of(without_role_tags(), Options::default(), config(CLUSTER));
    let mut lb = service("web", &[port(80, 30_080)]);
    world.ensured(&lb).await;
    assert_eq!(subnets(&world), ["subnet-3"]);
    replaced(&world, &mut lb).await;
    assert_eq!(subnets(&world), ["subnet-1", "subnet-2"]);
}

#[tokio::test(start_paused = true)]
async fn aws_50_a_load_balancer_follows_into_zones_that_only_routes_tell() {
    let mut follow = config(CLUSTER);
    follow.subnet_follow = true;
    let mut account = without_role_tags();
    let late = account.subnets.remove(1);
    let world = World::of(account, Options::default(), follow.clone());
    let mut lb = service("web", &[port(80, 30_080)]);
    annotate(&mut lb, "scheme", "internet-facing");
    world.ensured(&lb).await;
    assert_eq!(subnets(&world), ["subnet-1"]);
    world.aws.tamper(|account| account.subnets.push(late));
    let stays = world.restarted(config(CLUSTER)).provider.plan(&lb).await.unwrap();
    assert!(stays.is_empty() && stays.warnings.iter().any(|one| one.reason == "SubnetSetDiffers"), "{stays}");
    world.restarted(follow).ensured(&lb).await;
    assert_eq!(subnets(&world), ["subnet-1", "subnet-2"]);
}

#[tokio::test(start_paused = true)]
async fn aws_142_a_target_group_that_exists_keeps_its_family() {
    let mut as_upstream = config(CLUSTER);
    as_upstream.dualstack_target_family = DualstackTargets::Ipv6;
    let world = World::of(account(CLUSTER), Options::default(), as_upstream);
    let mut lb = service("web", &[port(80, 30_080)]);
    lb.families = vec![IpFamily::V4, IpFamily::V6];
    annotate(&mut lb, "ip-address-type", "dualstack");
    world.ensured(&lb).await;
    let world = world.restarted(config(CLUSTER));
    let plan = world.provider.plan(&lb).await.unwrap();
    assert!(plan.is_empty(), "{plan:#?}");
    // New ports have the family that the Service names first.
    lb.ports.push(port(81, 30_081));
    world.ensured(&lb).await;
    let families = |world: &World| {
        let groups = world.aws.account().target_groups;
        groups.iter().map(|group| (group.port, group.ip_address_type)).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(families(&world), [(30_080, TargetFamily::Ipv6), (30_081, TargetFamily::Ipv4)].into());
    lb.families = vec![IpFamily::V4];
    world.ensured(&lb).await;
    assert_eq!(families(&world), [(30_080, TargetFamily::Ipv4), (30_081, TargetFamily::Ipv4)].into());
}
