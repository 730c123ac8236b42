//! The kinds of resources, with the fields that we own.

use std::net::IpAddr;

use cloud_lb_core::graph::Input;
use cloud_lb_core::model::IpFamily;
use cloud_lb_core::plan::ReplaceOrder;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::backend::desired::{Kind, known, known_list};
use crate::backend::parts::{HealthCheck, PortPair, Targets, Traffic, Transport};

pub(crate) const ADDRESS: &str = "Address";
pub(crate) const FORWARDING_RULE: &str = "ForwardingRule";
pub(crate) const BACKEND_SERVICE: &str = "BackendService";
pub(crate) const HEALTH_CHECK: &str = "HealthCheck";
pub(crate) const FIREWALL: &str = "Firewall";
pub(crate) const INSTANCE_GROUP: &str = "InstanceGroup";
/// All of them.
pub(crate) const KINDS: &[&str] =
    &[ADDRESS, FORWARDING_RULE, BACKEND_SERVICE, HEALTH_CHECK, FIREWALL, INSTANCE_GROUP];

/// Desired state of a resource.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum RulesKind {
    Address(Address),
    ForwardingRule(ForwardingRule),
    BackendService(BackendService),
    HealthCheck(HealthCheck),
    Firewall(Firewall),
    InstanceGroup(InstanceGroup),
}

/// Reserved, so that the rules of both protocols have the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Address {
    pub(crate) family: IpFamily,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) requested_address: Option<IpAddr>,
}

/// What clients connect to: one of each family and protocol.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ForwardingRule {
    #[serde(deserialize_with = "known")]
    pub(crate) address: Input,
    pub(crate) family: IpFamily,
    pub(crate) protocol: Transport,
    /// Google Cloud has no NodePorts here, for packets arrive with the rule's own address, and nodes answer
    /// for it. The mock's nodes do not.
    pub(crate) ports: Vec<PortPair>,
    #[serde(deserialize_with = "known")]
    pub(crate) backend_service: Input,
}

/// Where rules send traffic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BackendService {
    /// By zone.
    #[serde(deserialize_with = "known_list")]
    pub(crate) groups: Vec<Input>,
    #[serde(deserialize_with = "known")]
    pub(crate) health_check: Input,
    pub(crate) traffic: Traffic,
}

/// Who may connect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Firewall {
    #[serde(deserialize_with = "known")]
    pub(crate) destination: Input,
    /// None: nobody.
    pub(crate) source_ranges: Vec<IpNet>,
    /// Like `TCP/80`.
    pub(crate) allowed: Vec<String>,
}

/// The nodes of a zone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InstanceGroup {
    pub(crate) zone: String,
    pub(crate) targets: Targets,
}

impl Kind for RulesKind {
    fn parse(kind: &str, body: &Value) -> serde_json::Result<Self> {
        Ok(match kind {
            ADDRESS => Self::Address(Deserialize::deserialize(body)?),
            FORWARDING_RULE => Self::ForwardingRule(Deserialize::deserialize(body)?),
            BACKEND_SERVICE => Self::BackendService(Deserialize::deserialize(body)?),
            HEALTH_CHECK => Self::HealthCheck(Deserialize::deserialize(body)?),
            FIREWALL => Self::Firewall(Deserialize::deserialize(body)?),
            _ => Self::InstanceGroup(Deserialize::deserialize(body)?),
        })
    }

    fn foreign() -> Self {
        Self::InstanceGroup(InstanceGroup { zone: String::new(), targets: Targets::default() })
    }

    fn inputs(&self) -> Vec<&Input> {
        match self {
            Self::Address(_) | Self::HealthCheck(_) | Self::InstanceGroup(_) => Vec::new(),
            Self::ForwardingRule(rule) => vec![&rule.address, &rule.backend_service],
            Self::BackendService(service) => service.groups.iter().chain([&service.health_check]).collect(),
            Self::Firewall(firewall) => vec![&firewall.destination],
        }
    }

    fn inputs_mut(&mut self) -> Vec<&mut Input> {
        match self {
            Self::Address(_) | Self::HealthCheck(_) | Self::InstanceGroup(_) => Vec::new(),
            Self::ForwardingRule(rule) => vec![&mut rule.address, &mut rule.backend_service],
            Self::BackendService(service) => {
                service.groups.iter_mut().chain([&mut service.health_check]).collect()
            }
            Self::Firewall(firewall) => vec![&mut firewall.destination],
        }
    }

    fn is_target_set(&self) -> bool {
        matches!(self, Self::InstanceGroup(_))
    }

    fn targets_mut(&mut self) -> Option<&mut Targets> {
        match self {
            Self::InstanceGroup(set) => Some(&mut set.targets),
            _ => None,
        }
    }

    fn fixed(&self) -> (&'static [&'static str], ReplaceOrder) {
        let fields: &[&str] = match self {
            Self::Address(_) => &["family", "requestedAddress"],
            Self::ForwardingRule(_) => &["address", "family", "protocol"],
            Self::Firewall(_) => &["destination"],
            Self::InstanceGroup(_) => &["zone"],
            Self::BackendService(_) | Self::HealthCheck(_) => &[],
        };
        (fields, ReplaceOrder::DeleteFirst)
    }
}
