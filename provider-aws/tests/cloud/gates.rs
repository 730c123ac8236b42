//! Readiness gates of pods (AWS-194, AWS-195), and pods that wait for them as targets (AWS-177).

use std::collections::BTreeSet;
use std::time::Duration;

use cloud_lb_core::model::{Endpoint, Gate, GateStatus, LoadBalancer, Readiness};
use cloud_lb_core::provider::{LoadBalancerProvider, TargetUpdate, Waiting};
use provider_aws::fake::Options;

use crate::support::{CLUSTER, World, account, annotate, config, pass, pod, port, service};

const PREFIX: &str = "target-health.elbv2.k8s.aws/";
const A: &str = "192.168.0.8";
const B: &str = "192.168.0.9";

/// An ip-mode Service on pods that wait for gates.
fn on_waiting_pods(addresses: &[&str]) -> LoadBalancer {
    let mut lb = service("web", &[port(80, 30_080)]);
    annotate(&mut lb, "nlb-target-type", "ip");
    lb.endpoints = addresses.iter().map(|address| waiting(address, &[])).collect();
    lb
}

/// A pod that is not ready, and waits for these target groups, or some other.
fn waiting(address: &str, groups: &[String]) -> Endpoint {
    let mut gates: BTreeSet<String> = groups.iter().map(|group| format!("{PREFIX}{group}")).collect();
    if groups.is_empty() {
        gates.insert(format!("{PREFIX}k8s-other-other-0123456789"));
    }
    Endpoint { ready: false, gates, ..pod(address) }
}

/// Addresses of the targets of the first target group.
fn targets(world: &World) -> Vec<String> {
    let account = world.aws.account();
    let mut ids: Vec<String> = account.target_groups[0].targets.iter().map(|t| t.id.clone()).collect();
    ids.sort();
    ids
}

fn groups(world: &World) -> Vec<String> {
    let account = world.aws.account();
    account.target_groups.iter().map(|group| group.target_group_name.clone()).collect()
}

/// The answers for these pods, which wait for all target groups of the account.
async fn gates(world: &World, lb: &LoadBalancer, pods: &[Endpoint]) -> Vec<Gate> {
    let asked = Waiting { service: &lb.service, pods, nodes: &lb.nodes };
    world.provider.gates(asked).await.unwrap()
}

/// Status, reason and message of a pod's only gate.
async fn gate(world: &World, lb: &LoadBalancer, address: &str) -> (GateStatus, String, String) {
    let pod = waiting(address, &groups(world));
    let mut found = gates(world, lb, &[pod]).await;
    assert_eq!(found.len(), 1);
    let Gate { pod, condition, status, reason, message } = found.remove(0);
    assert_eq!((pod, condition), (format!("pod-{address}"), format!("{PREFIX}{}", groups(world)[0])));
    (status, reason, message)
}

#[tokio::test(start_paused = true)]
async fn aws_177_a_pod_that_waits_is_a_target_and_one_that_does_not_work_is_none() {
    let mut lb = on_waiting_pods(&[A]);
    lb.endpoints.push(Endpoint { ready: false, ..pod(B) });
    lb.endpoints.push(Endpoint { terminating: true, ..waiting("192.168.0.10", &[]) });
    let world = World::new(Options::default());
    world.ensured(&lb).await;
    assert_eq!(targets(&world), [A]);
}

#[tokio::test(start_paused = true)]
async fn aws_177_pods_on_nodes_that_are_not_heard_of_are_used_only_for_want_of_others() {
    let mut lb = on_waiting_pods(&[A, B]);
    lb.endpoints[1].node = Some("node-2".to_owned());
    lb.nodes[0].readiness = Readiness::Unknown;
    let world = World::new(Options::default());
    world.ensured(&lb).await;
    assert_eq!(targets(&world), [B], "node-1 is not heard of");
    lb.nodes[1].readiness = Readiness::NotReady;
    world.provider.update_targets(TargetUpdate::LoadBalancer(&lb)).await.unwrap();
    assert_eq!(targets(&world), [A], "nothing else is left");
    lb.endpoints[1].node = Some("node-of-no-load-balancer".to_owned());
    world.provider.update_targets(TargetUpdate::LoadBalancer(&lb)).await.unwrap();
    assert_eq!(targets(&world), [B], "labels of nodes play no role");
}

#[tokio::test(start_paused = true)]
async fn aws_194_a_gate_says_what_aws_says_of_the_target() {
    let healthy_after = Duration::from_secs(90);
    let unhealthy_targets = BTreeSet::from([B.to_owned()]);
    let world = World::new(Options { healthy_after, unhealthy_targets, ..Options::default() });
    let lb = on_waiting_pods(&[A, B]);
    world.ensured(&lb).await;
    let (status, reason, message) = gate(&world, &lb, A).await;
    assert_eq!((status, reason.as_str()), (GateStatus::Closed, "Elb.InitialHealthChecking"));
    assert_eq!(message, "Initial health checks in progress");
    pass(90).await;
    assert_eq!(gate(&world, &lb, A).await, (GateStatus::Open, String::new(), String::new()));
    let (status, reason, message) = gate(&world, &lb, B).await;
    assert_eq!((status, reason.as_str()), (GateStatus::Closed, "Target.FailedHealthChecks"));
    assert_eq!(message, "Health checks failed");
}

#[tokio::test(start_paused = true)]
async fn aws_194_one_call_for_each_target_group_that_is_waited_for_and_none_else() {
    let mut lb = on_waiting_pods(&[A, B]);
    lb.ports.push(port(81, 30_081));
    for endpoint in &mut lb.endpoints {
        endpoint.ports.insert("p81".to_owned(), 81.try_into().unwrap());
    }
    let world = World::new(Options::default());
    world.ensured(&lb).await;
    let names = groups(&world);
    let pods = [waiting(A, &names[..1]), waiting(B, &names[..1])];
    let (found, calls) = world.calls_of(gates(&world, &lb, &pods)).await;
    assert_eq!((found.len(), &calls.reads), (2, &[("DescribeTargetHealth", 1)].into()));
    let both = [waiting(A, &names)];
    let (found, calls) = world.calls_of(gates(&world, &lb, &both)).await;
    assert_eq!((found.len(), calls.of("DescribeTargetHealth")), (2, 2));
    let others = [waiting(A, &[]), Endpoint { gates: BTreeSet::from(["x.example/y".to_owned()]), ..pod(B) }];
    let (found, calls) = world.calls_of(gates(&world, &lb, &others)).await;
    assert_eq!((found, calls.total_reads() + calls.total_writes()), (vec![], 0));
}

#[tokio::test(start_paused = true)]
async fn aws_194_target_groups_of_other_services_are_none_of_ours() {
    let world = World::new(Options::default());
    let lb = on_waiting_pods(&[A]);
    world.ensured(&lb).await;
    let mut other = on_waiting_pods(&[A]);
    other.service.name = "website".to_owned();
    let pod = [waiting(A, &groups(&world))];
    assert_eq!(gates(&world, &other, &pod).await, []);
    let mut elsewhere = lb.clone();
    elsewhere.service.namespace = "default2".to_owned();
    assert_eq!(gates(&world, &elsewhere, &pod).await, []);
    // One with a name alike, of which the provider does not know.
    let unknown = "k8s-default-web-0123456789".to_owned();
    world.aws.tamper(|account| {
        let mut group = account.target_groups[0].clone();
        (group.target_group_arn, group.target_group_name) = ("arn:unknown".to_owned(), unknown.clone());
        group.tags.clear();
        account.target_groups.push(group);
    });
    let pod = [waiting(A, &[unknown])];
    assert_eq!(gates(&world, &lb, &pod).await, []);
    world.aws.tamper(|account| account.target_groups.pop());
    let (found, calls) = world.calls_of(gates(&world, &lb, &pod)).await;
    assert_eq!((found[0].status, &calls.reads), (GateStatus::Open, &[("DescribeTargetGroups", 1)].into()));
}

#[tokio::test(start_paused = true)]
async fn aws_194_pods_are_not_stuck_when_their_target_group_goes() {
    let world = World::new(Options::default());
    let mut lb = on_waiting_pods(&[A]);
    lb.ports.push(port(81, 30_081));
    world.ensured(&lb).await;
    let names = groups(&world);
    let pods = [waiting(A, &names)];
    lb.ports.pop();
    world.ensured(&lb).await;
    let kept = groups(&world);
    let stands = |gates: &[Gate]| -> Vec<(bool, GateStatus, String)> {
        let is_kept = |gate: &Gate| kept.iter().any(|name| gate.condition.ends_with(name));
        gates.iter().map(|gate| (is_kept(gate), gate.status, gate.reason.clone())).collect()
    };
    let mut found = stands(&gates(&world, &lb, &pods).await);
    found.sort_by_key(|(is_kept, ..)| !is_kept);
    let gone = || (false, GateStatus::Open, "TargetGroupGone".to_owned());
    assert_eq!(found, [(true, GateStatus::Open, String::new()), gone()], "the port was removed");
    annotate(&mut lb, "nlb-target-type", "instance");
    world.ensured(&lb).await;
    assert_eq!(
        stands(&gates(&world, &lb, &pods).await)
            .iter()
            .map(|(_, status, reason)| (*status, reason.as_str()))
            .collect::<Vec<_>>(),
        [(GateStatus::Open, "TargetGroupGone"); 2],
        "the target type was changed"
    );
    // Behind the back of the provider, which knows the target group.
    let lb = on_waiting_pods(&[A]);
    world.ensured(&lb).await;
    let pod = [waiting(A, &groups(&world))];
    world.aws.tamper(|account| account.target_groups.clear());
    pass(100).await;
    assert_eq!(gates(&world, &lb, &pod).await[0].reason, "TargetGroupGone");
}

#[tokio::test(start_paused = true)]
async fn aws_195_a_gate_of_a_pod_that_is_no_target_names_the_cause() {
    let bad_targets = BTreeSet::from([B.to_owned()]);
    let mut config = config(CLUSTER);
    config.max_targets_per_target_group = 2;
    let world = World::of(account(CLUSTER), Options { bad_targets, ..Options::default() }, config);
    let mut lb = on_waiting_pods(&[A, B]);
    // One that is refused keeps the Service waiting.
    world.provider.ensure(&lb).await.unwrap();
    let unregistered = |message: &str| {
        let message = format!("the pod is no target: {message}");
        (GateStatus::Unregistered, "Target.NotRegistered".to_owned(), message)
    };
    let name = groups(&world)[0].clone();
    let refused = format!("AWS refuses {B}: target {B}: it is not in a valid state");
    assert_eq!(gate(&world, &lb, B).await, unregistered(&refused));
    let new = "192.168.0.10";
    let yet = format!("it is not registered with target group {name} yet");
    assert_eq!(gate(&world, &lb, new).await, unregistered(&yet));
    lb.nodes[0].readiness = Readiness::NotReady;
    assert_eq!(gate(&world, &lb, new).await, unregistered("its node node-1 is not ready"));
    lb.nodes[0].readiness = Readiness::Ready;
    let family = format!("target group {name} takes ipv4 addresses only");
    assert_eq!(gate(&world, &lb, "fd00::9").await, unregistered(&family));

    lb.endpoints = [A, new].map(|address| waiting(address, &[])).to_vec();
    world.ensured(&lb).await;
    let full = format!("target group {name} has 2 targets, which is max-targets-per-target-group");
    assert_eq!(gate(&world, &lb, "192.168.0.11").await, unregistered(&full));
}

#[tokio::test(start_paused = true)]
async fn aws_180_a_target_that_drains_is_none() {
    let world = World::new(Options::default());
    let mut lb = on_waiting_pods(&[A, B]);
    world.ensured(&lb).await;
    lb.endpoints.pop();
    world.provider.update_targets(TargetUpdate::LoadBalancer(&lb)).await.unwrap();
    assert_eq!(gate(&world, &lb, B).await.0, GateStatus::Unregistered);
}
