//! What the load balancer is, judged by its resources (AWS-220 to AWS-222).

use std::num::NonZeroU16;
use std::time::Duration;

use cloud_lb_core::model::{Address, Ingress, PortStatus, Protocol, Status};
use cloud_lb_core::plan::{Have, Observed, Ownership};
use cloud_lb_core::provider::{Pending, State};

use crate::apply::Stage;
use crate::config::{Config, Publish};
use crate::kinds::{Listener, ListenerProtocol, Spec, key};

/// How often to look whether a load balancer is made: it takes two to three minutes.
const PROVISIONING_POLL: Duration = Duration::from_secs(15);

/// The state of a Service's load balancer. Of several that work, while one replaces another, the old one
/// counts until the new one serves, then the new one; `stage` tells how far that is.
pub(crate) fn state(have: &Observed<Spec>, config: &Config, stage: impl Fn(&str) -> Stage) -> State {
    if have.is_absent() {
        return State::Absent;
    }
    let is_ours = |have: &&Have<Spec>| {
        have.ownership == Ownership::Service && matches!(have.spec, Spec::LoadBalancer(_))
    };
    let all: Vec<&Have<Spec>> = have.iter().map(|(_, have)| have).filter(is_ours).collect();
    let working = all.iter().filter(|lb| output(lb, key::STATE).starts_with("active"));
    let working = working.min_by_key(|lb| stage(output(lb, key::LOAD_BALANCER_ARN)));
    match working.or_else(|| all.first()) {
        Some(lb) => state_of(lb, have, config),
        None => pending("the load balancer does not exist yet"),
    }
}

fn state_of(lb: &Have<Spec>, have: &Observed<Spec>, config: &Config) -> State {
    let host = output(lb, key::DNS_NAME).to_lowercase();
    match output(lb, key::STATE) {
        "failed" => {
            pending(&format!("AWS could not make the load balancer: {}", output(lb, key::STATE_REASON)))
        }
        "provisioning" if config.publish == Publish::Active => pending("the load balancer is being made"),
        _ if host.is_empty() => pending("the load balancer has no host name yet"),
        _ => {
            let arn = output(lb, key::LOAD_BALANCER_ARN);
            let ingress =
                Ingress { address: Address::Hostname(host), ip_mode: None, ports: ports(arn, have) };
            State::Ready(Status { ingress: vec![ingress] })
        }
    }
}

fn output<'a>(have: &'a Have<Spec>, name: &str) -> &'a str {
    have.outputs.get(name).map(String::as_str).unwrap_or_default()
}

fn pending(reason: &str) -> State {
    State::Pending(Pending { retry_after: PROVISIONING_POLL, reason: reason.to_owned() })
}

/// The ports that the listeners of a load balancer serve, sorted.
fn ports(load_balancer: &str, have: &Observed<Spec>) -> Vec<PortStatus> {
    let listeners = have.iter().filter_map(|(_, have)| match &have.spec {
        Spec::Listener(listener) if listener.load_balancer_arn.value() == Some(load_balancer) => {
            Some(listener)
        }
        _ => None,
    });
    let mut ports: Vec<PortStatus> = listeners.flat_map(served).collect();
    ports.sort();
    ports
}

fn served(listener: &Listener) -> Vec<PortStatus> {
    let protocols: &[Protocol] = match listener.protocol {
        ListenerProtocol::Tcp | ListenerProtocol::Tls => &[Protocol::Tcp],
        ListenerProtocol::Udp | ListenerProtocol::Quic => &[Protocol::Udp],
        ListenerProtocol::TcpUdp | ListenerProtocol::TcpQuic => &[Protocol::Tcp, Protocol::Udp],
    };
    let Some(port) = NonZeroU16::new(listener.port) else { return Vec::new() };
    protocols.iter().map(|protocol| PortStatus { port, protocol: *protocol, error: None }).collect()
}

#[cfg(test)]
mod tests;
