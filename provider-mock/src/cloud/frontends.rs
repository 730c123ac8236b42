//! From the cloud's resources, of any shape, to what the data plane forwards. Pure.

mod rules;
mod shared;
mod stack;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU16;
use std::time::Duration;

use cloud_lb_core::model::IpFamily;
use ipnet::IpNet;

use super::record::{Life, Record};
use crate::backend::parts::{HealthCheck, Target, Traffic, Transport};
use crate::dataplane::{self, Affinity, BackendTarget, ClientHeader, Frontend, Probe, ProbePort};
use crate::net;

/// A frontend, and the nodes behind it that only finish their connections.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wired {
    pub(super) frontend: Frontend,
    pub(super) draining: BTreeSet<String>,
}

/// Everything that works: what is being made or is on its way out serves nobody.
pub(super) fn wired(records: &[Record]) -> Vec<Wired> {
    let account = Account { records: records.iter().map(|record| (record.id.as_str(), record)).collect() };
    let mut all = stack::wired(&account);
    all.extend(rules::wired(&account));
    all.extend(shared::wired(&account));
    all
}

/// The resources by id.
struct Account<'a> {
    records: BTreeMap<&'a str, &'a Record>,
}

impl<'a> Account<'a> {
    fn of_kind(&self, kind: &str) -> impl Iterator<Item = &'a Record> {
        self.records
            .values()
            .copied()
            .filter(move |record| record.kind == kind && record.life == Life::Active)
    }

    fn get(&self, id: Option<&str>) -> Option<&'a Record> {
        self.records.get(id?).copied().filter(|record| record.life == Life::Active)
    }
}

/// One port at one address, in the words of every shape.
struct Listening<'a> {
    /// The resource that listens.
    id: &'a str,
    address: IpAddr,
    transport: Transport,
    port: NonZeroU16,
    node_port: NonZeroU16,
    targets: Vec<&'a Target>,
    check: &'a HealthCheck,
    traffic: &'a Traffic,
    /// Clients that may connect; those of another family do not matter.
    ranges: &'a [IpNet],
}

impl Listening<'_> {
    fn wired(&self) -> Wired {
        let family = IpFamily::of(self.address);
        let transport = match self.transport {
            Transport::Tcp => net::Transport::Tcp,
            Transport::Udp => net::Transport::Udp,
        };
        let id = format!("{}/{family}/{transport}/{}", self.id, self.port);
        let mut frontend = Frontend::new(id, self.address, self.port.get(), transport);
        frontend.backends = self.backends(family);
        frontend.health_check = health_check(self.check);
        frontend.source_ranges = self.source_ranges(family);
        frontend.drain_timeout = self.traffic.drain_timeout;
        if let Some(seconds) = self.traffic.affinity_seconds {
            frontend.affinity = Affinity::ClientIp { timeout: Duration::from_secs(seconds) };
        }
        if self.traffic.proxy_protocol && self.transport == Transport::Tcp {
            frontend.client_header = ClientHeader::ProxyV2;
        }
        let draining = self.targets.iter().filter(|target| target.draining);
        Wired { frontend, draining: draining.map(|target| target.node.clone()).collect() }
    }

    /// Nodes that drain get nothing new, and the data plane lets them finish.
    fn backends(&self, family: IpFamily) -> Vec<BackendTarget> {
        let targets = self.targets.iter().filter(|target| !target.draining);
        let backend = |target: &&Target| {
            let same = target.addresses.iter().find(|address| IpFamily::of(**address) == family);
            // A proxy reaches nodes over the other family as well.
            let address = same.or_else(|| target.addresses.first())?;
            let address = SocketAddr::new(*address, self.node_port.get());
            Some(BackendTarget { id: target.node.clone(), address })
        };
        targets.filter_map(backend).collect()
    }

    /// To the data plane no range means everybody; to us nobody.
    fn source_ranges(&self, family: IpFamily) -> Vec<IpNet> {
        let ranges: Vec<IpNet> =
            self.ranges.iter().filter(|range| IpFamily::of_net(range) == family).copied().collect();
        if !ranges.is_empty() {
            return ranges;
        }
        vec![match family {
            IpFamily::V4 => IpAddr::from(Ipv4Addr::UNSPECIFIED).into(),
            IpFamily::V6 => IpAddr::from(Ipv6Addr::UNSPECIFIED).into(),
        }]
    }
}

fn health_check(check: &HealthCheck) -> dataplane::HealthCheck {
    dataplane::HealthCheck {
        probe: Probe::Http { path: check.path.clone() },
        port: ProbePort::Fixed(check.port.get()),
        interval: check.interval,
        timeout: check.timeout,
        healthy_threshold: check.healthy_after,
        unhealthy_threshold: check.unhealthy_after,
    }
}

/// The address of a family that the cloud assigned to a resource.
fn address(record: &Record, family: IpFamily) -> Option<IpAddr> {
    record.assigned.get(&format!("address-{family}"))?.parse().ok()
}

#[cfg(test)]
mod tests;
