//! A collector in the process of the test.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Keeps what it gets.
#[derive(Clone)]
pub(super) struct Collector {
    pub(super) address: SocketAddr,
    kept: Arc<parking_lot::Mutex<Vec<Kept>>>,
}

/// A request, decoded.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) request: ExportTraceServiceRequest,
}

impl Collector {
    pub(super) async fn start(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let collector = Self { address: listener.local_addr().unwrap(), kept: Arc::default() };
        let serving = collector.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (collector, tls) = (serving.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        // Who does not trust us goes.
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                collector.serve(stream).await;
                            }
                        }
                        None => collector.serve(stream).await,
                    }
                });
            }
        });
        collector
    }

    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let answer = service_fn(|request| self.clone().keep(request));
        // Whoever sends may end at any time.
        let _ =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
    }

    async fn keep(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let request = ExportTraceServiceRequest::decode(body).unwrap();
        let (path, headers) = (parts.uri.path().to_owned(), parts.headers);
        self.kept.lock().push(Kept { path, headers, request });
        Ok(Response::new(Full::default()))
    }

    pub(super) fn kept(&self) -> Vec<Kept> {
        self.kept.lock().clone()
    }

    pub(super) fn spans(&self) -> Spans {
        let resources = self.kept().into_iter().flat_map(|kept| kept.request.resource_spans);
        let scopes = resources.flat_map(|resource| resource.scope_spans);
        Spans(scopes.flat_map(|scope| scope.spans).collect())
    }
}

/// All spans that arrived.
pub(super) struct Spans(Vec<Span>);

impl Spans {
    pub(super) fn find(&self, name: &str, attributes: &[(&str, &str)]) -> Option<&Span> {
        let has =
            |span: &Span| attributes.iter().all(|(key, value)| text(&span.attributes, key) == Some(value));
        self.0.iter().find(|span| span.name == name && has(span))
    }

    /// The span and all that it is in, from the inside out.
    pub(super) fn ancestry<'a>(&'a self, span: &'a Span) -> Vec<&'a Span> {
        let parent = |span: &&'a Span| {
            self.0
                .iter()
                .find(|other| other.span_id == span.parent_span_id && other.trace_id == span.trace_id)
        };
        std::iter::successors(Some(span), parent).collect()
    }
}

/// An attribute that is a text.
pub(super) fn text<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a str> {
    let attribute = attributes.iter().find(|attribute| attribute.key == key)?;
    match attribute.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}
