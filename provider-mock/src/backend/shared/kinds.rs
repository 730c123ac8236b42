//! The kinds of resources and parts, with the fields that we own.

use std::net::IpAddr;
use std::num::NonZeroU16;

use cloud_lb_core::graph::Input;
use cloud_lb_core::model::IpFamily;
use cloud_lb_core::plan::ReplaceOrder;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::backend::desired::{Kind, known};
use crate::backend::parts::{HealthCheck, Targets, Traffic, Transport};

pub(crate) const LOAD_BALANCER: &str = "LoadBalancer";
pub(crate) const SECURITY_GROUP: &str = "SecurityGroup";
pub(crate) const PUBLIC_ADDRESS: &str = "PublicAddress";
pub(crate) const BACKEND_POOL: &str = "BackendPool";
pub(crate) const FRONTEND_IP: &str = "FrontendIp";
pub(crate) const RULE: &str = "Rule";
pub(crate) const PROBE: &str = "Probe";
pub(crate) const SECURITY_RULE: &str = "SecurityRule";

/// Kinds of parts: kind, container, and where in the container they are.
pub(crate) const PARTS: &[(&str, &str, &str)] = &[
    (FRONTEND_IP, LOAD_BALANCER, "frontends"),
    (PROBE, LOAD_BALANCER, "probes"),
    (RULE, LOAD_BALANCER, "rules"),
    (SECURITY_RULE, SECURITY_GROUP, "rules"),
];

/// Desired state of a resource or a part.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum SharedKind {
    Container(Container),
    PublicAddress(PublicAddress),
    BackendPool(BackendPool),
    FrontendIp(FrontendIp),
    Probe(HealthCheck),
    Rule(Rule),
    SecurityRule(SecurityRule),
}

/// The load balancer, or the security group, of all Services: nothing but its parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Container {}

/// An address of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PublicAddress {
    pub(crate) family: IpFamily,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) requested_address: Option<IpAddr>,
}

/// The nodes of the cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BackendPool {
    pub(crate) targets: Targets,
}

/// What the clients of one Service connect to, over one family.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FrontendIp {
    pub(crate) family: IpFamily,
    #[serde(deserialize_with = "known")]
    pub(crate) public_address: Input,
}

/// One port of one Service, over one family.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rule {
    #[serde(deserialize_with = "known")]
    pub(crate) frontend: Input,
    #[serde(deserialize_with = "known")]
    pub(crate) probe: Input,
    #[serde(deserialize_with = "known")]
    pub(crate) backend_pool: Input,
    pub(crate) family: IpFamily,
    pub(crate) protocol: Transport,
    pub(crate) port: NonZeroU16,
    pub(crate) node_port: NonZeroU16,
    pub(crate) traffic: Traffic,
}

/// Who may connect to one Service, over one family.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SecurityRule {
    #[serde(deserialize_with = "known")]
    pub(crate) destination: Input,
    /// None: nobody.
    pub(crate) source_ranges: Vec<IpNet>,
}

impl Kind for SharedKind {
    fn parse(kind: &str, body: &Value) -> serde_json::Result<Self> {
        Ok(match kind {
            PUBLIC_ADDRESS => Self::PublicAddress(Deserialize::deserialize(body)?),
            BACKEND_POOL => Self::BackendPool(Deserialize::deserialize(body)?),
            FRONTEND_IP => Self::FrontendIp(Deserialize::deserialize(body)?),
            PROBE => Self::Probe(Deserialize::deserialize(body)?),
            RULE => Self::Rule(Deserialize::deserialize(body)?),
            SECURITY_RULE => Self::SecurityRule(Deserialize::deserialize(body)?),
            _ => Self::Container(Container {}),
        })
    }

    fn foreign() -> Self {
        Self::Container(Container {})
    }

    fn inputs(&self) -> Vec<&Input> {
        match self {
            Self::Container(_) | Self::PublicAddress(_) | Self::BackendPool(_) | Self::Probe(_) => Vec::new(),
            Self::FrontendIp(frontend) => vec![&frontend.public_address],
            Self::Rule(rule) => vec![&rule.frontend, &rule.probe, &rule.backend_pool],
            Self::SecurityRule(rule) => vec![&rule.destination],
        }
    }

    fn inputs_mut(&mut self) -> Vec<&mut Input> {
        match self {
            Self::Container(_) | Self::PublicAddress(_) | Self::BackendPool(_) | Self::Probe(_) => Vec::new(),
            Self::FrontendIp(frontend) => vec![&mut frontend.public_address],
            Self::Rule(rule) => vec![&mut rule.frontend, &mut rule.probe, &mut rule.backend_pool],
            Self::SecurityRule(rule) => vec![&mut rule.destination],
        }
    }

    fn is_target_set(&self) -> bool {
        matches!(self, Self::BackendPool(_))
    }

    fn targets_mut(&mut self) -> Option<&mut Targets> {
        match self {
            Self::BackendPool(set) => Some(&mut set.targets),
            _ => None,
        }
    }

    fn fixed(&self) -> (&'static [&'static str], ReplaceOrder) {
        let fields: &[&str] = match self {
            Self::PublicAddress(_) => &["family", "requestedAddress"],
            _ => &[],
        };
        (fields, ReplaceOrder::DeleteFirst)
    }
}
