//! An account as the golden cases have it, and Services in it.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use cloud_lb_core::engine::Engine;
use cloud_lb_core::model::{
    Endpoint, IpFamily, LoadBalancer, Node, NodeState, Port, Protocol, Readiness, ServiceId, SessionAffinity,
    Status, TargetPort, TrafficPolicy,
};
use cloud_lb_core::provider::{LoadBalancerProvider, Outcome, Pending, Standing};
use provider_aws::facts::{GroupFacts, Instance, SubnetFacts, VpcFacts};
use provider_aws::fake::{Calls, FakeAws, Options};
use provider_aws::{Account, Aws, Config};

pub(crate) const CLUSTER: &str = "my-cluster";
pub(crate) const VPC: &str = "vpc-xxx";
pub(crate) const NODE_GROUP: &str = "sg-node";

/// Most calls until something that waits must be done.
const PATIENCE: usize = 50;

pub(crate) fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn instance_id(index: u8) -> String {
    format!("i-{index:04x}")
}

/// Three subnets in three zones with role tags, ten instances with one security group.
pub(crate) fn account(cluster: &str) -> Account {
    let subnet = |n: u8| SubnetFacts {
        subnet_id: format!("subnet-{n}"),
        vpc_id: VPC.to_owned(),
        availability_zone: format!("eu-west-1{}", char::from(b'a' + n - 1)),
        zone_kind: provider_aws::facts::ZoneKind::AvailabilityZone,
        cidr_block: Some(format!("192.168.{}.0/19", (n - 1) * 32).parse().unwrap()),
        ipv6_cidrs: vec![format!("fd00:0:0:{n}::/64").parse().unwrap()],
        available_ip_address_count: 250,
        routes: None,
        tags: tags(&[("kubernetes.io/role/elb", "1"), ("kubernetes.io/role/internal-elb", "1")]),
    };
    let instance = |n: u8| Instance {
        instance_id: instance_id(n),
        availability_zone: "eu-west-1a".to_owned(),
        vpc_id: VPC.to_owned(),
        network_interface_id: format!("eni-{n}"),
        security_groups: BTreeSet::from([NODE_GROUP.to_owned()]),
        ..Instance::default()
    };
    Account {
        region: "eu-west-1".to_owned(),
        vpc_id: VPC.to_owned(),
        vpcs: vec![VpcFacts {
            vpc_id: VPC.to_owned(),
            cidrs: vec!["192.168.0.0/16".parse().unwrap()],
            tags: BTreeMap::new(),
        }],
        subnets: (1..=3).map(subnet).collect(),
        security_groups: vec![GroupFacts {
            group_id: NODE_GROUP.to_owned(),
            group_name: "nodes".to_owned(),
            vpc_id: VPC.to_owned(),
            tags: tags(&[(&format!("kubernetes.io/cluster/{cluster}"), "owned")]),
            ..GroupFacts::default()
        }],
        instances: (1..=10).map(instance).collect(),
        ..Account::default()
    }
}

pub(crate) fn config(cluster: &str) -> Config {
    let mut config = Config::for_cluster(cluster);
    VPC.clone_into(&mut config.aws_vpc_id);
    config
}

pub(crate) fn node(index: u8) -> Node {
    Node {
        name: format!("node-{index}"),
        addresses: vec![format!("192.168.0.{index}").parse().unwrap()],
        provider_id: Some(format!("aws:///eu-west-1a/{}", instance_id(index))),
        zone: Some("eu-west-1a".to_owned()),
        labels: BTreeMap::new(),
        state: NodeState::Active,
        readiness: Readiness::Ready,
    }
}

pub(crate) fn port(number: u16, node_port: u16) -> Port {
    Port {
        name: Some(format!("p{number}")),
        protocol: Protocol::Tcp,
        port: NonZeroU16::new(number).unwrap(),
        target_port: TargetPort::Number(NonZeroU16::new(number).unwrap()),
        node_port: NonZeroU16::new(node_port),
        app_protocol: None,
    }
}

/// An instance-mode Service on three nodes.
pub(crate) fn service(name: &str, ports: &[Port]) -> LoadBalancer {
    let prefix = "service.beta.kubernetes.io/aws-load-balancer-";
    LoadBalancer {
        service: ServiceId {
            cluster: CLUSTER.to_owned(),
            namespace: "default".to_owned(),
            name: name.to_owned(),
            uid: format!("{name}-uid"),
        },
        ports: ports.to_vec(),
        families: vec![IpFamily::V4],
        affinity: SessionAffinity::None,
        source_ranges: vec!["0.0.0.0/0".parse().unwrap()],
        source_ranges_given: false,
        traffic_policy: TrafficPolicy::Cluster,
        requested_address: None,
        class: None,
        node_ports: true,
        annotations: tags(&[
            (&format!("{prefix}type"), "external"),
            (&format!("{prefix}nlb-target-type"), "instance"),
        ]),
        nodes: (1..=3).map(node).collect(),
        endpoints: Vec::new(),
    }
}

pub(crate) fn annotate(lb: &mut LoadBalancer, key: &str, value: &str) {
    lb.annotations.insert(format!("service.beta.kubernetes.io/aws-load-balancer-{key}"), value.to_owned());
}

/// A pod on node-1.
pub(crate) fn pod(address: &str) -> Endpoint {
    Endpoint {
        address: address.parse().unwrap(),
        ports: [("p80".to_owned(), 80.try_into().unwrap())].into(),
        pod: Some(format!("pod-{address}")),
        node: Some("node-1".to_owned()),
        zone: None,
        ready: true,
        terminating: false,
        gates: BTreeSet::new(),
    }
}

/// An account with a provider on it.
pub(crate) struct World {
    pub(crate) aws: FakeAws,
    pub(crate) provider: Arc<Engine<Aws<FakeAws>>>,
}

impl World {
    pub(crate) fn new(options: Options) -> Self {
        Self::of(account(CLUSTER), options, config(CLUSTER))
    }

    pub(crate) fn of(account: Account, options: Options, config: Config) -> Self {
        let aws = FakeAws::new(account, options);
        let provider = Arc::new(Engine::new(Aws::new(aws.clone(), config).unwrap()));
        Self { aws, provider }
    }

    /// The same account, and a process that remembers nothing.
    pub(crate) fn restarted(&self, config: Config) -> Self {
        let provider = Arc::new(Engine::new(Aws::new(self.aws.clone(), config).unwrap()));
        Self { aws: self.aws.clone(), provider }
    }

    pub(crate) async fn ensured(&self, lb: &LoadBalancer) -> Status {
        for _ in 0..PATIENCE {
            match self.provider.ensure(lb).await.unwrap().standing {
                Standing::Ready(status) => return status,
                Standing::Pending(pending) | Standing::Tidying(_, pending) => {
                    tokio::time::sleep(pending.retry_after).await;
                }
                Standing::ImplementedElsewhere => panic!("not taken"),
            }
        }
        panic!("never done")
    }

    /// Deletes; what it had to wait for.
    pub(crate) async fn deleted(&self, lb: &LoadBalancer) -> Vec<Pending> {
        let mut waited = Vec::new();
        for _ in 0..PATIENCE {
            match self.provider.delete(&lb.service).await.unwrap() {
                Outcome::Done => return waited,
                Outcome::Pending(pending) => {
                    tokio::time::sleep(pending.retry_after).await;
                    waited.push(pending);
                }
                Outcome::ImplementedElsewhere => panic!("not taken"),
            }
        }
        panic!("never done: {waited:?}")
    }

    /// Calls that some work makes.
    pub(crate) async fn calls_of<T>(&self, work: impl Future<Output = T>) -> (T, Calls) {
        self.aws.reset_calls();
        let result = work.await;
        (result, self.aws.calls())
    }

    /// The inbound rules of the nodes' security group, as text.
    pub(crate) fn node_rules(&self) -> Vec<String> {
        let account = self.aws.account();
        let group = account.security_groups.iter().find(|group| group.group_id == NODE_GROUP).unwrap();
        let rules = group.ip_permissions.iter().flat_map(provider_aws::kinds::ListedPermission::rules);
        let mut texts: Vec<String> =
            rules.map(|rule| format!("{} {}-{}", rule.ip_protocol, rule.from_port, rule.to_port)).collect();
        texts.sort();
        texts
    }

    /// Asserts that nothing of ours is left.
    pub(crate) fn assert_empty(&self) {
        let account = self.aws.account();
        assert_eq!(account.load_balancers, []);
        assert_eq!(account.target_groups, []);
        let groups: Vec<&String> = account.security_groups.iter().map(|group| &group.group_id).collect();
        assert_eq!(groups, [NODE_GROUP]);
        assert_eq!(self.node_rules(), Vec::<String>::new());
    }
}

pub(crate) async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}
