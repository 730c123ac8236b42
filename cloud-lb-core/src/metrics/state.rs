//! What is read at each scrape.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use super::families::Labels;
use super::measure::{number, queue};
use crate::measure::Lane;
use crate::vitals::{QueueState, Running, Snapshot, Vitals};

const LANES: [Lane; 2] = [Lane::Service, Lane::Node];

/// The state of one controller.
#[derive(Debug)]
pub(super) struct State {
    provider: String,
    vitals: Vitals,
}

type Series = Vec<(Labels, f64)>;

impl State {
    pub(super) fn new(provider: &str, vitals: Vitals) -> Self {
        Self { provider: provider.to_owned(), vitals }
    }

    /// Ages of the lanes that run.
    fn ages(&self, lane: Lane) -> Vec<Duration> {
        self.of_running(lane, |running| running.since.elapsed())
    }

    fn of_running(&self, lane: Lane, value: fn(&Running) -> Duration) -> Vec<Duration> {
        let lanes = self.vitals.lanes();
        lanes.iter().filter(|running| running.lane == lane).map(value).collect()
    }

    fn by_state(&self, counts: impl IntoIterator<Item = (&'static str, usize)>) -> Series {
        let provider = || Cow::Owned(self.provider.clone());
        let labels = |state| vec![("provider", provider()), ("state", Cow::Borrowed(state))];
        counts.into_iter().map(|(state, count)| (labels(state), number(count))).collect()
    }

    fn queues(encoder: &mut DescriptorEncoder<'_>, snapshot: &Snapshot) -> fmt::Result {
        let of = |value: fn(&QueueState) -> f64| -> Series {
            let queues = LANES.map(|lane| (lane, snapshot.queues.get(&lane).copied().unwrap_or_default()));
            queues.into_iter().map(|(lane, state)| (queue(lane), value(&state))).collect()
        };
        let depth = "Lanes that have work and wait for their turn";
        gauges(encoder, "workqueue_depth", depth, None, of(|state| number(state.depth)))?;
        let adds = "How often a lane got work while it had none";
        counters(encoder, "workqueue_adds", adds, of(|state| count(state.adds)))?;
        let retries = "How often a lane was to be run again after a failure";
        counters(encoder, "workqueue_retries", retries, of(|state| count(state.retries)))?;
        let oldest = "Time that the lane has waited that has waited longest";
        let waited = snapshot.oldest.map_or(0.0, |since| since.elapsed().as_secs_f64());
        gauges(encoder, "cloud_lb_queue_oldest", oldest, Some(&Unit::Seconds), vec![(Vec::new(), waited)])
    }

    fn running(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let of = |value: fn(Vec<Duration>) -> Duration| -> Series {
            LANES.map(|lane| (queue(lane), value(self.ages(lane)).as_secs_f64())).to_vec()
        };
        let unfinished = "Time that the lanes that run have run so far, together";
        let sum = of(|ages| ages.into_iter().sum());
        gauges(encoder, "workqueue_unfinished_work", unfinished, Some(&Unit::Seconds), sum)?;
        let longest = "Time that the lane has run that has run longest";
        let max = of(|ages| ages.into_iter().max().unwrap_or_default());
        gauges(encoder, "workqueue_longest_running_processor", longest, Some(&Unit::Seconds), max)?;
        let at_work = "Time that the lane has been at work that has been so longest, without its waits for our own rate limit";
        let most = |lane| self.of_running(lane, Running::at_work).into_iter().max().unwrap_or_default();
        let most = LANES.map(|lane| (queue(lane), most(lane).as_secs_f64())).to_vec();
        gauges(encoder, "cloud_lb_lane_at_work", at_work, Some(&Unit::Seconds), most)
    }
}

impl Collector for State {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let snapshot = self.vitals.snapshot();
        let encoder = &mut encoder;
        Self::queues(encoder, &snapshot)?;
        self.running(encoder)?;
        let balancers = self.by_state(snapshot.load_balancers);
        gauges(encoder, "cloud_lb_load_balancers", "Load balancers, by state", None, balancers)?;
        let targets = self.by_state(snapshot.nodes);
        gauges(encoder, "cloud_lb_targets", "Nodes as targets of load balancers, by state", None, targets)?;
        let circuit = vec![(Vec::new(), f64::from(u8::from(snapshot.circuit_open)))];
        let help = "1 while the cloud is left alone because it does not answer";
        gauges(encoder, "cloud_lb_circuit_open", help, None, circuit)?;
        let failures = vec![(Vec::new(), f64::from(snapshot.survey_failures))];
        let help = "Surveys of all load balancers that failed since one ended well";
        gauges(encoder, "cloud_lb_survey_failures", help, None, failures)?;
        let manager = [("name", "service"), ("manager", "cloud-lb")];
        let manager = manager.map(|(name, value)| (name, Cow::Borrowed(value))).to_vec();
        let running = vec![(manager, f64::from(u8::from(snapshot.running)))];
        gauges(encoder, "running_managed_controllers", "1 while the service controller runs", None, running)
    }
}

fn gauges(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    series: Series,
) -> fmt::Result {
    if series.is_empty() {
        return Ok(());
    }
    let mut family = encoder.encode_descriptor(name, &format!("{help}."), unit, MetricType::Gauge)?;
    for (labels, value) in series {
        ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn counters(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, series: Series) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, &format!("{help}."), None, MetricType::Counter)?;
    for (labels, value) in series {
        ConstCounter::new(value).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

/// A count as Prometheus keeps it.
fn count(count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
    let count = count as f64;
    count
}
