//! What stands between the provider and moto: it gives each world an account of its own, counts calls, lets
//! them go wrong, and puts right what moto does otherwise than AWS (`corrections`).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use cloud_lb_core::call::Access;
use cloud_lb_core::conformance::{Calls, Fault};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::corrections;

/// Requests with this access key are those of the test that looks on: neither counted nor disturbed.
pub(crate) const WATCHER: &str = "watcher";

/// Numbers of accounts, from one that no other run against the same moto has.
static ACCOUNTS: LazyLock<AtomicU64> =
    LazyLock::new(|| AtomicU64::new(fastrand::u64(100_000_000_000..999_000_000_000)));

struct Trap {
    left: u64,
    access: Access,
    fault: Fault,
}

#[derive(Default)]
struct State {
    calls: Calls,
    stop_after: Option<u64>,
    traps: Vec<Trap>,
}

/// An endpoint with an account in moto behind it.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) url: String,
    moto: String,
    account: String,
    state: Arc<Mutex<State>>,
}

/// One request: its head without the request's length, and the parameters in its body.
pub(crate) struct Request {
    pub(crate) head: String,
    pub(crate) parameters: Vec<(String, String)>,
}

impl Request {
    pub(crate) fn get(&self, key: &str) -> &str {
        self.parameters.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value)
    }

    fn bytes(&self, account: &str) -> Vec<u8> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.parameters).finish();
        format!(
            "{}x-moto-account-id: {account}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            self.head,
            body.len()
        )
        .into_bytes()
    }
}

/// A status and a body.
pub(crate) type Answer = (u16, String);

impl Proxy {
    /// A new account, empty but for what every account has; `None` without a moto.
    pub(crate) fn start() -> Option<Self> {
        let moto = std::env::var("MOTO_ENDPOINT").ok().filter(|url| !url.is_empty())?;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let proxy = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            moto: moto.trim_start_matches("http://").trim_end_matches('/').to_owned(),
            account: ACCOUNTS.fetch_add(1, Ordering::Relaxed).to_string(),
            state: Arc::default(),
        };
        let serving = proxy.clone();
        tokio::spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        Some(proxy)
    }

    pub(crate) fn calls(&self) -> Calls {
        self.state.lock().calls
    }

    pub(crate) fn stop_after_writes(&self, writes: u64) {
        self.state.lock().stop_after = Some(writes);
    }

    pub(crate) fn fail(&self, nth: u64, access: Access, fault: Fault) {
        self.state.lock().traps.push(Trap { left: nth, access, fault });
    }

    pub(crate) fn recover(&self) {
        let mut state = self.state.lock();
        state.stop_after = None;
        state.traps.clear();
    }

    async fn serve(self, mut stream: TcpStream) {
        while let Some(request) = read_request(&mut stream).await {
            let Some((status, body)) = self.answer(request).await else { return };
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: text/xml\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            if stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await.is_err() {
                return;
            }
        }
    }

    /// The answer; `None` if it is lost.
    async fn answer(&self, request: Request) -> Option<Answer> {
        let is_watcher = request.head.contains(&format!("Credential={WATCHER}/"));
        let is_ec2 = request.get("Version") == "2016-11-15";
        let fault = if is_watcher { None } else { self.begin(request.get("Action")) };
        match fault {
            Some(Fault::Throttled) => Some(refusal(is_ec2, 400, "Throttling")),
            Some(Fault::Unavailable) => Some(refusal(is_ec2, 503, "InsufficientCapacity")),
            Some(Fault::TimeoutAfterWork) => {
                self.forward(request).await;
                None
            }
            None => Some(self.forward(request).await),
        }
    }

    /// Counts a call; what goes wrong with it.
    fn begin(&self, action: &str) -> Option<Fault> {
        let access = if action.starts_with("Describe") { Access::Read } else { Access::Write };
        let mut state = self.state.lock();
        match (state.stop_after, access) {
            (Some(0), _) => return Some(Fault::Unavailable),
            (Some(left), Access::Write) => state.stop_after = Some(left - 1),
            _ => {}
        }
        match access {
            Access::Read => state.calls.reads += 1,
            Access::Write => state.calls.writes += 1,
        }
        for trap in state.traps.iter_mut().filter(|trap| trap.access == access) {
            trap.left -= 1;
        }
        let due = state.traps.iter().position(|trap| trap.left == 0)?;
        Some(state.traps.remove(due).fault)
    }

    async fn forward(&self, mut request: Request) -> Answer {
        if let Some(question) = corrections::question(&request) {
            let (_, registered) = self.send(&question).await;
            if !corrections::deregistration(&mut request, &registered) {
                return (200, corrections::DEREGISTERED.to_owned());
            }
        }
        corrections::request(&mut request);
        let (status, body) = self.send(&request).await;
        (status, corrections::answer(request.get("Action"), body))
    }

    async fn send(&self, request: &Request) -> Answer {
        let mut stream = TcpStream::connect(&self.moto).await.unwrap();
        stream.write_all(&request.bytes(&self.account)).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }
}

fn refusal(is_ec2: bool, status: u16, code: &str) -> Answer {
    let error = format!("<Error><Code>{code}</Code><Message>on demand</Message></Error>");
    let body = if is_ec2 {
        format!("<Response><Errors>{error}</Errors><RequestID>id</RequestID></Response>")
    } else {
        format!("<ErrorResponse>{error}<RequestId>id</RequestId></ErrorResponse>")
    };
    (status, body)
}

async fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length: usize =
                header(head, "content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
            if body.len() >= length {
                let kept = head.lines().filter(|line| {
                    let name = line.split(':').next().unwrap_or_default().to_lowercase();
                    !["content-length", "connection"].contains(&name.as_str())
                });
                let head = kept.flat_map(|line| [line, "\r\n"]).collect();
                let parameters = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
                return Some(Request { head, parameters });
            }
        }
        let mut buffer = [0; 8192];
        let read = stream.read(&mut buffer).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&buffer[..read]);
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
