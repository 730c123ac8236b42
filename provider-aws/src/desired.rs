//! Desired resources of a Service: a pure function of the Service, the account and the configuration.

mod attributes;
mod certificates;
mod health;
mod listeners;
mod load_balancer;
mod managed;
mod names;
mod node_groups;
mod node_rules;
mod notes;
mod ranges;
mod security_groups;
mod stack;
mod subnets;
mod tags;
mod takes;
mod target_groups;
mod targets;

use cloud_lb_core::error::Result;
use cloud_lb_core::graph::{Graph, Input, Resource, ResourceKey};
use cloud_lb_core::model::{LoadBalancer, SessionAffinity};
use cloud_lb_core::plan::Warning;

pub(crate) use attributes::{default_of_listener, default_of_load_balancer, default_of_target_group};
pub(crate) use managed::{MANAGED_TAG, until_reset};
pub(crate) use names::{is_named_for, load_balancer as load_balancer_name};
pub(crate) use node_groups::is_tagged_for_nodes;
pub(crate) use ranges::{covers, merge};
pub(crate) use stack::{scheme, target_type};
pub(crate) use subnets::is_tagged_for;
pub(crate) use takes::annotations;
pub use takes::{check_deletion, takes};
pub(crate) use targets::{instance_id, is_pod_in_use};

use crate::annotations::Annotations;
use crate::config::Config;
use crate::facts::Account;
use crate::kinds::{Spec, TargetGroup, Targets, key};
use listeners::Plan;
use notes::Notes;
use security_groups::Groups;
use stack::Context;
use targets::Candidate;

/// The resources that a Service needs.
///
/// # Errors
/// - `InvalidInput` with all that is wrong: first with every annotation that cannot be read, and once
///   those are right with all that does not fit together.
/// - `Ownership` if a name is taken by somebody else (AWS-35).
pub fn build(lb: &LoadBalancer, facts: &Account, config: &Config) -> Result<Graph<Spec>> {
    assemble(lb, facts, config, &mut Notes::default())
}

/// What a user should know about the Service, although it is not refused; sorted, each once.
pub fn warnings(lb: &LoadBalancer, facts: &Account, config: &Config) -> Vec<Warning> {
    let mut notes = Notes::default();
    // Whether it is refused is for `build` to tell.
    let _ = assemble(lb, facts, config, &mut notes);
    notes.warnings.sort();
    notes.warnings.dedup();
    notes.warnings
}

/// Whether the Service is refused for what the account has or lacks: then the account is worth another look.
pub(crate) fn is_refused_for_account(lb: &LoadBalancer, facts: &Account, config: &Config) -> bool {
    let mut notes = Notes::default();
    assemble(lb, facts, config, &mut notes).is_err() && notes.depend_on_account()
}

fn assemble(lb: &LoadBalancer, facts: &Account, config: &Config, notes: &mut Notes) -> Result<Graph<Spec>> {
    let (asked, violations) = Annotations::read(&takes::annotations(lb, config));
    asked.remarks().into_iter().for_each(|(reason, message)| notes.warn(reason, message));
    notes.refuse_all(violations);
    notes.check(&lb.service)?;
    let context = Context::new(lb, facts, config, asked, notes);
    check_service(&context, notes);
    tags::check(&context, notes);
    let parts = Parts::new(&context, notes);
    let graph = parts.graph(&context, notes)?;
    notes.check(&lb.service)?;
    Ok(graph)
}

/// What the Service asks of no part in particular (AWS-10, AWS-11, AWS-198).
fn check_service(context: &Context<'_>, notes: &mut Notes) {
    let lb = context.lb;
    if lb.ports.is_empty() {
        notes.refuse_field("spec.ports", "none", "a load balancer needs at least one port");
    }
    if let Some(address) = lb.requested_address {
        let message = format!("loadBalancerIP {address} is ignored: use the annotations for addresses");
        notes.warn("IgnoredLoadBalancerIP", message);
    }
    if let SessionAffinity::ClientIp { .. } = lb.affinity {
        let message = "sessionAffinity: ClientIP holds without its timeout: AWS has none";
        notes.warn("SessionAffinityTimeout", message);
    }
    if context.asked.bool("multi-cluster-target-group") == Some(true) {
        let reason = "target groups that several clusters share are not supported yet";
        notes.refuse("multi-cluster-target-group", true, reason);
    }
}

/// What one listener needs.
struct Port<'a> {
    plan: Plan<'a>,
    group: TargetGroup,
    targets: Vec<Candidate<'a>>,
}

/// All that the graph is made of.
struct Parts<'a> {
    groups: Groups,
    subnets: Vec<&'a crate::facts::SubnetFacts>,
    ports: Vec<Port<'a>>,
}

impl<'a> Parts<'a> {
    fn new(context: &Context<'a>, notes: &mut Notes) -> Self {
        let plans = listeners::plan(context, notes);
        certificates::warn_of_unusable(context, &plans, notes);
        health::warn_of_unanswered_checks(context, &plans, notes);
        health::warn_of_unused_ports(context, &plans, notes);
        let groups = target_groups::target_groups(context, &plans, notes);
        let ports = plans.into_iter().zip(groups).map(|(plan, group)| {
            let targets = targets::candidates(context, &plan, &group, notes);
            Port { plan, group, targets }
        });
        let ports = ports.collect();
        Self {
            groups: security_groups::decide(context, notes),
            subnets: subnets::resolve(context, notes),
            ports,
        }
    }

    fn graph(&self, context: &Context<'a>, notes: &mut Notes) -> Result<Graph<Spec>> {
        let mut graph = Graph::new();
        if self.groups.frontend {
            let group = security_groups::frontend(context, notes);
            graph.add(key::frontend(), Resource::owned(Spec::SecurityGroup(group)))?;
        }
        if self.groups.backend {
            let group = security_groups::backend_group(context);
            graph.add(key::backend(), Resource::shared(Spec::SecurityGroup(group)))?;
        }
        let mappings = subnets::mappings(context, &self.subnets, notes);
        let attached = self.groups.attached.clone();
        let lb = load_balancer::load_balancer(context, mappings, attached, notes);
        graph.add(key::load_balancer(), Resource::owned(Spec::LoadBalancer(lb)))?;
        for port in &self.ports {
            self.add_port(context, port, &mut graph, notes)?;
        }
        Ok(graph)
    }

    fn add_port(
        &self,
        context: &Context<'a>,
        port: &Port<'a>,
        graph: &mut Graph<Spec>,
        notes: &mut Notes,
    ) -> Result<()> {
        let Port { plan, group, targets } = port;
        let of_port = |kind| -> ResourceKey { key::of_port(kind, plan.port) };
        let registered = Targets {
            target_group_arn: Input::reference(&of_port(key::TARGET_GROUP), key::TARGET_GROUP_ARN),
            targets: targets.iter().map(|candidate| candidate.target.clone()).collect(),
        };
        let mut listener = Resource::owned(Spec::Listener(listeners::listener(context, plan, notes)));
        if target_groups::existing(context, plan.port, group).is_replaced() {
            // Traffic moves to the new target group only when its targets are registered (AWS-150).
            listener = listener.after(&of_port(key::TARGETS));
        }
        let rules = node_rules::node_rules(context, port, &self.groups.source, &self.subnets, notes);
        graph.add(of_port(key::TARGET_GROUP), Resource::owned(Spec::TargetGroup(group.clone())))?;
        graph.add(of_port(key::TARGETS), Resource::owned(Spec::Targets(registered)))?;
        graph.add(of_port(key::LISTENER), listener)?;
        if let Some(rules) = rules {
            // They open whatever becomes of the targets. Where the port of these changes, the writer keeps the old one
            // open until they are registered anew.
            graph.add(of_port(key::NODE_RULES), Resource::owned(Spec::NodeRules(rules)))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
