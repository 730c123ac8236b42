//! Which security groups let in the load balancer where targets are pods (AWS-91).

use cloud_lb_core::model::LoadBalancer;
use cloud_lb_core::provider::LoadBalancerProvider;
use provider_aws::Account;
use provider_aws::facts::{GroupFacts, NetworkInterface};
use provider_aws::fake::Options;

use crate::support::{CLUSTER, NODE_GROUP, VPC, World, account, annotate, config, pass, pod, port, service};

/// Pods of an address each on node-1, as ip targets.
fn on_pods(addresses: &[&str]) -> LoadBalancer {
    let mut lb = service("web", &[port(80, 30_080)]);
    annotate(&mut lb, "nlb-target-type", "ip");
    lb.endpoints = addresses.iter().map(|address| pod(address)).collect();
    lb
}

fn with_groups(ids: &[&str]) -> Account {
    let mut account = account(CLUSTER);
    let group = |id: &&str| GroupFacts {
        group_id: (*id).to_owned(),
        vpc_id: VPC.to_owned(),
        ..GroupFacts::default()
    };
    account.security_groups.extend(ids.iter().map(group));
    account.instances.first_mut().unwrap().addresses =
        vec!["192.168.0.1".parse().unwrap(), "192.168.0.9".parse().unwrap()];
    account
}

fn interface(id: &str, group: &str, addresses: &[&str]) -> NetworkInterface {
    NetworkInterface {
        network_interface_id: id.to_owned(),
        security_groups: [group.to_owned()].into(),
        addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
        ..NetworkInterface::default()
    }
}

/// The security groups that let in the load balancer, of these.
fn opened(world: &World) -> Vec<String> {
    let account = world.aws.account();
    let shared = |group: &&GroupFacts| {
        group.ip_permissions.iter().any(|rule| rule.description == "elbv2.k8s.aws/targetGroupBinding=shared")
    };
    account.security_groups.iter().filter(shared).map(|group| group.group_id.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn aws_91_addresses_that_instances_are_known_to_hold_cost_no_call() {
    let world = World::of(with_groups(&[]), Options::default(), config(CLUSTER));
    let (_, calls) = world.calls_of(world.ensured(&on_pods(&["192.168.0.9", "10.9.0.1"]))).await;
    assert_eq!(calls.of("DescribeNetworkInterfaces"), 0, "nor do those outside the network");
    assert_eq!(opened(&world), [NODE_GROUP]);
}

#[tokio::test(start_paused = true)]
async fn aws_91_a_pod_with_an_interface_of_its_own_is_looked_up_once() {
    let mut account = with_groups(&["sg-branch"]);
    account.network_interfaces = vec![interface("eni-branch", "sg-branch", &["192.168.0.77"])];
    let world = World::of(account, Options::default(), config(CLUSTER));
    world.ensured(&service("other", &[port(80, 30_079)])).await;
    let mut lb = on_pods(&["192.168.0.9", "192.168.0.77"]);
    let (_, calls) = world.calls_of(world.ensured(&lb)).await;
    assert_eq!(calls.of("DescribeNetworkInterfaces"), 1);
    let total = calls.total_reads() + calls.total_writes();
    assert!(total <= 14 + 2, "the budget, the look-up and the rule of the second group: {total} {calls:#?}");
    assert_eq!(opened(&world), [NODE_GROUP, "sg-branch"]);
    world.ensured(&lb).await;
    let (_, calls) = world.calls_of(world.ensured(&lb)).await;
    assert_eq!(calls.total_reads() + calls.total_writes(), 0, "{calls:#?}");
    // The same address as another pod's is looked up anew.
    lb.endpoints[1].pod = Some("another".to_owned());
    let (_, calls) = world.calls_of(world.ensured(&lb)).await;
    assert_eq!(calls.of("DescribeNetworkInterfaces"), 1);
}

#[tokio::test(start_paused = true)]
async fn aws_91_an_address_of_a_prefix_that_an_instance_got_meanwhile_is_found_on_it() {
    let world = World::of(with_groups(&["sg-pods"]), Options::default(), config(CLUSTER));
    let mut lb = on_pods(&["192.168.0.9"]);
    world.ensured(&lb).await;
    world.aws.tamper(|account| {
        let prefixes = vec!["192.168.0.128/28".parse().unwrap()];
        account.instances[0].further_interfaces =
            vec![NetworkInterface { prefixes, ..interface("eni-1b", "sg-pods", &[]) }];
    });
    lb.endpoints.push(pod("192.168.0.130"));
    let (_, calls) = world.calls_of(world.ensured(&lb)).await;
    assert_eq!((calls.of("DescribeNetworkInterfaces"), calls.of("DescribeInstances")), (1, 1));
    assert_eq!(opened(&world), [NODE_GROUP, "sg-pods"]);
    lb.endpoints.push(pod("192.168.0.131"));
    let (_, calls) = world.calls_of(world.ensured(&lb)).await;
    assert_eq!(calls.of("DescribeNetworkInterfaces") + calls.of("DescribeInstances"), 0);
}

#[tokio::test(start_paused = true)]
async fn aws_91_an_address_that_nothing_has_blocks_no_other_and_is_not_asked_for_at_each_look() {
    let world = World::of(with_groups(&[]), Options::default(), config(CLUSTER));
    let lb = on_pods(&["192.168.0.9", "192.168.0.200"]);
    world.ensured(&lb).await;
    assert_eq!(opened(&world), [NODE_GROUP]);
    let (_, calls) = world.calls_of(world.ensured(&lb)).await;
    assert_eq!(calls.of("DescribeNetworkInterfaces"), 0);
    pass(61).await;
    let (_, calls) = world.calls_of(world.ensured(&lb)).await;
    assert_eq!(calls.of("DescribeNetworkInterfaces"), 1);
}

#[tokio::test(start_paused = true)]
async fn aws_91_what_others_have_open_in_other_groups_is_no_difference() {
    let mut account = with_groups(&["sg-a", "sg-b", "sg-c"]);
    let mut of_a = interface("eni-a", "sg-a", &["192.168.0.77"]);
    // The one with the cluster's tag is opened.
    of_a.security_groups.insert("sg-c".to_owned());
    account.security_groups.iter_mut().filter(|group| group.group_id == "sg-a").for_each(|group| {
        group.tags.insert(format!("kubernetes.io/cluster/{CLUSTER}"), "owned".to_owned());
    });
    let others = ["sg-b", "sg-c"]
        .map(|id| interface(id, id, &[if id == "sg-b" { "192.168.0.78" } else { "192.168.0.79" }]));
    account.network_interfaces = [of_a].into_iter().chain(others).collect();
    let world = World::of(account, Options::default(), config(CLUSTER));
    let mut one = on_pods(&["192.168.0.77"]);
    annotate(&mut one, "healthcheck-port", "9090");
    let mut two = on_pods(&["192.168.0.78", "192.168.0.79"]);
    "two".clone_into(&mut two.service.name);
    world.ensured(&one).await;
    world.ensured(&two).await;
    for world in [&world, &world.restarted(config(CLUSTER))] {
        for lb in [&one, &two] {
            let plan = world.provider.plan(lb).await.unwrap();
            assert!(plan.is_empty(), "{plan:#?}");
        }
    }
    assert_eq!(opened(&world), ["sg-a", "sg-b", "sg-c"]);
    world.deleted(&two).await;
    assert_eq!(opened(&world), ["sg-a"], "nothing of the others stays");
}
