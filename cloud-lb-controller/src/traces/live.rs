//! From spans to the collector.
//!
//! Spans go into a bounded queue; a thread of its own sends them in batches. Nothing else ever waits for it.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use serde_json::Value;
use tokio::runtime::Handle;
use tracing::{Level, Metadata};
use tracing_subscriber::Registry;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::Layer;

use super::client::{Trouble, client};
use super::exporter::{Exporter, Queue, Standing, Tally};
use super::settings::{Environment, Settings};
use crate::args::TraceArgs;
use crate::failure::Failure;
use crate::{signals, telemetry};

/// Time that the last spans have to reach the collector when the process ends.
const FAREWELL: Duration = Duration::from_secs(5);

/// The same when it ends because something failed, which others wait for: the next leader, or the kubelet.
const HASTE: Duration = Duration::from_millis(500);

/// The traces of this process, if it was told to send them somewhere.
pub(crate) struct Traces(Option<Sent>);

struct Sent {
    provider: SdkTracerProvider,
    tally: Tally,
    shown: Value,
}

impl Traces {
    /// Begins to send. The runtime carries the requests.
    ///
    /// # Errors
    /// Names what is wrong in flags and environment variables. That a collector cannot be reached is none.
    pub(crate) fn start(args: Option<&TraceArgs>, runtime: &Handle) -> Result<Self, Failure> {
        let Some(args) = args else { return Ok(Self(None)) };
        let environment = |name: &str| std::env::var(name).ok();
        let Some(settings) = Settings::of(args, &Environment(&environment))? else { return Ok(Self(None)) };
        let (tally, shown) = (Tally::default(), settings.to_json());
        let provider = provider(&settings, runtime, &tally)?;
        Ok(Self(Some(Sent { provider, tally, shown })))
    }

    /// Takes in spans of ours, whatever is logged; of events those that a log at info has.
    pub(crate) fn layer(&self) -> Option<impl Layer<Registry> + Send + Sync + use<>> {
        let Sent { provider, .. } = self.0.as_ref()?;
        let layer = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("cloud-lb"))
            .with_threads(false)
            .with_location(false)
            .with_tracked_inactivity(false);
        Some(layer.with_filter(filter_fn(is_traced).with_max_level_hint(LevelFilter::DEBUG)))
    }

    /// The settings that are in effect.
    pub(crate) fn shown(&self) -> Value {
        self.0.as_ref().map_or(Value::Null, |sent| sent.shown.clone())
    }

    /// What is to be said of variables that have no effect.
    pub(crate) fn notice(&self) -> Option<String> {
        const VARIABLES: [&str; 2] =
            ["OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"];
        self.0.as_ref()?;
        let is_asked =
            |name: &&str| std::env::var(name).is_ok_and(|how| !["", "none"].contains(&how.as_str()));
        let variable = VARIABLES.into_iter().find(is_asked)?;
        Some(format!("{variable} has no effect: traces are sent as they are"))
    }

    /// Sends what is left, but for a few seconds only, and not after a further signal.
    pub(crate) async fn end(self, result: Result<(), &Failure>) {
        let Some(Sent { provider, tally, .. }) = self.0 else { return };
        let patience = if result.is_ok() { FAREWELL } else { HASTE };
        // It blocks, and must not do so on a thread that carries its requests.
        let flushed = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(patience));
        let signal = async {
            match signals::ended() {
                Ok(ended) => ended.await,
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _ = signal => {}
            _ = flushed => {}
        }
        let unsent = tally.unsent();
        if unsent > 0 {
            tracing::warn!(spans = unsent, "ended with spans that did not reach the collector");
        }
    }
}

fn is_traced(metadata: &Metadata<'_>) -> bool {
    let level = if metadata.is_span() { Level::DEBUG } else { Level::INFO };
    *metadata.level() <= level && telemetry::is_ours(metadata.target())
}

fn provider(settings: &Settings, runtime: &Handle, tally: &Tally) -> Result<SdkTracerProvider, Failure> {
    let trouble = Trouble::default();
    let inner = SpanExporter::builder()
        .with_http()
        .with_http_client(client(settings, runtime.clone(), trouble.clone())?)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(settings.endpoint.to_string())
        .with_timeout(settings.timeout)
        .build()
        .map_err(|error| Failure::because("traces cannot be sent", &error))?;
    let exporter = Exporter { inner, tally: tally.clone(), trouble, standing: Standing::default().into() };
    let sender = settings.sender.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    let resource = Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes(sender)
        .build();
    Ok(SdkTracerProvider::builder()
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.ratio))))
        .with_resource(resource)
        .with_span_processor(Queue::new(exporter, tally.clone()))
        .build())
}
