use cloud_lb_core::graph::Input;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::json;

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

impl ListenerProtocol {
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
    /// Where the default action forwards to: the only target group of a `forward` action (AWS-138).
    #[serde(rename = "DefaultActions", serialize_with = "forward")]
    pub target_group_arn: Input,
    /// Certificates, default first, the others sorted; TLS only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<Certificate>,
    /// Security policy; TLS only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssl_policy: Option<String>,
    /// ALPN policy; TLS only, absent means that we do not care.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "listed")]
    pub alpn_policy: Option<String>,
    /// Attributes that were asked for.
    pub attributes: Pairs,
    /// Tags.
    pub tags: Pairs,
}

fn forward<S: Serializer>(target_group: &Input, serializer: S) -> Result<S::Ok, S::Error> {
    let config = json!({ "TargetGroups": [{ "TargetGroupArn": target_group }] });
    json!([{ "Type": "forward", "ForwardConfig": config }]).serialize(serializer)
}

/// The API takes a list of at most one policy.
#[expect(clippy::ref_option, reason = "serde calls it so")]
fn listed<S: Serializer>(policy: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(policy)
}
