//! Prometheus metrics (feature `metrics`).
//!
//! Names begin with `cloud_lb_`; the four of the upstream service controller, and those of its queues and
//! its leader election, are there under their own names too. No label ever holds a name, a UID or an address.
//! `docs/metrics.md` lists them all.

mod families;
mod measure;
mod state;

use std::sync::Arc;

use parking_lot::RwLock;
use prometheus_client::encoding::{prometheus_text, text};
use prometheus_client::registry::Registry;

use self::families::Families;
use self::measure::Meter;
use self::state::State;
use crate::measure::Measure;
use crate::vitals::Vitals;

/// All metrics of a process; a cheap handle whose clones share them.
///
/// # Examples
/// ```
/// use cloud_lb_core::metrics::{Format, Metrics};
/// let metrics = Metrics::new();
/// let measure = metrics.of("mock");
/// measure.note(&cloud_lb_core::measure::Fact::Leader { leads: true });
/// assert!(metrics.encode(Format::Text).contains("\ncloud_lb_leader 1\n"));
/// ```
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<RwLock<Registry>>,
    families: Arc<Families>,
}

/// A form in which metrics are exposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The text format of Prometheus, which every scraper understands.
    Text,
    /// `OpenMetrics`, which a scraper must ask for.
    OpenMetrics,
}

impl Format {
    /// The best one that a request with this `Accept` header understands.
    pub fn accepted(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") { Self::OpenMetrics } else { Self::Text }
    }

    /// The `Content-Type` of it.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => prometheus_text::CONTENT_TYPE,
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Metrics that count nothing yet.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let families = Arc::new(Families::register(&mut registry));
        Self { registry: Arc::new(RwLock::new(registry)), families }
    }

    /// Counts and times what concerns one provider.
    pub fn of(&self, provider: &str) -> Arc<dyn Measure> {
        Arc::new(Meter::new(Arc::clone(&self.families), provider))
    }

    /// Shows what the controller of a provider is at, read at each scrape.
    pub fn watch(&self, provider: &str, vitals: Vitals) {
        self.registry.write().register_collector(Box::new(State::new(provider, vitals)));
    }

    /// Everything, in the form that a scraper wants.
    pub fn encode(&self, format: Format) -> String {
        let (mut text, registry) = (String::new(), self.registry.read());
        let written = match format {
            Format::Text => prometheus_text::encode(&mut text, &registry),
            Format::OpenMetrics => text::encode(&mut text, &registry),
        };
        if written.is_err() {
            // Writing to a string does not fail; a half would look like a whole.
            text.clear();
        }
        text
    }
}

#[cfg(test)]
mod tests;
