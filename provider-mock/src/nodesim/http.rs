//! Serving HTTP/1.1 on one socket.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;

use crate::dataplane::tcp::ResetOnDrop;

/// Connections at one socket.
pub(super) const CONNECTION_LIMIT: usize = 1024;
/// How long a client may take to send a request's head, also between two requests.
const HEAD_TIMEOUT: Duration = Duration::from_mins(1);

/// An answer whose body may be that of the request.
pub(super) type Answer = Response<BoxBody<Bytes, hyper::Error>>;

/// A JSON answer.
pub(super) fn json(status: StatusCode, body: String) -> Answer {
    let body = Full::new(Bytes::from(body)).map_err(|never: Infallible| match never {}).boxed();
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    // As kube-proxy does.
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, header::HeaderValue::from_static("nosniff"));
    answer
}

/// Answers the requests of one connection until either side closes it.
pub(super) async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    answer: impl Fn(Request<Incoming>) -> Answer,
) {
    let service = service_fn(|request| {
        let answered = answer(request);
        async move { Ok::<_, Infallible>(answered) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).half_close(true);
    // A machine that is switched off must not end an answer as if it were complete.
    let stream = ResetOnDrop::new(stream).into_inner();
    match server.serve_connection(TokioIo::new(stream), service).without_shutdown().await {
        Ok(done) => {
            let mut stream = ResetOnDrop::new(done.io.into_inner());
            if let Err(error) = stream.close_in_order().await {
                tracing::debug!(%peer, %error, "closing failed");
            }
        }
        Err(error) => tracing::debug!(%peer, %error, "connection ended"),
    }
}
