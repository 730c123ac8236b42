//! The embedded API behind HTTPS, for clients with a certificate or a token, as a real one is.

use std::convert::Infallible;
use std::sync::Arc;

use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use provider_mock::apiserver::{ApiServer, ResponseBody, Rights};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tower::ServiceExt as _;

use super::Pair;

/// An API server with its certificate.
pub(crate) struct Https {
    api: ApiServer,
    tls: TlsAcceptor,
}

impl Https {
    /// Takes clients with a certificate of `authority` (DER) or with one of `tokens`; all may do everything.
    pub(crate) fn new(api: ApiServer, identity: &Pair, authority: &[u8], tokens: &[String]) -> Self {
        for token in tokens {
            api.admit(token.clone(), everything());
        }
        Self { api, tls: acceptor(identity, authority) }
    }

    /// Answers requests until it is dropped.
    pub(crate) async fn run(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(connection(self.api.clone(), self.tls.clone(), stream));
        }
    }
}

fn acceptor(identity: &Pair, authority: &[u8]) -> TlsAcceptor {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.to_vec().into()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    // Who shows none may still show a token.
    let verifier = verifier.allow_unauthenticated().build().unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivatePkcs8KeyDer::from(identity.key.clone());
    let chain = vec![identity.certificate.clone().into()];
    let mut config = config.with_client_cert_verifier(verifier).with_single_cert(chain, key.into()).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

fn everything() -> Rights {
    let subject = json!([{"kind": "ServiceAccount", "namespace": "kube-system", "name": "admin"}]);
    let all = json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]);
    let manifests = [
        json!({"kind": "ClusterRole", "metadata": {"name": "all"}, "rules": all}),
        json!({"kind": "ClusterRoleBinding", "roleRef": {"kind": "ClusterRole", "name": "all"}, "subjects": subject}),
    ];
    Rights::of_service_account("kube-system", "admin", &manifests)
}

/// A client that is not trusted, or that goes away, is its own problem.
async fn connection(api: ApiServer, tls: TlsAcceptor, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let Ok(stream) = tls.accept(stream).await else { return };
    let is_known = stream.get_ref().1.peer_certificates().is_some();
    let service = tower::service_fn(move |request: Request<Incoming>| {
        let api = api.clone();
        async move {
            if is_known || request.headers().contains_key(header::AUTHORIZATION) {
                return api.oneshot(request).await;
            }
            Ok::<_, Infallible>(unauthorized())
        }
    });
    let builder = Builder::new(TokioExecutor::new());
    let _ = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)).await;
}

fn unauthorized() -> Response<ResponseBody> {
    let mut answer = Response::new(Full::new("Unauthorized".into()).boxed_unsync());
    *answer.status_mut() = StatusCode::UNAUTHORIZED;
    answer
}
