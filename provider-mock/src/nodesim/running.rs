//! A socket of a machine while it is served.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;

use super::cluster::PodIdentity;
use super::health::{NodeHealth, ServiceHealth};
use super::http::{CONNECTION_LIMIT, serve_connection};
use super::wanted::{Purpose, Wanted};
use super::{now, pod};
use crate::dataplane::Tally;
use crate::dataplane::balancer::{Balancer, Target};
use crate::dataplane::server::Server;
use crate::dataplane::tcp::{Forwarder, accept_each};
use crate::dataplane::{Frontend, HealthState};
use crate::net::{Net, Transport};

/// A served socket; ends when dropped.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) node: String,
    pub(super) server: Server,
    purpose: Live,
}

/// What can change while a socket is served.
#[derive(Debug)]
enum Live {
    NodePort(Arc<Balancer>),
    ServiceHealth(Arc<Mutex<ServiceHealth>>),
    NodeHealth(Arc<Mutex<NodeHealth>>),
    Pod(PodIdentity),
}

impl Running {
    pub(super) fn start(
        net: &Net,
        address: SocketAddr,
        transport: Transport,
        wanted: Wanted,
    ) -> io::Result<Self> {
        let (server, purpose) = match wanted.purpose {
            Purpose::NodePort(frontend) => {
                let balancer = Arc::new(Balancer::new(frontend.clone()));
                configure(&balancer, frontend);
                let forwarder = Forwarder { net: net.clone(), balancer: balancer.clone() };
                (Server::forward(forwarder, transport, address)?, Live::NodePort(balancer))
            }
            Purpose::ServiceHealth(health) => {
                let shared = Arc::new(Mutex::new(health));
                (serve_service_health(net, address, shared.clone())?, Live::ServiceHealth(shared))
            }
            Purpose::NodeHealth(health) => {
                let shared = Arc::new(Mutex::new(health));
                (serve_node_health(net, address, shared.clone())?, Live::NodeHealth(shared))
            }
            Purpose::Pod(identity) => {
                (serve_pod(net, address, transport, identity.clone())?, Live::Pod(identity))
            }
        };
        Ok(Self { node: wanted.node, server, purpose })
    }

    /// Takes a change in without touching connections; false if the socket serves something else.
    pub(super) fn change(&self, wanted: &Wanted) -> bool {
        if self.node != wanted.node {
            return false;
        }
        match (&self.purpose, &wanted.purpose) {
            (Live::NodePort(balancer), Purpose::NodePort(frontend)) => {
                if *balancer.frontend() != *frontend {
                    configure(balancer, frontend.clone());
                }
                true
            }
            (Live::ServiceHealth(shared), Purpose::ServiceHealth(health)) => {
                shared.lock().clone_from(health);
                true
            }
            (Live::NodeHealth(shared), Purpose::NodeHealth(health)) => {
                *shared.lock() = *health;
                true
            }
            (Live::Pod(now), Purpose::Pod(wanted)) => now == wanted,
            _ => false,
        }
    }
}

/// kube-proxy asks nobody: endpoints are healthy because their slices say so.
fn configure(balancer: &Balancer, frontend: Frontend) {
    let transport = frontend.transport;
    let removed =
        balancer.configure(frontend, |endpoint| Target::new(endpoint, Tally::new(HealthState::Healthy)));
    if transport == Transport::Udp {
        // kube-proxy deletes the conntrack entries of UDP endpoints that are gone; TCP connections go on.
        for target in removed {
            target.closed.cancel();
        }
    }
}

fn serve_service_health(
    net: &Net,
    address: SocketAddr,
    shared: Arc<Mutex<ServiceHealth>>,
) -> io::Result<Server> {
    Server::tcp(net, address, move |listener, stop| {
        accept_each(
            listener,
            stop,
            || CONNECTION_LIMIT,
            move |stream, peer| {
                let shared = shared.clone();
                async move { serve_connection(stream, peer, |_| shared.lock().answer()).await }
            },
        )
    })
}

fn serve_node_health(net: &Net, address: SocketAddr, shared: Arc<Mutex<NodeHealth>>) -> io::Result<Server> {
    Server::tcp(net, address, move |listener, stop| {
        accept_each(
            listener,
            stop,
            || CONNECTION_LIMIT,
            move |stream, peer| {
                let shared = shared.clone();
                let page = move |request| shared.lock().answer(&request, now());
                serve_connection(stream, peer, page)
            },
        )
    })
}

fn serve_pod(
    net: &Net,
    address: SocketAddr,
    transport: Transport,
    identity: PodIdentity,
) -> io::Result<Server> {
    match transport {
        Transport::Tcp => {
            Server::tcp(net, address, |listener, stop| pod::serve_http(listener, identity, stop))
        }
        Transport::Udp => {
            Server::udp(net, address, |socket, stop| pod::serve_datagrams(socket, identity, stop))
        }
    }
}
