//! The embedded API on a TCP port, for kubectl and other processes.

use super::ApiServer;
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// How long open requests have to end after a stop.
const GRACE: Duration = Duration::from_secs(2);

/// The embedded API bound to an address, not yet answering: call [`run`](Self::run).
#[derive(Debug)]
pub struct BoundApi {
    server: ApiServer,
    listener: TcpListener,
    address: SocketAddr,
}

impl BoundApi {
    pub(super) async fn bind(server: ApiServer, address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { server, listener, address })
    }

    /// The address that clients connect to, with the port that the system chose where 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of the API, such as `http://127.0.0.1:34567`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers requests until `stop` is cancelled: then watches end, and other open requests have two
    /// seconds to end.
    ///
    /// # Cancel safety
    /// Dropping the future closes every connection at once.
    pub async fn run(self, stop: CancellationToken) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(connection(self.server.clone(), stream, stop.clone()));
                    }
                    Err(error) => {
                        // Too many open files, most likely: give connections time to close.
                        tracing::warn!(%error, "the embedded API could not accept a connection");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
            }
        }
        self.server.faults().drop_watches();
        let all_ended = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, all_ended).await.is_err() {
            tracing::debug!("connections to the embedded API did not end in time");
        }
    }
}

async fn connection(server: ApiServer, stream: TcpStream, stop: CancellationToken) {
    // Answers are small: without this a watch event may wait for the acknowledgement of the last one.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let service = TowerToHyperService::new(server.map_request(|request: Request<Incoming>| request));
    let builder = Builder::new(TokioExecutor::new());
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error, "a connection to the embedded API ended early");
    }
}
