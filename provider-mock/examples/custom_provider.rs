//! A provider for a cloud that the library does not know, in one file.
//!
//!     cargo run --package provider-mock --example custom_provider
//!
//! The cloud is an appliance with virtual servers, each with a VIP, ports and members, here a map in memory. What
//! a provider says is what it wants, what is there, and how to make one step; comparing, ordering, plans,
//! retries and the survey of everything are the engine's.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use cloud_lb_core::Result;
use cloud_lb_core::backend::{Applied, Backend, Everything, Scope};
use cloud_lb_core::engine::Engine;
use cloud_lb_core::graph::{Graph, Input, Outputs, Resource, ResourceKey, Spec};
use cloud_lb_core::k8s::load_balancer;
use cloud_lb_core::model::{Address, Ingress, IpFamily, IpMode, LoadBalancer, Node, ServiceId, Status};
use cloud_lb_core::plan::{Action, Change, Have, Observed, Ownership, ReplaceOrder, Step};
use cloud_lb_core::provider::{
    Capabilities, LoadBalancerProvider as _, Owned, OwnedResource, State, TargetScope,
};
use parking_lot::Mutex;
use serde::Serialize;

/// One kind of resource: an enum with one variant per kind, where there are more.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct VirtualServer {
    /// Whose it is: the ownership mark by which it is found again.
    owner: ServiceId,
    ports: BTreeMap<u16, u16>,
    members: BTreeSet<String>,
}

impl Spec for VirtualServer {
    fn inputs(&self) -> Vec<&Input> {
        Vec::new() // refers to no other resource
    }
    fn inputs_mut(&mut self) -> Vec<&mut Input> {
        Vec::new()
    }
    fn claims(&self) -> Vec<String> {
        Vec::new()
    }
    fn is_target_set(&self) -> bool {
        true // follows the nodes
    }
}

#[derive(Debug)]
struct Appliance {
    capabilities: Capabilities,
    servers: Mutex<BTreeMap<String, VirtualServer>>,
}

fn key() -> ResourceKey {
    ResourceKey::new("VirtualServer", "main")
}

impl Appliance {
    fn of(&self, service: &ServiceId) -> Observed<VirtualServer> {
        let mut observed = Observed::new();
        if let Some(spec) = self.servers.lock().get(&service.uid).cloned() {
            let outputs = Outputs::from([("vip".to_owned(), vip(service))]);
            let (ownership, uses) = (Ownership::Service, BTreeSet::new());
            observed.add(key(), Have { spec, ownership, container: None, outputs, uses });
        }
        observed
    }
}

fn vip(service: &ServiceId) -> String {
    let sum = service.uid.bytes().fold(0_u8, u8::wrapping_add);
    Ipv4Addr::new(198, 51, 100, sum).to_string()
}

impl Backend for Appliance {
    type Spec = VirtualServer;
    type Facts = ();

    fn name(&self) -> &'static str {
        "appliance"
    }
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }
    fn load_balancer_name(&self, service: &ServiceId) -> String {
        service.uid.clone()
    }
    fn takes(&self, lb: &LoadBalancer) -> bool {
        lb.class.as_deref() == Some("example.com/appliance")
    }
    fn check_deletion(&self, _: &ServiceId, _: &BTreeMap<String, String>) -> Result<()> {
        Ok(())
    }
    async fn resolve(&self, _: &LoadBalancer) -> Result<()> {
        Ok(())
    }

    fn build(&self, lb: &LoadBalancer, (): &()) -> Result<Graph<VirtualServer>> {
        let ports = lb.ports.iter().filter_map(|port| Some((port.port.get(), port.node_port?.get())));
        let members = lb.nodes.iter().filter_map(|node| node.address(IpFamily::V4));
        let spec = VirtualServer {
            owner: lb.service.clone(),
            ports: ports.collect(),
            members: members.map(|address| address.to_string()).collect(),
        };
        let mut graph = Graph::new();
        graph.add(key(), Resource::owned(spec))?;
        Ok(graph)
    }

    fn build_shared_targets(&self, _: &[Node], _: &Observed<VirtualServer>) -> Result<Graph<VirtualServer>> {
        Ok(Graph::new())
    }

    async fn observe(&self, scope: Scope<'_>) -> Result<Observed<VirtualServer>> {
        Ok(scope.service().map(|service| self.of(service)).unwrap_or_default())
    }

    async fn observe_all(&self, services: &[&LoadBalancer]) -> Result<Everything<VirtualServer>> {
        let owned = |(id, server): (&String, &VirtualServer)| Owned {
            service: Some(server.owner.clone()),
            resources: vec![OwnedResource { kind: "VirtualServer".to_owned(), id: id.clone() }],
        };
        let owned = self.servers.lock().iter().map(owned).collect();
        Ok(Everything { observed: services.iter().map(|lb| Ok(self.of(&lb.service))).collect(), owned })
    }

    fn change(&self, have: &VirtualServer, want: &VirtualServer) -> Change {
        Change::between(have, want, &[], ReplaceOrder::DeleteFirst)
    }

    fn state(&self, have: &Observed<VirtualServer>) -> State {
        let vip = have.get(&key()).and_then(|server| server.outputs.get("vip")?.parse().ok());
        let ingress =
            |ip| Ingress { address: Address::Ip(ip), ip_mode: Some(IpMode::Proxy), ports: Vec::new() };
        vip.map_or(State::Absent, |ip| State::Ready(Status { ingress: vec![ingress(ip)] }))
    }

    async fn apply(&self, steps: &[Step<VirtualServer>]) -> Result<Vec<Applied>> {
        let mut servers = self.servers.lock();
        let one = |step: &Step<VirtualServer>| match &step.action {
            Action::Create(want) | Action::Update { want, .. } => {
                servers.insert(want.owner.uid.clone(), want.clone());
                let outputs = Outputs::from([("vip".to_owned(), vip(&want.owner))]);
                Applied { outputs, pending: None }
            }
            Action::Delete(have) => {
                servers.remove(&have.owner.uid);
                Applied::default()
            }
        };
        Ok(steps.iter().map(one).collect())
    }
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let capabilities = Capabilities::least(TargetScope::LoadBalancer);
    // What controllers hold: hand it to `Controller::new`, see the example `embed_in_ccm`.
    let provider = Engine::new(Appliance { capabilities, servers: Mutex::default() });
    let service = serde_json::from_value(serde_json::json!({
        "metadata": {"name": "web", "namespace": "default", "uid": "5a2a3a1e-8c1c-4b2a-9f0d-6b8f3c1d2e4f"},
        "spec": {"type": "LoadBalancer", "loadBalancerClass": "example.com/appliance",
            "ports": [{"port": 80, "nodePort": 30080}]},
    }))?;
    let wanted = load_balancer("example", &service, Vec::new(), [])?;
    println!("{}", provider.plan(&wanted).await?);
    println!("{:?}", provider.ensure(&wanted).await?);
    assert!(provider.plan(&wanted).await?.is_empty(), "a second plan has nothing to do");
    Ok(())
}
