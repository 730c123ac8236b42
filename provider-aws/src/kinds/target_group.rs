use serde::{Deserialize, Serialize};

use super::{IpAddressType, Pairs};

/// What the targets of a target group are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TargetType {
    /// Nodes, by instance id and NodePort.
    Instance,
    /// Pods, by address and port.
    Ip,
}

impl TargetType {
    /// The word of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Ip => "ip",
        }
    }
}

/// Protocol between load balancer and targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TargetProtocol {
    /// TCP.
    Tcp,
    /// TLS, re-encrypted.
    Tls,
    /// UDP.
    Udp,
    /// Both on one port.
    TcpUdp,
    /// QUIC.
    Quic,
    /// TCP and QUIC on one port.
    TcpQuic,
}

impl TargetProtocol {
    /// The word of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Udp => "UDP",
            Self::TcpUdp => "TCP_UDP",
            Self::Quic => "QUIC",
            Self::TcpQuic => "TCP_QUIC",
        }
    }
}

/// Health check of a target group (AWS-144).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HealthCheck {
    /// `TCP`, `HTTP` or `HTTPS`.
    #[serde(rename = "HealthCheckProtocol")]
    pub protocol: String,
    /// `traffic-port` or a number.
    #[serde(rename = "HealthCheckPort")]
    pub port: String,
    /// HTTP(S) only.
    #[serde(rename = "HealthCheckPath", skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Seconds, 5 to 300.
    #[serde(rename = "HealthCheckIntervalSeconds")]
    pub interval: u32,
    /// Seconds, 2 to 120.
    #[serde(rename = "HealthCheckTimeoutSeconds")]
    pub timeout: u32,
    /// 2 to 10.
    #[serde(rename = "HealthyThresholdCount")]
    pub healthy: u32,
    /// 2 to 10.
    #[serde(rename = "UnhealthyThresholdCount")]
    pub unhealthy: u32,
    /// Codes that count as healthy, for example `200-399`; HTTP(S) only.
    #[serde(rename = "Matcher", skip_serializing_if = "Option::is_none")]
    pub matcher: Option<String>,
}

/// A target group (AWS-140).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TargetGroup {
    /// Name; at most 32 characters. Used at creation only.
    pub name: String,
    /// What the targets are; cannot be changed.
    pub target_type: TargetType,
    /// Family of the targets, `ipv4` or `ipv6`; cannot be changed.
    pub ip_address_type: String,
    /// Default port of targets. Every target registers a port of its own, so a change means nothing.
    pub port: u16,
    /// Protocol; cannot be changed.
    pub protocol: TargetProtocol,
    /// Network of the targets.
    pub vpc_id: String,
    /// Health check.
    #[serde(flatten)]
    pub health_check: HealthCheck,
    /// Attributes that were asked for.
    pub attributes: Pairs,
    /// Tags.
    pub tags: Pairs,
}

impl TargetGroup {
    /// The family of targets of a load balancer's families.
    pub(crate) fn family(ip: IpAddressType, ipv6_first: bool) -> &'static str {
        if ip == IpAddressType::Dualstack && ipv6_first { "ipv6" } else { "ipv4" }
    }
}
