//! Logs: to standard error, so that standard output stays for results.

use tracing::Subscriber;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry};

use crate::args::{LogArgs, LogFormat};

/// Our own crates: `-v` turns these up and leaves the libraries quiet.
const OURS: [&str; 4] = ["cloud_lb", "cloud_lb_core", "provider_aws", "provider_mock"];

/// The client tells of every failed connection what we tell better, and once.
const SAID_BY_US: &str = "kube_client::client::builder=off";

/// Starts logging, and traces beside it. `RUST_LOG` has the last word of the log, then `-v`, then what the
/// command wants; none of them has a say in traces.
pub(crate) fn init<T>(args: LogArgs, default: &str, traces: Option<T>)
where
    T: Layer<Registry> + Send + Sync,
{
    match traces {
        Some(traces) => tracing_subscriber::registry().with(traces).with(lines(args, default)).init(),
        // Without a layer that would have to be asked of everything that nobody logs.
        None => tracing_subscriber::registry().with(lines(args, default)).init(),
    }
}

/// Whether a target is of our own crates.
#[cfg_attr(not(feature = "otlp"), expect(dead_code, reason = "traces ask"))]
pub(crate) fn is_ours(target: &str) -> bool {
    target.split("::").next().is_some_and(|name| OURS.contains(&name))
}

fn lines<S>(args: LogArgs, default: &str) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let LogArgs { verbose, level, log_format } = args;
    let verbose = verbose.max(level.map_or(0, verbosity));
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(directives(verbose, default)));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match log_format {
        LogFormat::Text => lines.with_ansi(colours()).with_filter(filter).boxed(),
        LogFormat::Json => lines.json().with_filter(filter).boxed(),
    }
}

fn colours() -> bool {
    !matches!(anstream::AutoStream::choice(&std::io::stderr()), anstream::ColorChoice::Never)
}

/// How many `-v` a level of klog stands for.
fn verbosity(level: u8) -> u8 {
    match level {
        0..=3 => 1,
        4 | 5 => 2,
        _ => 3,
    }
}

fn directives(verbose: u8, default: &str) -> String {
    let level = match verbose {
        0 if default == "off" => return default.to_owned(),
        0 => default,
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let ours: Vec<String> = OURS.iter().map(|name| format!("{name}={level}")).collect();
    format!("warn,{},{SAID_BY_US}", ours.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_of_klog_are_understood() {
        assert_eq!([0, 2, 4, 5, 6, 10].map(verbosity), [1, 1, 2, 2, 3, 3]);
    }

    #[test]
    fn verbosity_turns_up_our_crates_only() {
        assert_eq!(directives(0, "off"), "off");
        let ours = |level: &str| OURS.map(|name| format!("{name}={level}")).join(",");
        assert_eq!(directives(0, "info"), format!("warn,{},{SAID_BY_US}", ours("info")));
        assert_eq!(directives(2, "info"), format!("warn,{},{SAID_BY_US}", ours("debug")));
    }
}
