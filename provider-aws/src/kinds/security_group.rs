use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::Pairs;

/// Who a rule lets in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Source {
    /// A range of addresses, host bits cleared.
    #[serde(rename = "Cidr")]
    Cidr(IpNet),
    /// A managed prefix list.
    #[serde(rename = "PrefixListId")]
    PrefixList(String),
    /// Members of another security group.
    #[serde(rename = "GroupId")]
    Group(String),
}

/// One inbound rule with one source, as EC2 compares them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct IpPermission {
    /// `tcp`, `udp`, `icmp` or `icmpv6`.
    pub ip_protocol: String,
    /// First port, or the ICMP type.
    pub from_port: u16,
    /// Last port, or the ICMP code.
    pub to_port: u16,
    /// Who is let in.
    pub source: Source,
}

/// A security group of ours with its inbound rules (AWS-73 to AWS-80).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SecurityGroup {
    /// Name; used at creation only.
    pub group_name: String,
    /// Description; cannot be changed.
    pub description: &'static str,
    /// Network.
    pub vpc_id: String,
    /// Inbound rules, sorted; all of them are ours.
    pub ip_permissions: Vec<IpPermission>,
    /// Tags.
    pub tags: Pairs,
}
