//! An account with a network, subnets and instances, made and looked at with the AWS SDK alone.

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_ec2::types::{Filter, InstanceType, IpPermission, ResourceType, Tag, TagSpecification};
use cloud_lb_core::model::{
    IpFamily, LoadBalancer, Node, NodeState, Port, Protocol, Readiness, ServiceId, SessionAffinity,
    TargetPort, TrafficPolicy,
};
use provider_aws::AccessKeys;

pub(crate) const REGION: &str = "eu-west-1";

/// Any key will do.
pub(crate) fn keys() -> AccessKeys {
    AccessKeys { access_key_id: "testing".into(), secret_access_key: "testing".into(), session_token: None }
}

pub(crate) struct Account {
    pub(crate) endpoint: String,
    pub(crate) vpc_id: String,
    pub(crate) instance_ids: Vec<String>,
    node_group: String,
    ec2: aws_sdk_ec2::Client,
    elbv2: aws_sdk_elasticloadbalancingv2::Client,
}

impl Account {
    /// Three subnets with role tags in three zones, an instance in each; `None` without a moto.
    pub(crate) async fn make() -> Option<Self> {
        let Some(endpoint) = std::env::var("MOTO_ENDPOINT").ok().filter(|url| !url.is_empty()) else {
            println!("skipped: MOTO_ENDPOINT is not set");
            return None;
        };
        let credentials = Credentials::new("testing", "testing", None, None, "test");
        let ec2 = aws_sdk_ec2::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(REGION))
            .endpoint_url(&endpoint)
            .credentials_provider(credentials.clone());
        let elbv2 = aws_sdk_elasticloadbalancingv2::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(REGION))
            .endpoint_url(&endpoint)
            .credentials_provider(credentials);
        let ec2 = aws_sdk_ec2::Client::from_conf(ec2.build());
        let elbv2 = aws_sdk_elasticloadbalancingv2::Client::from_conf(elbv2.build());
        let vpc = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await.unwrap();
        let vpc_id = vpc.vpc().unwrap().vpc_id().unwrap().to_owned();
        let group = ec2.create_security_group().group_name("nodes").description("nodes").vpc_id(&vpc_id);
        let node_group = group.send().await.unwrap().group_id().unwrap().to_owned();
        let mut account = Self { endpoint, vpc_id, instance_ids: Vec::new(), node_group, ec2, elbv2 };
        for (index, zone) in ["a", "b", "c"].into_iter().enumerate() {
            account.add_zone(index, zone).await;
        }
        Some(account)
    }

    async fn add_zone(&mut self, index: usize, zone: &str) {
        let tag = |key: &str| Tag::builder().key(key).value("1").build();
        let tags = TagSpecification::builder()
            .resource_type(ResourceType::Subnet)
            .tags(tag("kubernetes.io/role/elb"))
            .tags(tag("kubernetes.io/role/internal-elb"))
            .build();
        let request = self.ec2.create_subnet().vpc_id(&self.vpc_id).cidr_block(format!("10.0.{index}.0/24"));
        let request = request.availability_zone(format!("{REGION}{zone}")).tag_specifications(tags);
        let subnet = request.send().await.unwrap().subnet().unwrap().subnet_id().unwrap().to_owned();
        let images = self.ec2.describe_images().send().await.unwrap();
        let request = self.ec2.run_instances().image_id(images.images()[0].image_id().unwrap());
        let request = request.instance_type(InstanceType::T3Micro).min_count(1).max_count(1);
        let request = request.subnet_id(subnet).security_group_ids(&self.node_group);
        let made = request.send().await.unwrap();
        self.instance_ids.push(made.instances()[0].instance_id().unwrap().to_owned());
    }

    async fn load_balancer(&self) -> Option<aws_sdk_elasticloadbalancingv2::types::LoadBalancer> {
        let answer = self.elbv2.describe_load_balancers().send().await.unwrap();
        let all = answer.load_balancers.unwrap_or_default();
        all.into_iter().find(|lb| lb.vpc_id() == Some(self.vpc_id.as_str()))
    }

    pub(crate) async fn hostname(&self) -> Option<String> {
        Some(self.load_balancer().await?.dns_name.unwrap())
    }

    pub(crate) async fn listener_ports(&self) -> Vec<i32> {
        let arn = self.load_balancer().await.unwrap().load_balancer_arn.unwrap();
        let answer = self.elbv2.describe_listeners().load_balancer_arn(arn).send().await.unwrap();
        let mut ports: Vec<i32> = answer.listeners().iter().map(|one| one.port().unwrap()).collect();
        ports.sort_unstable();
        ports
    }

    async fn target_group_arns(&self) -> Vec<String> {
        let answer = self.elbv2.describe_target_groups().send().await.unwrap();
        let ours = answer.target_groups().iter().filter(|one| one.vpc_id() == Some(self.vpc_id.as_str()));
        ours.map(|one| one.target_group_arn().unwrap().to_owned()).collect()
    }

    pub(crate) async fn target_groups(&self) -> usize {
        self.target_group_arns().await.len()
    }

    /// Instances that are registered in every target group, in the order in which they were made.
    pub(crate) async fn targets(&self) -> Vec<String> {
        let mut everywhere = self.instance_ids.clone();
        for arn in self.target_group_arns().await {
            let answer = self.elbv2.describe_target_health().target_group_arn(arn).send().await.unwrap();
            let ids: Vec<String> = answer
                .target_health_descriptions()
                .iter()
                .map(|one| one.target().unwrap().id().unwrap().to_owned())
                .collect();
            everywhere.retain(|id| ids.contains(id));
        }
        everywhere
    }

    async fn groups(&self) -> Vec<aws_sdk_ec2::types::SecurityGroup> {
        let of_vpc = Filter::builder().name("vpc-id").values(&self.vpc_id).build();
        let answer = self.ec2.describe_security_groups().filters(of_vpc).send().await.unwrap();
        answer.security_groups.unwrap_or_default()
    }

    pub(crate) async fn group_names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.groups().await.into_iter().map(|one| one.group_name.unwrap()).collect();
        names.sort();
        names
    }

    /// Inbound rules of the instances' security group.
    pub(crate) async fn node_rules(&self) -> Vec<IpPermission> {
        let groups = self.groups().await;
        let nodes = groups.iter().find(|one| one.group_id() == Some(self.node_group.as_str())).unwrap();
        nodes.ip_permissions().to_vec()
    }

    pub(crate) async fn revoke_node_rules(&self) {
        let request = self.ec2.revoke_security_group_ingress().group_id(&self.node_group);
        request.set_ip_permissions(Some(self.node_rules().await)).send().await.unwrap();
    }
}

/// A Service with these ports on the first instances.
pub(crate) fn service(cluster: &str, account: &Account, ports: &[u16], nodes: usize) -> LoadBalancer {
    let node = |(index, id): (usize, &String)| Node {
        name: format!("node-{index}"),
        addresses: vec![format!("10.0.{index}.4").parse().unwrap()],
        provider_id: Some(format!("aws:///{REGION}a/{id}")),
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
            cluster: cluster.to_owned(),
            namespace: "default".to_owned(),
            name: "web".to_owned(),
            uid: "web-uid".to_owned(),
        },
        ports: ports.iter().map(port).collect(),
        families: vec![IpFamily::V4],
        affinity: SessionAffinity::None,
        source_ranges: vec!["0.0.0.0/0".parse().unwrap()],
        traffic_policy: TrafficPolicy::Cluster,
        requested_address: None,
        class: Some("service.k8s.aws/nlb".to_owned()),
        node_ports: true,
        annotations: BTreeMap::new(),
        nodes: account.instance_ids.iter().enumerate().take(nodes).map(node).collect(),
        endpoints: Vec::new(),
    }
}
