//! What the steps look at, and what they say of it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use k8s_openapi::api::core::v1::Service;
use tokio::time::{Instant, sleep};

use super::Demo;
use super::event::Event;
use super::pods;
use super::subject;
use super::table::Table;
use super::traffic::Target;
use super::world::{GLANCE, PATIENCE};
use crate::failure::Failure;

/// Requests that must all be refused.
const REFUSALS: usize = 3;

impl Demo {
    /// The Services that exist.
    pub(super) fn services(&self) -> Vec<Service> {
        self.subjects.iter().filter_map(|one| self.world.service(one.namespace(), one.name())).collect()
    }

    /// The ports of all load balancers.
    pub(super) fn load_balancer_targets(&self) -> Vec<Target> {
        self.services().iter().filter_map(|service| self.targets_of(service)).flatten().collect()
    }

    /// The ports of load balancers that answer us: those that let us in and have pods behind them.
    pub(super) fn open_targets(&self) -> Vec<Target> {
        let targets = self.answering().filter_map(|service| self.targets_of(&service));
        targets.flatten().filter(|target| target.admits_us).collect()
    }

    /// The Services that have pods.
    fn answering(&self) -> impl Iterator<Item = Service> {
        self.services().into_iter().filter(|service| !pods::behind(service).is_empty())
    }

    fn targets_of(&self, service: &Service) -> Option<Vec<Target>> {
        let ranges = self.world.load_balancer(service).ok()?.source_ranges;
        let mut targets = subject::load_balancer_targets(service, &self.world.net)?;
        for target in &mut targets {
            target.admits_us = ranges.iter().any(|range| range.contains(&target.own_address()));
        }
        Some(targets)
    }

    /// Where clients of Services with pods can go: to the load balancer, or else to a node.
    pub(super) fn targets(&self) -> Vec<Target> {
        let nodes = self.world.nodes_by_address();
        let of = |service: Service| {
            let reached = |ip: &&IpAddr| ip.is_ipv6() == subject::is_ipv6(&service);
            let at_node = || subject::node_targets(&service, &self.world.net, *nodes.keys().find(reached)?);
            self.targets_of(&service).or_else(at_node)
        };
        self.answering().filter_map(of).flatten().collect()
    }

    pub(super) async fn show_services(&mut self) -> Result<(), Failure> {
        let answer = self.world.table("/api/v1/services").await?;
        let table =
            Table::of(&answer, |namespace, name| self.subjects.iter().any(|one| one.is(namespace, name)));
        self.narrator.tell(&Event::Services(table))
    }

    /// Waits for the first answer: health checks must have found a node first.
    pub(super) async fn await_answer(&mut self, target: &Target) -> Result<(), Failure> {
        let begin = Instant::now();
        self.narrator.wait_for("the first answer");
        loop {
            let traffic = target.send(1, &self.world.nodes_by_address()).await;
            if traffic.all_answered() {
                self.narrator.rest();
                return Ok(());
            }
            if begin.elapsed() > PATIENCE {
                let error = traffic.error.unwrap_or_default();
                return Err(Failure::new(format!("expected an answer from {}: {error}", target.url())));
            }
            sleep(GLANCE).await;
        }
    }

    /// Says where a port really is, if this machine does not allow the place that the Service tells.
    pub(super) fn note_mapping(&self, target: &Target) -> Result<(), Failure> {
        let Some(why) = &target.why_mapped else { return Ok(()) };
        self.narrator.tell(&Event::Note { text: format!("{why}: {} stands in for it", target.real) })
    }

    /// Makes sure that the load balancer lets nobody in whom the Service does not.
    pub(super) async fn await_refusal(&mut self, target: &Target) -> Result<(), Failure> {
        let begin = Instant::now();
        let traffic = target.send(REFUSALS, &BTreeMap::new()).await;
        let (us, url) = (target.own_address(), target.url());
        match traffic.answered {
            0 => self
                .checked(format!("{us} is in no source range of the Service, and {url} refuses it"), begin),
            answered => {
                let sent = traffic.sent;
                Err(Failure::new(format!(
                    "expected {url} to refuse {us}, got {answered} answers to {sent} requests"
                )))
            }
        }
    }

    /// Sends requests, all of which should be answered, and tells how it went.
    pub(super) async fn request(&self, target: &Target, requests: usize) -> Result<(), Failure> {
        let traffic = target.send(requests, &self.world.nodes_by_address()).await;
        let missing = (!traffic.all_answered()).then(|| {
            let (sent, answered, url) = (traffic.sent, traffic.answered, &traffic.to);
            Failure::new(format!("expected an answer to all {sent} requests to {url}, got {answered}"))
        });
        self.narrator.tell(&Event::Traffic(traffic))?;
        missing.map_or(Ok(()), Err)
    }

    pub(super) fn checked(&self, text: impl Into<String>, begin: Instant) -> Result<(), Failure> {
        self.narrator.tell(&Event::Checked { text: text.into(), millis: begin.elapsed().as_millis() })
    }
}
