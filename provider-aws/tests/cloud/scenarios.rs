//! Scenario checks of the specification (14.1).

use std::time::Duration;

use cloud_lb_core::error::ErrorKind;
use cloud_lb_core::model::{Address, LoadBalancer, NodeState, Readiness, TargetPort};
use cloud_lb_core::provider::{LoadBalancerProvider, Outcome, Standing};
use provider_aws::facts::LoadBalancerState;
use provider_aws::fake::Options;
use provider_aws::kinds::Scheme;

use crate::support::{
    CLUSTER, World, account, annotate, config, instance_id, node, pass, port, service, tags,
};

/// Two ports, instance targets, as golden case G5 has it.
pub(crate) fn g5() -> LoadBalancer {
    let mut ports = [port(80, 31_223), port(83, 32_323)];
    ports[1].target_port = TargetPort::Number(8883.try_into().unwrap());
    service("instance-mode", &ports)
}

fn without_backend_group() -> provider_aws::Config {
    let mut config = config(CLUSTER);
    config.enable_backend_security_group = false;
    config
}

#[tokio::test(start_paused = true)]
async fn s1_a_second_run_writes_nothing() {
    for config in [config(CLUSTER), without_backend_group()] {
        let world = World::of(account(CLUSTER), Options::default(), config.clone());
        world.ensured(&g5()).await;
        assert_eq!(world.node_rules(), ["tcp 31223-31223", "tcp 32323-32323"]);
        for world in [&world, &world.restarted(config)] {
            let (_, calls) = world.calls_of(world.ensured(&g5())).await;
            assert_eq!(calls.total_writes(), 0, "{calls:#?}");
        }
        world.deleted(&g5()).await;
        world.assert_empty();
    }
}

#[tokio::test(start_paused = true)]
async fn s2_a_fourth_node_is_one_registration_per_target_group() {
    let world = World::new(Options::default());
    let mut lb = g5();
    world.ensured(&lb).await;
    lb.nodes.push(node(4));
    let (_, calls) = world.calls_of(world.ensured(&lb)).await;
    assert_eq!(calls.writes, [("RegisterTargets", 2)].into());
    let account = world.aws.account();
    let mut ports: Vec<u16> = Vec::new();
    for group in &account.target_groups {
        let new = group.targets.iter().filter(|target| target.id == instance_id(4));
        ports.extend(new.map(|target| target.port));
    }
    ports.sort_unstable();
    assert_eq!(ports, [31_223, 32_323]);
}

#[tokio::test(start_paused = true)]
async fn s3_aws_180_a_node_on_its_way_out_is_deregistered_after_others_are_registered() {
    let world = World::new(Options::default());
    let mut lb = service("web", &[port(80, 30_080)]);
    world.ensured(&lb).await;
    lb.nodes[0].state = NodeState::Draining;
    lb.nodes.push(node(4));
    let (_, calls) = world.calls_of(world.ensured(&lb)).await;
    assert_eq!(calls.writes, [("DeregisterTargets", 1), ("RegisterTargets", 1)].into());
    let account = world.aws.account();
    let ids: Vec<&str> = account.target_groups[0].targets.iter().map(|target| target.id.as_str()).collect();
    assert_eq!(ids, [instance_id(2), instance_id(3), instance_id(4)]);
    // It drains, and is not deregistered again (AWS-180).
    let restarted = world.restarted(config(CLUSTER));
    let (_, calls) = restarted.calls_of(restarted.ensured(&lb)).await;
    assert_eq!(calls.total_writes(), 0);
    // It comes back while it drains.
    lb.nodes[0].state = NodeState::Active;
    restarted.ensured(&lb).await;
    assert_eq!(world.aws.account().target_groups[0].targets.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn s4_when_no_node_is_ready_the_targets_stay() {
    let world = World::new(Options::default());
    let mut lb = g5();
    world.ensured(&lb).await;
    lb.nodes.iter_mut().for_each(|node| node.readiness = Readiness::Unknown);
    let (_, calls) = world.calls_of(world.ensured(&lb)).await;
    assert_eq!(calls.total_writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn s5_one_invalid_target_does_not_keep_the_others_out() {
    let options = Options { bad_targets: [instance_id(2)].into(), ..Options::default() };
    let world = World::new(options);
    let lb = service("web", &[port(80, 30_080)]);
    let Standing::Tidying(_, pending) = world.provider.ensure(&lb).await.unwrap().standing else {
        panic!("not pending")
    };
    assert!(pending.reason.contains(&format!("{}:30080", instance_id(2))), "{pending:?}");
    assert_eq!(pending.retry_after, Duration::from_secs(30));
    assert_eq!(world.aws.account().target_groups[0].targets.len(), 2);
    // It is not tried again before the time has come.
    let (_, calls) = world.calls_of(world.provider.ensure(&lb)).await;
    assert_eq!(calls.of("RegisterTargets"), 0);
    pass(31).await;
    let (_, calls) = world.calls_of(world.provider.ensure(&lb)).await;
    assert_eq!(calls.writes, [("RegisterTargets", 1)].into());
}

#[tokio::test(start_paused = true)]
async fn s6_a_security_group_in_use_is_pending_and_the_rest_is_done_once() {
    let options = Options { interfaces_linger: Duration::from_secs(20), ..Options::default() };
    let world = World::new(options);
    world.ensured(&g5()).await;
    let (waited, calls) = world.calls_of(world.deleted(&g5())).await;
    let waits: Vec<u64> = waited.iter().map(|pending| pending.retry_after.as_secs()).collect();
    assert_eq!(waits, [2, 4, 8, 16], "{waited:?}");
    assert!(waited[0].reason.starts_with("WaitingForDependency: security group sg-"), "{waited:?}");
    assert!(waited[3].reason.contains("eni-0123 (ELB net/gone)"), "{waited:?}");
    assert_eq!(calls.of("DeleteLoadBalancer"), 1);
    assert_eq!(calls.of("DeleteTargetGroup"), 2);
    world.assert_empty();
}

#[tokio::test(start_paused = true)]
async fn s7_a_foreign_load_balancer_of_our_name_is_left_alone() {
    let world = World::new(Options::default());
    let lb = g5();
    world.ensured(&lb).await;
    let mut account = account(CLUSTER);
    let mut foreign = world.aws.account().load_balancers.remove(0);
    foreign.tags = tags(&[("owner", "terraform")]);
    foreign.listeners.clear();
    foreign.security_groups.clear();
    account.load_balancers.push(foreign.clone());
    let world = World::of(account, Options::default(), config(CLUSTER));
    let error = world.provider.ensure(&lb).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ownership);
    assert!(error.to_string().contains("NameCollision"), "{error}");
    assert_eq!(world.provider.delete(&lb.service).await.unwrap(), Outcome::Done);
    assert_eq!(world.aws.calls().total_writes(), 0);
    assert_eq!(world.aws.account().load_balancers, [foreign]);
}

#[tokio::test(start_paused = true)]
async fn s8_two_services_cannot_have_one_name() {
    let world = World::new(Options::default());
    let mut one = service("x", &[port(80, 30_080)]);
    let mut other = service("y", &[port(80, 30_081)]);
    annotate(&mut one, "name", "web");
    annotate(&mut other, "name", "web");
    world.ensured(&one).await;
    let (result, calls) = world.calls_of(world.provider.ensure(&other)).await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Ownership);
    assert_eq!(calls.total_writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn s9_a_change_of_scheme_makes_the_new_one_before_the_old_one_goes() {
    let [provisioning, healthy_after] = [Duration::from_mins(2), Duration::from_mins(3)];
    let options = Options { provisioning, healthy_after, ..Options::default() };
    let world = World::new(options);
    let mut lb = service("web", &[port(80, 30_080)]);
    let before = world.ensured(&lb).await;
    pass(200).await;
    annotate(&mut lb, "scheme", "internet-facing");
    let mut reasons = std::collections::BTreeSet::new();
    let after = loop {
        let standing = world.provider.ensure(&lb).await.unwrap().standing;
        if let Standing::Tidying(status, waiting) = &standing {
            let is_old = status.ingress[0].address == before.ingress[0].address;
            assert_eq!(is_old, !waiting.reason.contains("drain"), "{standing:?}");
        }
        match standing {
            Standing::Ready(status) => break status,
            Standing::Pending(waiting) | Standing::Tidying(_, waiting) => {
                reasons.insert(waiting.reason.clone());
                let account = world.aws.account();
                let old = account.load_balancers.iter().find(|lb| lb.scheme == Scheme::Internal).unwrap();
                assert_eq!(old.state, LoadBalancerState::Active);
                assert_eq!(old.listeners.len(), 1, "the old one goes on");
                assert_eq!(account.load_balancers.len(), 2);
                tokio::time::sleep(waiting.retry_after).await;
            }
            Standing::ImplementedElsewhere => panic!("not taken"),
        }
    };
    assert_eq!(reasons.len(), 3, "made, then healthy, then nobody knows the old name: {reasons:?}");
    assert_ne!(before, after);
    let account = world.aws.account();
    assert_eq!(account.load_balancers.len(), 1);
    assert_eq!(account.load_balancers[0].scheme, Scheme::InternetFacing);
    assert_eq!(account.target_groups.len(), 1);
    assert_eq!(after.ingress[0].address, Address::Hostname(account.load_balancers[0].dns_name.clone()));
    world.deleted(&lb).await;
    world.assert_empty();
}

#[tokio::test(start_paused = true)]
async fn s10_a_port_moves_within_one_edit() {
    let world = World::new(Options::default());
    world.ensured(&service("web", &[port(80, 30_080)])).await;
    let moved = service("web", &[port(81, 30_081)]);
    let steps: Vec<String> = {
        let plan = world.provider.plan(&moved).await.unwrap();
        plan.steps.iter().map(|step| format!("{} {}", step.op, step.key)).collect()
    };
    let place =
        |step: &str| steps.iter().position(|one| one == step).unwrap_or_else(|| panic!("{step}: {steps:?}"));
    assert!(place("delete Listener/80") < place("create Listener/81"));
    assert!(place("create Listener/81") < place("delete TargetGroup/80"));
    world.ensured(&moved).await;
    assert_eq!(world.node_rules(), ["tcp 30081-30081"]);
    assert_eq!(world.aws.account().target_groups.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn s11_aws_202_too_many_ranges_never_leave_half_a_security_group() {
    let world = World::new(Options::default());
    let mut lb = service("web", &[port(80, 30_080)]);
    lb.source_ranges = (0..61).map(|n| format!("10.{}.0.0/16", n * 2).parse().unwrap()).collect();
    let (result, calls) = world.calls_of(world.provider.ensure(&lb)).await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(calls.total_writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn s12_aws_39_killed_after_any_write_the_next_process_gets_there() {
    for config in [config(CLUSTER), without_backend_group()] {
        let usual = World::of(account(CLUSTER), Options::default(), config.clone());
        usual.ensured(&g5()).await;
        let writes = usual.aws.calls().total_writes();
        for stop in 0..writes {
            let world = World::of(account(CLUSTER), Options::default(), config.clone());
            world.aws.crash_after_writes(stop);
            world.provider.ensure(&g5()).await.unwrap_err();
            world.aws.recover();
            let world = world.restarted(config.clone());
            world.ensured(&g5()).await;
            let (have, want) = (world.aws.account(), usual.aws.account());
            assert_eq!(have.load_balancers.len(), want.load_balancers.len());
            assert_eq!(have.target_groups.len(), want.target_groups.len());
            assert_eq!(have.security_groups.len(), want.security_groups.len());
            assert_eq!(world.node_rules(), usual.node_rules());
            world.deleted(&g5()).await;
            world.assert_empty();
        }
    }
}
