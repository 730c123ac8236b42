//! What annotations say.

use std::time::Duration;

use cloud_lb_core::Result;
use cloud_lb_core::model::LoadBalancer;

use super::parts::HealthCheck;

/// The provider's own settings of one Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Whether targets are told the client's address by a PROXY protocol header.
    pub(crate) proxy_protocol: bool,
    interval: Duration,
    healthy_after: u32,
    unhealthy_after: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { proxy_protocol: false, interval: Duration::from_secs(5), healthy_after: 2, unhealthy_after: 2 }
    }
}

impl Settings {
    /// Reads the annotations.
    pub(crate) fn of(_lb: &LoadBalancer) -> Result<Self> {
        Ok(Self::default())
    }

    /// The check of the Service's nodes, tuned.
    pub(crate) fn health_check(&self, lb: &LoadBalancer) -> HealthCheck {
        let check = lb.traffic_policy.health_check();
        HealthCheck {
            path: check.path.to_owned(),
            port: check.port,
            interval: self.interval,
            healthy_after: self.healthy_after,
            unhealthy_after: self.unhealthy_after,
        }
    }
}
