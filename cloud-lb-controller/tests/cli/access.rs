//! Who may read what `cloud-lb run` serves by HTTPS, as the API server says (W-21): the binary, with its own token
//! and exactly the rights of `deploy/rbac.yaml`.
#![cfg(unix)]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use provider_mock::apiserver::Rights;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::live::{Api, has_address};
use crate::replicas::Replica;

/// What the manifests give a service account, with the role for scrapers bound to `monitoring/prometheus`.
fn rights(namespace: &str, name: &str) -> Rights {
    let mut manifests: Vec<Value> =
        serde_saphyr::from_multiple(include_str!("../../../deploy/rbac.yaml")).unwrap();
    manifests.push(json!({
        "kind": "ClusterRoleBinding",
        "roleRef": {"kind": "ClusterRole", "name": "cloud-lb-metrics-reader"},
        "subjects": [{"kind": "ServiceAccount", "namespace": "monitoring", "name": "prometheus"}],
    }));
    Rights::of_service_account(namespace, name, &manifests)
}

/// A certificate for `localhost` in files; the flags that name them.
fn certificate(folder: &Path) -> (CertificateDer<'static>, [String; 2]) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let write = |name: &str, kind: &str, der: &[u8]| {
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        let path = folder.join(name);
        std::fs::write(&path, format!("-----BEGIN {kind}-----\n{text}\n-----END {kind}-----\n")).unwrap();
        path.display().to_string()
    };
    let flags = [
        format!("--tls-cert-file={}", write("tls.crt", "CERTIFICATE", made.cert.der())),
        format!(
            "--tls-private-key-file={}",
            write("tls.key", "PRIVATE KEY", &made.signing_key.serialize_der())
        ),
    ];
    (made.cert.der().clone(), flags)
}

/// A port that nobody has at the moment: 0 stands for no HTTPS.
fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// A client that trusts one certificate.
struct Scraper {
    address: SocketAddr,
    tls: TlsConnector,
}

impl Scraper {
    fn new(address: SocketAddr, trusted: CertificateDer<'static>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(trusted).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
        let config =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        Self { address, tls: TlsConnector::from(Arc::new(config)) }
    }

    /// The code and the body of the answer.
    async fn get(&self, path: &str, token: Option<&str>) -> (u16, String) {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let mut stream = self.tls.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
        let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{token}Connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }
}

#[tokio::test]
async fn w_21_metrics_are_for_whom_the_api_server_knows_and_allows() {
    let api = Api::start().await;
    let ours = rights("kube-system", "cloud-lb");
    api.server.admit("ours", ours.clone());
    api.server.admit("scraper", rights("monitoring", "prometheus"));
    api.server.admit("nobody", rights("default", "nobody"));
    api.log_in("ours");
    api.create_service();
    let folder = tempfile::tempdir().unwrap();
    let (trusted, [certificate, key]) = certificate(folder.path());
    let port = format!("--secure-port={}", free_port());
    let mut replica = Replica::start(&api, &[&port, "--bind-address=127.0.0.1", &certificate, &key]);
    api.until("an address", has_address).await;
    let scraper = Scraper::new(replica.serves_at("https").await, trusted);
    assert_eq!(scraper.get("/readyz", None).await, (200, "ok".to_owned()));
    assert_eq!(scraper.get("/metrics", None).await.0, 401);
    assert_eq!(scraper.get("/metrics", Some("guess")).await.0, 401);
    let (code, reason) = scraper.get("/metrics", Some("nobody")).await;
    assert_eq!(code, 403);
    assert!(
        reason.contains("\"system:serviceaccount:default:nobody\" cannot get path \"/metrics\""),
        "{reason}"
    );
    let (code, metrics) = scraper.get("/metrics", Some("scraper")).await;
    assert_eq!(code, 200);
    assert!(metrics.contains("cloud_lb_leader 1\n"), "{metrics}");
    let used: Vec<String> = ours.used().iter().map(ToString::to_string).collect();
    for review in
        ["create tokenreviews.authentication.k8s.io", "create subjectaccessreviews.authorization.k8s.io"]
    {
        assert!(used.iter().any(|right| right == review), "{review} in {used:?}");
    }
    assert!(ours.denied().is_empty(), "{:#?}", ours.denied());
}
