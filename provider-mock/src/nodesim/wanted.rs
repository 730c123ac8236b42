//! Which sockets the machines of a cluster serve, and how; pure.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use super::cluster::{Cluster, PodIdentity, SimNode};
use super::health::{NodeHealth, ServiceHealth};
use super::proxy::Routed;
use crate::dataplane::Frontend;
use crate::net::{IpFamily, Transport};

/// Where every kube-proxy answers for its node, unless told otherwise (`--healthz-bind-address`).
pub const NODE_HEALTH_PORT: u16 = 10_256;

/// What one socket is for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Purpose {
    NodePort(Frontend),
    ServiceHealth(ServiceHealth),
    NodeHealth(NodeHealth),
    Pod(PodIdentity),
}

/// A socket's purpose and the machine that it lives and dies with.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wanted {
    pub(super) node: String,
    pub(super) purpose: Purpose,
}

/// All sockets by address, and the sockets that two things claim.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    pub(super) by_address: BTreeMap<(SocketAddr, Transport), Wanted>,
    pub(super) conflicts: Vec<(SocketAddr, Transport)>,
}

impl Sockets {
    /// What the living machines serve.
    pub(super) fn of(cluster: &Cluster, dead: &BTreeSet<String>) -> Self {
        let mut sockets = Self::default();
        let routed: Vec<Routed<'_>> =
            cluster.services.iter().filter_map(|service| Routed::new(service, &cluster.slices)).collect();
        for node in cluster.nodes.iter().filter(|node| !dead.contains(&node.name)) {
            for address in &node.addresses {
                sockets.add_node(node, *address, &routed);
            }
        }
        for pod in cluster.pods.iter().filter(|pod| !dead.contains(&pod.identity.node)) {
            for address in &pod.addresses {
                let tcp = pod.tcp_ports.iter().map(|port| (*port, Transport::Tcp));
                let udp = pod.udp_ports.iter().map(|port| (*port, Transport::Udp));
                for (port, transport) in tcp.chain(udp) {
                    let purpose = Purpose::Pod(pod.identity.clone());
                    sockets.add(SocketAddr::new(*address, port), transport, (&pod.identity.node, purpose));
                }
            }
        }
        sockets
    }

    fn add_node(&mut self, node: &SimNode, address: IpAddr, routed: &[Routed<'_>]) {
        let health = Purpose::NodeHealth(NodeHealth { eligible: node.eligible });
        self.add(SocketAddr::new(address, NODE_HEALTH_PORT), Transport::Tcp, (&node.name, health));
        let family = IpFamily::of(address);
        for service in routed.iter().filter(|service| service.serves(family)) {
            for frontend in service.node_ports(&node.name, address) {
                let (socket, transport) = (frontend.socket_address(), frontend.transport);
                self.add(socket, transport, (&node.name, Purpose::NodePort(frontend)));
            }
            if let Some(port) = service.health_check_port() {
                let health = Purpose::ServiceHealth(ServiceHealth {
                    namespace: service.namespace().to_owned(),
                    name: service.name().to_owned(),
                    local_endpoints: service.ready_on(&node.name, family),
                });
                self.add(SocketAddr::new(address, port), Transport::Tcp, (&node.name, health));
            }
        }
    }

    /// The first to claim a socket has it.
    fn add(&mut self, address: SocketAddr, transport: Transport, (node, purpose): (&str, Purpose)) {
        match self.by_address.entry((address, transport)) {
            Entry::Vacant(free) => {
                free.insert(Wanted { node: node.to_owned(), purpose });
            }
            Entry::Occupied(_) => self.conflicts.push((address, transport)),
        }
    }
}
