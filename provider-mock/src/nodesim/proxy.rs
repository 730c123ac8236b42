//! The rules of kube-proxy, as far as they concern traffic from outside of the cluster.
//!
//! Which endpoints are used: `CategorizeEndpoints` in `pkg/proxy/topology.go` of Kubernetes. Topology hints are not
//! followed, as they would be for a Service without them.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointPort, EndpointSlice};

use crate::dataplane::{Affinity, BackendTarget, Frontend, SourceAddress};
use crate::net::{IpFamily, Transport};

/// Connections at one nodePort of one node.
const FLOW_LIMIT: usize = 1024;
/// The connection tracker's `nf_conntrack_tcp_timeout_established`.
const TCP_IDLE_TIMEOUT: Duration = Duration::from_hours(5 * 24);
/// The API server's default of `timeoutSeconds`.
const DEFAULT_AFFINITY_SECONDS: u64 = 10_800;

/// A Service with the slices that belong to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Routed<'a> {
    pub(super) service: &'a Service,
    spec: &'a ServiceSpec,
    slices: &'a [EndpointSlice],
}

impl<'a> Routed<'a> {
    /// None for a Service that has no nodePorts.
    pub(super) fn new(service: &'a Service, slices: &'a [EndpointSlice]) -> Option<Self> {
        let spec = service.spec.as_ref()?;
        let kind = spec.type_.as_deref().unwrap_or_default();
        matches!(kind, "NodePort" | "LoadBalancer").then_some(Self { service, spec, slices })
    }

    pub(super) fn namespace(&self) -> &'a str {
        self.service.metadata.namespace.as_deref().unwrap_or("default")
    }

    pub(super) fn name(&self) -> &'a str {
        self.service.metadata.name.as_deref().unwrap_or_default()
    }

    /// Whether only endpoints on the node that traffic reaches are used.
    fn is_local(&self) -> bool {
        self.spec.external_traffic_policy.as_deref() == Some("Local")
    }

    /// The port on which a node says whether it has endpoints.
    pub(super) fn health_check_port(&self) -> Option<u16> {
        let port = self.spec.health_check_node_port.and_then(port_number)?;
        (self.is_local() && self.spec.type_.as_deref() == Some("LoadBalancer")).then_some(port)
    }

    pub(super) fn serves(&self, family: IpFamily) -> bool {
        let families = self.spec.ip_families.as_deref().unwrap_or_default();
        families.is_empty() || families.iter().any(|one| one == family_name(family))
    }

    /// What a node serves at one of its addresses for each nodePort.
    pub(super) fn node_ports(&self, node: &str, address: IpAddr) -> Vec<Frontend> {
        let ports = self.spec.ports.iter().flatten();
        ports.filter_map(|port| self.node_port(port, node, address)).collect()
    }

    fn node_port(&self, port: &ServicePort, node: &str, address: IpAddr) -> Option<Frontend> {
        let transport = transport(port.protocol.as_deref())?;
        let number = port.node_port.and_then(port_number)?;
        let id = format!("{}/{}:{number}/{transport}", self.namespace(), self.name());
        let mut frontend = Frontend::new(id, address, number, transport);
        let local_to = self.is_local().then_some(node);
        frontend.backends = self.backends(port, IpFamily::of(address), local_to);
        frontend.affinity = self.affinity();
        // Traffic that may leave the node is masqueraded, so that answers come back through it.
        frontend.source_address =
            if self.is_local() { SourceAddress::Client } else { SourceAddress::Fixed(address) };
        frontend.flow_limit = FLOW_LIMIT;
        if transport == Transport::Tcp {
            frontend.idle_timeout = TCP_IDLE_TIMEOUT;
        }
        Some(frontend)
    }

    fn affinity(&self) -> Affinity {
        if self.spec.session_affinity.as_deref() != Some("ClientIP") {
            return Affinity::None;
        }
        let config = self.spec.session_affinity_config.as_ref().and_then(|config| config.client_ip.as_ref());
        let seconds = config.and_then(|config| config.timeout_seconds);
        let seconds =
            seconds.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(DEFAULT_AFFINITY_SECONDS);
        Affinity::ClientIp { timeout: Duration::from_secs(seconds) }
    }

    /// The ready endpoints; if there are none, those that are terminating and still serve.
    fn backends(&self, port: &ServicePort, family: IpFamily, local_to: Option<&str>) -> Vec<BackendTarget> {
        let reachable: Vec<_> = self
            .endpoints(port, family)
            .filter(|(_, endpoint)| local_to.is_none_or(|node| endpoint.node_name.as_deref() == Some(node)))
            .collect();
        let any_ready = reachable.iter().any(|(_, endpoint)| Conditions::of(endpoint).ready);
        let used = |endpoint: &Endpoint| {
            let conditions = Conditions::of(endpoint);
            if any_ready { conditions.ready } else { conditions.serving && conditions.terminating }
        };
        let addresses: BTreeSet<SocketAddr> =
            reachable.iter().filter(|(_, endpoint)| used(endpoint)).map(|(address, _)| *address).collect();
        addresses.into_iter().map(|address| BackendTarget { id: address.to_string(), address }).collect()
    }

    fn endpoints(
        &self,
        port: &ServicePort,
        family: IpFamily,
    ) -> impl Iterator<Item = (SocketAddr, &'a Endpoint)> {
        self.own_slices(family).flat_map(move |slice| {
            let number = slice.ports.iter().flatten().find(|slice_port| is_port(slice_port, port));
            let number = number.and_then(|slice_port| slice_port.port).and_then(port_number);
            slice.endpoints.iter().filter_map(move |endpoint| {
                // Addresses after the first are not used, as in kube-proxy.
                let address: IpAddr = endpoint.addresses.first()?.parse().ok()?;
                Some((SocketAddr::new(address, number?), endpoint))
            })
        })
    }

    fn own_slices(&self, family: IpFamily) -> impl Iterator<Item = &'a EndpointSlice> {
        let (namespace, name) = (self.namespace(), self.name());
        self.slices.iter().filter(move |slice| {
            let labels = slice.metadata.labels.as_ref();
            let service = labels.and_then(|labels| labels.get("kubernetes.io/service-name"));
            slice.address_type == family_name(family)
                && slice.metadata.namespace.as_deref().unwrap_or("default") == namespace
                && service.is_some_and(|service| service == name)
        })
    }

    /// Ready endpoints on a node, counted once each over all ports.
    pub(super) fn ready_on(&self, node: &str, family: IpFamily) -> usize {
        let endpoints = self.own_slices(family).flat_map(|slice| &slice.endpoints);
        let ready = endpoints
            .filter(|endpoint| endpoint.node_name.as_deref() == Some(node) && Conditions::of(endpoint).ready);
        ready.filter_map(|endpoint| endpoint.addresses.first()).collect::<BTreeSet<_>>().len()
    }
}

/// An endpoint's conditions with the defaults of the API: unknown is ready, serving is ready.
struct Conditions {
    ready: bool,
    serving: bool,
    terminating: bool,
}

impl Conditions {
    fn of(endpoint: &Endpoint) -> Self {
        let given = endpoint.conditions.as_ref();
        let ready = given.and_then(|given| given.ready).unwrap_or(true);
        Self {
            ready,
            serving: given.and_then(|given| given.serving).unwrap_or(ready),
            terminating: given.and_then(|given| given.terminating).unwrap_or(false),
        }
    }
}

fn is_port(slice_port: &EndpointPort, port: &ServicePort) -> bool {
    slice_port.name.as_deref().unwrap_or_default() == port.name.as_deref().unwrap_or_default()
        && slice_port.protocol.as_deref().unwrap_or("TCP") == port.protocol.as_deref().unwrap_or("TCP")
}

/// None for SCTP, which the simulation does not forward.
pub(super) fn transport(protocol: Option<&str>) -> Option<Transport> {
    match protocol.unwrap_or("TCP") {
        "TCP" => Some(Transport::Tcp),
        "UDP" => Some(Transport::Udp),
        _ => None,
    }
}

/// None for 0, which stands for a port that was not allocated.
pub(super) fn port_number(port: i32) -> Option<u16> {
    u16::try_from(port).ok().filter(|port| *port != 0)
}

fn family_name(family: IpFamily) -> &'static str {
    match family {
        IpFamily::V4 => "IPv4",
        IpFamily::V6 => "IPv6",
    }
}
