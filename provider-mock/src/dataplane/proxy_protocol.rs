//! PROXY protocol version 2: telling a backend who the client is.
//!
//! <https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>, section 2.2.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use ppp::v2::{Addresses, Builder, Command, Header, PROTOCOL_PREFIX, Protocol, Version};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::sleep;

/// Signature, version, family and length.
const FIXED_LENGTH: usize = 16;
/// The longest header accepted; addresses and all usual TLVs fit into it.
const MAXIMUM_PAYLOAD: usize = 2048;

/// Between two looks at a signature of which only a part has come.
const PEEK_AGAIN: Duration = Duration::from_millis(2);

/// The header for a client that reached the load balancer at `destination`.
///
/// Addresses of different families become an unspecified family, as there is no other way to write them.
pub(crate) fn header(client: SocketAddr, destination: SocketAddr) -> io::Result<Vec<u8>> {
    Builder::with_addresses(Version::Two | Command::Proxy, Protocol::Stream, (client, destination)).build()
}

/// The header of the load balancer's own connections, such as health checks.
pub(crate) fn local_header() -> io::Result<Vec<u8>> {
    Builder::with_addresses(Version::Two | Command::Local, Protocol::Unspecified, Addresses::Unspecified)
        .build()
}

/// What a PROXY header said of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Proxied {
    /// The client's address.
    pub(crate) client: SocketAddr,
    /// The address that the client connected to.
    pub(crate) destination: SocketAddr,
}

/// Takes a header off the front of a connection; none where it has none or names no addresses.
///
/// Waits without end for the first bytes: the caller has the deadline.
///
/// # Errors
/// `InvalidData` for a broken header, or what reading gave.
pub(crate) async fn accept(stream: &mut TcpStream) -> io::Result<Option<Proxied>> {
    if !starts_with_header(stream).await? {
        return Ok(None);
    }
    let mut header = vec![0; FIXED_LENGTH];
    stream.read_exact(&mut header).await?;
    let length = header.last_chunk().map_or(0, |length| usize::from(u16::from_be_bytes(*length)));
    if length > MAXIMUM_PAYLOAD {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("PROXY header of {length} bytes")));
    }
    header.resize(FIXED_LENGTH + length, 0);
    stream.read_exact(header.get_mut(FIXED_LENGTH..).unwrap_or_default()).await?;
    let header = Header::try_from(header.as_slice())
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
    Ok(addresses(&header))
}

fn addresses(header: &Header<'_>) -> Option<Proxied> {
    match header.addresses {
        Addresses::IPv4(a) => Some(Proxied {
            client: (a.source_address, a.source_port).into(),
            destination: (a.destination_address, a.destination_port).into(),
        }),
        Addresses::IPv6(a) => Some(Proxied {
            client: (a.source_address, a.source_port).into(),
            destination: (a.destination_address, a.destination_port).into(),
        }),
        Addresses::Unspecified | Addresses::Unix(_) => None,
    }
}

/// Looks at the first bytes without taking them; waits for more while they may become a signature.
async fn starts_with_header(stream: &TcpStream) -> io::Result<bool> {
    let mut start = [0; PROTOCOL_PREFIX.len()];
    loop {
        let count = stream.peek(&mut start).await?;
        let seen = start.get(..count).unwrap_or_default();
        if count == 0 || count == PROTOCOL_PREFIX.len() || !PROTOCOL_PREFIX.starts_with(seen) {
            return Ok(seen == PROTOCOL_PREFIX);
        }
        // The socket stays readable, so that there is nothing better to wait for.
        sleep(PEEK_AGAIN).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_name_client_and_destination_of_both_families() {
        for (client, destination) in
            [("192.0.2.7:4711", "198.51.100.1:80"), ("[2001:db8::7]:4711", "[2001:db8::1]:443")]
        {
            let (client, destination) = (client.parse().unwrap(), destination.parse().unwrap());
            let bytes = header(client, destination).unwrap();
            let parsed = Header::try_from(bytes.as_slice()).unwrap();
            assert_eq!(parsed.command, Command::Proxy);
            assert_eq!(addresses(&parsed), Some(Proxied { client, destination }));
        }
    }

    #[test]
    fn mixed_families_and_local_connections_name_no_address() {
        let mixed = header("192.0.2.7:1".parse().unwrap(), "[2001:db8::1]:2".parse().unwrap()).unwrap();
        assert_eq!(addresses(&Header::try_from(mixed.as_slice()).unwrap()), None);
        let local = local_header().unwrap();
        let parsed = Header::try_from(local.as_slice()).unwrap();
        assert_eq!((parsed.command, addresses(&parsed)), (Command::Local, None));
    }
}
