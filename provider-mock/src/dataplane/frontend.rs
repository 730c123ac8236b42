//! What the data plane is told: the wanted state of its frontends.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;

use crate::net::Transport;

/// Connections or UDP sessions of one frontend, unless it says otherwise.
const DEFAULT_FLOW_LIMIT: usize = 4096;

/// One listening address and port of a load balancer, with what stands behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frontend {
    /// Identifies the frontend over changes; unique in the data plane.
    pub id: String,
    /// The logical address to listen on.
    pub address: IpAddr,
    /// The port to listen on.
    pub port: u16,
    /// What is forwarded.
    pub transport: Transport,
    /// Where it is forwarded to; order and repetition do not matter.
    pub backends: Vec<BackendTarget>,
    /// How backends are found healthy.
    pub health_check: HealthCheck,
    /// Whether a client stays with its backend.
    pub affinity: Affinity,
    /// Clients that are served; empty means all.
    pub source_ranges: Vec<IpNet>,
    /// What backends learn of the client besides the source address.
    pub client_header: ClientHeader,
    /// The address that backends see.
    pub source_address: SourceAddress,
    /// What is done while no backend is healthy.
    pub none_healthy: NoneHealthy,
    /// How long connections to a backend that left may go on; zero cuts them at once.
    pub drain_timeout: Duration,
    /// Flows with no byte in either direction for this long are ended: TCP with a reset, UDP in silence.
    pub idle_timeout: Duration,
    /// TCP connections served at one time (more wait in the kernel's queue), or UDP sessions (more are dropped).
    pub flow_limit: usize,
}

impl Frontend {
    /// A frontend without backends: no affinity, all clients, TCP health checks, 350 s idle timeout, 300 s draining.
    ///
    /// The timeouts are the defaults of AWS network load balancers for TCP; UDP flows end after 120 s there, too.
    pub fn new(id: impl Into<String>, address: IpAddr, port: u16, transport: Transport) -> Self {
        Self {
            id: id.into(),
            address,
            port,
            transport,
            backends: Vec::new(),
            health_check: HealthCheck::default(),
            affinity: Affinity::None,
            source_ranges: Vec::new(),
            client_header: ClientHeader::None,
            source_address: SourceAddress::Client,
            none_healthy: NoneHealthy::Refuse,
            drain_timeout: Duration::from_mins(5),
            idle_timeout: Duration::from_secs(match transport {
                Transport::Tcp => 350,
                Transport::Udp => 120,
            }),
            flow_limit: DEFAULT_FLOW_LIMIT,
        }
    }

    /// The logical socket address to listen on.
    pub fn socket_address(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }

    /// Whether a client at this address is served.
    pub(crate) fn admits(&self, client: IpAddr) -> bool {
        self.source_ranges.is_empty() || self.source_ranges.iter().any(|range| range.contains(&client))
    }
}

/// A backend of a frontend, usually a node's address with a nodePort.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BackendTarget {
    /// Identifies the backend in its frontend, in health and in statistics.
    pub id: String,
    /// The logical address that traffic is sent to.
    pub address: SocketAddr,
}

/// Whether a client stays with its backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Affinity {
    /// Each connection goes to the backend that has fewest.
    None,
    /// A client address stays with its backend while that is healthy and the last flow is not older than `timeout`.
    ClientIp {
        /// Counted from the client's last new flow.
        timeout: Duration,
    },
}

/// What backends learn of the client besides the source address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientHeader {
    /// Nothing.
    None,
    /// A PROXY protocol version 2 header opens each TCP connection; UDP has none.
    ProxyV2,
}

/// The source address of connections to backends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceAddress {
    /// The client's own, where the machine lets us send from it (a loopback address of the backend's family).
    Client,
    /// This one, on the same condition.
    Fixed(IpAddr),
}

impl SourceAddress {
    /// The address to send from for a client.
    pub(crate) fn of(self, client: IpAddr) -> IpAddr {
        match self {
            Self::Client => client,
            Self::Fixed(address) => address,
        }
    }
}

/// What is done with a client while no backend is healthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoneHealthy {
    /// TCP connections are reset, UDP datagrams dropped.
    Refuse,
    /// All backends are tried as if they were healthy ("fail open").
    TryAll,
}

/// How backends are found healthy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// What is asked of the backend.
    pub probe: Probe,
    /// Where it is asked.
    pub port: ProbePort,
    /// From the end of one probe to the start of the next.
    pub interval: Duration,
    /// A probe that takes longer has failed.
    pub timeout: Duration,
    /// Successes in a row that make an unhealthy backend healthy; a new backend needs one.
    pub healthy_threshold: u32,
    /// Failures in a row that make a backend unhealthy.
    pub unhealthy_threshold: u32,
}

impl Default for HealthCheck {
    /// A TCP connection to the traffic port each 10 s, 3 in a row, as AWS network load balancers do.
    fn default() -> Self {
        Self {
            probe: Probe::Tcp,
            port: ProbePort::Traffic,
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(10),
            healthy_threshold: 3,
            unhealthy_threshold: 3,
        }
    }
}

/// What a health check asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// A TCP connection that is accepted.
    Tcp,
    /// An HTTP GET that is answered with a status of 200 to 399.
    Http {
        /// The path, beginning with a slash.
        path: String,
    },
}

/// The port of a health check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbePort {
    /// The port that traffic goes to.
    Traffic,
    /// This one.
    Fixed(u16),
}

impl ProbePort {
    /// The address to probe for a backend at `target`.
    pub(crate) fn of(self, target: SocketAddr) -> SocketAddr {
        match self {
            Self::Traffic => target,
            Self::Fixed(port) => SocketAddr::new(target.ip(), port),
        }
    }
}
