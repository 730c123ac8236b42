use cloud_lb_core::graph::Input;
use serde::{Deserialize, Serialize};

/// One registered target; id and port are its identity (AWS-180).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Target {
    /// Instance id or pod address.
    pub id: String,
    /// NodePort or container port.
    pub port: u16,
    /// `all` for addresses outside the VPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    /// Zone of its node, told where AWS does not take it otherwise (AWS-178).
    #[serde(skip)]
    pub node_zone: Option<String>,
}

/// The targets of one target group.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Targets {
    /// The target group.
    pub target_group_arn: Input,
    /// Registered targets, sorted; those that drain are not among them.
    pub targets: Vec<Target>,
}
