//! What kube-proxy says of its node: `pkg/proxy/healthcheck` of Kubernetes.

use http::{HeaderValue, Request, StatusCode};
use hyper::body::Incoming;
use jiff::Timestamp;
use serde_json::json;

use super::http::{Answer, json};

/// Whether a node has endpoints of a Service with `externalTrafficPolicy: Local`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServiceHealth {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) local_endpoints: usize,
}

impl ServiceHealth {
    /// Any path is answered alike.
    pub(super) fn answer(&self) -> Answer {
        let status = if self.local_endpoints > 0 { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        let body = json!({
            "service": {"namespace": self.namespace, "name": self.name},
            "localEndpoints": self.local_endpoints,
            "serviceProxyHealthy": true,
        });
        let mut answer = json(status, body.to_string());
        let weight = HeaderValue::from(self.local_endpoints);
        answer.headers_mut().insert("x-load-balancing-endpoint-weight", weight);
        answer
    }
}

/// Whether a node is to get traffic at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeHealth {
    /// False under the taint `ToBeDeletedByClusterAutoscaler`, or when the Node is being deleted.
    pub(super) eligible: bool,
}

impl NodeHealth {
    /// `/healthz` fails when no new traffic should come, `/livez` only when kube-proxy does not work.
    pub(super) fn answer(self, request: &Request<Incoming>, now: Timestamp) -> Answer {
        let status = match request.uri().path() {
            "/healthz" if !self.eligible => StatusCode::SERVICE_UNAVAILABLE,
            "/healthz" | "/livez" => StatusCode::OK,
            _ => return json(StatusCode::NOT_FOUND, json!({"error": "no such page"}).to_string()),
        };
        let now = now.to_string();
        let body = json!({"lastUpdated": now, "currentTime": now, "nodeEligible": self.eligible});
        json(status, body.to_string())
    }
}
