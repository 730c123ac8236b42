//! Forwarding TCP connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::balancer::{Balancer, Lease};
use super::frontend::{ClientHeader, Frontend};
use super::proxy_protocol;
use crate::net::Net;

/// Read at once, per direction; what the sender has beyond it stays in the kernel until the receiver took it.
const BUFFER: usize = 16 * 1024;
/// A backend that does not answer for this long is passed over for the next one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// After a failed `accept`, mostly for want of file descriptors.
pub(crate) const ERROR_PAUSE: Duration = Duration::from_millis(50);

/// Where accepted connections and received datagrams go.
#[derive(Clone, Debug)]
pub(crate) struct Forwarder {
    pub(crate) net: Net,
    pub(crate) balancer: Arc<Balancer>,
}

/// Forwards until stopped; then the listener is closed and all connections are reset before this returns.
pub(crate) async fn serve(listener: TcpListener, forwarder: Forwarder, stop: CancellationToken) {
    let balancer = forwarder.balancer.clone();
    let limit = move || balancer.frontend().flow_limit;
    accept_each(listener, stop, limit, |client, peer| forward(forwarder.clone(), client, peer)).await;
}

/// Accepts until stopped, never more than `limit` at a time; then ends listener and connections before returning.
pub(crate) async fn accept_each<F: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    stop: CancellationToken,
    limit: impl Fn() -> usize,
    handle: impl Fn(TcpStream, SocketAddr) -> F,
) {
    let mut connections = JoinSet::new();
    loop {
        let room = connections.len() < limit();
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if room => match accepted {
                Ok((client, peer)) => {
                    connections.spawn(handle(client, peer));
                }
                Err(error) => {
                    tracing::warn!(%error, "accept failed");
                    sleep(ERROR_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    connections.shutdown().await;
}

async fn forward(forwarder: Forwarder, client: TcpStream, peer: SocketAddr) {
    let frontend = forwarder.balancer.frontend();
    // However this ends other than with both directions closed in order, the client sees a reset.
    let client = ResetOnDrop::new(client);
    let connected = if frontend.admits(peer.ip().to_canonical()) {
        connect(&forwarder, &frontend, peer).await
    } else {
        None
    };
    let Some((backend, lease)) = connected else {
        forwarder.balancer.count_refused();
        return;
    };
    let ended = introduce_and_relay((client, peer), ResetOnDrop::new(backend), &lease, &frontend).await;
    if let Err(error) = ended {
        tracing::debug!(%peer, backend = lease.target().id, %error, "connection reset");
    }
}

/// Tries each usable backend once.
async fn connect(forwarder: &Forwarder, frontend: &Frontend, peer: SocketAddr) -> Option<(TcpStream, Lease)> {
    let client = peer.ip().to_canonical();
    let source = Some(frontend.source_address.of(client));
    let mut tried = Vec::new();
    while let Some(target) = forwarder.balancer.pick(client, &tried) {
        match timeout(CONNECT_TIMEOUT, forwarder.net.connect_tcp(target.address, source)).await {
            Ok(Ok(stream)) => return Some((stream, Lease::new(target))),
            Ok(Err(error)) => tracing::debug!(backend = target.id, %error, "trying the next backend"),
            Err(_) => tracing::debug!(backend = target.id, "no answer, trying the next backend"),
        }
        tried.push(target);
    }
    None
}

async fn introduce_and_relay(
    (client, peer): (ResetOnDrop, SocketAddr),
    mut backend: ResetOnDrop,
    lease: &Lease,
    frontend: &Frontend,
) -> io::Result<()> {
    if frontend.client_header == ClientHeader::ProxyV2 {
        let header = proxy_protocol::header(peer, frontend.socket_address())?;
        timeout(CONNECT_TIMEOUT, backend.0.write_all(&header)).await??;
    }
    relay(client, backend, lease, frontend.idle_timeout).await
}

/// Copies both ways until both are closed; an error, silence or the end of the target resets both sides.
async fn relay(
    mut client: ResetOnDrop,
    mut backend: ResetOnDrop,
    lease: &Lease,
    idle_timeout: Duration,
) -> io::Result<()> {
    let target = lease.target();
    let activity = Activity::new();
    let copied = {
        let (from_client, to_client) = client.0.split();
        let (from_backend, to_backend) = backend.0.split();
        let both = async {
            tokio::try_join!(
                copy(from_client, to_backend, &target.bytes_in, &activity),
                copy(from_backend, to_client, &target.bytes_out, &activity),
            )
        };
        tokio::select! {
            biased;
            () = target.closed.cancelled() => Err(io::Error::other("the backend was closed")),
            () = activity.idle_for(idle_timeout) => Err(io::ErrorKind::TimedOut.into()),
            copied = both => copied.map(|_| ()),
        }
    };
    copied?;
    client.close_in_order().await?;
    backend.close_in_order().await
}

/// One direction: the end of the one side is passed on as the end of the other.
async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    bytes: &AtomicU64,
    activity: &Activity,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = from.read(&mut buffer).await?;
        activity.touch();
        let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else {
            return to.shutdown().await;
        };
        to.write_all(read).await?;
        activity.touch();
        bytes.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// When a flow last moved.
#[derive(Debug)]
pub(crate) struct Activity {
    start: Instant,
    last: AtomicU64,
}

impl Activity {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), last: AtomicU64::new(0) }
    }

    pub(crate) fn touch(&self) {
        let elapsed = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.fetch_max(elapsed, Ordering::Relaxed);
    }

    /// When the flow will have been silent for `limit`, if it stays so.
    pub(crate) fn deadline(&self, limit: Duration) -> Instant {
        self.start + Duration::from_millis(self.last.load(Ordering::Relaxed)) + limit
    }

    async fn idle_for(&self, limit: Duration) {
        loop {
            let deadline = self.deadline(limit);
            if deadline <= Instant::now() {
                return;
            }
            sleep_until(deadline).await;
        }
    }
}

/// A connection whose peer sees a reset unless it is closed in order, even if its task is aborted.
///
/// A cut connection that ends with a FIN would look to the peer like a complete answer.
pub(crate) struct ResetOnDrop(TcpStream);

impl ResetOnDrop {
    pub(crate) fn new(stream: TcpStream) -> Self {
        // Neither option can fail on an open socket; without them the connection still works.
        let _ = stream.set_nodelay(true);
        let _ = stream.set_zero_linger();
        Self(stream)
    }

    /// The stream as it is, still to be reset when dropped.
    pub(crate) fn into_inner(self) -> TcpStream {
        self.0
    }

    /// Lets the kernel deliver what is still in its buffers, and then the end.
    pub(crate) async fn close_in_order(&mut self) -> io::Result<()> {
        SockRef::from(&self.0).set_linger(None)?;
        self.0.shutdown().await
    }
}
