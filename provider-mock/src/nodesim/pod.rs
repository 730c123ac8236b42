//! What runs in a pod: HTTP that says who answered, and a UDP echo.

use std::net::SocketAddr;
use std::time::Duration;

use http::{Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::cluster::PodIdentity;
use super::http::{Answer, CONNECTION_LIMIT, json, serve_connection};
use crate::dataplane::proxy_protocol::{self, Proxied};
use crate::dataplane::tcp::{ERROR_PAUSE, accept_each};

/// The longest datagram there is.
const LONGEST_DATAGRAM: usize = 65_535;
/// How long a client may take to begin, where it may begin with a PROXY header.
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_mins(1);

/// Serves HTTP/1.1, with or without a PROXY header in front, until stopped.
pub(super) async fn serve_http(listener: TcpListener, pod: PodIdentity, stop: CancellationToken) {
    accept_each(listener, stop, || CONNECTION_LIMIT, |stream, peer| connection(stream, peer, pod.clone()))
        .await;
}

async fn connection(mut stream: TcpStream, peer: SocketAddr, pod: PodIdentity) {
    match timeout(FIRST_BYTE_TIMEOUT, proxy_protocol::accept(&mut stream)).await {
        Ok(Ok(proxied)) => {
            serve_connection(stream, peer, |request| answer(&pod, peer, proxied, request)).await;
        }
        Ok(Err(error)) => tracing::debug!(%peer, %error, "refused a PROXY header"),
        Err(_) => tracing::debug!(%peer, "nothing came"),
    }
}

/// Bodies are echoed as they come; other requests are told who answers and whom it sees.
fn answer(
    pod: &PodIdentity,
    client: SocketAddr,
    proxied: Option<Proxied>,
    request: Request<Incoming>,
) -> Answer {
    if matches!(*request.method(), Method::POST | Method::PUT) {
        let content_type = request.headers().get(header::CONTENT_TYPE).cloned();
        let mut echo = Response::new(request.into_body().boxed());
        if let Some(content_type) = content_type {
            echo.headers_mut().insert(header::CONTENT_TYPE, content_type);
        }
        return echo;
    }
    let proxied = proxied.map(|by| json!({"client": by.client, "destination": by.destination}));
    let body = json!({
        "namespace": pod.namespace,
        "pod": pod.pod,
        "node": pod.node,
        "client": client,
        "proxied": proxied,
        "method": request.method().as_str(),
        "path": request.uri().path(),
    });
    json(StatusCode::OK, format!("{body}\n"))
}

/// Sends each datagram back with the names of pod and node before it, until stopped.
pub(super) async fn serve_datagrams(socket: UdpSocket, pod: PodIdentity, stop: CancellationToken) {
    let name = format!("{} {} ", pod.pod, pod.node);
    let mut buffer = vec![0; LONGEST_DATAGRAM];
    let mut echo = Vec::with_capacity(LONGEST_DATAGRAM);
    loop {
        let received = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            received = socket.recv_from(&mut buffer) => received,
        };
        match received {
            Ok((length, client)) => {
                echo.clear();
                echo.extend_from_slice(name.as_bytes());
                echo.extend_from_slice(buffer.get(..length).unwrap_or_default());
                // A datagram that cannot be sent is lost, as UDP permits.
                let _ = socket.try_send_to(&echo, client);
            }
            Err(error) => {
                tracing::debug!(%error, "receiving failed");
                sleep(ERROR_PAUSE).await;
            }
        }
    }
}
