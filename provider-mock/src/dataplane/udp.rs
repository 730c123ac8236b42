//! Forwarding UDP datagrams, with a session for each client.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::balancer::Lease;
use super::frontend::Frontend;
use super::tcp::{Activity, ERROR_PAUSE, Forwarder};

/// The longest datagram there is.
const LONGEST_DATAGRAM: usize = 65_535;
/// Bounds of the time between looks for idle sessions, which is else a quarter of the idle timeout.
const SWEEP: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(5));

/// Forwards until stopped; then the socket is closed and all sessions have ended.
pub(crate) async fn serve(socket: UdpSocket, forwarder: Forwarder, stop: CancellationToken) {
    let mut sessions = Sessions { socket: Arc::new(socket), forwarder, by_client: HashMap::new() };
    let mut buffer = vec![0; LONGEST_DATAGRAM];
    let mut next_sweep = Instant::now();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = sleep_until(next_sweep) => {
                let idle_timeout = sessions.forwarder.balancer.frontend().idle_timeout;
                sessions.end_idle(idle_timeout);
                next_sweep = Instant::now() + (idle_timeout / 4).clamp(SWEEP.0, SWEEP.1);
            }
            received = sessions.socket.recv_from(&mut buffer) => match received {
                Ok((length, client)) => {
                    sessions.forward(client, buffer.get(..length).unwrap_or_default()).await;
                }
                Err(error) => {
                    tracing::debug!(%error, "receiving failed");
                    sleep(ERROR_PAUSE).await;
                }
            },
        }
    }
    for (_, session) in sessions.by_client.drain() {
        session.replies.abort();
        // The reply task holds the socket, which must be closed when this returns.
        let _ = session.replies.await;
    }
}

struct Sessions {
    socket: Arc<UdpSocket>,
    forwarder: Forwarder,
    by_client: HashMap<SocketAddr, Session>,
}

impl Sessions {
    async fn forward(&mut self, client: SocketAddr, datagram: &[u8]) {
        let frontend = self.forwarder.balancer.frontend();
        if !frontend.admits(client.ip().to_canonical()) {
            self.forwarder.balancer.count_refused();
            return;
        }
        if let Some(session) = self.by_client.get(&client) {
            if self.keeps(session, &frontend) && session.send(datagram) {
                return;
            }
            self.by_client.remove(&client);
        }
        match self.open(client, &frontend).await {
            Some(session) => {
                session.send(datagram);
                self.by_client.insert(client, session);
            }
            None => self.forwarder.balancer.count_refused(),
        }
    }

    fn keeps(&self, session: &Session, frontend: &Frontend) -> bool {
        session.flow.deadline(frontend.idle_timeout) > Instant::now()
            && self.forwarder.balancer.keeps(session.flow.lease.target())
    }

    async fn open(&self, client: SocketAddr, frontend: &Frontend) -> Option<Session> {
        if self.by_client.len() >= frontend.flow_limit {
            return None;
        }
        let address = client.ip().to_canonical();
        let mut tried = Vec::new();
        while let Some(target) = self.forwarder.balancer.pick(address, &tried) {
            let source = Some(frontend.source_address.of(address));
            match self.forwarder.net.connect_udp(target.address, source).await {
                Ok(upstream) => {
                    return Some(Session::start(upstream, self.socket.clone(), client, Lease::new(target)));
                }
                Err(error) => tracing::debug!(backend = target.id, %error, "trying the next backend"),
            }
            tried.push(target);
        }
        None
    }

    fn end_idle(&mut self, idle_timeout: Duration) {
        let now = Instant::now();
        self.by_client.retain(|_, session| {
            session.flow.deadline(idle_timeout) > now && !session.flow.lease.target().closed.is_cancelled()
        });
    }
}

struct Session {
    flow: Arc<Flow>,
    replies: AbortOnDropHandle<()>,
}

/// What both directions of a session share.
struct Flow {
    upstream: UdpSocket,
    lease: Lease,
    activity: Activity,
    /// The backend's port turned out to be closed; the next datagram looks for another.
    broken: AtomicBool,
}

impl Flow {
    fn deadline(&self, idle_timeout: Duration) -> Instant {
        self.activity.deadline(idle_timeout)
    }
}

impl Session {
    fn start(upstream: UdpSocket, socket: Arc<UdpSocket>, client: SocketAddr, lease: Lease) -> Self {
        let flow =
            Arc::new(Flow { upstream, lease, activity: Activity::new(), broken: AtomicBool::new(false) });
        let replies = AbortOnDropHandle::new(tokio::spawn(reply(flow.clone(), socket, client)));
        Self { flow, replies }
    }

    /// False if the session's backend is gone; a full send buffer loses the datagram, as UDP may.
    fn send(&self, datagram: &[u8]) -> bool {
        if self.flow.broken.load(Ordering::Relaxed) {
            return false;
        }
        self.flow.activity.touch();
        match self.flow.upstream.try_send(datagram) {
            Ok(sent) => {
                count(&self.flow.lease.target().bytes_in, sent);
                true
            }
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        }
    }
}

/// Sends the backend's datagrams to the client, from the address that the client sent to.
async fn reply(flow: Arc<Flow>, socket: Arc<UdpSocket>, client: SocketAddr) {
    let target = flow.lease.target();
    // Memory is touched only as far as datagrams are long.
    let mut buffer = Vec::with_capacity(LONGEST_DATAGRAM);
    loop {
        buffer.clear();
        tokio::select! {
            biased;
            () = target.closed.cancelled() => return,
            received = flow.upstream.recv_buf(&mut buffer) => {
                if received.is_err() {
                    flow.broken.store(true, Ordering::Relaxed);
                    return;
                }
            }
        }
        flow.activity.touch();
        if socket.send_to(&buffer, client).await.is_ok() {
            count(&target.bytes_out, buffer.len());
        }
    }
}

fn count(counter: &std::sync::atomic::AtomicU64, bytes: usize) {
    counter.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
}
