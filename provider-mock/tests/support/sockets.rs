//! Clients, backends and waiting, for tests with real sockets.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use provider_mock::net::{Bound, Net};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_util::task::AbortOnDropHandle;

/// Nothing here takes a tenth of it, even on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(5);

/// Asks until the answer is yes; fails the test with `what` after the deadline.
pub(crate) async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !condition().await {
            tokio::time::sleep(POLL).await;
        }
    };
    assert!(tokio::time::timeout(DEADLINE, wait).await.is_ok(), "did not happen in {DEADLINE:?}: {what}");
}

/// Fails the test when something takes longer than the deadline.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("took over {DEADLINE:?}: {what}"))
}

/// A TCP server at a logical address; everything ends when it is dropped.
pub(crate) struct TcpBackend {
    _task: AbortOnDropHandle<()>,
}

impl TcpBackend {
    pub(crate) fn start<F>(
        net: &Net,
        address: SocketAddr,
        serve: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let (listener, bound) = net.bind_tcp(address).unwrap();
        let task = async move {
            let _bound: Bound = bound;
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream));
                while connections.try_join_next().is_some() {}
            }
        };
        Self { _task: AbortOnDropHandle::new(tokio::spawn(task)) }
    }

    /// Answers with its name once the client has finished sending, and then with what the client sent.
    pub(crate) fn echo(net: &Net, address: SocketAddr, name: &'static str) -> Self {
        Self::start(net, address, move |mut stream| async move {
            let mut received = Vec::new();
            stream.read_to_end(&mut received).await?;
            stream.write_all(format!("{name}:").as_bytes()).await?;
            stream.write_all(&received).await?;
            stream.shutdown().await
        })
    }

    /// Greets with its name, then echoes each piece until the client ends.
    pub(crate) fn greet(net: &Net, address: SocketAddr, name: &'static str) -> Self {
        Self::start(net, address, move |mut stream| async move {
            stream.write_all(name.as_bytes()).await?;
            let (mut from, mut to) = stream.split();
            tokio::io::copy(&mut from, &mut to).await?;
            to.shutdown().await
        })
    }
}

/// A UDP server that answers with its name and what it received.
pub(crate) fn udp_echo(net: &Net, address: SocketAddr, name: &'static str) -> AbortOnDropHandle<()> {
    let (socket, bound) = net.bind_udp(address).unwrap();
    AbortOnDropHandle::new(tokio::spawn(async move {
        let _bound: Bound = bound;
        let mut buffer = vec![0; 65_535];
        while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
            let mut answer = format!("{name}:").into_bytes();
            answer.extend_from_slice(&buffer[..length]);
            let _ = socket.send_to(&answer, client).await;
        }
    }))
}

/// Connects to a real address from a source address.
pub(crate) async fn connect_from(source: impl Into<IpAddr>, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.bind((source.into(), 0).into())?;
    within("connecting", socket.connect(to)).await
}

/// Sends all, ends the direction, and reads the answer to its end.
pub(crate) async fn ask(mut stream: TcpStream, question: &[u8]) -> io::Result<String> {
    within("an answer", async {
        stream.write_all(question).await?;
        stream.shutdown().await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    })
    .await
}

/// Reads exactly as many bytes as the expected text has.
pub(crate) async fn expect(stream: &mut TcpStream, expected: &str) {
    let mut read = vec![0; expected.len()];
    within(expected, stream.read_exact(&mut read)).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&read), expected);
}

/// Whether the connection ends with an error instead of in order.
pub(crate) async fn is_reset(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    within("the end of the connection", stream.read_to_end(&mut rest)).await.is_err()
}
