//! Health and metrics over HTTPS, as Kubernetes components serve them, and over plain HTTP where asked for.

mod auth;
mod health;
mod routes;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

pub(crate) use self::auth::Reviewer;
pub(crate) use self::health::Probe;
pub(crate) use self::routes::{Access, Site};
pub(crate) use self::tls::{Identity, acceptor};

use crate::failure::Failure;

/// Time that a client has for the handshake, and for the head of a request.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections at the same time; more must wait.
const MAX_CONNECTIONS: usize = 64;

/// Something to listen on.
pub(crate) struct Listener {
    socket: TcpListener,
    tls: Option<TlsAcceptor>,
    site: Arc<Site>,
}

impl Listener {
    /// Binds an address; what is served, and to whom, the site tells.
    ///
    /// # Errors
    /// Names the flag to change if the address cannot be bound.
    pub(crate) async fn bind(
        address: SocketAddr,
        flag: &str,
        tls: Option<TlsAcceptor>,
        site: Site,
    ) -> Result<Self, Failure> {
        let socket = TcpListener::bind(address)
            .await
            .map_err(|error| Failure::because(format!("cannot listen on {address} (see {flag})"), &error))?;
        Ok(Self { socket, tls, site: Arc::new(site) })
    }

    /// Where it listens, with the port that the system chose where 0 was asked for.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.socket.local_addr().ok()
    }

    /// How clients speak to it.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Serves for ever.
    ///
    /// # Cancel safety
    /// Dropping the future closes every connection.
    pub(crate) async fn serve(self) -> cloud_lb_core::Result<()> {
        let mut connections = JoinSet::new();
        loop {
            let may_accept = connections.len() < MAX_CONNECTIONS;
            tokio::select! {
                biased;
                Some(_) = connections.join_next() => {}
                accepted = self.socket.accept(), if may_accept => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(connection(stream, self.tls.clone(), Arc::clone(&self.site)));
                    }
                    Err(error) => {
                        // Too many open files, most likely: give connections time to close.
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
            }
        }
    }
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, site: Arc<Site>) {
    let Some(tls) = tls else { return converse(stream, site).await };
    match tokio::time::timeout(PATIENCE, tls.accept(stream)).await {
        Ok(Ok(stream)) => converse(stream, site).await,
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, site: Arc<Site>) {
    let service = service_fn(|request| {
        let site = Arc::clone(&site);
        async move { site.answer(&request).await }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(error, "a connection ended early");
    }
}

#[cfg(test)]
mod tests;
