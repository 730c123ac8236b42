//! The real binary, which sends to a collector, to nobody, and to somebody who never answers.

use std::net::TcpListener;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use provider_mock::apiserver::{Fault, Resource, Verb};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

use super::collector::{Collector, text};
use crate::live::{Api, has_address, terminate};
use crate::process::{Ran, cloud_lb};

/// Longest wait for the end of a process.
const PATIENCE: Duration = Duration::from_secs(20);

/// The life of one Service under a controller with these flags, and how long the controller took to end.
async fn life(api: &Api, flags: &[String]) -> (Ran, Duration) {
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("settings.yaml");
    std::fs::write(&settings, "minRetryDelay: 100ms\n").unwrap();
    let mut command = cloud_lb(&["run", "--secure-port=0", "--leader-elect=false"]);
    command.args(flags).arg("--controller-config").arg(settings).arg("--kubeconfig").arg(api.kubeconfig());
    command.env("OTEL_SERVICE_NAME", "lb-test").env("OTEL_RESOURCE_ATTRIBUTES", "k8s.pod.name=cloud-lb-0");
    command.env("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc");
    command.stdin(Stdio::null()).stderr(Stdio::piped());
    let child = tokio::process::Command::from(command).kill_on_drop(true).spawn().unwrap();
    api.create_service();
    api.until("an address", has_address).await;
    api.server.delete(Resource::Services, "default", "web").unwrap();
    api.until("that the Service is gone", |service| service.is_none()).await;
    let begin = Instant::now();
    terminate(child.id().unwrap());
    let output = timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
    (Ran::of(&output), begin.elapsed())
}

fn names<'a>(spans: &[&'a Span]) -> Vec<&'a str> {
    spans.iter().map(|span| span.name.as_str()).collect()
}

#[tokio::test]
async fn a_collector_gets_all_of_a_services_life() {
    let (api, collector) = (Api::start().await, Collector::start(None).await);
    // The client makes requests again after a 503, and not after a 500.
    api.server.faults().inject(Verb::Patch, Resource::Services, Fault::Fail(500), 1);
    let (ran, _) = life(&api, &[format!("--otlp-endpoint=http://{}", collector.address)]).await;
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stderr.contains(&format!("otlp.endpoint=http://{}/v1/traces", collector.address)), "{ran}");
    assert!(ran.stderr.contains("otlp.headers=[authorization]") && !ran.stderr.contains("abc"), "{ran}");
    assert!(!ran.stderr.contains("did not reach the collector"), "{ran}");
    let kept = collector.kept();
    for kept in &kept {
        assert_eq!(kept.path, "/v1/traces");
        assert_eq!(kept.headers["content-type"], "application/x-protobuf");
        assert_eq!(kept.headers["authorization"], "Bearer abc");
        let sender = &kept.request.resource_spans[0].resource.as_ref().unwrap().attributes;
        assert_eq!(text(sender, "service.name"), Some("lb-test"));
        assert_eq!(text(sender, "k8s.pod.name"), Some("cloud-lb-0"));
        assert_eq!(text(sender, "service.version"), Some(env!("CARGO_PKG_VERSION")));
        assert_eq!(text(sender, "telemetry.sdk.name"), Some("opentelemetry"));
    }
    let spans = collector.spans();
    let made = spans.find("cloud_call", &[("operation", "CreateListener")]).unwrap();
    assert_eq!(made.kind, SpanKind::Client as i32);
    let way = spans.ancestry(made);
    assert_eq!(names(&way), ["cloud_call", "step", "apply", "reconcile"]);
    let root = way[3];
    assert!(root.parent_span_id.is_empty());
    let service = [("k8s.namespace.name", "default"), ("k8s.service.name", "web"), ("work", "ensure")];
    for (key, value) in service {
        assert_eq!(text(&root.attributes, key), Some(value), "{key}");
    }
    assert!(way.iter().all(|span| span.status.clone().unwrap_or_default().code == StatusCode::Unset as i32));
    let deleted = spans.find("cloud_call", &[("operation", "DeleteListener")]).unwrap();
    let root = *spans.ancestry(deleted).last().unwrap();
    assert_eq!(text(&root.attributes, "work"), Some("delete"), "the last spans are sent at the end");
    let refused = spans.find("api_write", &[("error.type", "unavailable")]).unwrap();
    let way = spans.ancestry(refused);
    assert_eq!(names(&way), ["api_write", "reconcile"]);
    for span in way {
        let status = span.status.clone().unwrap();
        assert_eq!(status.code, StatusCode::Error as i32, "{span:?}");
        assert!(!status.message.is_empty(), "{span:?}");
    }
}

#[tokio::test]
async fn of_no_traces_nothing_is_sent() {
    let (api, collector) = (Api::start().await, Collector::start(None).await);
    let endpoint = format!("--otlp-endpoint=http://{}", collector.address);
    let (ran, _) = life(&api, &[endpoint, "--otlp-sampling-ratio=0".to_owned()]).await;
    assert_eq!((ran.code, collector.kept().len()), (0, 0), "{ran}");
    assert!(!ran.stderr.contains("did not reach the collector"), "{ran}");
}

#[tokio::test]
async fn a_collector_is_checked_against_the_authority_it_is_given() {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    let text = base64::engine::general_purpose::STANDARD.encode(cert.der());
    let pem = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
    std::fs::write(&authority, pem).unwrap();
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der()).into();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let collector = Collector::start(Some(TlsAcceptor::from(Arc::new(config)))).await;
    let endpoint = format!("--otlp-endpoint=https://{}", collector.address);
    let certificate = format!("--otlp-certificate={}", authority.display());
    let (ran, _) = life(&Api::start().await, &[endpoint.clone(), certificate]).await;
    assert_eq!(ran.code, 0, "{ran}");
    assert!(collector.spans().find("reconcile", &[("work", "delete")]).is_some(), "{ran}");
    let before = collector.kept().len();
    let (ran, _) = life(&Api::start().await, &[endpoint]).await;
    assert_eq!((ran.code, collector.kept().len()), (0, before), "{ran}");
    assert!(ran.stderr.contains("traces cannot be sent") && ran.stderr.contains("certificate"), "{ran}");
}

#[tokio::test]
async fn a_collector_that_is_not_there_changes_nothing() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (ran, took) = life(&Api::start().await, &[format!("--otlp-endpoint=http://{free}")]).await;
    assert_eq!(ran.code, 0, "{ran}");
    assert!(took < Duration::from_secs(5), "{took:?}: {ran}");
    assert_eq!(ran.stderr.matches("traces cannot be sent").count(), 1, "{ran}");
    assert!(ran.stderr.contains("Connection refused"), "{ran}");
    assert!(ran.stderr.contains("did not reach the collector"), "{ran}");
}

#[tokio::test]
async fn a_collector_that_never_answers_delays_the_end_by_some_seconds_at_most() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("--otlp-endpoint=http://{}", silent.local_addr().unwrap());
    let (ran, took) = life(&Api::start().await, &[endpoint]).await;
    assert_eq!(ran.code, 0, "{ran}");
    assert!(took < Duration::from_secs(8), "{took:?}: {ran}");
    assert!(ran.stderr.contains("did not reach the collector"), "{ran}");
}
