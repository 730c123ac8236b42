mod connections;

use std::net::Ipv4Addr;
use std::sync::Arc;

use base64::Engine as _;
use bytes::Bytes;
use cloud_lb_core::lease::Standing;
use cloud_lb_core::measure::Lane;
use cloud_lb_core::metrics::Metrics;
use cloud_lb_core::vitals::{Running, Vitals};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use kube::Client;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::*;

/// A server on a port of its own; ends with the test.
struct Server {
    address: SocketAddr,
    _tasks: JoinSet<cloud_lb_core::Result<()>>,
}

impl Server {
    async fn start(tls: Option<TlsAcceptor>, access: Access) -> Self {
        let site = Site { metrics: Metrics::new(), probe: probe(), access };
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = Listener::bind(any, "--flag", tls, site).await.unwrap();
        let (address, mut tasks) = (listener.address().unwrap(), JoinSet::new());
        tasks.spawn(listener.serve());
        Self { address, _tasks: tasks }
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        ask(TcpStream::connect(self.address).await.unwrap(), path, None).await
    }
}

fn probe() -> Probe {
    Probe {
        vitals: Vitals::default(),
        standing: Some(Standing::default()),
        rival: None,
        lane_limit: Duration::from_mins(10),
    }
}

/// One request over a connection, with a token if there is one.
async fn ask(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    path: &str,
    token: Option<&str>,
) -> (StatusCode, String) {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(connection);
    let mut request = Request::get(path).header("host", "localhost");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let answer = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
    let code = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (code, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn l_4_health_is_told_as_kubernetes_components_do() {
    let server = Server::start(None, Access::Open).await;
    let ok = |text: &str| (StatusCode::OK, text.to_owned());
    for path in ["/healthz", "/livez", "/readyz", "/readyz/informer-sync", "/livez/ping", "/livez/lanes"] {
        assert_eq!(server.get(path).await, ok("ok"), "{path}");
    }
    assert_eq!(
        server.get("/readyz?verbose").await,
        ok(
            "[+]ping ok\n[+]leaderElection ok\n[+]alone ok\n[+]informer-sync ok\n[+]survey ok\nreadyz check passed\n"
        )
    );
    assert_eq!(
        server.get("/livez?verbose&exclude=lanes").await,
        ok(
            "[+]ping ok\n[+]leaderElection ok\n[+]service-lb-controller ok\n[+]lanes excluded: ok\nlivez check passed\n"
        )
    );
    for path in ["/readyz/no-such-check", "/", "/debug/pprof", "/health"] {
        assert_eq!(server.get(path).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    let (code, text) = server.get("/metrics").await;
    assert_eq!(code, StatusCode::OK);
    assert!(text.contains("# TYPE cloud_lb_leader gauge"), "{text}");
}

#[test]
fn surveys_that_keep_failing_show_in_readyz() {
    let reason = "the last 2 surveys of all load balancers failed".to_owned();
    assert_eq!([0, 1, 2].map(health::surveyed), [Ok(()), Ok(()), Err(reason)]);
}

#[tokio::test(start_paused = true)]
async fn l_4_a_lane_that_waits_for_our_own_rate_does_not_hang() {
    let begun = tokio::time::Instant::now();
    tokio::time::advance(Duration::from_mins(15)).await;
    let lane = |subject: &str, waited| Running {
        lane: Lane::Service,
        subject: subject.to_owned(),
        since: begun,
        waited: Duration::from_secs(waited),
    };
    let lanes = [lane("patient", 800), lane("default/web", 200)];
    assert_eq!(health::hanging(&lanes, Duration::from_mins(10)), ["default/web"]);
}

/// An API server that knows one token, and lets its owner read nothing but `/metrics`.
fn reviewing_api() -> Client {
    let service = tower::service_fn(|request: Request<kube::client::Body>| async move {
        let path = request.uri().path().to_owned();
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let mut review: Value = serde_json::from_slice(&body).unwrap();
        review["status"] = if path == "/apis/authentication.k8s.io/v1/tokenreviews" {
            match review["spec"]["token"].as_str() {
                Some("prometheus") => {
                    json!({"authenticated": true, "user": {"username": "scraper", "groups": ["g"]}})
                }
                Some("stranger") => json!({"authenticated": true, "user": {"username": "stranger"}}),
                _ => json!({"authenticated": false, "error": "unknown"}),
            }
        } else {
            assert_eq!(path, "/apis/authorization.k8s.io/v1/subjectaccessreviews");
            assert_eq!(review["spec"]["nonResourceAttributes"]["verb"], "get");
            let path = review["spec"]["nonResourceAttributes"]["path"] == "/metrics";
            let known = review["spec"]["user"] == "scraper" && review["spec"]["groups"] == json!(["g"]);
            json!({"allowed": path && known})
        };
        Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from(review.to_string()))))
    });
    Client::new(service, "default")
}

fn reviewed() -> Access {
    let allowed = vec!["/healthz".to_owned()];
    Access::Reviewed { allowed, reviewer: Reviewer::new(reviewing_api()) }
}

#[tokio::test]
async fn w_21_metrics_are_for_whom_the_cluster_allows_them() {
    let server = Server::start(None, reviewed()).await;
    let code = |path: &'static str, token: Option<&'static str>| {
        let address = server.address;
        async move { ask(TcpStream::connect(address).await.unwrap(), path, token).await.0 }
    };
    assert_eq!(code("/healthz", None).await, StatusCode::OK);
    assert_eq!(code("/healthz/ping", None).await, StatusCode::UNAUTHORIZED, "only the exact path is allowed");
    assert_eq!(code("/metrics", None).await, StatusCode::UNAUTHORIZED);
    assert_eq!(code("/metrics", Some("guess")).await, StatusCode::UNAUTHORIZED);
    assert_eq!(code("/metrics", Some("stranger")).await, StatusCode::FORBIDDEN);
    assert_eq!(code("/metrics", Some("prometheus")).await, StatusCode::OK);
    assert_eq!(code("/readyz", Some("prometheus")).await, StatusCode::FORBIDDEN);
}

async fn secure(address: SocketAddr, trusted: CertificateDer<'static>) -> (StatusCode, String) {
    let mut roots = RootCertStore::empty();
    roots.add(trusted).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    ask(stream, "/healthz", None).await
}

#[tokio::test]
async fn https_has_the_certificate_that_was_given() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (certificates, key) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
    std::fs::write(&certificates, pem("CERTIFICATE", made.cert.der())).unwrap();
    std::fs::write(&key, pem("PRIVATE KEY", &made.signing_key.serialize_der())).unwrap();
    let tls = acceptor(&Identity::Files { certificates: certificates.clone(), key }).unwrap();
    let server = Server::start(Some(tls), reviewed()).await;
    assert_eq!(secure(server.address, made.cert.der().clone()).await, (StatusCode::OK, "ok".to_owned()));
    let wrong = Identity::Files { key: certificates.clone(), certificates };
    let complaint = acceptor(&wrong).err().unwrap().to_string();
    assert!(
        complaint.starts_with("--tls-private-key-file ") && complaint.contains("tls.crt: no private key"),
        "{complaint}"
    );
}

#[tokio::test]
async fn https_without_a_certificate_makes_one_and_survives_nonsense() {
    let tls = acceptor(&Identity::SelfSigned { names: vec!["localhost".to_owned()] }).unwrap();
    let server = Server::start(Some(tls), reviewed()).await;
    for _ in 0..3 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    }
    let refused = refused(server.address).await;
    assert!(refused.contains("UnknownIssuer"), "it shows a certificate that nobody vouches for: {refused}");
}

/// Why a client that trusts nobody refuses a server.
async fn refused(address: SocketAddr) -> String {
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.err().unwrap().to_string()
}

fn pem(kind: &str, der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN {kind}-----\n{text}\n-----END {kind}-----\n")
}
