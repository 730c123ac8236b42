//! The load balancers' data plane, with real sockets on loopback.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests; clippy exempts only functions marked as such"
)]

#[path = "support/sockets.rs"]
mod sockets;

#[path = "dataplane/changes.rs"]
mod changes;
#[path = "dataplane/tcp.rs"]
mod tcp;
#[path = "dataplane/udp.rs"]
mod udp;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use provider_mock::dataplane::{BackendTarget, Dataplane, Frontend, HealthCheck, HealthState};
use provider_mock::net::{IpFamily, Net, Transport};

/// A network with one load balancer address, and addresses for backends.
struct World {
    net: Net,
    plane: Dataplane,
    address: IpAddr,
}

impl World {
    fn new() -> Self {
        Self::on(Net::new())
    }

    fn on(net: Net) -> Self {
        let address = net.load_balancer_address(IpFamily::V4).unwrap();
        Self { plane: Dataplane::new(net.clone()), net, address }
    }

    fn backend(&self, id: &str) -> BackendTarget {
        let address = SocketAddr::new(self.net.node_address(IpFamily::V4).unwrap(), 30_080);
        BackendTarget { id: id.to_owned(), address }
    }

    /// Port 80, with health checks that decide at once and often.
    fn frontend(&self, transport: Transport, backends: &[&BackendTarget]) -> Frontend {
        let mut frontend = Frontend::new("web", self.address, 8080, transport);
        frontend.backends = backends.iter().copied().cloned().collect();
        frontend.health_check = HealthCheck {
            interval: Duration::from_millis(20),
            timeout: Duration::from_secs(5),
            healthy_threshold: 1,
            unhealthy_threshold: 1,
            ..HealthCheck::default()
        };
        frontend
    }

    /// Applies one frontend and returns the real address to connect to.
    async fn apply(&self, frontend: Frontend) -> SocketAddr {
        let bound = self.plane.apply(vec![frontend]).await.unwrap();
        bound[0].binding.real
    }

    /// Applies one frontend and waits until all its backends are healthy.
    async fn serve(&self, frontend: Frontend) -> SocketAddr {
        let count = frontend.backends.len();
        let real = self.apply(frontend).await;
        let healthy = || self.states().values().filter(|state| **state == HealthState::Healthy).count();
        sockets::eventually("all backends are healthy", async || healthy() == count).await;
        real
    }

    fn states(&self) -> std::collections::BTreeMap<String, HealthState> {
        self.plane.health().into_iter().map(|health| (health.backend, health.state)).collect()
    }

    /// Bytes that went to clients.
    fn bytes_out(&self) -> u64 {
        self.plane
            .stats()
            .iter()
            .flat_map(|frontend| &frontend.backends)
            .map(|backend| backend.bytes_out)
            .sum()
    }

    fn active(&self) -> usize {
        self.plane.stats().iter().flat_map(|frontend| &frontend.backends).map(|backend| backend.active).sum()
    }
}
