//! What is behind the load balancer: nodes, and how they are checked.

use std::net::{IpAddr, Ipv4Addr};

use super::fixtures::{load_balancer, node, number};
use super::harness::{World, Worlds};
use super::report::{Failure, Report, Verdict, check, equal};
use super::transition::{Transition, there_and_back};
use crate::ErrorKind;
use crate::model::{LoadBalancer, Node, NodeField, NodeList, NodeState, Readiness, TrafficPolicy};
use crate::provider::{Capabilities, Outcome, TargetScope, TargetUpdate};

pub(super) fn transitions(capabilities: &Capabilities) -> Vec<Transition> {
    let lb = load_balancer("web", capabilities);
    let more = LoadBalancer { nodes: (1..=4).map(node).collect(), ..lb.clone() };
    let none = LoadBalancer { nodes: NodeList::default(), ..lb.clone() };
    let mut draining = lb.clone();
    draining.nodes.iter_mut().take(1).for_each(|node| node.state = NodeState::Draining);
    let local = LoadBalancer {
        traffic_policy: TrafficPolicy::Local { health_check_node_port: number(32_000) },
        ..lb.clone()
    };
    let mut all = Vec::new();
    all.extend(there_and_back("node added", "node removed", lb.clone(), more));
    all.extend(there_and_back("all nodes gone", "nodes back", lb.clone(), none));
    all.extend(there_and_back("node drained", "node back in service", lb.clone(), draining));
    all.extend(there_and_back("traffic policy Local", "traffic policy Cluster", lb, local));
    all
}

pub(super) async fn run(worlds: &dyn Worlds, report: &mut Report) {
    report.add("targets of nothing are not found", targets_of_nothing_are_not_found(worlds).await);
    report.add("nodes change with few writes", nodes_change_with_few_writes(worlds).await);
    report.add("only declared parts of nodes are used", only_declared_parts_of_nodes_are_used(worlds).await);
}

/// What changes of a node beside the declared parts changes nothing in the plan: the controller does not
/// pass it on (W-19).
pub async fn only_declared_parts_of_nodes_are_used(worlds: &dyn Worlds) -> Verdict {
    let world = World::new(worlds);
    let provider = world.0.provider();
    let capabilities = provider.capabilities();
    let lb = load_balancer("web", capabilities);
    world.ensured(&lb).await?;
    let undeclared = NodeField::ALL.into_iter().filter(|field| !capabilities.node_fields.contains(field));
    for field in undeclared {
        let mut changed = lb.clone();
        changed.nodes.iter_mut().for_each(|node| change(node, field));
        let plan = provider.plan(&changed).await?;
        check(plan.is_empty(), format_args!("{field} is used and not declared: {plan}"))?;
    }
    Ok(())
}

fn change(node: &mut Node, field: NodeField) {
    match field {
        NodeField::Addresses => node.addresses = vec![IpAddr::V4(Ipv4Addr::new(10, 9, 9, 9))],
        NodeField::ProviderId => node.provider_id = Some("conformance:///zone-b/other".to_owned()),
        NodeField::Zone => node.zone = Some("zone-b".to_owned()),
        NodeField::Labels => {
            node.labels.insert("example.com/changed".to_owned(), "yes".to_owned());
        }
        NodeField::Readiness => node.readiness = Readiness::Unknown,
    }
}

/// An update of the targets of no load balancer is `NotFound`, and writes nothing.
pub async fn targets_of_nothing_are_not_found(worlds: &dyn Worlds) -> Verdict {
    let world = World::new(worlds);
    let provider = world.0.provider();
    let lb = load_balancer("web", provider.capabilities());
    let kind = provider.update_targets(TargetUpdate::LoadBalancer(&lb)).await.err().map(|error| error.kind());
    equal("error", &kind, &Some(ErrorKind::NotFound))?;
    equal("writes", &world.0.calls().writes, &0)
}

/// New nodes reach the targets without a full run. Where the cluster has one set of targets, many load
/// balancers cost no more writes than one.
pub async fn nodes_change_with_few_writes(worlds: &dyn Worlds) -> Verdict {
    let one = writes_for_new_nodes(worlds, &["a"]).await?;
    check(one > 0, "no write was made")?;
    let many = writes_for_new_nodes(worlds, &["a", "b", "c", "d"]).await?;
    match World::new(worlds).0.provider().capabilities().target_scope {
        TargetScope::Cluster => equal("writes for four load balancers", &many, &one),
        TargetScope::LoadBalancer => equal("writes for four load balancers", &many, &(one * 4)),
    }
}

async fn writes_for_new_nodes(worlds: &dyn Worlds, names: &[&str]) -> Result<u64, Failure> {
    let world = World::new(worlds);
    let provider = world.0.provider();
    let capabilities: &Capabilities = provider.capabilities();
    let mut lbs: Vec<LoadBalancer> = names.iter().map(|name| load_balancer(name, capabilities)).collect();
    for (lb, n) in lbs.iter_mut().zip(0..) {
        lb.ports.iter_mut().for_each(|port| port.node_port = Some(number(30_100 + n)));
        world.ensured(lb).await?;
    }
    let nodes: NodeList = (2..=5).map(node).collect();
    for lb in &mut lbs {
        lb.nodes.clone_from(&nodes);
    }
    let before = world.0.calls().writes;
    let updates = match capabilities.target_scope {
        TargetScope::Cluster => vec![TargetUpdate::Cluster(&nodes)],
        TargetScope::LoadBalancer => lbs.iter().map(TargetUpdate::LoadBalancer).collect(),
    };
    for update in updates {
        equal("outcome", &provider.update_targets(update).await?, &Outcome::Done)?;
    }
    let writes = world.0.calls().writes - before;
    for lb in &lbs {
        let have: Vec<String> = world.0.targets(&lb.service).into_keys().collect();
        let want: Vec<String> = nodes.iter().map(|node| node.name.clone()).collect();
        equal("targets", &have, &want)?;
        world.is_settled(&lb.service, Some(lb)).await?;
    }
    Ok(writes)
}
