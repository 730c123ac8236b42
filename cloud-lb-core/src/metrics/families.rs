//! What is counted and timed, under which names.

use std::borrow::Cow;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Metric, Registry, Unit};

/// The labels of one series, in the order in which they are shown.
pub(super) type Labels = Vec<(&'static str, Cow<'static, str>)>;

pub(super) type Counters = Family<Labels, Counter>;
pub(super) type Histograms = Family<Labels, Histogram>;
pub(super) type Gauges = Family<Labels, Gauge<f64, std::sync::atomic::AtomicU64>>;

/// Everything that facts go into. Names are those of the encoded metrics without `_total` and unit, which
/// the encoder adds.
#[derive(Debug)]
pub(super) struct Families {
    pub(super) reconciles: Counters,
    pub(super) stages: Histograms,
    pub(super) provider_calls: Histograms,
    pub(super) plan_steps: Counters,
    pub(super) drift: Counters,
    pub(super) api_requests: Counters,
    pub(super) api_durations: Histograms,
    pub(super) api_throttled: Counters,
    pub(super) rate_limit_waits: Histograms,
    pub(super) orphans: Gauges,
    pub(super) last_success: Gauges,
    pub(super) leader: Gauge,
    pub(super) queue_durations: Histograms,
    pub(super) work_durations: Histograms,
    pub(super) upstream: Upstream,
}

/// The metrics of the upstream service controller and its leader election.
#[derive(Debug)]
pub(super) struct Upstream {
    pub(super) host_updates: Counter,
    pub(super) host_update_errors: Counter,
    pub(super) node_passes: Histogram,
    pub(super) host_update_durations: Histogram,
    pub(super) leader: Gauges,
}

/// 10 ms to 328 s.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.01, 2.0, 16))
}

/// 1 ms to 33 s.
fn short_seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 16))
}

/// The buckets of upstream's service controller.
fn upstream_seconds() -> Histogram {
    Histogram::new(exponential_buckets(1.0, 2.0, 15))
}

/// The buckets of upstream's queues.
fn queue_seconds() -> Histogram {
    Histogram::new(exponential_buckets(1e-8, 10.0, 12))
}

impl Families {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let upstream = Upstream::register(registry);
        let queue_durations = timed(
            registry,
            "workqueue_queue_duration",
            "Time that work waited for its turn",
            Histograms::new_with_constructor(queue_seconds),
        );
        let work_durations = timed(
            registry,
            "workqueue_work_duration",
            "Time that one run of work took",
            Histograms::new_with_constructor(queue_seconds),
        );
        let ours = registry.sub_registry_with_prefix("cloud_lb");
        Self {
            reconciles: count(ours, "reconcile", "Runs of Services and of shared targets, by how they ended"),
            stages: timed(
                ours,
                "reconcile_stage_duration",
                "Time that the stages of work on a load balancer took",
                Histograms::new_with_constructor(seconds),
            ),
            provider_calls: timed(
                ours,
                "provider_call_duration",
                "Time that calls of the provider took, by how they ended",
                Histograms::new_with_constructor(seconds),
            ),
            plan_steps: count(ours, "plan_steps", "Steps of plans that were carried out"),
            drift: count(ours, "drift", "Resources in the cloud that were not as they had been left"),
            api_requests: count(ours, "api_requests", "Calls to the cloud, by how they ended"),
            api_durations: timed(
                ours,
                "api_request_duration",
                "Time that calls to the cloud took, without the wait for the rate limit",
                Histograms::new_with_constructor(seconds),
            ),
            api_throttled: count(ours, "api_throttled", "Requests that the cloud refused as one too many"),
            rate_limit_waits: timed(
                ours,
                "rate_limit_wait",
                "Time that calls to the cloud waited for our own rate limit",
                Histograms::new_with_constructor(short_seconds),
            ),
            orphans: gauge(ours, "orphans", "Owned load balancers whose Service does not exist"),
            last_success: timed(
                ours,
                "last_success_timestamp",
                "When work last ended well, in seconds since 1970",
                Gauges::default(),
            ),
            leader: gauge(ours, "leader", "1 if this replica leads"),
            queue_durations,
            work_durations,
            upstream,
        }
    }
}

impl Upstream {
    fn register(registry: &mut Registry) -> Self {
        let host_updates = "Host updates; of the upstream service controller";
        let errors = "Host updates that failed; of the upstream service controller";
        Self {
            host_updates: count(registry, "service_controller_loadbalancer_sync", host_updates),
            host_update_errors: count(registry, "service_controller_nodesync_error", errors),
            node_passes: timed(
                registry,
                "service_controller_nodesync_latency",
                "Time until a changed node set reached all load balancers; of the upstream service controller",
                upstream_seconds(),
            ),
            host_update_durations: timed(
                registry,
                "service_controller_update_loadbalancer_host_latency",
                "Time that a host update took; of the upstream service controller",
                upstream_seconds(),
            ),
            leader: gauge(
                registry,
                "leader_election_master_status",
                "1 if this replica holds the lease of this name; of client-go",
            ),
        }
    }
}

fn count<M: Metric + Default + Clone>(registry: &mut Registry, name: &'static str, help: &'static str) -> M {
    gauge(registry, name, help)
}

fn gauge<M: Metric + Default + Clone>(registry: &mut Registry, name: &'static str, help: &'static str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

/// Registers a metric whose unit is the second.
fn timed<M: Metric + Clone>(registry: &mut Registry, name: &'static str, help: &'static str, metric: M) -> M {
    registry.register_with_unit(name, help, Unit::Seconds, metric.clone());
    metric
}
