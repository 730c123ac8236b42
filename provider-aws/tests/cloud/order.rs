//! In which order writes are made, and which are not made at all.

use std::time::Duration;

use cloud_lb_core::call::Access;
use cloud_lb_core::error::ErrorKind;
use cloud_lb_core::model::LoadBalancer;
use cloud_lb_core::provider::LoadBalancerProvider;
use ipnet::IpNet;
use provider_aws::fake::{Fault, Limits, Options};

use crate::support::{CLUSTER, NODE_GROUP, World, account, annotate, config, node, port, service};

/// A Service on one port, which is made.
async fn made(options: Options) -> (World, LoadBalancer) {
    let world = World::new(options);
    let lb = service("web", &[port(80, 30_080)]);
    world.ensured(&lb).await;
    (world, lb)
}

/// The writes that a change takes, in their order.
async fn order_of(world: &World, lb: &LoadBalancer) -> Vec<&'static str> {
    let (_, calls) = world.calls_of(world.ensured(lb)).await;
    assert!(world.provider.plan(lb).await.unwrap().is_empty());
    calls.order
}

fn ranges(count: u8) -> Vec<IpNet> {
    (0..count).map(|n| format!("10.{}.0.0/16", n * 2).parse().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn aws_77_rules_are_added_before_others_are_revoked() {
    let (world, mut lb) = made(Options::default()).await;
    lb.source_ranges = ranges(2);
    let order = order_of(&world, &lb).await;
    assert_eq!(order, ["AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"]);
}

#[tokio::test(start_paused = true)]
async fn aws_79_where_a_group_has_no_room_rules_are_revoked_first() {
    let limits = Limits { rules: 3, ..Limits::default() };
    let (world, mut lb) = made(Options { limits, ..Options::default() }).await;
    lb.source_ranges = ranges(3);
    let order = order_of(&world, &lb).await;
    let expected =
        ["AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress", "AuthorizeSecurityGroupIngress"];
    assert_eq!(order, expected, "the first one is refused");
}

#[tokio::test(start_paused = true)]
async fn aws_81_rules_are_not_touched_where_something_else_changes() {
    let (world, mut lb) = made(Options::default()).await;
    annotate(&mut lb, "attributes", "load_balancing.cross_zone.enabled=true");
    annotate(&mut lb, "target-group-attributes", "deregistration_delay.timeout_seconds=30");
    annotate(&mut lb, "healthcheck-interval", "20");
    let mut order = order_of(&world, &lb).await;
    order.sort_unstable();
    let expected = [
        "AddTags",
        "AddTags",
        "ModifyLoadBalancerAttributes",
        "ModifyTargetGroup",
        "ModifyTargetGroupAttributes",
    ];
    assert_eq!(order, expected);
}

#[tokio::test(start_paused = true)]
async fn aws_103_and_104_a_load_balancer_changes_in_the_order_of_the_specification() {
    let (world, mut lb) = made(Options::default()).await;
    annotate(&mut lb, "additional-resource-tags", "team=web");
    annotate(&mut lb, "security-groups", NODE_GROUP);
    annotate(&mut lb, "ip-address-type", "dualstack");
    annotate(&mut lb, "ipv6-addresses", "fd00:0:0:1::5, fd00:0:0:2::5, fd00:0:0:3::5");
    annotate(&mut lb, "attributes", "load_balancing.cross_zone.enabled=true");
    annotate(&mut lb, "minimum-load-balancer-capacity", "CapacityUnits=500");
    let order = order_of(&world, &lb).await;
    let of_load_balancer = [
        "SetSecurityGroups",
        "SetSubnets",
        "SetIpAddressType",
        "ModifyLoadBalancerAttributes",
        "ModifyCapacityReservation",
    ];
    let places: Vec<usize> = of_load_balancer
        .iter()
        .map(|action| {
            order.iter().position(|one| one == action).unwrap_or_else(|| panic!("{action}: {order:?}"))
        })
        .collect();
    assert!(places.is_sorted(), "{order:?}");
    let first_tags = order.iter().position(|action| *action == "AddTags").unwrap();
    assert!(first_tags < places[0], "{order:?}");
    let set_once = |action: &&str| order.iter().filter(|one| *one == action).count() == 1;
    assert!(of_load_balancer.iter().all(set_once), "{order:?}");
}

#[tokio::test(start_paused = true)]
async fn aws_136_a_default_certificate_that_becomes_another_is_never_missing() {
    let world = World::new(Options::default());
    let mut lb = service("web", &[port(443, 30_443)]);
    annotate(&mut lb, "ssl-cert", "arn1,arn2");
    world.ensured(&lb).await;
    annotate(&mut lb, "ssl-cert", "arn2,arn1");
    let order = order_of(&world, &lb).await;
    assert_eq!(order, ["AddListenerCertificates", "ModifyListener"]);
    // The default is in the list as well, where AWS-136 wants it.
    assert_eq!(world.aws.account().load_balancers[0].listeners[0].certificates, ["arn2", "arn2", "arn1"]);
    lb.annotations.remove("service.beta.kubernetes.io/aws-load-balancer-ssl-cert");
    assert_eq!(order_of(&world, &lb).await, ["ModifyListener", "RemoveListenerCertificates"]);
    annotate(&mut lb, "ssl-cert", "arn2,arn1");
    assert_eq!(order_of(&world, &lb).await, ["ModifyListener", "AddListenerCertificates"]);
}

#[tokio::test(start_paused = true)]
async fn aws_151_attributes_that_differ_are_written_at_once() {
    let (world, mut lb) = made(Options::default()).await;
    let wanted = "deregistration_delay.timeout_seconds=30,stickiness.enabled=true";
    annotate(&mut lb, "target-group-attributes", wanted);
    world.ensured(&lb).await;
    world.aws.tamper(|account| {
        let attributes = &mut account.target_groups[0].attributes;
        attributes.insert("deregistration_delay.timeout_seconds".to_owned(), "300".to_owned());
        attributes.insert("stickiness.enabled".to_owned(), "false".to_owned());
        attributes.insert("load_balancing.cross_zone.enabled".to_owned(), "true".to_owned());
    });
    let world = world.restarted(config(CLUSTER));
    assert_eq!(order_of(&world, &lb).await, ["ModifyTargetGroupAttributes"]);
    let account = world.aws.account();
    let attributes = &account.target_groups[0].attributes;
    assert_eq!(attributes["deregistration_delay.timeout_seconds"], "30");
    assert_eq!(attributes["load_balancing.cross_zone.enabled"], "true", "what nobody asked for stays");
}

#[tokio::test(start_paused = true)]
async fn aws_185_targets_are_registered_before_others_are_deregistered_unless_there_is_no_room() {
    for (targets, expected) in [
        (1000, vec!["RegisterTargets", "DeregisterTargets"]),
        (3, vec!["RegisterTargets", "DeregisterTargets", "RegisterTargets"]),
    ] {
        let limits = Limits { targets, ..Limits::default() };
        let (world, mut lb) = made(Options { limits, ..Options::default() }).await;
        lb.nodes = (2..=4).map(node).collect();
        assert_eq!(order_of(&world, &lb).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn aws_90_a_security_group_that_fails_does_not_keep_the_others_closed_and_all_errors_are_told() {
    let mut account = account(CLUSTER);
    for (index, id) in ["sg-other", "sg-third"].into_iter().enumerate() {
        let mut group = account.security_groups[0].clone();
        id.clone_into(&mut group.group_id);
        account.security_groups.push(group);
        account.instances[index + 1].security_groups = [id.to_owned()].into();
    }
    let world = World::of(account, Options::default(), config(CLUSTER));
    let lb = service("web", &[port(80, 30_080)]);
    // The first is that of the clients.
    for nth in [2, 3] {
        let fault = Fault::Fail(ErrorKind::PermissionDenied);
        world.aws.on_nth(nth, Access::Write, Some("AuthorizeSecurityGroupIngress"), fault);
    }
    let error = world.provider.ensure(&lb).await.unwrap_err().to_string();
    assert!(error.contains(NODE_GROUP) && error.contains("sg-other"), "{error}");
    let account = world.aws.account();
    let third = account.security_groups.iter().find(|group| group.group_id == "sg-third").unwrap();
    assert_eq!(third.ip_permissions.len(), 1);
    world.ensured(&lb).await;
    assert!(world.provider.plan(&lb).await.unwrap().is_empty());
}

/// What is read, and how often, where nothing asks for it.
#[tokio::test(start_paused = true)]
async fn aws_57_and_117_zones_are_read_once_and_details_only_where_they_are_asked_for() {
    let (world, mut lb) = made(Options::default()).await;
    let (_, calls) = world.calls_of(world.ensured(&lb)).await;
    assert_eq!((calls.of("DescribeListeners"), calls.of("DescribeCapacityReservation")), (1, 0));
    assert_eq!(calls.of("DescribeListenerAttributes"), 0);
    tokio::time::sleep(Duration::from_secs(2000)).await;
    let (_, calls) = world.calls_of(world.ensured(&lb)).await;
    assert_eq!((calls.of("DescribeSubnets"), calls.of("DescribeAvailabilityZones")), (1, 0));
    annotate(&mut lb, "minimum-load-balancer-capacity", "CapacityUnits=500");
    annotate(&mut lb, "listener-attributes.TCP-80", "tcp.idle_timeout.seconds=400");
    let (_, calls) = world.calls_of(world.ensured(&lb)).await;
    assert_eq!((calls.of("DescribeCapacityReservation"), calls.of("DescribeListenerAttributes")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn aws_86_and_187_a_full_quota_of_targets_keeps_no_port_closed() {
    let limits = Limits { targets: 3, ..Limits::default() };
    let (world, mut lb) = made(Options { limits, ..Options::default() }).await;
    lb.nodes.push(node(4));
    annotate(&mut lb, "healthcheck-port", "9090");
    let error = world.provider.ensure(&lb).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Quota, "{error}");
    assert_eq!(world.node_rules(), ["tcp 30080-30080", "tcp 9090-9090"]);
}

#[tokio::test(start_paused = true)]
async fn aws_86_an_old_port_is_closed_only_when_no_target_uses_it() {
    let (world, mut lb) = made(Options::default()).await;
    let mut other = service("other", &[port(80, 30_001)]);
    world.ensured(&other).await;
    lb.ports[0].node_port = 30_081.try_into().ok();
    world.aws.on_nth(1, Access::Write, Some("RegisterTargets"), Fault::Fail(ErrorKind::Unavailable));
    world.provider.ensure(&lb).await.unwrap_err();
    let both = ["tcp 30001-30001", "tcp 30080-30080", "tcp 30081-30081"];
    assert_eq!(world.node_rules(), both);
    // Nor do others close what is in use, or is about to be.
    world.provider.plan(&lb).await.unwrap();
    other.ports[0].node_port = 30_002.try_into().ok();
    world.ensured(&other).await;
    assert_eq!(world.node_rules(), ["tcp 30002-30002", "tcp 30080-30080", "tcp 30081-30081"]);
    world.ensured(&lb).await;
    assert_eq!(world.node_rules(), ["tcp 30002-30002", "tcp 30081-30081"]);
    assert!(world.restarted(config(CLUSTER)).provider.plan(&lb).await.unwrap().is_empty());
}
