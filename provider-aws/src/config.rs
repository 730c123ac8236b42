//! Configuration of the provider (AWS-1 to AWS-3). The words are the flags of
//! aws-load-balancer-controller.

mod throttle;
mod validate;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::kinds::{Scheme, TargetType};

pub use throttle::Throttle;

/// How node security group rules are made of the needed ports (AWS-88).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeRuleStyle {
    /// Just the needed ports, joined where the budget demands it.
    Exact,
    /// One rule from the lowest to the highest port, as aws-load-balancer-controller makes it.
    Range,
}

/// What happens to tags of our resources that we did not set (AWS-38).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TagPolicy {
    /// They stay.
    Merge,
    /// They are removed.
    Exact,
}

/// Which family the targets of a dual-stack Service have (AWS-142).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DualstackTargets {
    /// The Service's primary one.
    First,
    /// IPv6, as aws-load-balancer-controller has it.
    Ipv6,
}

/// Which load balancers that exist are taken over, in place, instead of a new one beside them (AWS-215).
/// Those of aws-load-balancer-controller have the tags that ours have, so they are ours in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Adopt {
    /// Only those with our tags; a Service that has one of the cloud controller manager's is refused.
    Tagged,
    /// Also those that the cloud controller manager made for the Service.
    Ccm,
}

/// When the host name of a load balancer goes into the Service's status (AWS-221).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Publish {
    /// As soon as it exists.
    Created,
    /// Once AWS has made all of it, some minutes later.
    Active,
}

/// Configuration of the AWS provider. Keys that are unknown are refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, read by name")]
#[non_exhaustive]
pub struct Config {
    /// Name of the cluster: enters names and tags. Required.
    pub cluster_name: String,
    /// Region; empty = the SDK's chain (environment, profile, instance metadata).
    pub aws_region: String,
    /// VPC; empty = instance metadata, or `aws-vpc-tags`.
    pub aws_vpc_id: String,
    /// Tags that exactly one VPC has, instead of its id.
    pub aws_vpc_tags: BTreeMap<String, String>,
    /// Values of `spec.loadBalancerClass` that are taken.
    pub load_balancer_class: BTreeSet<String>,
    /// Target type of Services that do not say.
    pub default_target_type: TargetType,
    /// Scheme of Services that do not say.
    pub default_load_balancer_scheme: Scheme,
    /// Security policy of TLS listeners that do not say.
    pub default_ssl_policy: String,
    /// Tags of every resource.
    pub default_tags: BTreeMap<String, String>,
    /// Keys of tags that others manage: never added, changed or removed.
    pub external_managed_tags: BTreeSet<String>,
    /// Whether tags of a Service win over `default-tags`.
    pub enable_default_tags_low_priority: bool,
    /// Tags that we did not set.
    pub tag_policy: TagPolicy,
    /// Whether load balancers get the shared backend security group.
    pub enable_backend_security_group: bool,
    /// A security group to use as the shared one; empty = one is made.
    pub backend_security_group: String,
    /// Whether node rules are made although the user chose the security groups.
    pub enable_manage_backend_security_group_rules: bool,
    /// Whether node rules open all ports instead of the needed ones.
    pub disable_restricted_sg_rules: bool,
    /// Further tags of the node security group, where a node has several.
    pub service_target_eni_security_group_tags: BTreeMap<String, String>,
    /// How node rules are made.
    pub node_sg_rules: NodeRuleStyle,
    /// Most rules per node security group and source, 1 to 60.
    pub node_sg_rule_budget: usize,
    /// Most inbound rules of a frontend security group; the quota's default is 60.
    pub sg_rule_limit: usize,
    /// Family of the targets of dual-stack Services.
    pub dualstack_target_family: DualstackTargets,
    /// Whether TCP and UDP on one port make a `TCP_UDP` listener.
    pub enable_tcp_udp_listener: bool,
    /// Whether load balancers have security groups unless a Service says otherwise.
    pub nlb_security_group: bool,
    /// Whether pods can be targets.
    pub enable_ip_target_type: bool,
    /// Whether nodes that are not ready stay targets when no node is ready.
    pub endpoints_fail_open: bool,
    /// Whether nodes are checked at kube-proxy's health port where `externalTrafficPolicy` is `Cluster`.
    pub shared_health_check: bool,
    /// Whether load balancers grow into zones that get a subnet later.
    pub subnet_follow: bool,
    /// Whether Services of the cloud controller manager with annotation `type: nlb` are taken, with that
    /// controller's defaults.
    pub take_ccm_nlb: bool,
    /// Which load balancers that exist are taken over.
    pub adopt: Adopt,
    /// Whether the shared security group stays when no Service needs it.
    pub keep_backend_sg: bool,
    /// Most targets of a target group; 0 = no cap.
    pub max_targets_per_target_group: usize,
    /// When the host name goes into the status.
    pub publish: Publish,
    /// Delay, in seconds, while a load balancer is being made and a change of its capacity waits.
    pub lb_stabilization_monitor_interval_seconds: u64,
    /// How long, in seconds, a load balancer that was replaced goes on.
    pub replacement_drain_seconds: u64,
    /// How long, in seconds, targets drain before a load balancer is deleted.
    pub delete_drain_seconds: u64,
    /// Whether subnets tagged for other clusters are left out of discovery.
    pub subnets_cluster_tag_check: bool,
    /// Whether route tables tell public subnets where no subnet has a role tag.
    pub subnet_discovery_by_reachability: bool,
    /// URL of the Elastic Load Balancing API, for tests and private endpoints; empty = AWS's own.
    pub endpoint_elbv2: String,
    /// URL of the EC2 API; empty = AWS's own.
    pub endpoint_ec2: String,
    /// URL of the API of Certificate Manager, which only descriptions of the account take; empty = AWS's own.
    pub endpoint_acm: String,
    /// Attempts per call within the SDK, 1 to 50.
    pub aws_max_retries: u32,
    /// Most calls, by service and action. The first entry that fits counts.
    pub aws_api_throttle: Vec<Throttle>,
    /// Age after which the shared inventory is read anew, in seconds; the default is 600.
    pub inventory_refresh_seconds: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            cluster_name: String::new(),
            aws_region: String::new(),
            aws_vpc_id: String::new(),
            aws_vpc_tags: BTreeMap::new(),
            load_balancer_class: ["service.k8s.aws/nlb".to_owned()].into(),
            default_target_type: TargetType::Instance,
            default_load_balancer_scheme: Scheme::Internal,
            default_ssl_policy: "ELBSecurityPolicy-2016-08".to_owned(),
            default_tags: BTreeMap::new(),
            external_managed_tags: BTreeSet::new(),
            enable_default_tags_low_priority: false,
            tag_policy: TagPolicy::Merge,
            enable_backend_security_group: true,
            backend_security_group: String::new(),
            enable_manage_backend_security_group_rules: false,
            disable_restricted_sg_rules: false,
            service_target_eni_security_group_tags: BTreeMap::new(),
            node_sg_rules: NodeRuleStyle::Exact,
            node_sg_rule_budget: 20,
            sg_rule_limit: 60,
            dualstack_target_family: DualstackTargets::First,
            enable_tcp_udp_listener: true,
            nlb_security_group: true,
            enable_ip_target_type: true,
            endpoints_fail_open: true,
            shared_health_check: false,
            subnet_follow: false,
            take_ccm_nlb: false,
            adopt: Adopt::Ccm,
            keep_backend_sg: false,
            max_targets_per_target_group: 0,
            publish: Publish::Created,
            lb_stabilization_monitor_interval_seconds: 120,
            replacement_drain_seconds: 60,
            delete_drain_seconds: 0,
            subnets_cluster_tag_check: true,
            subnet_discovery_by_reachability: true,
            endpoint_elbv2: String::new(),
            endpoint_ec2: String::new(),
            endpoint_acm: String::new(),
            aws_max_retries: 10,
            aws_api_throttle: Throttle::defaults(),
            inventory_refresh_seconds: 600,
        }
    }
}

impl Config {
    /// A configuration for a cluster, all else default.
    pub fn for_cluster(name: impl Into<String>) -> Self {
        Self { cluster_name: name.into(), ..Self::default() }
    }

    /// Age after which the shared inventory is read anew.
    pub fn inventory_refresh(&self) -> Duration {
        Duration::from_secs(self.inventory_refresh_seconds)
    }
}

#[cfg(test)]
mod tests;
