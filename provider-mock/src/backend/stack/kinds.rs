//! The kinds of resources, with the fields that we own.

use std::net::IpAddr;
use std::num::NonZeroU16;

use cloud_lb_core::graph::Input;
use cloud_lb_core::model::IpFamily;
use cloud_lb_core::plan::ReplaceOrder;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::backend::desired::{Kind, known};
use crate::backend::parts::{HealthCheck, NodePorts, Targets, Traffic, Transport};

pub(crate) const SECURITY_GROUP: &str = "SecurityGroup";
pub(crate) const LOAD_BALANCER: &str = "LoadBalancer";
pub(crate) const TARGET_GROUP: &str = "TargetGroup";
pub(crate) const LISTENER: &str = "Listener";

/// What a listener understands: like an NLB, one port has one listener, for both protocols if need be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum ListenerProtocol {
    #[serde(rename = "TCP")]
    Tcp,
    #[serde(rename = "UDP")]
    Udp,
    #[serde(rename = "TCP_UDP")]
    TcpUdp,
}

impl ListenerProtocol {
    pub(crate) fn transports(self) -> &'static [Transport] {
        match self {
            Self::Tcp => &[Transport::Tcp],
            Self::Udp => &[Transport::Udp],
            Self::TcpUdp => &[Transport::Tcp, Transport::Udp],
        }
    }

    /// The start of logical names.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::TcpUdp => "tcp-udp",
        }
    }
}

/// Desired state of a resource.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum StackKind {
    SecurityGroup(SecurityGroup),
    LoadBalancer(Balancer),
    TargetGroup(TargetGroup),
    Listener(Listener),
}

/// Shared by the cluster; nodes admit what comes from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SecurityGroup {}

/// What clients connect to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Balancer {
    pub(crate) families: Vec<IpFamily>,
    pub(crate) source_ranges: Vec<IpNet>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) requested_address: Option<IpAddr>,
    #[serde(deserialize_with = "known")]
    pub(crate) security_group: Input,
}

/// Where a listener sends traffic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TargetGroup {
    pub(crate) protocol: ListenerProtocol,
    /// Family over which nodes are reached.
    pub(crate) family: IpFamily,
    pub(crate) node_ports: NodePorts,
    pub(crate) health_check: HealthCheck,
    pub(crate) traffic: Traffic,
    pub(crate) targets: Targets,
}

/// One port of a load balancer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listener {
    #[serde(deserialize_with = "known")]
    pub(crate) load_balancer: Input,
    #[serde(deserialize_with = "known")]
    pub(crate) target_group: Input,
    pub(crate) port: NonZeroU16,
    pub(crate) protocol: ListenerProtocol,
}

impl Kind for StackKind {
    fn parse(kind: &str, body: &Value) -> serde_json::Result<Self> {
        Ok(match kind {
            LOAD_BALANCER => Self::LoadBalancer(Deserialize::deserialize(body)?),
            TARGET_GROUP => Self::TargetGroup(Deserialize::deserialize(body)?),
            LISTENER => Self::Listener(Deserialize::deserialize(body)?),
            _ => Self::SecurityGroup(Deserialize::deserialize(body)?),
        })
    }

    fn foreign() -> Self {
        Self::SecurityGroup(SecurityGroup {})
    }

    fn inputs(&self) -> Vec<&Input> {
        match self {
            Self::SecurityGroup(_) | Self::TargetGroup(_) => Vec::new(),
            Self::LoadBalancer(balancer) => vec![&balancer.security_group],
            Self::Listener(listener) => vec![&listener.load_balancer, &listener.target_group],
        }
    }

    fn inputs_mut(&mut self) -> Vec<&mut Input> {
        match self {
            Self::SecurityGroup(_) | Self::TargetGroup(_) => Vec::new(),
            Self::LoadBalancer(balancer) => vec![&mut balancer.security_group],
            Self::Listener(listener) => vec![&mut listener.load_balancer, &mut listener.target_group],
        }
    }

    fn claims(&self) -> Vec<String> {
        match self {
            Self::Listener(listener) => vec![format!("port {}", listener.port)],
            Self::SecurityGroup(_) | Self::LoadBalancer(_) | Self::TargetGroup(_) => Vec::new(),
        }
    }

    fn is_target_set(&self) -> bool {
        matches!(self, Self::TargetGroup(_))
    }

    fn targets_mut(&mut self) -> Option<&mut Targets> {
        match self {
            Self::TargetGroup(set) => Some(&mut set.targets),
            _ => None,
        }
    }

    fn fixed(&self) -> (&'static [&'static str], ReplaceOrder) {
        match self {
            Self::SecurityGroup(_) => (&[], ReplaceOrder::CreateFirst),
            // An address cannot be on two load balancers at once.
            Self::LoadBalancer(_) => (&["requestedAddress"], ReplaceOrder::DeleteFirst),
            Self::TargetGroup(_) => (&["protocol", "family"], ReplaceOrder::CreateFirst),
            Self::Listener(_) => (&["port", "loadBalancer"], ReplaceOrder::DeleteFirst),
        }
    }
}
