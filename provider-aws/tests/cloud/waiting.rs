//! What takes its time, or stands in the way.

use std::time::Duration;

use cloud_lb_core::call::Access;
use cloud_lb_core::error::ErrorKind;
use cloud_lb_core::model::LoadBalancer;
use cloud_lb_core::provider::{LoadBalancerProvider, Outcome, Pending, Standing};
use provider_aws::facts::Certificate;
use provider_aws::fake::{Fault, Options};
use provider_aws::kinds::ListedPermission;
use tokio::time::Instant;

use crate::support::{CLUSTER, NODE_GROUP, World, account, annotate, config, port, service};

fn of_two_ports() -> LoadBalancer {
    service("web", &[port(80, 30_080), port(443, 30_443)])
}

#[tokio::test(start_paused = true)]
async fn aws_137_and_201_a_certificate_that_does_not_exist_keeps_no_other_port_closed() {
    let mut account = account(CLUSTER);
    let certificate = Certificate { certificate_arn: "arn1".to_owned(), ..Certificate::default() };
    account.certificates = Some(vec![certificate]);
    let world = World::of(account, Options::default(), config(CLUSTER));
    let mut lb = of_two_ports();
    annotate(&mut lb, "ssl-cert", "arn2");
    annotate(&mut lb, "ssl-ports", "443");
    let error = world.provider.ensure(&lb).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::InvalidInput, Some("CreateListener")));
    let account = world.aws.account();
    let ports: Vec<u16> = account.load_balancers[0].listeners.iter().map(|listener| listener.port).collect();
    assert_eq!(ports, [80]);
    assert!(account.target_groups.iter().all(|group| group.targets.len() == 3), "{account:?}");
    annotate(&mut lb, "ssl-cert", "arn1");
    world.ensured(&lb).await;
    assert_eq!(world.aws.account().load_balancers[0].listeners.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn aws_152_a_target_group_in_use_is_tried_again_and_holds_up_nothing_else() {
    let world = World::new(Options::default());
    world.ensured(&of_two_ports()).await;
    let lb = service("web", &[port(80, 30_080), port(81, 30_081)]);
    for nth in [1, 2] {
        world.aws.on_nth(nth, Access::Write, Some("DeleteTargetGroup"), Fault::Fail(ErrorKind::InUse));
    }
    let mut waits = Vec::new();
    while let Standing::Tidying(_, Pending { retry_after, reason }) =
        world.provider.ensure(&lb).await.unwrap().standing
    {
        assert!(
            reason.starts_with("WaitingForDependency: arn:") && reason.contains("targetgroup"),
            "{reason}"
        );
        let ports: Vec<u16> =
            world.aws.account().load_balancers[0].listeners.iter().map(|listener| listener.port).collect();
        assert_eq!(ports, [80, 81], "the new port serves");
        waits.push(retry_after.as_secs());
        tokio::time::sleep(retry_after).await;
    }
    assert_eq!(waits, [2, 4]);
    assert_eq!(world.aws.account().target_groups.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn aws_205_and_207_a_load_balancer_that_an_endpoint_service_uses_is_waited_for() {
    let world = World::new(Options::default());
    let lb = service("web", &[port(80, 30_080)]);
    world.ensured(&lb).await;
    world.aws.on_nth(1, Access::Write, Some("DeleteLoadBalancer"), Fault::Fail(ErrorKind::InUse));
    let Outcome::Pending(pending) = world.provider.delete(&lb.service).await.unwrap() else { panic!() };
    assert!(pending.reason.contains("VPC endpoint service"), "{pending:?}");
    assert_eq!(pending.retry_after, Duration::from_secs(2));
    assert_eq!(world.aws.account().load_balancers.len(), 1);
    world.deleted(&lb).await;
    world.assert_empty();
}

#[tokio::test(start_paused = true)]
async fn aws_208_groups_whose_rules_hold_up_a_delete_are_named() {
    let world = World::new(Options::default());
    let lb = service("web", &[port(80, 30_080)]);
    world.ensured(&lb).await;
    world.aws.tamper(|account| {
        let ours = account.security_groups.iter().find(|group| group.group_name.starts_with("k8s-default"));
        let rule = ListedPermission {
            ip_protocol: "tcp".to_owned(),
            from_port: Some(5432),
            to_port: Some(5432),
            group_ids: vec![ours.unwrap().group_id.clone()],
            ..ListedPermission::default()
        };
        account.security_groups[0].ip_permissions.push(rule);
    });
    let mut reasons = Vec::new();
    for _ in 0..3 {
        let Outcome::Pending(pending) = world.provider.delete(&lb.service).await.unwrap() else { panic!() };
        reasons.push(pending.reason);
        tokio::time::sleep(pending.retry_after).await;
    }
    assert!(reasons[2].ends_with(&format!("a rule of {NODE_GROUP}")), "{reasons:?}");
    assert_eq!(world.aws.account().load_balancers, [], "the rest is done");
}

#[tokio::test(start_paused = true)]
async fn aws_213_services_do_not_wait_for_each_other() {
    const LATENCY: Duration = Duration::from_millis(150);
    let world = World::new(Options { latency: LATENCY, ..Options::default() });
    world.ensured(&service("first", &[port(80, 30_000)])).await;
    let services: Vec<LoadBalancer> =
        (1..=6).map(|n| service(&format!("s{n}"), &[port(80, 30_000 + n)])).collect();
    let start = Instant::now();
    world.ensured(&services[0]).await;
    let alone = start.elapsed();
    let start = Instant::now();
    futures::future::join_all(services[1..].iter().map(|lb| world.ensured(lb))).await;
    // The rules of the nodes have one writer (AWS-89).
    assert!(start.elapsed() <= alone + 5 * LATENCY, "{:?}, alone {alone:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn aws_116_capacity_waits_until_the_load_balancer_is_made_and_holds_up_nothing() {
    let world = World::new(Options { provisioning: Duration::from_secs(150), ..Options::default() });
    let mut lb = service("web", &[port(80, 30_080)]);
    annotate(&mut lb, "minimum-load-balancer-capacity", "CapacityUnits=500");
    let standing = world.provider.ensure(&lb).await.unwrap().standing;
    let (Standing::Pending(pending) | Standing::Tidying(_, pending)) = &standing else {
        panic!("{standing:?}")
    };
    assert_eq!(pending.retry_after, Duration::from_mins(2));
    let account = world.aws.account();
    assert_eq!(
        (account.load_balancers[0].capacity_units, account.load_balancers[0].listeners.len()),
        (None, 1)
    );
    assert_eq!(account.target_groups[0].targets.len(), 3);
    world.ensured(&lb).await;
    assert_eq!(world.aws.account().load_balancers[0].capacity_units, Some(500));
    annotate(&mut lb, "minimum-load-balancer-capacity", "CapacityUnits=0");
    world.ensured(&lb).await;
    assert_eq!(world.aws.account().load_balancers[0].capacity_units, None);
}
