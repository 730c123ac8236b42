use std::collections::BTreeSet;

use cloud_lb_core::graph::Input;
use serde::Serialize;

use super::IpPermission;

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
    /// The security group that may connect; absent for rules by address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Input>,
    /// Needed rules, sorted. With `source`, their own sources do not count.
    pub ip_permissions: Vec<IpPermission>,
}
