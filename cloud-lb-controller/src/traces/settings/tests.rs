use super::*;
use crate::args::Secret;

fn settings(args: &TraceArgs, environment: &[(&str, &str)]) -> Result<Option<Settings>, Failure> {
    let ask = |name: &str| {
        environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    };
    Settings::of(args, &Environment(&ask))
}

fn to(url: &str) -> TraceArgs {
    TraceArgs { otlp_endpoint: Some(url.to_owned()), ..TraceArgs::default() }
}

fn endpoint(args: &TraceArgs, environment: &[(&str, &str)]) -> Option<String> {
    settings(args, environment).unwrap().map(|settings| settings.endpoint.to_string())
}

#[test]
fn without_an_endpoint_there_are_no_traces() {
    assert_eq!(endpoint(&TraceArgs::default(), &[]), None);
    assert_eq!(endpoint(&TraceArgs::default(), &[("OTEL_EXPORTER_OTLP_ENDPOINT", "")]), None);
    let disabled = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"), ("OTEL_SDK_DISABLED", "True")];
    assert_eq!(endpoint(&TraceArgs::default(), &disabled), None);
    assert_eq!(endpoint(&to(""), &disabled[..1]), None, "an empty flag turns them off");
}

#[test]
fn the_path_is_appended_to_a_base_and_not_to_the_url_for_traces() {
    let base = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/otlp/");
    let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://t/in");
    let none = TraceArgs::default();
    assert_eq!(endpoint(&none, &[base]).as_deref(), Some("http://c:4318/otlp/v1/traces"));
    assert_eq!(endpoint(&none, &[base, own]).as_deref(), Some("https://t/in"));
    assert_eq!(endpoint(&to("http://f:1"), &[base, own]).as_deref(), Some("http://f:1/v1/traces"));
    assert_eq!(endpoint(&to("http://[::1]:4318"), &[]).as_deref(), Some("http://[::1]:4318/v1/traces"));
}

#[test]
fn headers_are_those_of_one_place_and_are_not_shown() {
    let environment = [("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc,tenant=blue")];
    let of_environment = settings(&to("http://c"), &environment).unwrap().unwrap();
    assert_eq!(of_environment.headers["authorization"], "Bearer abc");
    let shown = of_environment.to_json().to_string();
    assert!(shown.contains(r#""headers":["authorization","tenant"]"#) && !shown.contains("abc"), "{shown}");
    assert!(!format!("{of_environment:?}").contains("abc"), "{of_environment:?}");
    let args = TraceArgs { otlp_headers: Some(Secret("a=b".to_owned())), ..to("http://c") };
    let of_flag = settings(&args, &environment).unwrap().unwrap();
    assert_eq!(of_flag.headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["a"]);
}

#[test]
fn the_share_is_that_of_the_flag_or_of_the_sampler() {
    let ratio = |args: &TraceArgs, environment: &[(&str, &str)]| {
        settings(args, environment).unwrap().unwrap().ratio.to_string()
    };
    let sampler = |name| ("OTEL_TRACES_SAMPLER", name);
    let share = ("OTEL_TRACES_SAMPLER_ARG", "0.25");
    assert_eq!(ratio(&to("http://c"), &[share]), "1", "without a sampler its argument means nothing");
    assert_eq!(ratio(&to("http://c"), &[sampler("parentbased_traceidratio"), share]), "0.25");
    assert_eq!(ratio(&to("http://c"), &[sampler("traceidratio")]), "1");
    assert_eq!(ratio(&to("http://c"), &[sampler("always_off")]), "0");
    let flag = TraceArgs { otlp_sampling_ratio: Some("0.5".to_owned()), ..to("http://c") };
    assert_eq!(ratio(&flag, &[sampler("always_off")]), "0.5");
}

#[test]
fn the_sender_has_a_name_a_version_and_what_the_environment_says() {
    let sender = |environment: &[(&str, &str)], key: &str| {
        let settings = settings(&to("http://c"), environment).unwrap().unwrap();
        let mut values = settings.sender.into_iter().filter(|(known, _)| known == key);
        let value = values.next().map(|(_, value)| value);
        assert_eq!(values.next(), None, "{key} once");
        value
    };
    assert_eq!(sender(&[], "service.name").as_deref(), Some("cloud-lb"));
    assert_eq!(sender(&[], "service.version").as_deref(), Some(env!("CARGO_PKG_VERSION")));
    assert_ne!(sender(&[], "service.instance.id"), sender(&[], "service.instance.id"));
    let attributes = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=a,k8s.pod.name=cloud-lb-0");
    assert_eq!(sender(&[attributes], "service.name").as_deref(), Some("a"));
    assert_eq!(sender(&[attributes], "k8s.pod.name").as_deref(), Some("cloud-lb-0"));
    assert_eq!(sender(&[attributes, ("OTEL_SERVICE_NAME", "b")], "service.name").as_deref(), Some("b"));
}

#[test]
fn what_cannot_be_meant_is_refused_by_name_all_at_once() {
    let cases = [
        ("OTEL_TRACES_SAMPLER", "jaeger_remote", "expected always_on, always_off or traceidratio"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "expected milliseconds"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "expected http/protobuf"),
        ("OTEL_RESOURCE_ATTRIBUTES", "pod", "expected key=value"),
    ];
    let environment: Vec<(&str, &str)> = cases.iter().map(|(name, value, _)| (*name, *value)).collect();
    let complaint = settings(&to("c:4318"), &environment).unwrap_err().to_string();
    let lines: Vec<&str> = complaint.lines().collect();
    assert_eq!(lines.len(), 5, "{complaint}");
    assert_eq!(lines[0], "--otlp-endpoint: \"c:4318\": expected a URL such as http://collector:4318");
    for (name, value, expected) in cases {
        let shown = format!("{name}: {value:?}: ");
        assert!(lines.iter().any(|line| line.starts_with(&shown) && line.contains(expected)), "{complaint}");
    }
    for ratio in ["1.1", "-0.1", "NaN", "half"] {
        let args = TraceArgs { otlp_sampling_ratio: Some(ratio.to_owned()), ..to("http://c") };
        let complaint = settings(&args, &[]).unwrap_err().to_string();
        assert_eq!(complaint, format!("--otlp-sampling-ratio: {ratio:?}: expected a number from 0 to 1"));
    }
}

#[test]
fn secrets_are_in_no_message() {
    for url in ["http://user:secret@c", "secret@c"] {
        let complaint = settings(&to(url), &[]).unwrap_err().to_string();
        assert!(complaint.contains("--otlp-endpoint: expected a URL without credentials"), "{complaint}");
        assert!(!complaint.contains("secret"), "{complaint}");
    }
    for headers in ["secret", "a b=secret", "a=secret%0a"] {
        let args = TraceArgs { otlp_headers: Some(Secret(headers.to_owned())), ..to("http://c") };
        let complaint = settings(&args, &[]).unwrap_err().to_string();
        assert!(complaint.starts_with("--otlp-headers: ") && complaint.contains("expected"), "{complaint}");
        assert!(!complaint.contains("secret"), "{complaint}");
    }
}

#[test]
fn flags_that_would_do_nothing_are_refused() {
    let args = TraceArgs { otlp_sampling_ratio: Some("0.5".to_owned()), ..TraceArgs::default() };
    let complaint = settings(&args, &[]).unwrap_err().to_string();
    assert_eq!(complaint, "--otlp-sampling-ratio: traces go nowhere, expected --otlp-endpoint too");
}
