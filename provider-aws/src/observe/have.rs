//! What was read, as what there is, and what each thing tells of itself.

use std::collections::BTreeSet;

use cloud_lb_core::graph::{Input, Outputs, ResourceKey};
use cloud_lb_core::plan::{Have, Observed, Ownership};

use super::{StackFacts, normal};
use crate::facts::ownership::port_of;
use crate::facts::{GroupFacts, LoadBalancerFacts, TargetGroupFacts};
use crate::kinds::{NodeRules, Spec, key};

pub(super) fn of_service_alone(spec: Spec, outputs: Outputs) -> Have<Spec> {
    Have { spec, ownership: Ownership::Service, container: None, outputs, uses: BTreeSet::new() }
}

fn outputs<const N: usize>(pairs: [(&str, &str); N]) -> Outputs {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

pub(crate) fn load_balancer_outputs(lb: &LoadBalancerFacts) -> Outputs {
    let mut outputs = outputs([
        (key::LOAD_BALANCER_ARN, lb.load_balancer_arn.as_str()),
        (key::DNS_NAME, &lb.dns_name),
        (key::STATE, lb.state.as_str()),
    ]);
    if !lb.state_reason.is_empty() {
        outputs.insert(key::STATE_REASON.to_owned(), lb.state_reason.clone());
    }
    outputs
}

pub(crate) fn one_output(name: &str, value: &str) -> Outputs {
    outputs([(name, value)])
}

/// Nothing refers to targets; they are told apart by their target group, in words that nothing else uses.
pub(crate) fn targets_outputs(target_group: &str) -> Outputs {
    one_output(key::TARGETS, &targets_of(target_group))
}

fn targets_of(target_group: &str) -> String {
    format!("targets of {target_group}")
}

/// Nothing refers to node rules; see [`targets_outputs`].
pub(crate) fn node_rules_outputs(rules: &NodeRules) -> Outputs {
    let target_group = rules.target_group_arn.value().unwrap_or_default();
    one_output(key::NODE_RULES, &node_rules_of(target_group))
}

fn node_rules_of(target_group: &str) -> String {
    format!("node rules of {target_group}")
}

pub(super) fn group_outputs(group: &GroupFacts) -> Outputs {
    one_output(key::GROUP_ID, &group.group_id)
}

pub(super) fn add_load_balancer(lb: &LoadBalancerFacts, stack: &StackFacts, have: &mut Observed<Spec>) {
    let spec = Spec::LoadBalancer(normal::load_balancer(lb));
    let may_use = |group: &&TargetGroupFacts| {
        stack.user_of(group).is_none_or(|user| user.load_balancer_arn == lb.load_balancer_arn)
    };
    let through_listeners = stack.target_groups.iter().filter(may_use).map(|group| &group.target_group_arn);
    let uses = through_listeners.flat_map(|arn| [arn.clone(), targets_of(arn), node_rules_of(arn)]).collect();
    let found = of_service_alone(spec, load_balancer_outputs(lb));
    have.add(key::load_balancer(), Have { uses, ..found });
    for listener in &lb.listeners {
        let spec = Spec::Listener(normal::listener(&lb.load_balancer_arn, listener));
        let outputs = one_output(key::LISTENER_ARN, &listener.listener_arn);
        have.add(key::of_port(key::LISTENER, listener.port), of_service_alone(spec, outputs));
    }
}

pub(super) fn add_target_group(group: &TargetGroupFacts, stack: &StackFacts, have: &mut Observed<Spec>) {
    let port = port_of(group, &stack.load_balancers);
    let arn = &group.target_group_arn;
    let spec = Spec::TargetGroup(normal::target_group(group, stack.user_of(group)));
    let found = of_service_alone(spec, one_output(key::TARGET_GROUP_ARN, arn));
    have.add(ResourceKey::new(key::TARGET_GROUP, port.clone()), found);
    let targets = normal::targets(Input::Value(arn.clone()), group);
    let found = of_service_alone(Spec::Targets(targets), targets_outputs(arn));
    have.add(ResourceKey::new(key::TARGETS, port), found);
}
