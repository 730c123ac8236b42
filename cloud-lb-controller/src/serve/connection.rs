//! One connection: what is spoken on it, and how long it may last.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;

use super::Site;

/// Time that a client has from the beginning to the head of its first request, handshake and all; with HTTP/1 for
/// the head of each further request, with HTTP/2 for the answer to a ping.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// Time that a client may keep a connection, once it has asked something, without a request that is being
/// answered. Scrapers ask more often.
pub(super) const MAX_IDLE: Duration = Duration::from_mins(2);
/// Time after which every connection ends: who still has questions connects anew.
pub(super) const MAX_AGE: Duration = Duration::from_mins(10);

/// What goes on on a connection.
#[derive(Debug)]
pub(super) struct Activity {
    begun: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Requests that are being answered.
    answering: usize,
    /// Whether there ever was a request.
    asked: bool,
    /// Since when `answering` is zero or not.
    since: Instant,
}

impl Activity {
    pub(super) fn begin() -> Arc<Self> {
        let begun = Instant::now();
        let state = Mutex::new(State { answering: 0, asked: false, since: begun });
        Arc::new(Self { begun, state })
    }

    /// Who is closed first where there is no room: idle before busy, then who has been so for longest.
    pub(super) fn dispensable(&self) -> (bool, Duration) {
        let state = self.state.lock();
        (state.answering == 0, state.since.elapsed())
    }

    /// When the connection ends if nothing happens on it until then.
    fn due(&self) -> Instant {
        let state = self.state.lock();
        let due = match *state {
            State { answering: 0, asked: true, since } => since + MAX_IDLE,
            State { answering: 0, asked: false, since } => since + PATIENCE,
            // It may be idle when we look.
            State { .. } => Instant::now() + PATIENCE,
        };
        due.min(self.begun + MAX_AGE)
    }

    fn asked(&self) -> bool {
        self.state.lock().asked
    }
}

/// A request that is being answered until this is dropped.
struct Answering(Arc<Activity>);

impl Answering {
    fn begin(activity: &Arc<Activity>) -> Self {
        let mut state = activity.state.lock();
        if state.answering == 0 {
            state.since = Instant::now();
        }
        state.answering += 1;
        state.asked = true;
        drop(state);
        Self(Arc::clone(activity))
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.answering -= 1;
        if state.answering == 0 {
            state.since = Instant::now();
        }
    }
}

/// Serves a connection until it ends, or has lasted for too long.
///
/// # Cancel safety
/// Dropping the future closes the connection.
pub(super) async fn serve(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    site: Arc<Site>,
    activity: Arc<Activity>,
) {
    let builder = Builder::new(TokioExecutor::new());
    let Some(tls) = tls else { return converse(builder.http1_only(), stream, site, activity).await };
    match timeout(PATIENCE, tls.accept(stream)).await {
        Ok(Ok(stream)) => {
            // Without this the builder waits, for ever, for bytes that tell the version.
            let builder = match stream.get_ref().1.alpn_protocol() {
                Some(b"h2") => builder.http2_only(),
                _ => builder.http1_only(),
            };
            converse(builder, stream, site, activity).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

async fn converse(
    mut builder: Builder<TokioExecutor>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    site: Arc<Site>,
    activity: Arc<Activity>,
) {
    builder.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    let mut http2 = builder.http2();
    http2.timer(TokioTimer::new()).keep_alive_interval(PATIENCE).keep_alive_timeout(PATIENCE);
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let (site, answering) = (Arc::clone(&site), Answering::begin(&activity));
        async move {
            let _answering = answering;
            site.answer(&request).await
        }
    });
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => Some(ended),
        () = expired(&activity) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None if activity.asked() => {
            connection.as_mut().graceful_shutdown();
            timeout(PATIENCE, connection).await.unwrap_or(Ok(()))
        }
        None => Ok(()),
    };
    if let Err(error) = ended {
        tracing::debug!(error, "a connection ended early");
    }
}

/// Completes when the connection has been idle, or has lasted, for as long as it may.
async fn expired(activity: &Activity) {
    loop {
        let due = activity.due();
        if due <= Instant::now() {
            return;
        }
        sleep_until(due).await;
    }
}
