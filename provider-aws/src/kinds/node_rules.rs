use std::collections::BTreeSet;

use serde::Serialize;

use super::IpPermission;
use super::security_group::grouped;

/// What one target group needs of the security groups of the nodes: ports, from one security group of
/// the load balancer (AWS-86), or from address ranges where the load balancer has none (AWS-92).
///
/// The rules themselves are shared by all Services: the needs of all target groups are merged into few
/// rules, which nobody owns alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NodeRules {
    /// Security groups of the nodes.
    pub group_ids: BTreeSet<String>,
    /// Needed rules, sorted, each once.
    #[serde(serialize_with = "grouped")]
    pub ip_permissions: Vec<IpPermission>,
}
