use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU16;

use serde::Serialize;

use super::Protocol;

/// Where clients find the load balancer: an address or a host name, never both.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Address {
    /// An IP address.
    Ip(IpAddr),
    /// A DNS name.
    Hostname(String),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Hostname(name) => f.write_str(name),
        }
    }
}

/// How packets arrive at the nodes. Only meaningful with [`Address::Ip`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum IpMode {
    /// With the load balancer's address as destination: kube-proxy may short-cut traffic of the cluster.
    #[serde(rename = "VIP")]
    Vip,
    /// With the node's address: traffic of the cluster must go through the load balancer too.
    Proxy,
}

/// State of one port at one address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PortStatus {
    /// Port of the load balancer.
    pub port: NonZeroU16,
    /// Protocol.
    pub protocol: Protocol,
    /// Why the port does not work, as a `CamelCase` word; absent where it does.
    pub error: Option<String>,
}

/// One entry of `status.loadBalancer.ingress`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ingress {
    /// Where clients connect.
    pub address: Address,
    /// How packets arrive; `None` for host names.
    pub ip_mode: Option<IpMode>,
    /// Ports, sorted; may be empty where a provider does not tell.
    pub ports: Vec<PortStatus>,
}

/// What is written to `status.loadBalancer`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// One entry per address.
    pub ingress: Vec<Ingress>,
}
