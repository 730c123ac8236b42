mod answers;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    GroupFacts, Instance, LoadBalancerFacts, NetworkInterface, SubnetFacts, TargetGroupFacts, VpcFacts,
};

/// A snapshot of an account, or of the part of it that one Service needs.
///
/// Lists are complete for what they are asked: a security group that is not in the list does not exist.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct Account {
    /// Region, for example `eu-west-1`.
    pub region: String,
    /// Network of the cluster.
    pub vpc_id: String,
    /// Networks.
    pub vpcs: Vec<VpcFacts>,
    /// Subnets.
    pub subnets: Vec<SubnetFacts>,
    /// Security groups.
    pub security_groups: Vec<GroupFacts>,
    /// Instances of nodes.
    pub instances: Vec<Instance>,
    /// Network interfaces that stand with no instance: of pods that have one of their own, or run where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub network_interfaces: Vec<NetworkInterface>,
    /// Elastic IP addresses.
    pub addresses: Vec<Address>,
    /// Certificates of the region in Certificate Manager; absent if nobody looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificates: Option<Vec<Certificate>>,
    /// Load balancers of all kinds, whosever they are.
    pub load_balancers: Vec<LoadBalancerFacts>,
    /// Target groups, whosever they are.
    pub target_groups: Vec<TargetGroupFacts>,
}

/// An Elastic IP address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Address {
    /// Id, for example `eipalloc-0123`.
    pub allocation_id: String,
    /// The address.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub public_ip: String,
    /// What it is associated with, for example a network interface; absent if it is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub associated_with: Option<String>,
}

/// A certificate of Certificate Manager (ACM).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Certificate {
    /// Its ARN.
    pub certificate_arn: String,
    /// Its main name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub domain_name: String,
    /// The names it is for, the first 100 of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subject_alternative_name_summaries: Vec<String>,
    /// Where it stands, for example `ISSUED`, `PENDING_VALIDATION` or `EXPIRED`; empty = as `ISSUED`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// Whose it is: `AMAZON_ISSUED`, `PRIVATE` or `IMPORTED`.
    #[serde(default, rename = "Type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Algorithm of its key, for example `RSA_2048` or `EC_prime256v1`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key_algorithm: String,
    /// When it expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Timestamp>,
}

impl Certificate {
    /// Whether listeners can have it.
    pub(crate) fn is_issued(&self) -> bool {
        self.status.is_empty() || self.status == "ISSUED"
    }
}
