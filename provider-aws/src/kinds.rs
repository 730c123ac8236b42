//! The AWS resources that a Service needs, each with the fields that we own, under the names of the API
//! request that creates it.

mod listener;
mod load_balancer;
mod node_rules;
mod pairs;
mod security_group;
mod target_group;
mod targets;

pub use listener::{Certificate, Listener, ListenerProtocol};
pub use load_balancer::{IpAddressType, LoadBalancer, Scheme, SubnetMapping};
pub use node_rules::NodeRules;
pub use pairs::Pairs;
pub(crate) use pairs::{MAX_TAG_VALUE, TAG_RULE, is_tag};
pub use security_group::{IpPermission, ListedPermission, SecurityGroup, Source};
pub use target_group::{HealthCheck, Matcher, TargetFamily, TargetGroup, TargetProtocol, TargetType, User};
pub use targets::{Target, Targets};

use cloud_lb_core::graph::{self, Input, ResourceKey};
use serde::Serialize;

/// Desired or observed state of one AWS resource.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Spec {
    /// An EC2 security group with its inbound rules.
    SecurityGroup(SecurityGroup),
    /// A Network Load Balancer.
    LoadBalancer(LoadBalancer),
    /// A target group.
    TargetGroup(TargetGroup),
    /// The targets registered in a target group.
    Targets(Targets),
    /// A listener.
    Listener(Listener),
    /// What one target group needs of the security groups of the nodes.
    NodeRules(NodeRules),
}

impl graph::Spec for Spec {
    fn inputs(&self) -> Vec<&Input> {
        match self {
            Self::SecurityGroup(_) | Self::TargetGroup(_) => Vec::new(),
            Self::LoadBalancer(lb) => lb.security_groups.iter().collect(),
            Self::Targets(targets) => vec![&targets.target_group_arn],
            Self::Listener(listener) => vec![&listener.load_balancer_arn, &listener.target_group_arn],
            Self::NodeRules(rules) => {
                let sources = rules.ip_permissions.iter().map(|rule| &rule.source);
                let groups = sources.filter_map(|s| if let Source::Group(id) = s { Some(id) } else { None });
                std::iter::once(&rules.target_group_arn).chain(groups).collect()
            }
        }
    }

    fn inputs_mut(&mut self) -> Vec<&mut Input> {
        match self {
            Self::SecurityGroup(_) | Self::TargetGroup(_) => Vec::new(),
            Self::LoadBalancer(lb) => lb.security_groups.iter_mut().collect(),
            Self::Targets(targets) => vec![&mut targets.target_group_arn],
            Self::Listener(listener) => vec![&mut listener.load_balancer_arn, &mut listener.target_group_arn],
            Self::NodeRules(rules) => {
                let sources = rules.ip_permissions.iter_mut().map(|rule| &mut rule.source);
                let groups = sources.filter_map(|s| if let Source::Group(id) = s { Some(id) } else { None });
                std::iter::once(&mut rules.target_group_arn).chain(groups).collect()
            }
        }
    }

    fn claims(&self) -> Vec<String> {
        match self {
            // Listeners that go must be gone before others are made on the same load balancer (AWS-135);
            // on a load balancer that is being made there are none.
            Self::Listener(Listener { load_balancer_arn: Input::Value(arn), .. }) => {
                vec![format!("listeners of {arn}")]
            }
            _ => Vec::new(),
        }
    }

    fn is_target_set(&self) -> bool {
        matches!(self, Self::Targets(_) | Self::NodeRules(_))
    }
}

/// Logical names of the resources of a stack.
pub(crate) mod key {
    use super::ResourceKey;

    pub(crate) const SECURITY_GROUP: &str = "SecurityGroup";
    pub(crate) const LOAD_BALANCER: &str = "LoadBalancer";
    pub(crate) const TARGET_GROUP: &str = "TargetGroup";
    pub(crate) const TARGETS: &str = "Targets";
    pub(crate) const LISTENER: &str = "Listener";
    pub(crate) const NODE_RULES: &str = "NodeRules";

    /// Output of a load balancer.
    pub(crate) const LOAD_BALANCER_ARN: &str = "LoadBalancerArn";
    /// Output of a load balancer: its host name.
    pub(crate) const DNS_NAME: &str = "DNSName";
    /// Output of a load balancer: `provisioning`, `active`, `active_impaired` or `failed`.
    pub(crate) const STATE: &str = "State";
    /// Output of a load balancer: why it failed.
    pub(crate) const STATE_REASON: &str = "StateReason";
    /// Output of a target group.
    pub(crate) const TARGET_GROUP_ARN: &str = "TargetGroupArn";
    /// Output of a listener.
    pub(crate) const LISTENER_ARN: &str = "ListenerArn";
    /// Output of a security group.
    pub(crate) const GROUP_ID: &str = "GroupId";

    pub(crate) fn frontend() -> ResourceKey {
        ResourceKey::new(SECURITY_GROUP, "frontend")
    }

    pub(crate) fn backend() -> ResourceKey {
        ResourceKey::new(SECURITY_GROUP, "backend")
    }

    pub(crate) fn load_balancer() -> ResourceKey {
        ResourceKey::new(LOAD_BALANCER, "load-balancer")
    }

    pub(crate) fn of_port(kind: &'static str, port: u16) -> ResourceKey {
        ResourceKey::new(kind, port.to_string())
    }
}
