//! Finding out which backends are healthy.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::balancer::Target;
use super::frontend::{ClientHeader, HealthCheck, Probe, ProbePort};
use super::proxy_protocol;
use crate::net::Net;

/// `HTTP/1.1 200`: all that is read of an answer.
const STATUS_LENGTH: usize = 12;

/// What the data plane knows of a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub enum HealthState {
    /// Registered, not yet found healthy or unhealthy; gets no traffic.
    Initial,
    /// Gets traffic.
    Healthy,
    /// Gets no new flows.
    Unhealthy,
    /// Deregistered; the flows that it has go on until the drain timeout.
    Draining,
}

/// The memory of a target's health checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) state: HealthState,
    /// Results in a row that speak against `state`.
    against: u32,
    /// Why the last probe failed; none after a success.
    pub(crate) reason: Option<String>,
}

impl Tally {
    pub(crate) fn new(state: HealthState) -> Self {
        Self { state, against: 0, reason: None }
    }

    /// Takes a probe's result in; true if the state changed.
    ///
    /// A new target is healthy after one success, as with AWS: "each target must pass one health check".
    fn record(&mut self, result: Result<(), String>, check: &HealthCheck) -> bool {
        let (towards, threshold) = match (&result, self.state) {
            (_, HealthState::Draining) => return false,
            (Ok(()), HealthState::Initial) => (HealthState::Healthy, 1),
            (Ok(()), _) => (HealthState::Healthy, check.healthy_threshold),
            (Err(_), _) => (HealthState::Unhealthy, check.unhealthy_threshold),
        };
        self.reason = result.err();
        if towards == self.state {
            self.against = 0;
            return false;
        }
        self.against += 1;
        let changed = self.against >= threshold;
        if changed {
            self.state = towards;
            self.against = 0;
        }
        changed
    }
}

/// How a frontend checks its targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checker {
    pub(crate) check: HealthCheck,
    pub(crate) client_header: ClientHeader,
}

impl Checker {
    /// Checks a target until dropped; `changes` counts the changes of state.
    pub(crate) async fn watch(self, net: Net, target: Arc<Target>, changes: watch::Sender<u64>) {
        loop {
            let result = self.probe(&net, target.address).await;
            if target.tally.lock().record(result, &self.check) {
                tracing::debug!(backend = target.id, state = ?target.state(), "backend health changed");
                changes.send_modify(|count| *count += 1);
            }
            sleep(self.check.interval).await;
        }
    }

    async fn probe(&self, net: &Net, target: SocketAddr) -> Result<(), String> {
        let address = self.check.port.of(target);
        match timeout(self.check.timeout, self.ask(net, address)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(format!("{address}: {error}")),
            Err(_) => Err(format!("{address}: no answer within {:?}", self.check.timeout)),
        }
    }

    async fn ask(&self, net: &Net, address: SocketAddr) -> io::Result<()> {
        let mut stream = net.connect_tcp(address, None).await?;
        // As AWS does: the header is in health checks of the traffic port, too, and names no client there.
        if self.client_header == ClientHeader::ProxyV2 && self.check.port == ProbePort::Traffic {
            stream.write_all(&proxy_protocol::local_header()?).await?;
        }
        match &self.check.probe {
            Probe::Tcp => Ok(()),
            Probe::Http { path } => get(&mut stream, address, path).await,
        }
    }
}

async fn get(stream: &mut TcpStream, address: SocketAddr, path: &str) -> io::Result<()> {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: cloud-lb-mock-health-check\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = [0; STATUS_LENGTH];
    stream.read_exact(&mut answer).await?;
    match status(&answer) {
        Some(200..=399) => Ok(()),
        Some(status) => Err(io::Error::other(format!("GET {path} answered {status}, expected 200 to 399"))),
        None => Err(io::Error::new(io::ErrorKind::InvalidData, format!("GET {path}: not an HTTP answer"))),
    }
}

fn status(answer: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(answer).ok()?;
    text.strip_prefix("HTTP/1.")?.get(2..)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(results: &str, start: HealthState) -> Vec<HealthState> {
        let check = HealthCheck { healthy_threshold: 2, unhealthy_threshold: 3, ..HealthCheck::default() };
        let mut tally = Tally::new(start);
        let step = |result| {
            tally.record(if result == '+' { Ok(()) } else { Err("refused".to_owned()) }, &check);
            tally.state
        };
        results.chars().map(step).collect()
    }

    #[test]
    fn states_change_after_results_in_a_row() {
        use HealthState::{Draining as D, Healthy as H, Initial as I, Unhealthy as U};
        assert_eq!(states("+", I), [H]);
        assert_eq!(states("---", I), [I, I, U]);
        assert_eq!(states("--+---", H), [H, H, H, H, H, U]);
        assert_eq!(states("+-++", U), [U, U, U, H]);
        assert_eq!(states("+-", D), [D, D]);
    }

    #[test]
    fn status_lines() {
        assert_eq!(status(b"HTTP/1.1 200"), Some(200));
        assert_eq!(status(b"HTTP/1.0 503"), Some(503));
        assert_eq!(status(b"SSH-2.0-Open"), None);
    }
}
