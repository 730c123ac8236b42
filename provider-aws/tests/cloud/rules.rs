//! Rules of the specification that only a stateful account shows.

use std::time::Duration;

use super::scenarios::g5;

use cloud_lb_core::call::Access;
use cloud_lb_core::error::{Effect, ErrorKind};
use cloud_lb_core::model::{Port, Protocol};
use cloud_lb_core::provider::{LoadBalancerProvider, Outcome, TargetUpdate};
use provider_aws::facts::LoadBalancerState;
use provider_aws::fake::{Fault, Options};

use crate::support::{
    CLUSTER, NODE_GROUP, World, account, annotate, config, node, pass, pod, port, service, tags,
};

#[tokio::test(start_paused = true)]
async fn aws_35_a_foreign_load_balancer_that_the_inventory_does_not_show_is_not_adopted() {
    let world = World::new(Options::default());
    let lb = service("web", &[port(80, 30_080)]);
    // The inventory is read; then somebody makes a load balancer of the same name and settings.
    world.provider.plan(&lb).await.unwrap();
    let other = World::new(Options::default());
    other.ensured(&lb).await;
    let mut foreign = other.aws.account().load_balancers.remove(0);
    foreign.tags = tags(&[("owner", "terraform")]);
    foreign.listeners.clear();
    foreign.security_groups.clear();
    world.aws.tamper(|account| account.load_balancers.push(foreign.clone()));
    let error = world.provider.ensure(&lb).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ownership);
    world.deleted(&lb).await;
    assert_eq!(world.aws.account().load_balancers, [foreign]);
}

#[tokio::test(start_paused = true)]
async fn aws_89_a_restarted_process_revokes_only_when_it_knows_every_target_group() {
    let world = World::new(Options::default());
    let (one, two) = (service("one", &[port(80, 30_001)]), service("two", &[port(80, 30_005)]));
    world.ensured(&one).await;
    world.ensured(&two).await;
    let world = world.restarted(config(CLUSTER));
    world.deleted(&one).await;
    assert_eq!(world.node_rules(), ["tcp 30001-30001", "tcp 30005-30005"], "two was not looked at yet");
    let mut moved = two.clone();
    moved.ports[0].node_port = 30_006.try_into().ok();
    world.ensured(&moved).await;
    assert_eq!(world.node_rules(), ["tcp 30006-30006"]);
    world.deleted(&two).await;
    world.assert_empty();
}

#[tokio::test(start_paused = true)]
async fn aws_87_and_88_rules_of_others_are_never_touched() {
    let mut account = account(CLUSTER);
    let foreign = provider_aws::kinds::ListedPermission {
        ip_protocol: "tcp".to_owned(),
        from_port: Some(22),
        to_port: Some(22),
        cidrs: vec!["10.0.0.0/8".parse().unwrap()],
        description: "ssh".to_owned(),
        ..Default::default()
    };
    account.security_groups[0].ip_permissions.push(foreign.clone());
    let world = World::of(account, Options::default(), config(CLUSTER));
    world.ensured(&g5()).await;
    world.deleted(&g5()).await;
    let account = world.aws.account();
    let nodes = account.security_groups.iter().find(|group| group.group_id == NODE_GROUP).unwrap();
    assert_eq!(nodes.ip_permissions, [foreign]);
}

#[tokio::test(start_paused = true)]
async fn aws_112_a_protected_load_balancer_whose_protection_nobody_asks_for_is_deleted() {
    let world = World::new(Options::default());
    let lb = service("web", &[port(80, 30_080)]);
    world.ensured(&lb).await;
    world.aws.tamper(|account| {
        let attributes = &mut account.load_balancers[0].attributes;
        attributes.insert("deletion_protection.enabled".to_owned(), "true".to_owned());
    });
    let (_, calls) = world.calls_of(world.deleted(&lb)).await;
    assert_eq!(calls.of("DeleteLoadBalancer"), 2);
    world.assert_empty();
}

#[tokio::test(start_paused = true)]
async fn aws_210_what_was_made_and_is_not_shown_yet_is_not_made_again() {
    let options = Options { visible_after: Duration::from_secs(5), ..Options::default() };
    let world = World::new(options);
    world.ensured(&g5()).await;
    let again = world.provider.ensure(&g5()).await;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::Unavailable);
    pass(6).await;
    let (_, calls) = world.calls_of(world.ensured(&g5())).await;
    assert_eq!(calls.total_writes(), 0);
    assert_eq!(world.aws.account().load_balancers.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn aws_136_certificates_are_added_before_others_are_removed() {
    let world = World::new(Options::default());
    let mut lb = service("web", &[port(443, 30_443)]);
    annotate(&mut lb, "ssl-cert", "arn1,arn2,arn3");
    world.ensured(&lb).await;
    let certificates =
        |world: &World| world.aws.account().load_balancers[0].listeners[0].certificates.clone();
    assert_eq!(certificates(&world), ["arn1", "arn2", "arn3"]);
    annotate(&mut lb, "ssl-cert", "arn1,arn3,arn4");
    let (_, calls) = world.calls_of(world.ensured(&lb)).await;
    let wanted = [("AddListenerCertificates", 1), ("RemoveListenerCertificates", 1)];
    assert_eq!(calls.writes, wanted.into());
    assert_eq!(certificates(&world), ["arn1", "arn3", "arn4"]);
    assert!(world.provider.plan(&lb).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn aws_78_rules_that_changed_meanwhile_are_read_again() {
    let world = World::new(Options::default());
    let mut lb = service("web", &[port(80, 30_080)]);
    world.ensured(&lb).await;
    // Somebody removes the rule that is about to be revoked.
    world.aws.tamper(|account| {
        let ours =
            account.security_groups.iter_mut().find(|group| group.group_name.starts_with("k8s-default"));
        ours.unwrap().ip_permissions.clear();
    });
    lb.source_ranges = vec!["10.0.0.0/8".parse().unwrap()];
    world.ensured(&lb).await;
    assert!(world.provider.plan(&lb).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn aws_145_what_is_worth_knowing_stands_in_the_plan_and_comes_with_the_load_balancer() {
    let world = World::new(Options::default());
    let lb = service("dns", &[Port { protocol: Protocol::Udp, ..port(53, 30_053) }]);
    let plan = world.provider.plan(&lb).await.unwrap();
    let reasons: Vec<&str> = plan.warnings.iter().map(|warning| warning.reason).collect();
    assert_eq!(reasons, ["UnansweredHealthCheck"]);
    let line = "\n  ! UnansweredHealthCheck: targets of UDP port 53 are checked over TCP";
    assert!(plan.to_string().contains(line), "{plan}");
    assert_eq!(world.provider.ensure(&lb).await.unwrap().warnings, plan.warnings);
    world.ensured(&lb).await;
    let settled = world.provider.plan(&lb).await.unwrap();
    assert_eq!((settled.is_empty(), &settled.warnings), (true, &plan.warnings));
}

#[tokio::test(start_paused = true)]
async fn aws_184_many_nodes_are_one_call() {
    let world = World::new(Options::default());
    let mut lb = service("web", &[port(80, 30_080)]);
    world.ensured(&lb).await;
    lb.nodes = (1..=10).map(node).collect();
    let update = world.provider.update_targets(TargetUpdate::LoadBalancer(&lb));
    let (outcome, calls) = world.calls_of(update).await;
    assert_eq!(outcome.unwrap(), Outcome::Done);
    assert_eq!(calls.writes, [("RegisterTargets", 1)].into());
}

#[tokio::test(start_paused = true)]
async fn aws_188_a_target_group_that_somebody_deleted_is_made_again() {
    let world = World::new(Options::default());
    let mut lb = service("web", &[port(80, 30_080)]);
    world.ensured(&lb).await;
    world.ensured(&lb).await;
    pass(100).await;
    world.aws.tamper(|account| {
        account.target_groups.clear();
        account.load_balancers[0].listeners.clear();
    });
    lb.nodes.push(node(4));
    let error = world.provider.ensure(&lb).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::NotFound, Effect::None));
    world.ensured(&lb).await;
    assert_eq!(world.aws.account().target_groups[0].targets.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn aws_105_a_load_balancer_that_failed_is_made_again() {
    let world = World::new(Options::default());
    let lb = service("web", &[port(80, 30_080)]);
    world.ensured(&lb).await;
    world.aws.tamper(|account| {
        account.load_balancers[0].state = LoadBalancerState::Failed;
        "no capacity".clone_into(&mut account.load_balancers[0].state_reason);
    });
    let told = world.restarted(config(CLUSTER)).provider.plan(&lb).await.unwrap().warnings;
    assert!(
        told.iter().any(|one| one.reason == "LoadBalancerFailed" && one.message.contains("(no capacity)")),
        "{told:?}"
    );
    world.ensured(&lb).await;
    let account = world.aws.account();
    assert_eq!(account.load_balancers.len(), 1);
    assert_eq!(account.load_balancers[0].state, LoadBalancerState::Active);
}

#[tokio::test(start_paused = true)]
async fn throttled_writes_are_reported_as_such_and_repaired() {
    let world = World::new(Options::default());
    world.aws.on_nth(1, Access::Write, Some("CreateListener"), Fault::Fail(ErrorKind::Throttled));
    let error = world.provider.ensure(&g5()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled);
    assert_eq!(error.operation(), Some("CreateListener"));
    world.ensured(&g5()).await;
    assert!(world.provider.plan(&g5()).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn aws_88_above_the_budget_the_smallest_gaps_are_opened_and_below_it_closed_again() {
    let mut config = config(CLUSTER);
    config.node_sg_rule_budget = 3;
    let world = World::of(account(CLUSTER), Options::default(), config);
    let ports = |numbers: &[u16]| -> Vec<_> {
        numbers.iter().zip(80..).map(|(node_port, number)| port(number, *node_port)).collect()
    };
    world.ensured(&service("web", &ports(&[30_000, 30_010, 30_100, 30_200, 31_000]))).await;
    assert_eq!(world.node_rules(), ["tcp 30000-30100", "tcp 30200-30200", "tcp 31000-31000"]);
    let fewer = service("web", &ports(&[30_000, 30_010, 30_100]));
    world.ensured(&fewer).await;
    assert_eq!(world.node_rules(), ["tcp 30000-30000", "tcp 30010-30010", "tcp 30100-30100"]);
    world.deleted(&fewer).await;
    world.assert_empty();
}

#[tokio::test(start_paused = true)]
async fn aws_88_the_rules_of_aws_load_balancer_controller_are_taken_over() {
    let mut config = config(CLUSTER);
    config.node_sg_rules = provider_aws::config::NodeRuleStyle::Range;
    let world = World::of(account(CLUSTER), Options::default(), config);
    world.ensured(&g5()).await;
    assert_eq!(world.node_rules(), ["tcp 31223-32323"]);
    let exact = world.restarted(crate::support::config(CLUSTER));
    assert!(exact.provider.plan(&g5()).await.unwrap().is_empty());
    exact.deleted(&g5()).await;
    exact.assert_empty();
}

#[tokio::test(start_paused = true)]
async fn aws_95_rules_of_each_range_of_addresses_are_joined_where_the_budget_demands_it() {
    let mut config = config(CLUSTER);
    config.node_sg_rule_budget = 2;
    let world = World::of(account(CLUSTER), Options::default(), config);
    let mut lb = service("web", &[port(80, 30_080), port(81, 30_081), port(82, 30_090)]);
    annotate(&mut lb, "disable-nlb-sg", "true");
    lb.source_ranges = vec!["0.0.0.0/0".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
    world.ensured(&lb).await;
    let rules = world.node_rules();
    assert_eq!(rules, [["tcp 30080-30081"; 2], ["tcp 30090-30090"; 2]].concat());
}

#[tokio::test(start_paused = true)]
async fn aws_178_an_address_that_needs_its_zone_is_registered_with_that_of_its_node() {
    let options = Options { zoned_targets: ["10.9.0.1".to_owned()].into(), ..Options::default() };
    let world = World::new(options);
    let mut lb = service("web", &[port(80, 30_080)]);
    annotate(&mut lb, "nlb-target-type", "ip");
    lb.endpoints = vec![pod("10.9.0.1"), pod("192.168.0.9")];
    let (_, calls) = world.calls_of(world.ensured(&lb)).await;
    assert_eq!(calls.of("RegisterTargets"), 4, "all, each, and one with its zone");
    let zone_of = |id: &str| {
        let account = world.aws.account();
        let target = account.target_groups[0].targets.iter().find(|target| target.id == id).unwrap().clone();
        target.availability_zone
    };
    assert_eq!((zone_of("10.9.0.1").as_deref(), zone_of("192.168.0.9")), (Some("eu-west-1a"), None));
    assert!(world.provider.plan(&lb).await.unwrap().is_empty());
    // The zone is remembered.
    lb.ports.push(port(81, 30_081));
    for endpoint in &mut lb.endpoints {
        endpoint.ports.insert("p81".to_owned(), 81.try_into().unwrap());
    }
    let (_, calls) = world.calls_of(world.ensured(&lb)).await;
    assert_eq!(calls.of("RegisterTargets"), 1);
}
