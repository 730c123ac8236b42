//! Which nodes and pods are behind a target group (AWS-170 to AWS-189).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use cloud_lb_core::model::{Endpoint, IpFamily, Node, NodeState, Port, Readiness};
use sha2::{Digest, Sha256};

use super::listeners::Plan;
use super::notes::Notes;
use super::stack::Context;
use crate::facts::InstanceState;
use crate::kinds::{Target, TargetFamily, TargetGroup, TargetType};

/// Labels that keep a node from being a target, whatever their value (AWS-170).
const EXCLUDING_LABELS: [&str; 3] = [
    "node-role.kubernetes.io/master",
    "node.kubernetes.io/exclude-from-external-load-balancers",
    "alpha.service-controller.kubernetes.io/exclude-balancer",
];

/// The label of nodes that are no instances, with its value.
const FARGATE: (&str, &str) = ("eks.amazonaws.com/compute-type", "fargate");

/// A target, and the node that it is or runs on.
pub(super) struct Candidate<'a> {
    pub(super) target: Target,
    pub(super) node: Option<&'a Node>,
    pub(super) pod: Option<&'a Endpoint>,
    zone: &'a str,
}

/// The targets of a target group, sorted.
pub(super) fn candidates<'a>(
    context: &Context<'a>,
    plan: &Plan<'_>,
    group: &TargetGroup,
    notes: &mut Notes,
) -> Vec<Candidate<'a>> {
    let all = match context.target_type {
        TargetType::Instance => instances(context, plan, notes),
        TargetType::Ip => pods(context, plan.entry, group.ip_address_type),
    };
    let mut chosen = capped(context, plan.port, group, all);
    chosen.sort_by(|a, b| a.target.cmp(&b.target));
    chosen.dedup_by(|a, b| a.target == b.target);
    chosen
}

/// Nodes, by instance id and NodePort. The traffic policy does not matter: health checks find out which
/// nodes have a pod (AWS-174).
fn instances<'a>(context: &Context<'a>, plan: &Plan<'_>, notes: &mut Notes) -> Vec<Candidate<'a>> {
    let Some(port) = plan.entry.node_port else { return Vec::new() };
    let mut usable: Vec<&Node> = context.lb.nodes.iter().filter(|node| is_candidate(context, node)).collect();
    // When no node is ready, the control plane is more likely to be at fault than all the nodes that it has
    // not heard of (AWS-171).
    let fails_open = context.config.endpoints_fail_open && !usable.iter().any(|node| node.is_ready());
    usable.retain(|node| node.is_ready() || (fails_open && node.readiness == Readiness::Unknown));
    let mut candidates = Vec::new();
    for node in usable {
        let Some(id) = instance_id(node) else {
            let provider_id = node.provider_id.as_deref().unwrap_or("none");
            let message = format!(
                "node {} is no target: its provider id {provider_id} is no EC2 instance's",
                node.name
            );
            notes.warn("NodeSkipped", message);
            continue;
        };
        let state = context.facts.instance(id).map(|instance| instance.state);
        if !matches!(state, Some(InstanceState::ShuttingDown | InstanceState::Terminated)) {
            let target =
                Target { id: id.to_owned(), port: port.get(), availability_zone: None, node_zone: None };
            candidates.push(Candidate {
                target,
                node: Some(node),
                pod: None,
                zone: node.zone.as_deref().unwrap_or_default(),
            });
        }
    }
    candidates
}

/// AWS-170 and AWS-172. Taints that announce the end of a node make it a draining one in the model.
fn is_candidate(context: &Context<'_>, node: &Node) -> bool {
    let (key, value) = FARGATE;
    let has = |key: &str, value: &str| node.labels.get(key).is_some_and(|label| label == value);
    let selector = context.asked.map("target-node-labels");
    node.state == NodeState::Active
        && !EXCLUDING_LABELS.iter().any(|label| node.labels.contains_key(*label))
        && !has(key, value)
        && selector.into_iter().flatten().all(|(key, value)| has(key, value))
}

/// The last part of a provider id such as `aws:///eu-west-1a/i-0123` (AWS-173).
pub(crate) fn instance_id(node: &Node) -> Option<&str> {
    let id = node.provider_id.as_deref()?.rsplit('/').next()?;
    let digits = id.strip_prefix("i-")?;
    let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    (!digits.is_empty() && digits.chars().all(is_hex)).then_some(id)
}

/// Pods, by address and the number of their port (AWS-177, AWS-178).
fn pods<'a>(context: &Context<'a>, port: &Port, family: TargetFamily) -> Vec<Candidate<'a>> {
    let name = port.name.as_deref().unwrap_or_default();
    let nodes: BTreeMap<&str, &Node> =
        context.lb.nodes.iter().map(|node| (node.name.as_str(), node)).collect();
    let node_of = |endpoint: &Endpoint| nodes.get(endpoint.node.as_deref()?).copied();
    let mut wanted: Vec<&Endpoint> =
        context.lb.endpoints.iter().filter(|endpoint| is_wanted(endpoint, family)).collect();
    // A pod is not ready on a node that is not, whatever its containers do: then it does not wait for us.
    let is_well = |endpoint: &Endpoint| endpoint.ready || node_of(endpoint).is_none_or(Node::is_ready);
    let fails_open = context.config.endpoints_fail_open && !wanted.iter().any(|endpoint| is_well(endpoint));
    let is_unheard_of = |node: &Node| node.readiness == Readiness::Unknown;
    wanted
        .retain(|endpoint| is_well(endpoint) || (fails_open && node_of(endpoint).is_some_and(is_unheard_of)));
    let candidates = wanted.into_iter().filter_map(|endpoint| {
        let node = node_of(endpoint);
        let zone = endpoint.zone.as_deref().or_else(|| node?.zone.as_deref());
        let target = Target {
            node_zone: zone.map(ToOwned::to_owned),
            id: endpoint.address.to_string(),
            port: endpoint.ports.get(name)?.get(),
            availability_zone: (!context.facts.is_inside(endpoint.address)).then(|| "all".to_owned()),
        };
        Some(Candidate { target, node, pod: Some(endpoint), zone: zone.unwrap_or_default() })
    });
    candidates.collect()
}

fn is_wanted(endpoint: &Endpoint, family: TargetFamily) -> bool {
    let family = match family {
        TargetFamily::Ipv4 => IpFamily::V4,
        TargetFamily::Ipv6 => IpFamily::V6,
    };
    is_pod_in_use(endpoint) && IpFamily::of(endpoint.address) == family
}

/// Whether an endpoint is a pod that takes new connections, or would if it were a target.
pub(crate) fn is_pod_in_use(endpoint: &Endpoint) -> bool {
    (endpoint.ready || !endpoint.gates.is_empty()) && !endpoint.terminating && endpoint.pod.is_some()
}

/// The numbers of a port: one, or those that its name means on the pods.
pub(super) fn numbers_of(context: &Context<'_>, port: &Port, family: TargetFamily) -> BTreeSet<u16> {
    pods(context, port, family).into_iter().map(|candidate| candidate.target.port).collect()
}

/// At most as many targets as are configured (AWS-189): registered ones stay, the others are taken from
/// each zone in turn, in an order that is another for each target group and does not change.
fn capped<'a>(
    context: &Context<'_>,
    port: u16,
    group: &TargetGroup,
    all: Vec<Candidate<'a>>,
) -> Vec<Candidate<'a>> {
    let cap = match context.config.max_targets_per_target_group {
        0 => return all,
        cap if all.len() <= cap => return all,
        cap => cap,
    };
    let registered: BTreeSet<(&str, u16)> = context
        .stack
        .target_groups_of(port)
        .flat_map(|live| live.targets.iter().map(|target| (target.id.as_str(), target.port)))
        .collect();
    let is_registered = |c: &Candidate<'_>| registered.contains(&(c.target.id.as_str(), c.target.port));
    let mut zones: BTreeMap<&str, Vec<Candidate<'a>>> = BTreeMap::new();
    for candidate in all {
        zones.entry(candidate.zone).or_default().push(candidate);
    }
    let mut queues: Vec<VecDeque<Candidate<'a>>> = Vec::new();
    for mut zone in zones.into_values() {
        zone.sort_by_key(|c| (!is_registered(c), rank(&c.target, &group.name)));
        queues.push(zone.into());
    }
    in_turn(queues, cap, is_registered)
}

/// Registered ones first, then one of each zone at a time.
fn in_turn<'a>(
    mut queues: Vec<VecDeque<Candidate<'a>>>,
    cap: usize,
    is_registered: impl Fn(&Candidate<'_>) -> bool,
) -> Vec<Candidate<'a>> {
    let mut chosen: Vec<Candidate<'a>> = Vec::new();
    for only_registered in [true, false] {
        loop {
            let before = chosen.len();
            for queue in &mut queues {
                let fits = queue.front().is_some_and(|first| !only_registered || is_registered(first));
                if fits && chosen.len() < cap {
                    chosen.extend(queue.pop_front());
                }
            }
            if chosen.len() == before {
                break;
            }
        }
    }
    chosen
}

fn rank(target: &Target, group: &str) -> Vec<u8> {
    Sha256::digest(format!("{}:{}/{group}", target.id, target.port)).to_vec()
}
