//! Logs: to standard error, so that standard output stays for results.

use tracing_subscriber::EnvFilter;

use crate::args::{LogArgs, LogFormat};

/// Our own crates: `-v` turns these up and leaves the libraries quiet.
const OURS: [&str; 3] = ["cloud_lb", "cloud_lb_core", "provider_mock"];

/// Starts logging. `RUST_LOG` has the last word, then `-v`, then what the command wants.
pub(crate) fn init(args: LogArgs, default: &str) {
    let LogArgs { verbose, log_format } = args;
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(directives(verbose, default)));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match log_format {
        LogFormat::Text => builder.with_ansi(colours()).init(),
        LogFormat::Json => builder.json().init(),
    }
}

fn colours() -> bool {
    !matches!(anstream::AutoStream::choice(&std::io::stderr()), anstream::ColorChoice::Never)
}

fn directives(verbose: u8, default: &str) -> String {
    let level = match verbose {
        0 => return default.to_owned(),
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let ours: Vec<String> = OURS.iter().map(|name| format!("{name}={level}")).collect();
    format!("warn,{}", ours.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbosity_turns_up_our_crates_only() {
        assert_eq!(directives(0, "info"), "info");
        assert_eq!(directives(2, "info"), "warn,cloud_lb=debug,cloud_lb_core=debug,provider_mock=debug");
    }
}
