use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{GroupFacts, ownership};
use crate::kinds::{
    HealthCheck, IpAddressType, ListenerProtocol, Scheme, SubnetMapping, TargetFamily, TargetProtocol,
    TargetType,
};

/// State of a load balancer (AWS-105).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadBalancerState {
    /// Being made, which takes minutes.
    Provisioning,
    /// It works.
    #[default]
    Active,
    /// It works, and does not have the resources that it needs to grow.
    ActiveImpaired,
    /// It could not be made.
    Failed,
}

impl LoadBalancerState {
    /// Whether it takes traffic.
    pub(crate) fn is_working(self) -> bool {
        matches!(self, Self::Active | Self::ActiveImpaired)
    }

    /// The word of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "provisioning",
            Self::Active => "active",
            Self::ActiveImpaired => "active_impaired",
            Self::Failed => "failed",
        }
    }
}

/// Type of a load balancer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LoadBalancerType {
    /// Of connections and datagrams.
    #[default]
    Network,
    /// Of requests, for an Ingress perhaps.
    Application,
    /// Of packets, for appliances.
    Gateway,
}

/// A load balancer that exists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct LoadBalancerFacts {
    /// ARN.
    pub load_balancer_arn: String,
    /// Name.
    pub load_balancer_name: String,
    /// What it balances; only Network Load Balancers can be ours.
    #[serde(default, rename = "Type", skip_serializing_if = "is_default")]
    pub kind: LoadBalancerType,
    /// DNS name.
    #[serde(default, rename = "DNSName", skip_serializing_if = "String::is_empty")]
    pub dns_name: String,
    /// Scheme.
    pub scheme: Scheme,
    /// Its network.
    pub vpc_id: String,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_time: Option<Timestamp>,
    /// State.
    #[serde(default)]
    pub state: LoadBalancerState,
    /// Why it is in this state; of one that failed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub state_reason: String,
    /// Families of its addresses.
    #[serde(default = "ipv4")]
    pub ip_address_type: IpAddressType,
    /// Its subnets and addresses.
    pub subnet_mappings: Vec<SubnetMapping>,
    /// Its security groups.
    #[serde(default)]
    pub security_groups: Vec<String>,
    /// `on` or `off`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_prefix_for_ipv6_source_nat: Option<String>,
    /// `on` or `off`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enforce_security_group_inbound_rules_on_private_link_traffic: Option<String>,
    /// Reserved capacity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity_units: Option<i32>,
    /// Attributes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// Listeners.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listeners: Vec<ListenerFacts>,
    /// Tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn ipv4() -> IpAddressType {
    IpAddressType::Ipv4
}

impl LoadBalancerFacts {
    pub(crate) fn is_network(&self) -> bool {
        self.kind == LoadBalancerType::Network
    }
}

/// A listener that exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListenerFacts {
    /// ARN.
    pub listener_arn: String,
    /// Port.
    pub port: u16,
    /// Protocol.
    pub protocol: ListenerProtocol,
    /// Where its default action forwards to.
    pub target_group_arn: String,
    /// ARNs of its certificates, the default one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<String>,
    /// Security policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssl_policy: Option<String>,
    /// ALPN policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpn_policy: Option<String>,
    /// Attributes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// A target group that exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TargetGroupFacts {
    /// ARN.
    pub target_group_arn: String,
    /// Name.
    pub target_group_name: String,
    /// What its targets are.
    pub target_type: TargetType,
    /// Family of its targets.
    #[serde(default = "target_ipv4")]
    pub ip_address_type: TargetFamily,
    /// Default port.
    pub port: u16,
    /// Protocol.
    pub protocol: TargetProtocol,
    /// Its network.
    pub vpc_id: String,
    /// The load balancers that use it: none or one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub load_balancer_arns: Vec<String>,
    /// Health check.
    pub health_check: HealthCheck,
    /// Attributes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// Registered targets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<TargetFacts>,
    /// Tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

fn target_ipv4() -> TargetFamily {
    TargetFamily::Ipv4
}

/// A registered target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TargetFacts {
    /// Instance id or address.
    pub id: String,
    /// Port.
    pub port: u16,
    /// Zone, for addresses outside the network `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    /// State of its health, for example `healthy`, `initial`, `draining`; absent if nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// AWS's code for why it is not healthy, for example `Target.FailedHealthChecks`; of the moment, and no part of
    /// what describes an account.
    #[serde(skip)]
    pub reason: Option<String>,
    /// The same for a person.
    #[serde(skip)]
    pub description: Option<String>,
}

impl TargetFacts {
    /// Whether it is on its way out: it counts as absent (AWS-180).
    pub(crate) fn is_leaving(&self) -> bool {
        self.state.as_deref() == Some("draining")
    }
}

/// What exists of one Service, found by its tags (AWS-37).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stack<'a> {
    /// Load balancers; several while one replaces another.
    pub load_balancers: Vec<&'a LoadBalancerFacts>,
    /// Target groups.
    pub target_groups: Vec<&'a TargetGroupFacts>,
    /// Security groups.
    pub security_groups: Vec<&'a GroupFacts>,
}

impl<'a> Stack<'a> {
    /// The load balancer of this scheme: the one that stays. Of several it is the first that AWS could
    /// make; the others go (AWS-37).
    pub fn of_scheme(&self, scheme: Scheme) -> Option<&'a LoadBalancerFacts> {
        let of_scheme = self.load_balancers.iter().copied().filter(|lb| lb.scheme == scheme);
        of_scheme.min_by_key(|lb| lb.state == LoadBalancerState::Failed)
    }

    /// The target groups of a Service port.
    pub fn target_groups_of(&self, port: u16) -> impl Iterator<Item = &'a TargetGroupFacts> {
        let port = port.to_string();
        let lbs = || self.load_balancers.iter().copied();
        self.target_groups.iter().copied().filter(move |group| ownership::port_of(group, lbs()) == port)
    }
}
