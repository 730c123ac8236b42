//! What stands in for traces where they are not built in: the way to build them.
#![expect(clippy::unused_async, clippy::unused_self, reason = "the calls are those of the real ones")]

use serde_json::Value;
use tokio::runtime::Handle;
use tracing_subscriber::layer::Identity;

use crate::args::TraceArgs;
use crate::failure::Failure;

/// No traces.
pub(crate) struct Traces {
    /// A variable that asks for them. It may be there for every process of a machine: no reason to stop.
    ignored: Option<&'static str>,
}

impl Traces {
    /// # Errors
    /// Where a flag asks for traces.
    pub(crate) fn start(args: Option<&TraceArgs>, _: &Handle) -> Result<Self, Failure> {
        let Some(args) = args else { return Ok(Self { ignored: None }) };
        let TraceArgs { otlp_endpoint, otlp_headers, otlp_certificate, otlp_sampling_ratio } = args;
        let flags = [
            ("--otlp-endpoint", otlp_endpoint.as_ref().is_some_and(|url| !url.is_empty())),
            ("--otlp-headers", otlp_headers.as_ref().is_some_and(|headers| !headers.0.is_empty())),
            ("--otlp-certificate", otlp_certificate.is_some()),
            ("--otlp-sampling-ratio", otlp_sampling_ratio.is_some()),
        ];
        if let Some((flag, _)) = flags.into_iter().find(|(_, given)| *given) {
            let build = "cargo build --release --package cloud-lb-controller --features otlp";
            let message = format!("{flag}: this cloud-lb was built without traces: build it with `{build}`");
            return Err(Failure::new(message));
        }
        let asks = |name: &&str| std::env::var_os(name).is_some_and(|url| !url.is_empty());
        let variables = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
        let is_off = otlp_endpoint.is_some();
        Ok(Self { ignored: variables.into_iter().find(asks).filter(|_| !is_off) })
    }

    pub(crate) fn layer(&self) -> Option<Identity> {
        None
    }

    /// The settings that are in effect: none.
    pub(crate) fn shown(&self) -> Value {
        Value::Null
    }

    /// What is to be said of variables that have no effect.
    pub(crate) fn notice(&self) -> Option<String> {
        let variable = self.ignored?;
        Some(format!("{variable} has no effect: this cloud-lb was built without feature otlp"))
    }

    pub(crate) async fn end(self, _: Result<(), &Failure>) {}
}
