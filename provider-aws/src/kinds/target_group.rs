use serde::{Deserialize, Serialize};

use super::{Pairs, Scheme};

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

/// Family of the targets' addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TargetFamily {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl TargetFamily {
    /// The word of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
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
    /// Whether it is one of connections, and of nothing else.
    pub(crate) fn is_stream(self) -> bool {
        matches!(self, Self::Tcp | Self::Tls)
    }

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

/// Codes of an answer that counts as healthy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Matcher {
    /// Codes and ranges, for example `200-220,231`.
    pub http_code: String,
}

/// Health check of a target group (AWS-144).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthCheck {
    /// `TCP`, `HTTP` or `HTTPS`.
    #[serde(rename = "HealthCheckProtocol")]
    pub protocol: String,
    /// `traffic-port` or a number.
    #[serde(rename = "HealthCheckPort")]
    pub port: String,
    /// HTTP(S) only.
    #[serde(rename = "HealthCheckPath", default, skip_serializing_if = "Option::is_none")]
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
    #[serde(rename = "Matcher", default, skip_serializing_if = "Option::is_none")]
    pub matcher: Option<Matcher>,
}

/// The load balancer of a target group. A target group serves one load balancer for ever, so another load
/// balancer needs another target group (AWS-118).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its scheme.
    pub scheme: Scheme,
    /// Its ARN, where it exists.
    pub load_balancer_arn: Option<String>,
}

impl User {
    /// Whether one that exists is, or may become, the one that is wanted.
    pub(crate) fn is(&self, wanted: &Self) -> bool {
        let is_same = |arn: &String| self.load_balancer_arn.as_ref() == Some(arn);
        self.scheme == wanted.scheme && wanted.load_balancer_arn.as_ref().is_none_or(is_same)
    }
}

/// A target group (AWS-140).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TargetGroup {
    /// Name; at most 32 characters. Used at creation, and to tell apart those that serve nothing yet.
    pub name: String,
    /// What the targets are; cannot be changed.
    pub target_type: TargetType,
    /// Family of the targets; cannot be changed.
    pub ip_address_type: TargetFamily,
    /// Default port of targets. Every target registers a port of its own, so a change means nothing.
    pub port: u16,
    /// Protocol; cannot be changed.
    pub protocol: TargetProtocol,
    /// Network of the targets.
    pub vpc_id: String,
    /// Health check.
    #[serde(flatten)]
    pub health_check: HealthCheck,
    /// The load balancer that uses it, or is to use it; absent where none does yet.
    #[serde(skip)]
    pub user: Option<User>,
    /// Attributes that were asked for.
    pub attributes: Pairs,
    /// Tags.
    pub tags: Pairs,
}
