use std::fmt;
use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

/// Transport protocol of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Protocol {
    /// TCP, the default of Kubernetes.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
        })
    }
}

/// Port of the pods that a Service port leads to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum TargetPort {
    /// A number.
    Number(NonZeroU16),
    /// The name of a container port; may mean another number on each pod.
    Name(String),
}

/// One port of a Service. Ports are told apart by (port, protocol): 53/TCP and 53/UDP are two.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Port {
    /// Name; absent only where the Service has a single port.
    pub name: Option<String>,
    /// Transport protocol.
    pub protocol: Protocol,
    /// Port that clients connect to, on the load balancer.
    pub port: NonZeroU16,
    /// Port of the pods.
    pub target_port: TargetPort,
    /// Port of the nodes (30000-32767 by default); absent where the Service allocates none.
    pub node_port: Option<NonZeroU16>,
    /// Application protocol hint, passed through to providers that use it.
    pub app_protocol: Option<String>,
}

impl Port {
    /// Key of the port in names and plans, for example `tcp-80`.
    pub fn key(&self) -> String {
        format!("{}-{}", self.protocol.to_string().to_lowercase(), self.port)
    }
}
