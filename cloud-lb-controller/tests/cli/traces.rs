//! Traces by OTLP: what the collector gets, and that nothing depends on it.
#![cfg(unix)]

#[cfg(feature = "otlp")]
mod collector;
#[cfg(feature = "otlp")]
mod sent;

use std::process::Stdio;

use crate::process::{Ran, cloud_lb};

/// Runs to its end, which is that there is no cluster.
fn run_with(args: &[&str], variable: Option<(&str, &str)>) -> Ran {
    let mut command = cloud_lb(&["run", "--kubeconfig=/nonexistent"]);
    command.args(args).envs(variable).stdin(Stdio::null());
    Ran::of(&command.output().unwrap())
}

#[cfg(not(feature = "otlp"))]
#[test]
fn a_build_without_traces_refuses_their_flags_and_tells_of_their_variables() {
    for flag in ["--otlp-endpoint=http://c", "--otlp-headers=a=secret", "--otlp-sampling-ratio=1"] {
        let ran = run_with(&[flag], None);
        let name = flag.split('=').next().unwrap();
        assert_eq!(ran.code, 1);
        let complaint = format!("error: {name}: this cloud-lb was built without traces: build it with");
        assert!(ran.stderr.starts_with(&complaint) && !ran.stderr.contains("secret"), "{ran}");
    }
    let ran = run_with(&[], Some(("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c")));
    assert!(ran.stderr.contains("OTEL_EXPORTER_OTLP_ENDPOINT has no effect"), "{ran}");
    let ran = run_with(&["--otlp-endpoint="], Some(("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c")));
    assert!(!ran.stderr.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "turned off: {ran}");
}

#[cfg(feature = "otlp")]
#[test]
fn wrong_settings_end_the_start_and_are_named() {
    let ran = run_with(&["--otlp-endpoint=collector"], Some(("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")));
    assert_eq!(ran.code, 1);
    assert_eq!(
        ran.stderr,
        "error: --otlp-endpoint: \"collector\": expected a URL such as http://collector:4318\n\
         error: OTEL_EXPORTER_OTLP_PROTOCOL: \"grpc\": expected http/protobuf, which collectors take on port 4318\n"
    );
    let ran = run_with(&["--otlp-endpoint=https://c", "--otlp-certificate=/nonexistent"], None);
    assert!(ran.stderr.starts_with("error: --otlp-certificate /nonexistent: "), "{ran}");
}
