//! The simulated network: logical socket addresses on really bound loopback sockets.
//!
//! A [`Net`] owns a block `127.<b>.0.0/16` of the loopback network that no other instance on the machine uses, so
//! that parallel processes do not meet. What is bound under an address of the block is bound at exactly that
//! address wherever the machine permits it. Where it does not (IPv6 has one loopback address, macOS gives
//! `127.0.0.1` only, ports under 1024 need a privilege), the socket gets a free port instead and the [`Binding`]
//! says why; [`Net::lookup`] translates.

mod address;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpSocket, TcpStream, UdpSocket};

pub use address::IpFamily;
use address::{AddressBlock, Role};

/// Connections that wait for `accept`; more are refused by the kernel.
const LISTEN_BACKLOG: u32 = 1024;

/// A transport protocol that the data plane forwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Transport {
    /// The transmission control protocol.
    Tcp,
    /// The user datagram protocol.
    Udp,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Transport::Tcp => "TCP",
            Transport::Udp => "UDP",
        })
    }
}

/// Where a logical socket address is really bound.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Binding {
    /// The transport of the socket.
    pub transport: Transport,
    /// The address that the simulation speaks of.
    pub logical: SocketAddr,
    /// The address that a client outside of the simulation connects to.
    pub real: SocketAddr,
    /// Why `real` is not `logical`; none where they are the same.
    pub why_mapped: Option<String>,
}

impl Binding {
    /// Whether clients must use another address than the logical one.
    pub fn is_mapped(&self) -> bool {
        self.logical != self.real
    }
}

/// Keeps a [`Binding`] listed; the logical address is free again when this is dropped.
#[derive(Debug)]
pub struct Bound {
    net: Net,
    binding: Binding,
}

impl Bound {
    /// The logical and the real address.
    pub fn binding(&self) -> &Binding {
        &self.binding
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        self.net.0.bindings.lock().remove(&(self.binding.logical, self.binding.transport));
    }
}

/// The simulated network; clones share one network.
#[derive(Clone)]
pub struct Net(Arc<Inner>);

struct Inner {
    addresses: AddressBlock,
    direct: bool,
    bindings: Mutex<BTreeMap<(SocketAddr, Transport), Binding>>,
}

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Net").field("addresses", &self.0.addresses).finish_non_exhaustive()
    }
}

impl Default for Net {
    fn default() -> Self {
        Self::new()
    }
}

impl Net {
    /// Takes a free block of loopback addresses.
    ///
    /// Never fails: where no block can be reserved, every address is mapped to a free port of `127.0.0.1`.
    pub fn new() -> Self {
        Self::with(true)
    }

    /// Behaves as on a machine that has `127.0.0.1` and `::1` only: every address is mapped.
    pub fn mapped_only() -> Self {
        Self::with(false)
    }

    fn with(direct: bool) -> Self {
        Net(Arc::new(Inner { addresses: AddressBlock::reserve(), direct, bindings: Mutex::default() }))
    }

    /// Takes an unused address for a load balancer.
    ///
    /// # Errors
    /// `AddrNotAvailable` when all 16,002 addresses of the role are taken.
    pub fn load_balancer_address(&self, family: IpFamily) -> io::Result<IpAddr> {
        self.0.addresses.allocate(Role::LoadBalancer, family)
    }

    /// Takes an unused address for a node; errors as [`Net::load_balancer_address`].
    pub fn node_address(&self, family: IpFamily) -> io::Result<IpAddr> {
        self.0.addresses.allocate(Role::Node, family)
    }

    /// Takes an unused address for a pod; errors as [`Net::load_balancer_address`].
    pub fn pod_address(&self, family: IpFamily) -> io::Result<IpAddr> {
        self.0.addresses.allocate(Role::Pod, family)
    }

    /// Gives an address back; addresses that were never taken are ignored.
    pub fn release_address(&self, address: IpAddr) {
        self.0.addresses.release(address);
    }

    /// Whether the address belongs to this network's own block.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.addresses.contains(address)
    }

    /// Listens on a logical TCP address; port 0 takes a free port.
    ///
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    /// `AddrInUse` when this network has the address bound already; else what the fall-back address gave.
    pub fn bind_tcp(&self, logical: SocketAddr) -> io::Result<(TcpListener, Bound)> {
        self.bind(Transport::Tcp, logical, listen_tcp)
    }

    /// Binds a logical UDP address; runtime and errors as [`Net::bind_tcp`].
    pub fn bind_udp(&self, logical: SocketAddr) -> io::Result<(UdpSocket, Bound)> {
        self.bind(Transport::Udp, logical, open_udp)
    }

    fn bind<S>(
        &self,
        transport: Transport,
        mut logical: SocketAddr,
        open: impl Fn(SocketAddr) -> io::Result<(S, SocketAddr)>,
    ) -> io::Result<(S, Bound)> {
        let mut bindings = self.0.bindings.lock();
        if bindings.contains_key(&(logical, transport)) {
            let message = format!("{transport} {logical} is bound already");
            return Err(io::Error::new(io::ErrorKind::AddrInUse, message));
        }
        let direct = if self.0.direct { open(logical) } else { Err(io::ErrorKind::AddrNotAvailable.into()) };
        let (socket, real, why_mapped) = match direct {
            Ok((socket, real)) => (socket, real, None),
            Err(error) => {
                let (socket, real) = self.open_fallback(logical, &open)?;
                (socket, real, Some(format!("{transport} {logical} cannot be bound: {error}")))
            }
        };
        if logical.port() == 0 {
            logical.set_port(real.port());
        }
        let binding = Binding { transport, logical, real, why_mapped };
        bindings.insert((logical, transport), binding.clone());
        Ok((socket, Bound { net: self.clone(), binding }))
    }

    /// A free port: of the address itself (only the port was refused), else of the loopback address.
    fn open_fallback<S>(
        &self,
        logical: SocketAddr,
        open: &impl Fn(SocketAddr) -> io::Result<(S, SocketAddr)>,
    ) -> io::Result<(S, SocketAddr)> {
        if self.0.direct
            && let Ok(opened) = open(SocketAddr::new(logical.ip(), 0))
        {
            return Ok(opened);
        }
        if logical.is_ipv6()
            && let Ok(opened) = open((Ipv6Addr::LOCALHOST, 0).into())
        {
            return Ok(opened);
        }
        open((Ipv4Addr::LOCALHOST, 0).into())
    }

    /// The real address behind a logical one, where something is bound to it now.
    pub fn lookup(&self, logical: SocketAddr, transport: Transport) -> Option<SocketAddr> {
        self.0.bindings.lock().get(&(logical, transport)).map(|binding| binding.real)
    }

    /// Everything that is bound now, in the order of address and transport.
    pub fn bindings(&self) -> Vec<Binding> {
        self.0.bindings.lock().values().cloned().collect()
    }

    /// The real address to send to: addresses outside of the own block stand for themselves.
    fn resolve(&self, logical: SocketAddr, transport: Transport) -> io::Result<SocketAddr> {
        match self.lookup(logical, transport) {
            Some(real) => Ok(real),
            None if !self.contains(logical.ip()) => Ok(logical),
            None => {
                let message = format!("nothing is bound to {transport} {logical}");
                Err(io::Error::new(io::ErrorKind::ConnectionRefused, message))
            }
        }
    }

    /// Connects to a logical TCP address, from `source` where that address can be used, else from any.
    ///
    /// # Errors
    /// `ConnectionRefused` where nothing is bound; else what the connection gave.
    pub async fn connect_tcp(&self, logical: SocketAddr, source: Option<IpAddr>) -> io::Result<TcpStream> {
        let real = self.resolve(logical, Transport::Tcp)?;
        let socket = if real.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        if let Some(source) = usable_source(source, real) {
            // Some machines do not permit the address; the connection matters more than where it comes from.
            let _ = socket.bind(SocketAddr::new(source, 0));
        }
        let stream = socket.connect(real).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Makes a UDP socket that sends to and receives from one logical address only; else as [`Net::connect_tcp`].
    pub async fn connect_udp(&self, logical: SocketAddr, source: Option<IpAddr>) -> io::Result<UdpSocket> {
        let real = self.resolve(logical, Transport::Udp)?;
        let any: IpAddr =
            if real.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let preferred = usable_source(source, real).unwrap_or(any);
        let (socket, _) =
            open_udp(SocketAddr::new(preferred, 0)).or_else(|_| open_udp(SocketAddr::new(any, 0)))?;
        socket.connect(real).await?;
        // A new socket is not known to be writable until the runtime has looked; `try_send` would lose a datagram.
        socket.writable().await?;
        Ok(socket)
    }
}

/// Only loopback addresses of the same family are ours to send from.
fn usable_source(source: Option<IpAddr>, real: SocketAddr) -> Option<IpAddr> {
    source.filter(|source| source.is_loopback() && source.is_ipv4() == real.is_ipv4())
}

fn listen_tcp(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restarted listener must not wait for the TIME_WAIT of its predecessor's connections.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(LISTEN_BACKLOG)?;
    let real = listener.local_addr()?;
    Ok((listener, real))
}

fn open_udp(address: SocketAddr) -> io::Result<(UdpSocket, SocketAddr)> {
    let socket = std::net::UdpSocket::bind(address)?;
    socket.set_nonblocking(true)?;
    let socket = UdpSocket::from_std(socket)?;
    let real = socket.local_addr()?;
    Ok((socket, real))
}

#[cfg(test)]
mod tests;
