use cloud_lb_core::graph::Input;
use serde::{Deserialize, Serialize};

use super::Pairs;

/// Protocol that clients speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ListenerProtocol {
    /// TCP.
    Tcp,
    /// TLS, terminated at the load balancer.
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

/// A certificate of a TLS listener.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Certificate {
    /// ARN of ACM or IAM.
    pub certificate_arn: String,
}

/// A listener with its certificates (AWS-130 to AWS-139).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Listener {
    /// The load balancer.
    pub load_balancer_arn: Input,
    /// Port; with the load balancer it is the listener's identity.
    pub port: u16,
    /// Protocol.
    pub protocol: ListenerProtocol,
    /// Where the default action forwards to.
    pub target_group_arn: Input,
    /// Certificates, default first, the others sorted; TLS only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<Certificate>,
    /// Security policy; TLS only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssl_policy: Option<String>,
    /// ALPN policy; TLS only, absent means that we do not care.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpn_policy: Option<String>,
    /// Attributes that were asked for.
    pub attributes: Pairs,
    /// Tags.
    pub tags: Pairs,
}
