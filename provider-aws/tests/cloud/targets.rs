//! Targets: how many at a time, and which do not come in.

use std::time::Duration;

use cloud_lb_core::error::ErrorKind;
use cloud_lb_core::model::{LoadBalancer, NodeState};
use cloud_lb_core::provider::{LoadBalancerProvider, Standing};
use provider_aws::Account;
use provider_aws::facts::Instance;
use provider_aws::fake::{Limits, Options};

use crate::support::{CLUSTER, World, account, annotate, config, node, pod, port, service};

/// So many nodes with an instance each.
fn of_nodes(count: u16) -> (Account, LoadBalancer) {
    let mut account = account(CLUSTER);
    let mut lb = service("web", &[port(80, 30_080)]);
    let id = |n: u16| format!("i-{n:04x}");
    account.instances =
        (1..=count).map(|n| Instance { instance_id: id(n), ..account.instances[0].clone() }).collect();
    lb.nodes = (1..=count)
        .map(|n| {
            let mut node = node(1);
            node.name = format!("node-{n}");
            node.provider_id = Some(format!("aws:///eu-west-1a/{}", id(n)));
            node
        })
        .collect();
    (account, lb)
}

#[tokio::test(start_paused = true)]
async fn aws_181_targets_go_200_at_a_time() {
    let (account, mut lb) = of_nodes(401);
    let world = World::of(account, Options::default(), config(CLUSTER));
    let (_, calls) = world.calls_of(world.ensured(&lb)).await;
    assert_eq!(calls.of("RegisterTargets"), 3);
    lb.nodes = lb.nodes[..1].to_vec().into();
    let (_, calls) = world.calls_of(world.ensured(&lb)).await;
    assert_eq!(calls.of("DeregisterTargets"), 2);
}

#[tokio::test(start_paused = true)]
async fn aws_186_a_bad_target_among_many_is_found_by_halving() {
    let (account, lb) = of_nodes(64);
    let options = Options { bad_targets: ["i-0021".to_owned()].into(), ..Options::default() };
    let world = World::of(account, options, config(CLUSTER));
    let (ensured, calls) = world.calls_of(world.provider.ensure(&lb)).await;
    let Standing::Tidying(_, pending) = ensured.unwrap().standing else { panic!("not pending") };
    assert!(pending.reason.starts_with("InvalidTarget: AWS refuses i-0021:30080 ("), "{pending:?}");
    assert!(pending.reason.contains("it is not in a valid state"), "AWS's own words: {pending:?}");
    assert_eq!(world.aws.account().target_groups[0].targets.len(), 63);
    assert_eq!(calls.of("RegisterTargets"), 13, "all, and both halves of each of six parts");
}

#[tokio::test(start_paused = true)]
async fn aws_187_beyond_the_limit_of_targets_those_that_are_registered_stay_and_the_numbers_are_told() {
    let limits = Limits { targets: 3, ..Limits::default() };
    let world = World::new(Options { limits, ..Options::default() });
    let mut lb = service("web", &[port(80, 30_080)]);
    world.ensured(&lb).await;
    lb.nodes.push(node(4));
    let error = world.provider.ensure(&lb).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Quota);
    assert!(error.to_string().contains("TargetLimit: 3 of 4 targets"), "{error}");
    assert_eq!(world.aws.account().target_groups[0].targets.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn aws_190_targets_that_are_slow_to_become_healthy_are_no_error() {
    let world = World::new(Options { healthy_after: Duration::from_mins(5), ..Options::default() });
    let lb = service("web", &[port(80, 30_080)]);
    let standing = world.provider.ensure(&lb).await.unwrap().standing;
    assert!(matches!(standing, Standing::Ready(_)), "{standing:?}");
}

#[tokio::test(start_paused = true)]
async fn aws_196_without_endpoints_nothing_is_registered_and_nothing_is_open() {
    let world = World::new(Options::default());
    let mut lb = service("web", &[port(80, 30_080)]);
    annotate(&mut lb, "nlb-target-type", "ip");
    lb.endpoints = vec![pod("192.168.0.9")];
    let mut nodes = account(CLUSTER).instances;
    nodes[0].addresses = vec!["192.168.0.9".parse().unwrap()];
    world.aws.tamper(|account| account.instances = nodes);
    world.ensured(&lb).await;
    assert_eq!(world.node_rules(), ["tcp 80-80"]);
    lb.endpoints.clear();
    world.ensured(&lb).await;
    assert_eq!(world.aws.account().target_groups[0].targets, []);
    assert_eq!(world.node_rules(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn aws_176_a_node_that_is_excluded_is_deregistered() {
    let world = World::new(Options::default());
    let mut lb = service("web", &[port(80, 30_080)]);
    let leave: [fn(&mut LoadBalancer); 4] = [
        |lb| lb.nodes = lb.nodes[1..].to_vec().into(),
        |lb| lb.nodes[0].state = NodeState::Draining,
        |lb| {
            let label = "node.kubernetes.io/exclude-from-external-load-balancers";
            _ = lb.nodes[0].labels.insert(label.to_owned(), String::new());
        },
        |lb| {
            annotate(lb, "target-node-labels", "pool=web");
            lb.nodes[1..]
                .iter_mut()
                .for_each(|node| _ = node.labels.insert("pool".to_owned(), "web".to_owned()));
        },
    ];
    for leave in leave {
        world.ensured(&lb).await;
        let mut fewer = lb.clone();
        leave(&mut fewer);
        let (_, calls) = world.calls_of(world.ensured(&fewer)).await;
        assert_eq!(calls.writes, [("DeregisterTargets", 1)].into());
    }
    lb.nodes = Vec::new().into();
    world.ensured(&lb).await;
    assert_eq!(world.aws.account().target_groups[0].targets, []);
}
