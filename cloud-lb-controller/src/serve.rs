//! Health and metrics over HTTPS, as Kubernetes components serve them, and over plain HTTP where asked for.

mod auth;
mod connection;
mod health;
mod routes;
mod tls;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, Id, JoinSet};
use tokio_rustls::TlsAcceptor;

use self::connection::Activity;

pub(crate) use self::auth::Reviewer;
pub(crate) use self::health::Probe;
pub(crate) use self::routes::{Access, Site};
pub(crate) use self::tls::{Identity, acceptor};

use crate::failure::Failure;

/// Connections at the same time; for one more, the one that does least is closed.
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
        let mut connections = Connections::default();
        loop {
            tokio::select! {
                biased;
                () = connections.ended() => {}
                accepted = self.socket.accept() => match accepted {
                    Ok((stream, _)) => connections.add(stream, &self),
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

/// The connections that there are.
#[derive(Default)]
struct Connections {
    tasks: JoinSet<()>,
    open: HashMap<Id, Open>,
}

struct Open {
    activity: Arc<Activity>,
    handle: AbortHandle,
}

impl Connections {
    /// Serves a connection. Nobody who keeps connections can keep others out: these are closed for it.
    fn add(&mut self, stream: TcpStream, listener: &Listener) {
        if self.open.len() >= MAX_CONNECTIONS {
            self.make_room();
        }
        let activity = Activity::begin();
        let (tls, site) = (listener.tls.clone(), Arc::clone(&listener.site));
        let handle = self.tasks.spawn(connection::serve(stream, tls, site, Arc::clone(&activity)));
        self.open.insert(handle.id(), Open { activity, handle });
    }

    fn make_room(&mut self) {
        let least = self.open.iter().max_by_key(|(_, open)| open.activity.dispensable());
        let Some(least) = least.map(|(id, _)| *id) else { return };
        if let Some(closed) = self.open.remove(&least) {
            tracing::debug!("a connection is closed for another one");
            closed.handle.abort();
        }
    }

    /// Waits until a connection has ended; for ever if there is none.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    async fn ended(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => self.open.remove(&id),
            Some(Err(error)) => self.open.remove(&error.id()),
            None => std::future::pending().await,
        };
    }
}

#[cfg(test)]
mod tests;
