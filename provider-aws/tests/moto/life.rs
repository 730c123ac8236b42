//! The whole life of a load balancer.

use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::time::Duration;

use cloud_lb_core::engine::Engine;
use cloud_lb_core::error::{Error, ErrorKind};
use cloud_lb_core::model::{
    IpFamily, LoadBalancer, Node, NodeState, Port, Protocol, Readiness, ServiceId, SessionAffinity, Status,
    TargetPort, TrafficPolicy,
};
use cloud_lb_core::provider::{LoadBalancerProvider, Outcome, Standing};
use provider_aws::{Aws, Config, Sdk};

use crate::account::Account;

pub(crate) type Provider = Engine<Aws<Sdk>>;

/// Whether load balancers have security groups.
#[derive(Clone, Copy)]
enum Groups {
    With,
    Without,
}

async fn provider(account: &Account, groups: Groups) -> Provider {
    let mut config = Config::for_cluster("my-cluster");
    config.nlb_security_group = matches!(groups, Groups::With);
    account.engine(config).await
}

/// Calls again until nothing is pending any more, at most for two minutes.
pub(crate) async fn ensured(provider: &Provider, lb: &LoadBalancer) -> Status {
    let all = async {
        loop {
            match answered(provider.ensure(lb).await).await.map(|ensured| ensured.standing) {
                None => {}
                Some(Standing::Ready(status)) => return status,
                Some(Standing::Pending(pending) | Standing::Tidying(_, pending)) => {
                    assert!(pending.retry_after < Duration::from_mins(1), "{pending:?}");
                    tokio::time::sleep(pending.retry_after).await;
                }
                Some(Standing::ImplementedElsewhere) => panic!("not taken"),
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(2), all).await.unwrap()
}

pub(crate) async fn deleted(provider: &Provider, service: &ServiceId) {
    let all = async {
        loop {
            match answered(provider.delete(service).await).await {
                None => {}
                Some(Outcome::Pending(pending)) => tokio::time::sleep(pending.retry_after).await,
                Some(_) => return,
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(2), all).await.unwrap();
}

/// The answer; none, after a while, if moto is out of order: its threads change what others are going
/// through, and then it answers 500. The controller calls again as well.
async fn answered<T>(answer: Result<T, Error>) -> Option<T> {
    match answer {
        Err(error) if matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout) => {
            println!("called again after: {error}");
            tokio::time::sleep(Duration::from_millis(200)).await;
            None
        }
        answer => Some(answer.unwrap()),
    }
}

/// A Service with these ports on the first machines.
fn service(account: &Account, ports: &[u16], nodes: usize) -> LoadBalancer {
    let node = |(index, id): (usize, String)| Node {
        name: format!("node-{index}"),
        addresses: vec![format!("192.168.0.{index}").parse().unwrap()],
        provider_id: Some(format!("aws:///us-west-2a/{id}")),
        zone: None,
        labels: BTreeMap::new(),
        state: NodeState::Active,
        readiness: Readiness::Ready,
    };
    let port = |number: &u16| Port {
        name: Some(format!("p{number}")),
        protocol: Protocol::Tcp,
        port: NonZeroU16::new(*number).unwrap(),
        target_port: TargetPort::Number(NonZeroU16::new(*number).unwrap()),
        node_port: NonZeroU16::new(30_000 + number),
        app_protocol: None,
    };
    LoadBalancer {
        service: ServiceId {
            cluster: "my-cluster".to_owned(),
            namespace: "default".to_owned(),
            name: "web".to_owned(),
            uid: "web-uid".to_owned(),
        },
        ports: ports.iter().map(port).collect(),
        families: vec![IpFamily::V4],
        affinity: SessionAffinity::None,
        source_ranges: vec!["0.0.0.0/0".parse().unwrap()],
        source_ranges_given: false,
        traffic_policy: TrafficPolicy::Cluster,
        requested_address: None,
        class: Some("service.k8s.aws/nlb".to_owned()),
        node_ports: true,
        annotations: BTreeMap::new(),
        nodes: account.instance_ids().into_iter().enumerate().take(nodes).map(node).collect(),
        endpoints: Vec::new(),
    }
}

async fn ports(account: &Account) -> Vec<i32> {
    let lb = account.load_balancers().await.remove(0);
    let listeners = account.listeners(lb.load_balancer_arn().unwrap()).await;
    let mut ports: Vec<i32> = listeners.iter().map(|listener| listener.port().unwrap()).collect();
    ports.sort_unstable();
    ports
}

/// Machines that every target group has.
async fn targets(account: &Account) -> Vec<String> {
    let mut everywhere = account.instance_ids();
    for group in account.target_groups().await {
        let targets = account.targets(group.target_group_arn().unwrap()).await;
        everywhere.retain(|id| targets.iter().any(|target| target["Id"] == **id));
    }
    everywhere
}

async fn groups(account: &Account) -> usize {
    account.groups().await.len()
}

async fn lives(groups_of_load_balancers: Groups) {
    let Some(account) = Account::usual().await else { return };
    let before = groups(&account).await;
    let running = provider(&account, groups_of_load_balancers).await;
    let lb = service(&account, &[80], 2);
    let status = ensured(&running, &lb).await;
    let hostname = account.load_balancers().await[0].dns_name().unwrap().to_lowercase();
    assert!(format!("{status:?}").contains(&hostname), "{status:?} has not {hostname}");
    assert_eq!(ports(&account).await, [80]);
    assert_eq!(targets(&account).await, account.instance_ids()[..2]);
    let made = if matches!(groups_of_load_balancers, Groups::With) { 2 } else { 0 };
    assert_eq!(groups(&account).await, before + made, "frontend and backend");
    assert!(!account.node_rules().await.is_empty());

    let fresh = provider(&account, groups_of_load_balancers).await;
    let plan = fresh.plan(&lb).await.unwrap();
    assert!(plan.is_empty(), "{plan}");
    ensured(&fresh, &service(&account, &[80, 443], 3)).await;
    assert_eq!(ports(&account).await, [80, 443]);
    assert_eq!(targets(&account).await, account.instance_ids()[..3]);
    ensured(&fresh, &service(&account, &[443], 3)).await;
    assert_eq!(ports(&account).await, [443]);

    deleted(&fresh, &lb.service).await;
    assert_eq!(account.load_balancers().await, []);
    assert_eq!(account.target_groups().await, []);
    assert_eq!(groups(&account).await, before, "the shared group goes with its last user");
    assert_eq!(account.node_rules().await, []);
    assert_eq!(fresh.survey(&[]).await.unwrap().owned, []);
}

#[tokio::test]
async fn aws_200_to_204_create_no_op_change_delete_and_nothing_is_left() {
    lives(Groups::Without).await;
}

#[tokio::test]
async fn aws_70_security_groups_come_and_go_with_the_load_balancer() {
    lives(Groups::With).await;
}
