use cloud_lb_core::graph::Input;
use serde::{Deserialize, Serialize, Serializer};

use super::Pairs;

/// Who can reach the load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// The VPC and what is connected to it.
    Internal,
    /// The internet.
    InternetFacing,
}

impl Scheme {
    /// The word of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::InternetFacing => "internet-facing",
        }
    }
}

/// Families of the load balancer's addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IpAddressType {
    /// IPv4 only.
    Ipv4,
    /// IPv4 and IPv6.
    Dualstack,
}

impl IpAddressType {
    /// The word of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Dualstack => "dualstack",
        }
    }
}

/// A subnet with the addresses that the load balancer has in it (AWS-59).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SubnetMapping {
    /// The subnet; one per availability zone.
    pub subnet_id: String,
    /// An Elastic IP, internet-facing only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocation_id: Option<String>,
    /// A fixed private address, internal only.
    #[serde(default, rename = "PrivateIPv4Address", skip_serializing_if = "Option::is_none")]
    pub private_ipv4_address: Option<String>,
    /// A fixed IPv6 address, dualstack only.
    #[serde(default, rename = "IPv6Address", skip_serializing_if = "Option::is_none")]
    pub ipv6_address: Option<String>,
    /// Prefix for source NAT of UDP over IPv6: `auto_assigned` or an /80.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_nat_ipv6_prefix: Option<String>,
}

/// A Network Load Balancer (AWS-100).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LoadBalancer {
    /// Name; at most 32 characters of `[A-Za-z0-9-]`. Used at creation only (AWS-33).
    pub name: String,
    /// Always `network`.
    pub r#type: &'static str,
    /// Scheme; cannot be changed.
    pub scheme: Scheme,
    /// Families of its addresses.
    pub ip_address_type: IpAddressType,
    /// Subnets with the addresses in them; only the set of them matters, the order is that of the user.
    pub subnet_mappings: Vec<SubnetMapping>,
    /// Security groups; a load balancer that is made without any can never get one.
    pub security_groups: Vec<Input>,
    /// `on` or `off`.
    pub enable_prefix_for_ipv6_source_nat: String,
    /// `on` or `off`; absent means that we do not care (AWS-83).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enforce_security_group_inbound_rules_on_private_link_traffic: Option<String>,
    /// Attributes that were asked for.
    pub attributes: Pairs,
    /// Reserved capacity units; absent means that we do not care, 0 resets (AWS-116).
    #[serde(
        rename = "MinimumLoadBalancerCapacity",
        skip_serializing_if = "Option::is_none",
        serialize_with = "capacity"
    )]
    pub capacity_units: Option<i32>,
    /// Tags.
    pub tags: Pairs,
    /// Its ARN, where it exists: no part of any request, but what tells the one that stays from others of
    /// the Service (AWS-37).
    #[serde(skip)]
    pub load_balancer_arn: Option<String>,
    /// Whether AWS gave up making it (AWS-105); never wanted.
    #[serde(skip)]
    pub failed: bool,
}

#[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn capacity<S: Serializer>(units: &Option<i32>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(units.map(|units| ("CapacityUnits", units)))
}
