//! Traces, by OpenTelemetry's protocol (feature `otlp`): the spans of the controller's work for whoever collects
//! them.
//!
//! Flags and OpenTelemetry's environment variables say where they go. A build without the feature refuses the flags;
//! variables, which may be there for every process of a machine, it only mentions.

#[cfg(not(feature = "otlp"))]
mod absent;
#[cfg(feature = "otlp")]
mod client;
#[cfg(feature = "otlp")]
mod exporter;
#[cfg(feature = "otlp")]
mod live;
#[cfg(feature = "otlp")]
mod pairs;
#[cfg(feature = "otlp")]
mod settings;

#[cfg(not(feature = "otlp"))]
pub(crate) use self::absent::Traces;
#[cfg(feature = "otlp")]
pub(crate) use self::live::Traces;
