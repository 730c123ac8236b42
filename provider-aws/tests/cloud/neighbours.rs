//! aws-load-balancer-controller goes on for Ingresses in the same cluster: its load balancers have the shared
//! security group, and the nodes let them in by rules that look like ours.

use cloud_lb_core::error::ErrorKind;
use cloud_lb_core::model::LoadBalancer;
use cloud_lb_core::provider::LoadBalancerProvider;
use provider_aws::facts::{GroupFacts, LoadBalancerFacts, LoadBalancerState, LoadBalancerType};
use provider_aws::fake::Options;
use provider_aws::kinds::{IpAddressType, ListedPermission, Scheme};

use crate::support::{CLUSTER, NODE_GROUP, VPC, World, annotate, config, pass, port, service, tags};

const OF_INGRESS: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/ingress/1";

fn of_ingress(shared_group: &str) -> LoadBalancerFacts {
    LoadBalancerFacts {
        load_balancer_arn: OF_INGRESS.to_owned(),
        load_balancer_name: "ingress".to_owned(),
        dns_name: "ingress-1.eu-west-1.elb.amazonaws.com".to_owned(),
        kind: LoadBalancerType::Application,
        created_time: None,
        scheme: Scheme::InternetFacing,
        vpc_id: VPC.to_owned(),
        state: LoadBalancerState::Active,
        state_reason: String::new(),
        ip_address_type: IpAddressType::Ipv4,
        subnet_mappings: Vec::new(),
        security_groups: vec![shared_group.to_owned()],
        enable_prefix_for_ipv6_source_nat: None,
        enforce_security_group_inbound_rules_on_private_link_traffic: None,
        capacity_units: None,
        attributes: [].into(),
        listeners: Vec::new(),
        tags: tags(&[("elbv2.k8s.aws/cluster", CLUSTER), ("ingress.k8s.aws/stack", "default/ingress")]),
    }
}

/// A Service of ours beside an Ingress whose pods listen on port 8080; the id of the shared group.
async fn beside_an_ingress() -> (World, LoadBalancer, String) {
    let world = World::new(Options::default());
    let lb = service("web", &[port(80, 30_080)]);
    world.ensured(&lb).await;
    let shared = world.aws.tamper(|account| {
        let shared = account.backend_group(CLUSTER).unwrap().group_id.clone();
        account.load_balancers.push(of_ingress(&shared));
        let theirs = ListedPermission {
            ip_protocol: "tcp".to_owned(),
            from_port: Some(8080),
            to_port: Some(8080),
            group_ids: vec![shared.clone()],
            description: "elbv2.k8s.aws/targetGroupBinding=shared".to_owned(),
            ..ListedPermission::default()
        };
        let nodes = account.security_groups.iter_mut().find(|group| group.group_id == NODE_GROUP);
        nodes.unwrap().ip_permissions.push(theirs);
        shared
    });
    (world.restarted(config(CLUSTER)), lb, shared)
}

#[tokio::test(start_paused = true)]
async fn aws_89_rules_stay_that_a_load_balancer_of_somebody_else_may_need() {
    let (world, mut lb, _) = beside_an_ingress().await;
    world.ensured(&lb).await;
    lb.ports[0].node_port = 30_081.try_into().ok();
    world.ensured(&lb).await;
    let rules = world.node_rules();
    assert!(
        ["tcp 8080-8080", "tcp 30081-30081"].iter().all(|rule| rules.contains(&(*rule).to_owned())),
        "{rules:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn aws_97_the_shared_group_stays_while_a_load_balancer_of_any_kind_has_it() {
    let (world, lb, shared) = beside_an_ingress().await;
    assert_eq!(world.deleted(&lb).await, []);
    let account = world.aws.account();
    let arns: Vec<&str> = account.load_balancers.iter().map(|lb| lb.load_balancer_arn.as_str()).collect();
    assert_eq!(arns, [OF_INGRESS]);
    assert!(account.security_groups.iter().any(|group| group.group_id == shared));
    assert!(world.node_rules().contains(&"tcp 8080-8080".to_owned()), "{:?}", world.node_rules());
}

#[tokio::test(start_paused = true)]
async fn aws_35_the_name_of_a_load_balancer_of_another_kind_is_taken_too() {
    let (world, _, _) = beside_an_ingress().await;
    let mut other = service("other", &[port(80, 30_090)]);
    annotate(&mut other, "name", "ingress");
    let (result, calls) = world.calls_of(world.provider.ensure(&other)).await;
    let error = result.unwrap_err();
    assert_eq!((error.kind(), calls.total_writes()), (ErrorKind::Ownership, 0));
    assert!(error.to_string().contains(OF_INGRESS), "{error}");
}

#[tokio::test(start_paused = true)]
async fn aws_89_rules_of_target_group_bindings_that_users_made_stay() {
    let world = World::new(Options::default());
    let mut lb = service("web", &[port(80, 30_080)]);
    world.ensured(&lb).await;
    let theirs = |group_ids: &[&str], cidrs: &[&str]| ListedPermission {
        ip_protocol: "tcp".to_owned(),
        from_port: Some(8080),
        to_port: Some(8080),
        group_ids: group_ids.iter().map(|id| (*id).to_owned()).collect(),
        cidrs: cidrs.iter().map(|range| range.parse().unwrap()).collect(),
        description: "elbv2.k8s.aws/targetGroupBinding=shared".to_owned(),
        ..ListedPermission::default()
    };
    let rules = vec![theirs(&["sg-of-user"], &[]), theirs(&[], &["10.0.0.0/8"])];
    world.aws.tamper(|account| {
        let nodes = account.security_groups.iter().find(|group| group.group_id == NODE_GROUP).unwrap();
        let other = GroupFacts {
            group_id: "sg-other-nodes".to_owned(),
            ip_permissions: rules.clone(),
            ..nodes.clone()
        };
        account.security_groups.push(other);
    });
    pass(1000).await;
    lb.ports[0].node_port = 30_081.try_into().ok();
    world.ensured(&lb).await;
    world.deleted(&lb).await;
    let account = world.aws.account();
    let found = account.security_groups.iter().find(|group| group.group_id == "sg-other-nodes").unwrap();
    assert_eq!(found.ip_permissions, rules);
}
