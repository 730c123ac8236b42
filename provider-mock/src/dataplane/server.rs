//! A listening socket and the task that serves it.

use std::io;
use std::net::SocketAddr;

use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::tcp::{self, Forwarder};
use super::udp;
use crate::net::{Binding, Net, Transport};

/// Serves until stopped or dropped.
#[derive(Debug)]
pub(crate) struct Server {
    binding: Binding,
    stop: CancellationToken,
    task: AbortOnDropHandle<()>,
}

impl Server {
    /// Binds the address and forwards what arrives there.
    pub(crate) fn forward(
        forwarder: Forwarder,
        transport: Transport,
        address: SocketAddr,
    ) -> io::Result<Self> {
        let net = forwarder.net.clone();
        match transport {
            Transport::Tcp => {
                Self::tcp(&net, address, |listener, stop| tcp::serve(listener, forwarder, stop))
            }
            Transport::Udp => Self::udp(&net, address, |socket, stop| udp::serve(socket, forwarder, stop)),
        }
    }

    /// Binds a TCP address and serves it.
    pub(crate) fn tcp<F: Future<Output = ()> + Send + 'static>(
        net: &Net,
        address: SocketAddr,
        serve: impl FnOnce(tokio::net::TcpListener, CancellationToken) -> F,
    ) -> io::Result<Self> {
        let (listener, bound) = net.bind_tcp(address)?;
        let stop = CancellationToken::new();
        Ok(Self::start(bound, serve(listener, stop.clone()), stop))
    }

    /// Binds a UDP address and serves it.
    pub(crate) fn udp<F: Future<Output = ()> + Send + 'static>(
        net: &Net,
        address: SocketAddr,
        serve: impl FnOnce(tokio::net::UdpSocket, CancellationToken) -> F,
    ) -> io::Result<Self> {
        let (socket, bound) = net.bind_udp(address)?;
        let stop = CancellationToken::new();
        Ok(Self::start(bound, serve(socket, stop.clone()), stop))
    }

    fn start(
        bound: crate::net::Bound,
        serve: impl Future<Output = ()> + Send + 'static,
        stop: CancellationToken,
    ) -> Self {
        let binding = bound.binding().clone();
        let task = AbortOnDropHandle::new(tokio::spawn(async move {
            serve.await;
            // The address is free again only once its socket is closed.
            drop(bound);
        }));
        Self { binding, stop, task }
    }

    pub(crate) fn binding(&self) -> &Binding {
        &self.binding
    }

    /// Closes the socket and resets all flows; the address can be bound again when this returns.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        // The task panicked or was aborted: either way it is gone, and that is what was asked for.
        let _ = self.task.await;
    }
}
