//! An account with a network, subnets and instances, made and looked at with the AWS SDK alone.

use aws_sdk_acm::primitives::Blob;
use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_ec2::types::{Filter, InstanceType, ResourceType, Tag, TagSpecification};
use aws_sdk_elasticloadbalancingv2::types::LoadBalancer;
use base64::Engine as _;

pub(crate) const REGION: &str = "eu-west-1";

fn pem(kind: &str, der: &[u8]) -> Blob {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    Blob::new(format!("-----BEGIN {kind}-----\n{text}\n-----END {kind}-----\n"))
}

/// Any key will do.
pub(crate) const KEY: &str = "testing";

pub(crate) struct Account {
    pub(crate) endpoint: String,
    pub(crate) vpc_id: String,
    pub(crate) instance_ids: Vec<String>,
    ec2: aws_sdk_ec2::Client,
    elbv2: aws_sdk_elasticloadbalancingv2::Client,
    acm: aws_sdk_acm::Client,
    subnet_ids: Vec<String>,
}

impl Account {
    /// Two subnets with role tags in two zones, an instance in each; `None` without a moto.
    pub(crate) async fn make() -> Option<Self> {
        let Some(endpoint) = std::env::var("MOTO_ENDPOINT").ok().filter(|url| !url.is_empty()) else {
            println!("skipped: MOTO_ENDPOINT is not set");
            return None;
        };
        let keys = Credentials::new(KEY, KEY, None, None, "test");
        let ec2 = aws_sdk_ec2::Config::builder().behavior_version(BehaviorVersion::v2026_01_12());
        let ec2 = ec2.region(Region::new(REGION)).endpoint_url(&endpoint).credentials_provider(keys.clone());
        let ec2 = aws_sdk_ec2::Client::from_conf(ec2.build());
        let elbv2 = aws_sdk_elasticloadbalancingv2::Config::builder();
        let elbv2 = elbv2.behavior_version(BehaviorVersion::v2026_01_12()).region(Region::new(REGION));
        let elbv2 = elbv2.endpoint_url(&endpoint).credentials_provider(keys.clone()).build();
        let elbv2 = aws_sdk_elasticloadbalancingv2::Client::from_conf(elbv2);
        let acm = aws_sdk_acm::Config::builder().behavior_version(BehaviorVersion::v2026_01_12());
        let acm = acm.region(Region::new(REGION)).endpoint_url(&endpoint).credentials_provider(keys);
        let acm = aws_sdk_acm::Client::from_conf(acm.build());
        let vpc = ec2.create_vpc().cidr_block("10.1.0.0/16").send().await.unwrap();
        let vpc_id = vpc.vpc().unwrap().vpc_id().unwrap().to_owned();
        let mut account =
            Self { endpoint, vpc_id, instance_ids: Vec::new(), ec2, elbv2, acm, subnet_ids: Vec::new() };
        let group = account.ec2.create_security_group().group_name("nodes").description("nodes");
        let group = group.vpc_id(&account.vpc_id).send().await.unwrap().group_id.unwrap();
        for (index, zone) in ["a", "b"].into_iter().enumerate() {
            account.add_zone(index, zone, &group).await;
        }
        Some(account)
    }

    async fn add_zone(&mut self, index: usize, zone: &str, group: &str) {
        let tag = Tag::builder().key("kubernetes.io/role/internal-elb").value("1").build();
        let tags = TagSpecification::builder().resource_type(ResourceType::Subnet).tags(tag).build();
        let request = self.ec2.create_subnet().vpc_id(&self.vpc_id).cidr_block(format!("10.1.{index}.0/24"));
        let request = request.availability_zone(format!("{REGION}{zone}")).tag_specifications(tags);
        let subnet = request.send().await.unwrap().subnet.unwrap().subnet_id.unwrap();
        self.subnet_ids.push(subnet.clone());
        let request = self.ec2.run_instances().image_id("ami-12345678");
        let request = request.instance_type(InstanceType::T3Micro).min_count(1).max_count(1);
        let made = request.subnet_id(subnet).security_group_ids(group).send().await.unwrap();
        self.instance_ids.push(made.instances()[0].instance_id().unwrap().to_owned());
    }

    /// Imports a certificate with a key of an elliptic curve, which are not listed unless they are asked for; its ARN.
    pub(crate) async fn import_certificate(&self, domain: &str) -> String {
        let made = rcgen::generate_simple_self_signed([domain.to_owned()]).unwrap();
        let request = self.acm.import_certificate().certificate(pem("CERTIFICATE", made.cert.der()));
        let request = request.private_key(pem("PRIVATE KEY", &made.signing_key.serialize_der()));
        request.send().await.unwrap().certificate_arn.unwrap()
    }

    /// Makes an interface that no instance has, as pods on Fargate have one; its id and address.
    pub(crate) async fn add_interface(&self) -> (String, String) {
        let request = self.ec2.create_network_interface().subnet_id(&self.subnet_ids[0]);
        let made = request.send().await.unwrap().network_interface.unwrap();
        (made.network_interface_id.unwrap(), made.private_ip_address.unwrap())
    }

    pub(crate) async fn load_balancers(&self) -> Vec<LoadBalancer> {
        let answer = self.elbv2.describe_load_balancers().send().await.unwrap();
        let mut all = answer.load_balancers.unwrap_or_default();
        all.retain(|lb| lb.vpc_id() == Some(self.vpc_id.as_str()));
        all
    }

    async fn only_arn(&self) -> String {
        let mut all = self.load_balancers().await;
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0).load_balancer_arn.unwrap()
    }

    pub(crate) async fn listener_ports(&self) -> Vec<i32> {
        let request = self.elbv2.describe_listeners().load_balancer_arn(self.only_arn().await);
        let answer = request.send().await.unwrap();
        let mut ports: Vec<i32> = answer.listeners().iter().map(|one| one.port().unwrap()).collect();
        ports.sort_unstable();
        ports
    }

    pub(crate) async fn attribute(&self, key: &str) -> Option<String> {
        let request = self.elbv2.describe_load_balancer_attributes().load_balancer_arn(self.only_arn().await);
        let answer = request.send().await.unwrap();
        answer.attributes().iter().find(|one| one.key() == Some(key))?.value.clone()
    }

    /// Target groups of the network: their ARNs.
    pub(crate) async fn target_groups(&self) -> Vec<String> {
        let answer = self.elbv2.describe_target_groups().send().await.unwrap();
        let ours = answer.target_groups().iter().filter(|one| one.vpc_id() == Some(self.vpc_id.as_str()));
        ours.map(|one| one.target_group_arn().unwrap().to_owned()).collect()
    }

    /// Targets of each target group, as `<instance>:<port>`.
    pub(crate) async fn targets(&self) -> Vec<String> {
        let mut all = Vec::new();
        for arn in self.target_groups().await {
            let answer = self.elbv2.describe_target_health().target_group_arn(arn).send().await.unwrap();
            let targets = answer.target_health_descriptions().iter().map(|one| one.target().unwrap());
            all.extend(targets.map(|one| format!("{}:{}", one.id().unwrap(), one.port().unwrap())));
        }
        all.sort();
        all
    }

    /// Security groups of the network with their number of inbound rules, by name.
    pub(crate) async fn groups(&self) -> Vec<(String, usize)> {
        let of_vpc = Filter::builder().name("vpc-id").values(&self.vpc_id).build();
        let answer = self.ec2.describe_security_groups().filters(of_vpc).send().await.unwrap();
        let groups = answer.security_groups().iter();
        let mut groups: Vec<(String, usize)> =
            groups.map(|one| (one.group_name().unwrap().to_owned(), one.ip_permissions().len())).collect();
        groups.sort();
        groups
    }
}
