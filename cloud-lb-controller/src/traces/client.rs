//! The HTTP client of the exporter: that of the API server's client, with TLS as there.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::Connect;
use hyper_util::rt::TokioExecutor;
use kube::Config;
use kube::client::ConfigExt as _;
use opentelemetry_http::{HttpClient, HttpError};
use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::settings::Settings;
use crate::failure::{Failure, chain};

/// Longest answer that is read. Collectors answer with a few bytes.
const ANSWER_LIMIT: usize = 64 * 1024;

/// Sends requests from a thread that belongs to no runtime.
#[derive(Debug)]
pub(super) struct Client<C> {
    runtime: Handle,
    http: legacy::Client<C, Full<Bytes>>,
    headers: HeaderMap,
    timeout: Duration,
    trouble: Trouble,
}

/// Why the last request came to nothing, which the exporter does not pass on.
#[derive(Debug, Clone, Default)]
pub(super) struct Trouble(Arc<Mutex<Option<String>>>);

impl Trouble {
    pub(super) fn take(&self) -> Option<String> {
        self.0.lock().take()
    }
}

/// A client for the collector of the settings.
///
/// # Errors
/// If the certificates cannot be used.
pub(super) fn client(
    settings: &Settings,
    runtime: Handle,
    trouble: Trouble,
) -> Result<impl HttpClient + 'static, Failure> {
    let mut config = Config::new(Uri::from_static("http://localhost"));
    config.root_cert_file.clone_from(&settings.certificate);
    let connector = config.rustls_https_connector().map_err(|error| match &settings.certificate {
        Some(path) => Failure::because(format!("--otlp-certificate {}", path.display()), &error),
        None => Failure::because("certificates for traces cannot be used", &error),
    })?;
    let http = legacy::Client::builder(TokioExecutor::new()).build(connector);
    let (headers, timeout) = (settings.headers.clone(), settings.timeout);
    Ok(Client { runtime, http, headers, timeout, trouble })
}

#[async_trait]
impl<C: Connect + Clone + std::fmt::Debug + Send + Sync + 'static> HttpClient for Client<C> {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (http, timeout) = (self.http.clone(), self.timeout);
        let request = self.with_headers(request);
        let exchange = async move {
            let answer = tokio::time::timeout(timeout, exchange(&http, request)).await;
            answer.unwrap_or_else(|_| Err(format!("no answer within {timeout:?}").into()))
        };
        let answer = self.runtime.spawn(exchange).await.map_err(HttpError::from).flatten();
        *self.trouble.0.lock() = answer.as_ref().err().map(|error| chain(error.as_ref()));
        answer
    }
}

impl<C> Client<C> {
    /// Adds our headers. The exporter would add those of the environment to those of the flags.
    fn with_headers(&self, request: Request<Bytes>) -> Request<Full<Bytes>> {
        let (mut parts, body) = request.into_parts();
        let mut headers = self.headers.clone();
        for name in [http::header::CONTENT_TYPE, http::header::USER_AGENT] {
            if let Some(value) = parts.headers.remove(&name) {
                headers.insert(name, value);
            }
        }
        parts.headers = headers;
        Request::from_parts(parts, Full::new(body))
    }
}

async fn exchange<C: Connect + Clone + Send + Sync + 'static>(
    http: &legacy::Client<C, Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<Response<Bytes>, HttpError> {
    let (parts, body) = http.request(request).await?.into_parts();
    let body = Limited::new(body, ANSWER_LIMIT).collect().await?.to_bytes();
    Ok(Response::from_parts(parts, body))
}
