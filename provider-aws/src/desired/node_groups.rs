//! Which security groups the rules of targets go into: those of the network interfaces that their traffic
//! comes in by (AWS-91).

use std::collections::BTreeSet;

use cloud_lb_core::model::{Endpoint, Node};

use super::notes::{Notes, blank_separated};
use super::stack::Context;
use super::targets::{Candidate, instance_id};
use crate::config::Config;
use crate::facts::{GroupFacts, Interface};

/// How many pods a message names.
const NAMED: usize = 5;

/// A target whose group cannot be told does not block the others.
pub(super) fn groups_of(
    context: &Context<'_>,
    targets: &[Candidate<'_>],
    notes: &mut Notes,
) -> BTreeSet<String> {
    let mut groups = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut lost = Vec::new();
    for candidate in targets {
        let interface = match (candidate.pod, candidate.node) {
            // What is outside the network has no interface there.
            (Some(pod), _) if !context.facts.is_inside(pod.address) => continue,
            (Some(pod), node) => of_pod(context, pod, node).ok_or_else(|| lost.push(pod)),
            (None, Some(node)) => of_node(context, node).map_err(|message| {
                notes.warn("NodeInstanceNotFound", message);
            }),
            (None, None) => continue,
        };
        let Some(interface) =
            interface.ok().filter(|interface| seen.insert((interface.id, interface.groups)))
        else {
            continue;
        };
        match group_of(context, interface) {
            Ok(group) => _ = groups.insert(group),
            Err(message) => {
                notes.warn("NodeSecurityGroupAmbiguous", format!("{message}; {}", name(candidate)));
            }
        }
    }
    warn_of_lost(&lost, notes);
    groups
}

fn name(candidate: &Candidate<'_>) -> String {
    let pod = candidate.pod.and_then(|pod| pod.pod.as_deref()).map(|pod| format!("pod {pod}"));
    let node = candidate.node.map(|node| format!("node {}", node.name));
    pod.into_iter().chain(node).collect::<Vec<_>>().join(" of ")
}

/// That of its instance, the primary one.
fn of_node<'a>(context: &Context<'a>, node: &Node) -> Result<Interface<'a>, String> {
    let id = instance_id(node).unwrap_or_default();
    let instance = context.facts.instance(id);
    let message =
        || format!("node {}: there is no instance {id}, so its security group stays as it is", node.name);
    instance.map(crate::facts::Instance::primary).ok_or_else(message)
}

/// One of its node's interfaces, or one of its own.
fn of_pod<'a>(context: &Context<'a>, pod: &Endpoint, node: Option<&Node>) -> Option<Interface<'a>> {
    let facts = context.facts;
    let instance = node.and_then(instance_id).and_then(|id| facts.instance(id));
    let own = || facts.network_interfaces.iter().find(|interface| interface.holds(pod.address));
    instance
        .and_then(|instance| instance.interface_of(pod.address))
        .or_else(|| own().map(crate::facts::NetworkInterface::as_interface))
}

fn warn_of_lost(pods: &[&Endpoint], notes: &mut Notes) {
    if pods.is_empty() {
        return;
    }
    let named = pods.iter().take(NAMED).map(|pod| {
        let name = pod.pod.as_deref().unwrap_or_default();
        format!("{name} ({})", pod.address)
    });
    let named = named.collect::<Vec<_>>().join(", ");
    let others = match pods.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = format!(
        "no network interface has the address of the pods {named}{others}, so no security group is opened for them"
    );
    notes.warn("PodInterfaceNotFound", message);
}

fn group_of(context: &Context<'_>, interface: Interface<'_>) -> Result<String, String> {
    let all: Vec<&String> = interface.groups.iter().collect();
    if let [group] = all.as_slice() {
        return Ok((*group).clone());
    }
    let cluster = &context.config.cluster_name;
    let cluster_tag = cluster_tag(context.config);
    let is_tagged = |id: &&&String| {
        let group = context.facts.security_groups.iter().find(|group| group.group_id == ***id);
        group.is_some_and(|group| is_tagged_for_nodes(group, context.config))
    };
    let tagged: Vec<&String> = all.iter().filter(is_tagged).copied().collect();
    if let [group] = tagged.as_slice() {
        return Ok((*group).clone());
    }
    Err(format!(
        "expected exactly one securityGroup tagged with {cluster_tag} for eni {}, got: {} \
         (clusterName: {cluster}); its security groups are {}",
        interface.id,
        blank_separated(tagged),
        blank_separated(all)
    ))
}

fn cluster_tag(config: &Config) -> String {
    format!("kubernetes.io/cluster/{}", config.cluster_name)
}

/// Whether tags say that of an interface's security groups this is the one to open (AWS-91).
pub(crate) fn is_tagged_for_nodes(group: &GroupFacts, config: &Config) -> bool {
    let wanted = &config.service_target_eni_security_group_tags;
    group.tags.contains_key(&cluster_tag(config))
        && wanted.iter().all(|(key, value)| group.tags.get(key) == Some(value))
}
