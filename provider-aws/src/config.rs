//! Configuration of the provider (AWS-1 to AWS-3). The words are the flags of
//! aws-load-balancer-controller.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cloud_lb_core::error::{Error, Result, Violation};
use serde::{Deserialize, Serialize};

use crate::kinds::{Scheme, TargetType};

/// Start of the keys of tracking tags: neither default tags nor those that others manage may use them.
const TRACKING_PREFIXES: [&str; 2] = ["elbv2.k8s.aws/", "service.k8s.aws/"];

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

/// Configuration of the AWS provider. Keys that are unknown are refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
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
    /// Whether only Services of type LoadBalancer are taken.
    pub service_type_load_balancer_only: bool,
    /// Whether TCP and UDP on one port make a TCP_UDP listener.
    pub enable_tcp_udp_listener: bool,
    /// Whether load balancers have security groups unless a Service says otherwise.
    pub nlb_security_group: bool,
    /// Whether pods can be targets.
    pub enable_ip_target_type: bool,
    /// Whether subnets tagged for other clusters are left out of discovery.
    pub subnets_cluster_tag_check: bool,
    /// Whether route tables tell public subnets where no subnet has a role tag.
    pub subnet_discovery_by_reachability: bool,
    /// URL of the Elastic Load Balancing API, for tests and private endpoints; empty = AWS's own.
    pub endpoint_elbv2: String,
    /// URL of the EC2 API; empty = AWS's own.
    pub endpoint_ec2: String,
    /// Attempts per call within the SDK, 1 to 50.
    pub aws_max_retries: u32,
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
            service_type_load_balancer_only: true,
            enable_tcp_udp_listener: true,
            nlb_security_group: true,
            enable_ip_target_type: true,
            subnets_cluster_tag_check: true,
            subnet_discovery_by_reachability: true,
            endpoint_elbv2: String::new(),
            endpoint_ec2: String::new(),
            aws_max_retries: 10,
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

    /// Reports everything that is wrong, together, before any call (AWS-3).
    ///
    /// # Errors
    /// `InvalidInput` with one violation per wrong key.
    pub fn validate(&self) -> Result<()> {
        let mut violations = self.bad_tags();
        let mut check = |good: bool, key: &str, value: &str, expected: &str| {
            if !good {
                violations.push(Violation::new(key, value, expected));
            }
        };
        check(!self.cluster_name.is_empty(), "cluster-name", "", "the name of the cluster");
        let group = &self.backend_security_group;
        check(
            group.is_empty() || group.starts_with("sg-"),
            "backend-security-group",
            group,
            "an id such as sg-0123",
        );
        check(
            group.is_empty() || self.enable_backend_security_group,
            "backend-security-group",
            group,
            "no value while enable-backend-security-group is false",
        );
        check(
            self.enable_backend_security_group || !self.enable_manage_backend_security_group_rules,
            "enable-manage-backend-security-group-rules",
            "true",
            "false while enable-backend-security-group is false",
        );
        let budget = self.node_sg_rule_budget;
        check((1..=60).contains(&budget), "node-sg-rule-budget", &budget.to_string(), "1 to 60");
        let attempts = self.aws_max_retries;
        check((1..=50).contains(&attempts), "aws-max-retries", &attempts.to_string(), "1 to 50");
        if violations.is_empty() { Ok(()) } else { Err(Error::invalid("aws configuration", violations)) }
    }

    fn bad_tags(&self) -> Vec<Violation> {
        let mut violations = Vec::new();
        for key in self.default_tags.keys() {
            if is_tracking(key) || self.external_managed_tags.contains(key) {
                let expected = "a key that neither tracks ownership nor is in external-managed-tags";
                violations.push(Violation::new("default-tags", key, expected));
            }
        }
        for key in self.external_managed_tags.iter().filter(|key| is_tracking(key)) {
            violations.push(Violation::new(
                "external-managed-tags",
                key,
                "a key that does not track ownership",
            ));
        }
        violations
    }
}

fn is_tracking(key: &str) -> bool {
    TRACKING_PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aws_3_all_mistakes_are_reported_together() {
        let config = Config {
            backend_security_group: "group".into(),
            node_sg_rule_budget: 0,
            default_tags: [("service.k8s.aws/stack".to_owned(), "x".to_owned())].into(),
            ..Config::default()
        };
        let error = config.validate().unwrap_err();
        let fields: Vec<&str> = error.violations().iter().map(|v| v.field.as_str()).collect();
        assert_eq!(fields, ["default-tags", "cluster-name", "backend-security-group", "node-sg-rule-budget"]);
    }

    #[test]
    fn aws_1_keys_are_the_flags_and_unknown_ones_are_refused() {
        let config: Config =
            serde_json::from_str(r#"{"cluster-name": "c", "default-target-type": "ip"}"#).unwrap();
        assert_eq!(config.default_target_type, TargetType::Ip);
        assert!(serde_json::from_str::<Config>(r#"{"cluster": "c"}"#).is_err());
    }
}
