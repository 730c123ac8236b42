use std::collections::{BTreeMap, BTreeSet};

use cloud_lb_core::graph::Input;
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
    /// The target group that needs them: no part of any request, but what tells one need from another.
    #[serde(skip)]
    pub target_group_arn: Input,
    /// Security groups of the nodes.
    pub group_ids: BTreeSet<String>,
    /// Needed rules, sorted, each once.
    #[serde(serialize_with = "grouped")]
    pub ip_permissions: Vec<IpPermission>,
    /// What is open in each of the groups, of rules that were observed; else all of them are open in each.
    #[serde(skip)]
    pub open: BTreeMap<String, BTreeSet<IpPermission>>,
}

impl NodeRules {
    /// The rules that are open in a group.
    pub(crate) fn open_in(&self, group: &str) -> Vec<IpPermission> {
        match self.open.get(group) {
            Some(open) => open.iter().cloned().collect(),
            None if self.open.is_empty() && self.group_ids.contains(group) => self.ip_permissions.clone(),
            None => Vec::new(),
        }
    }
}
