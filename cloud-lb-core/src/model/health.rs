use std::num::NonZeroU16;

use serde::Serialize;

/// Port and path on which kube-proxy answers whether a node can serve at all.
///
/// See KEP-3836: it starts to fail while the node is being drained, which a check of the NodePort
/// would not see.
const KUBE_PROXY_PORT: NonZeroU16 = NonZeroU16::MIN.saturating_add(10_255);

/// Which nodes may serve a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum TrafficPolicy {
    /// Every node: kube-proxy forwards to a pod anywhere.
    Cluster,
    /// Only nodes that run a ready pod; the client's address is kept.
    #[serde(rename_all = "camelCase")]
    Local {
        /// Node port on which kube-proxy answers 200 where the node has a ready pod, else 503.
        health_check_node_port: NonZeroU16,
    },
}

/// An HTTP health check of nodes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct HealthCheck {
    /// Path of the request.
    pub path: &'static str,
    /// Port of the node.
    pub port: NonZeroU16,
}

impl TrafficPolicy {
    /// The health check that tells whether a node may get traffic under this policy.
    ///
    /// `Cluster`: `/healthz` on 10256, kube-proxy's own; `Local`: `/healthz` on the Service's
    /// `healthCheckNodePort`.
    pub fn health_check(self) -> HealthCheck {
        let port = match self {
            Self::Cluster => KUBE_PROXY_PORT,
            Self::Local { health_check_node_port } => health_check_node_port,
        };
        HealthCheck { path: "/healthz", port }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h_5_and_h_6_health_check_by_policy() {
        assert_eq!(TrafficPolicy::Cluster.health_check().port.get(), 10_256);
        let local = TrafficPolicy::Local { health_check_node_port: NonZeroU16::new(32_000).unwrap() };
        assert_eq!(local.health_check().port.get(), 32_000);
        assert_eq!(local.health_check().path, "/healthz");
    }
}
