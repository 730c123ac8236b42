//! What is asked for, and what answers hold that no description of an account has.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::kinds::{
    HealthCheck, IpAddressType, ListenerProtocol, Pairs, Scheme, SubnetMapping, TargetFamily, TargetProtocol,
    TargetType,
};

/// Tags or attributes as AWS has them.
pub type Map = BTreeMap<String, String>;

/// Which load balancers or target groups a description is of.
#[derive(Debug, Clone, Copy)]
pub enum Which<'a> {
    /// All of the region.
    All,
    /// Those of these ARNs, at most 20; `NotFound` if one does not exist.
    Arns(&'a [String]),
    /// The one of this name; nothing if there is none.
    Name(&'a str),
}

/// Which security groups a description is of.
#[derive(Debug, Clone, Copy)]
pub enum Groups<'a> {
    /// All of a network.
    Vpc(&'a str),
    /// Those of these ids; `NotFound` if one does not exist.
    Ids(&'a [String]),
    /// Those with a rule that lets in members of this one (AWS-208).
    Admitting(&'a str),
}

/// Which networks a description is of.
#[derive(Debug, Clone, Copy)]
pub enum Vpcs<'a> {
    /// The one of this id.
    Id(&'a str),
    /// Those with all of these tags.
    Tags(&'a Map),
}

/// A load balancer to be made, with its tags (AWS-39).
#[derive(Debug, Clone, PartialEq)]
pub struct NewLoadBalancer {
    /// Name.
    pub name: String,
    /// Scheme.
    pub scheme: Scheme,
    /// Families of its addresses.
    pub ip_address_type: IpAddressType,
    /// Subnets with the addresses in them.
    pub subnet_mappings: Vec<SubnetMapping>,
    /// Security groups.
    pub security_groups: Vec<String>,
    /// `on` or `off`.
    pub enable_prefix_for_ipv6_source_nat: String,
    /// Tags.
    pub tags: Pairs,
}

/// A target group to be made, with its tags.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTargetGroup {
    /// Name.
    pub name: String,
    /// What the targets are.
    pub target_type: TargetType,
    /// Family of the targets.
    pub ip_address_type: TargetFamily,
    /// Default port.
    pub port: u16,
    /// Protocol.
    pub protocol: TargetProtocol,
    /// Network.
    pub vpc_id: String,
    /// Health check.
    pub health_check: HealthCheck,
    /// Tags.
    pub tags: Pairs,
}

/// What a listener does; all of it is written at once (AWS-135).
#[derive(Debug, Clone, PartialEq)]
pub struct ListenerSettings {
    /// Protocol.
    pub protocol: ListenerProtocol,
    /// The only target group of the default action.
    pub target_group_arn: String,
    /// The default certificate; TLS only.
    pub certificate: Option<String>,
    /// Security policy; absent = AWS's default.
    pub ssl_policy: Option<String>,
    /// ALPN policy; absent = as it is.
    pub alpn_policy: Option<String>,
}

/// A security group to be made, with its tags.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSecurityGroup {
    /// Name.
    pub name: String,
    /// Description.
    pub description: String,
    /// Network.
    pub vpc_id: String,
    /// Tags.
    pub tags: Pairs,
}

/// Routes of some subnets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteTable {
    /// Subnets that are associated explicitly.
    pub subnet_ids: Vec<String>,
    /// Whether it is that of all subnets without a table of their own.
    pub is_main: bool,
    /// Whether a route leads to an internet gateway.
    pub is_public: bool,
}

/// Which network interfaces a description is of.
#[derive(Debug, Clone, Copy)]
pub enum Interfaces<'a> {
    /// Those that have this security group.
    Group(&'a str),
    /// Those of a network that have one of these addresses, whether or not there is one for each. An
    /// address from a prefix of an interface is none of its addresses.
    Addresses(&'a str, &'a [IpAddr]),
}
