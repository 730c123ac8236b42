use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::TargetScope;
use crate::error::{Error, Result, Violation};
use crate::model::{IpFamily, LoadBalancer, NodeField, Protocol, SessionAffinity};

/// What a provider can do. The conformance suite picks its cases from it; the README's table is tested
/// against it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "independent yes-or-no facts, read by name")]
pub struct Capabilities {
    /// Protocols of ports.
    pub protocols: BTreeSet<Protocol>,
    /// IP families.
    pub families: BTreeSet<IpFamily>,
    /// Whether one Service may have both families.
    pub dual_stack: bool,
    /// Whether one Service may mix protocols.
    pub mixed_protocols: bool,
    /// Whether client affinity is enforced.
    pub session_affinity: bool,
    /// Whether source ranges are enforced.
    pub source_ranges: bool,
    /// Whether `spec.loadBalancerIP` is honoured.
    pub requested_address: bool,
    /// Whether pods can be targets, without NodePorts.
    pub pod_targets: bool,
    /// Prefix of the readiness gates of pods that [`gates`](super::LoadBalancerProvider::gates) knows how to fill in;
    /// `None`: pods need not be looked at.
    pub readiness_gates: Option<&'static str>,
    /// Where target sets live.
    pub target_scope: TargetScope,
    /// Whether a node needs `spec.providerID` to be a target.
    pub needs_provider_id: bool,
    /// What of a node matters, beside its name and state; a change of anything else makes no call.
    pub node_fields: BTreeSet<NodeField>,
    /// Prefixes of the annotations that the provider reads; a change of others means nothing to it.
    pub annotation_prefixes: Vec<&'static str>,
}

impl Capabilities {
    /// The least that is of use: TCP over IPv4 to the NodePorts at the nodes' addresses. What a provider
    /// can do beyond that, it adds.
    pub fn least(target_scope: TargetScope) -> Self {
        Self {
            protocols: BTreeSet::from([Protocol::Tcp]),
            families: BTreeSet::from([IpFamily::V4]),
            dual_stack: false,
            mixed_protocols: false,
            session_affinity: false,
            source_ranges: false,
            requested_address: false,
            pod_targets: false,
            readiness_gates: None,
            target_scope,
            needs_provider_id: false,
            node_fields: BTreeSet::from([NodeField::Addresses]),
            annotation_prefixes: Vec::new(),
        }
    }

    /// Refuses what the Service asks and the provider cannot do, all at once.
    ///
    /// # Errors
    /// `Unsupported`, naming each field, its value and what is possible.
    pub fn check(&self, lb: &LoadBalancer) -> Result<()> {
        let mut violations = self.check_ports(lb);
        violations.extend(self.check_families(lb));
        violations.extend(self.check_traffic(lb));
        if violations.is_empty() {
            return Ok(());
        }
        Err(Error::unsupported(lb.service.to_string(), violations))
    }

    fn check_ports(&self, lb: &LoadBalancer) -> Vec<Violation> {
        let mut violations = Vec::new();
        for (index, port) in lb.ports.iter().enumerate() {
            if !self.protocols.contains(&port.protocol) {
                let field = format!("spec.ports[{index}].protocol");
                violations.push(Violation::new(field, port.protocol, one_of(&self.protocols)));
            }
            if port.node_port.is_none() && !self.pod_targets {
                let expected = "a port of 30000-32767: this provider sends traffic to NodePorts only";
                violations.push(Violation::new(format!("spec.ports[{index}].nodePort"), "none", expected));
            }
        }
        let protocols: BTreeSet<Protocol> = lb.ports.iter().map(|port| port.protocol).collect();
        if protocols.len() > 1 && !self.mixed_protocols {
            violations.push(Violation::new("spec.ports", join(&protocols), "one protocol for all ports"));
        }
        violations
    }

    fn check_families(&self, lb: &LoadBalancer) -> Vec<Violation> {
        let field = "spec.ipFamilies";
        let mut violations = Vec::new();
        if lb.families.len() > 1 && !self.dual_stack {
            violations.push(Violation::new(field, join(&lb.families), "a single family"));
        }
        let unknown = lb.families.iter().filter(|family| !self.families.contains(family));
        violations.extend(unknown.map(|family| Violation::new(field, family, one_of(&self.families))));
        violations
    }

    fn check_traffic(&self, lb: &LoadBalancer) -> Vec<Violation> {
        let mut violations = Vec::new();
        if lb.affinity != SessionAffinity::None && !self.session_affinity {
            violations.push(Violation::new("spec.sessionAffinity", "ClientIP", "None"));
        }
        if let Some(address) = lb.requested_address.filter(|_| !self.requested_address) {
            violations.push(Violation::new("spec.loadBalancerIP", address, "no value: the cloud chooses"));
        }
        if !self.source_ranges && lb.source_ranges.iter().any(|range| range.prefix_len() != 0) {
            let ranges = join(&lb.source_ranges);
            violations.push(Violation::new("spec.loadBalancerSourceRanges", ranges, "no ranges"));
        }
        violations
    }
}

fn one_of<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    format!("one of {}", join(items))
}

fn join<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}
