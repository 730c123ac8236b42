//! What annotations say.

use std::collections::BTreeMap;
use std::time::Duration;

use cloud_lb_core::annotations::Values;
use cloud_lb_core::model::{LoadBalancer, SessionAffinity};
use cloud_lb_core::{Error, Result};

use super::parts::{HealthCheck, Traffic};
use crate::annotations_table::ANNOTATIONS;

/// The provider's own settings of one Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings(Values);

impl Settings {
    /// Reads the annotations.
    ///
    /// # Errors
    /// `InvalidInput` with every unknown key and every bad value.
    pub(crate) fn of(lb: &LoadBalancer) -> Result<Self> {
        let values = ANNOTATIONS.parse(&lb.annotations);
        values.map(Self).map_err(|violations| Error::invalid(lb.service.to_string(), violations))
    }

    /// How connections are treated.
    pub(crate) fn traffic(&self, lb: &LoadBalancer) -> Traffic {
        let affinity_seconds = match lb.affinity {
            SessionAffinity::None => None,
            SessionAffinity::ClientIp { timeout } => Some(timeout.as_secs()),
        };
        Traffic {
            affinity_seconds,
            proxy_protocol: self.0.bool("proxy-protocol").unwrap_or_default(),
            drain_timeout: self.duration("drain-timeout"),
        }
    }

    /// The check of the Service's nodes.
    pub(crate) fn health_check(&self, lb: &LoadBalancer) -> HealthCheck {
        let check = lb.traffic_policy.health_check();
        HealthCheck {
            path: check.path.to_owned(),
            port: check.port,
            interval: self.duration("health-check-interval"),
            timeout: self.duration("health-check-timeout"),
            healthy_after: self.count("health-check-healthy-threshold"),
            unhealthy_after: self.count("health-check-unhealthy-threshold"),
        }
    }

    /// Whether nodes are checked as for every other Service.
    pub(crate) fn has_default_health_check(&self, lb: &LoadBalancer) -> bool {
        let default = ANNOTATIONS.parse(&BTreeMap::new()).map(Self);
        default.is_ok_and(|default| default.health_check(lb) == self.health_check(lb))
    }

    // The table gives every key a default, and bounds that fit.
    fn duration(&self, key: &str) -> Duration {
        self.0.duration(key).unwrap_or_default()
    }

    fn count(&self, key: &str) -> u32 {
        self.0.integer(key).and_then(|count| count.try_into().ok()).unwrap_or(1)
    }
}
