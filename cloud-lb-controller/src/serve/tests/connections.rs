//! Who says nothing, or keeps a connection, keeps nobody out.

use hyper::client::conn::http2;
use hyper_util::rt::TokioExecutor;
use tokio::io::AsyncReadExt as _;
use tokio::time::{Instant, timeout};
use tokio_rustls::client::TlsStream;

use super::super::connection::{MAX_AGE, MAX_IDLE, PATIENCE};
use super::*;

/// A server with TLS, and those who trust it.
async fn secured() -> (Server, ClientConfig) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (certificates, key) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
    std::fs::write(&certificates, pem("CERTIFICATE", made.cert.der())).unwrap();
    std::fs::write(&key, pem("PRIVATE KEY", &made.signing_key.serialize_der())).unwrap();
    let tls = acceptor(&Identity::Files { certificates, key }).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    (Server::start(Some(tls), reviewed()).await, client.with_root_certificates(roots).with_no_client_auth())
}

/// A connection after the handshake; `protocol` is what the client wants to speak.
async fn greeted(server: &Server, client: &ClientConfig, protocol: Option<&str>) -> TlsStream<TcpStream> {
    let mut client = client.clone();
    client.alpn_protocols = protocol.into_iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(server.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(client)).connect(name, stream).await.unwrap()
}

#[tokio::test]
async fn l_4_silent_connections_keep_no_probe_out() {
    let (server, client) = secured().await;
    let mut silent = Vec::new();
    for _ in 0..=MAX_CONNECTIONS {
        let greeted = timeout(Duration::from_secs(5), greeted(&server, &client, None)).await;
        silent.push(greeted.expect("it is let in"));
    }
    let probe = async { ask(greeted(&server, &client, None).await, "/healthz", None).await };
    let answer = timeout(Duration::from_secs(5), probe).await;
    assert_eq!(answer.ok(), Some((StatusCode::OK, "ok".to_owned())));
}

#[tokio::test]
async fn who_has_asked_last_is_closed_last_for_another_one() {
    let server = Server::start(None, Access::Open).await;
    let mut silent = Vec::new();
    for _ in 1..MAX_CONNECTIONS {
        silent.push(TcpStream::connect(server.address).await.unwrap());
    }
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (mut scraper, connection) = http1::handshake::<_, Empty<Bytes>>(TokioIo::new(stream)).await.unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(connection);
    for _ in 0..MAX_CONNECTIONS * 2 {
        let request = Request::get("/livez").header("host", "localhost").body(Empty::new()).unwrap();
        let answer = timeout(Duration::from_secs(5), scraper.send_request(request)).await.unwrap().unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.into_body().collect().await.unwrap();
        silent.push(TcpStream::connect(server.address).await.unwrap());
    }
}

/// How long it takes until the server closes a connection on which nothing is said.
async fn closed_after(mut stream: impl AsyncRead + Unpin) -> Option<Duration> {
    // The clock goes on by itself as soon as everybody waits for it.
    tokio::time::pause();
    let begin = Instant::now();
    // HTTP/2 begins with settings; a connection that is cut is an error to TLS.
    let mut said = Vec::new();
    let ended = timeout(MAX_AGE * 2, stream.read_to_end(&mut said)).await;
    tokio::time::resume();
    ended.ok().map(|_| begin.elapsed())
}

#[tokio::test]
async fn who_says_nothing_is_closed_soon() {
    let (server, client) = secured().await;
    for protocol in [None, Some("http/1.1"), Some("h2")] {
        let after = closed_after(greeted(&server, &client, protocol).await).await;
        assert!(after.is_some_and(|after| after <= PATIENCE * 2), "{protocol:?}: {after:?}");
    }
    let after = closed_after(TcpStream::connect(server.address).await.unwrap()).await;
    assert!(after.is_some_and(|after| after <= PATIENCE * 2), "no handshake: {after:?}");
    let server = Server::start(None, Access::Open).await;
    let after = closed_after(TcpStream::connect(server.address).await.unwrap()).await;
    assert!(after.is_some_and(|after| after <= PATIENCE * 2), "plain: {after:?}");
}

#[tokio::test]
async fn http_2_is_spoken_and_ends_when_it_is_idle() {
    let (server, client) = secured().await;
    let stream = greeted(&server, &client, Some("h2")).await;
    let (mut sender, connection) =
        http2::handshake::<_, _, Empty<Bytes>>(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(connection);
    let request = Request::get("https://localhost/healthz").body(Empty::new()).unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status(), StatusCode::OK);
    // The clock may well go on before the answer to a ping is there: then it ends earlier.
    tokio::time::pause();
    assert!(timeout(MAX_IDLE + PATIENCE * 2, tasks.join_next()).await.is_ok());
}

#[tokio::test]
async fn who_asks_again_and_again_has_to_connect_anew_at_times() {
    let server = Server::start(None, Access::Open).await;
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (mut sender, connection) = http1::handshake::<_, Empty<Bytes>>(TokioIo::new(stream)).await.unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(connection);
    let begin = Instant::now();
    while sender.ready().await.is_ok() && begin.elapsed() < MAX_AGE * 2 {
        let request = Request::get("/healthz").header("host", "localhost").body(Empty::new()).unwrap();
        let Ok(answer) = sender.send_request(request).await else { break };
        answer.into_body().collect().await.unwrap();
        tokio::time::pause();
        tokio::time::advance(PATIENCE / 2).await;
        tokio::time::resume();
    }
    let lasted = begin.elapsed();
    assert!(lasted >= MAX_AGE && lasted <= MAX_AGE + PATIENCE, "{lasted:?}");
}
