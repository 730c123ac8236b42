//! The flags that say where traces go. OpenTelemetry's environment variables say the same; flags override them.

use std::fmt;
use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Traces (builds with feature otlp)")]
#[expect(clippy::struct_field_names, reason = "flags are named after fields")]
#[expect(clippy::doc_markdown, reason = "the help shows the names of variables as they are")]
pub(crate) struct TraceArgs {
    /// Send traces by OTLP over HTTP to this URL with /v1/traces appended; empty is nowhere
    /// [env: OTEL_EXPORTER_OTLP_ENDPOINT]
    #[arg(long, value_name = "URL", verbatim_doc_comment)]
    pub(crate) otlp_endpoint: Option<String>,
    /// Headers to send along, such as authorization=Bearer%20abc,tenant=blue
    /// [env: OTEL_EXPORTER_OTLP_HEADERS, which ps does not show]
    #[arg(long, value_name = "PAIRS", verbatim_doc_comment)]
    pub(crate) otlp_headers: Option<Secret>,
    /// Certificates of the authorities that the collector's is checked against (PEM)
    /// [env: OTEL_EXPORTER_OTLP_CERTIFICATE] [default: those of the system]
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    pub(crate) otlp_certificate: Option<PathBuf>,
    /// Share of the traces that are sent, 0 to 1
    /// [env: OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG] [default: 1]
    #[arg(long, value_name = "RATIO", verbatim_doc_comment)]
    pub(crate) otlp_sampling_ratio: Option<String>,
}

/// A text that no message shows.
#[derive(Clone)]
pub(crate) struct Secret(pub(crate) String);

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}
