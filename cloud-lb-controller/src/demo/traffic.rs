//! Real requests: what a client of the Service would do.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use provider_mock::net::Transport;
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::event::Traffic;

/// A request that takes longer has failed: on loopback an answer takes less than a millisecond.
const PATIENCE: Duration = Duration::from_secs(1);

/// Longest answer that is read.
const ANSWER_LIMIT: u64 = 64 * 1024;

/// A port that clients can reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Where the Service says it is.
    pub(super) logical: SocketAddr,
    /// Where it is bound; differs where this machine does not allow the logical one.
    pub(super) real: SocketAddr,
    /// Why it is bound elsewhere, if it is.
    pub(super) why_mapped: Option<String>,
    pub(super) transport: Transport,
    /// Whether the Service's source ranges let this machine in.
    pub(super) admits_us: bool,
}

/// Who answered a request.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
    pod: String,
    node: String,
}

/// What an HTTP pod of the simulation says of itself.
#[derive(Debug, Deserialize)]
struct PodSays {
    pod: String,
    node: String,
    client: SocketAddr,
}

impl Target {
    /// Where our requests come from: the system takes the first loopback address of the family.
    pub(super) fn own_address(&self) -> IpAddr {
        if self.real.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() }
    }

    /// The address as a user would write it.
    pub(super) fn url(&self) -> String {
        match (self.transport, self.real.port()) {
            (Transport::Tcp, 80) => format!("http://{}", bracketed(self.real.ip())),
            (Transport::Tcp, _) => format!("http://{}", self.real),
            (Transport::Udp, _) => format!("udp://{}", self.real),
        }
    }

    /// The command that sends one request.
    pub(super) fn command(&self) -> String {
        let (ip, port) = (self.real.ip(), self.real.port());
        match self.transport {
            Transport::Tcp => format!("curl {}", self.url()),
            Transport::Udp => format!("echo hello | nc -u -w1 {ip} {port}"),
        }
    }

    /// Sends requests one after the other and counts who answers. `nodes` tells nodes by their addresses:
    /// a node that forwards to another one shows its own address to the pod.
    pub(super) async fn send(&self, requests: usize, nodes: &BTreeMap<IpAddr, String>) -> Traffic {
        let mut traffic = Traffic { to: self.url(), sent: requests, ..Traffic::default() };
        for _ in 0..requests {
            match timeout(PATIENCE, self.request(nodes)).await {
                Ok(Ok(Answer { pod, node })) => {
                    traffic.answered += 1;
                    *traffic.nodes.entry(node).or_default() += 1;
                    *traffic.pods.entry(pod).or_default() += 1;
                }
                Ok(Err(error)) => traffic.error = Some(error.to_string()),
                Err(_) => traffic.error = Some(format!("no answer in {} s", PATIENCE.as_secs())),
            }
        }
        traffic
    }

    async fn request(&self, nodes: &BTreeMap<IpAddr, String>) -> std::io::Result<Answer> {
        match self.transport {
            Transport::Tcp => {
                let said = self.get().await?;
                let through = nodes.get(&said.client.ip()).cloned();
                Ok(Answer { pod: said.pod, node: through.unwrap_or(said.node) })
            }
            Transport::Udp => self.echo().await,
        }
    }

    async fn get(&self) -> std::io::Result<PodSays> {
        let mut stream = TcpStream::connect(self.real).await?;
        let request = format!("GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.real);
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.take(ANSWER_LIMIT).read_to_string(&mut answer).await?;
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body);
        let said = body.and_then(|body| serde_json::from_str(body).ok());
        said.ok_or_else(|| std::io::Error::other("the connection closed without an answer of a pod"))
    }

    /// A pod sends a datagram back with its name and that of its node in front.
    async fn echo(&self) -> std::io::Result<Answer> {
        let any: IpAddr = if self.real.is_ipv4() { [0, 0, 0, 0].into() } else { [0_u16; 8].into() };
        let socket = UdpSocket::bind((any, 0)).await?;
        socket.connect(self.real).await?;
        socket.send(b"hello").await?;
        let mut buffer = [0; 512];
        let length = socket.recv(&mut buffer).await?;
        let text = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).into_owned();
        match text.split(' ').collect::<Vec<_>>().as_slice() {
            [pod, node, ..] => Ok(Answer { pod: (*pod).to_owned(), node: (*node).to_owned() }),
            _ => Err(std::io::Error::other("an answer that no pod gives")),
        }
    }
}

fn bracketed(ip: IpAddr) -> String {
    if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() }
}
