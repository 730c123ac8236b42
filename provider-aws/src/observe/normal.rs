//! Observed resources in the form in which they are wanted: what AWS spells in several ways is spelt in
//! one.

use cloud_lb_core::graph::Input;

use crate::facts::{
    GroupFacts, ListenerFacts, LoadBalancerFacts, LoadBalancerState, TargetFacts, TargetGroupFacts,
};
use crate::kinds::{
    Certificate, ListedPermission, Listener, LoadBalancer, Pairs, SecurityGroup, Target, TargetGroup,
    Targets, User,
};

pub(super) fn security_group(group: &GroupFacts) -> SecurityGroup {
    let mut rules: Vec<_> = group.ip_permissions.iter().flat_map(ListedPermission::rules).collect();
    rules.sort();
    rules.dedup();
    SecurityGroup {
        group_name: group.group_name.clone(),
        description: group.description.clone(),
        vpc_id: group.vpc_id.clone(),
        ip_permissions: rules,
        tags: Pairs(group.tags.clone()),
    }
}

pub(super) fn load_balancer(lb: &LoadBalancerFacts) -> LoadBalancer {
    LoadBalancer {
        name: lb.load_balancer_name.clone(),
        r#type: "network",
        scheme: lb.scheme,
        ip_address_type: lb.ip_address_type,
        subnet_mappings: lb.subnet_mappings.clone(),
        security_groups: lb.security_groups.iter().cloned().map(Input::Value).collect(),
        enable_prefix_for_ipv6_source_nat: lb
            .enable_prefix_for_ipv6_source_nat
            .clone()
            .unwrap_or_else(|| "off".to_owned()),
        enforce_security_group_inbound_rules_on_private_link_traffic: lb
            .enforce_security_group_inbound_rules_on_private_link_traffic
            .clone(),
        attributes: Pairs(lb.attributes.clone()),
        capacity_units: lb.capacity_units,
        tags: Pairs(lb.tags.clone()),
        load_balancer_arn: Some(lb.load_balancer_arn.clone()),
        failed: lb.state == LoadBalancerState::Failed,
    }
}

pub(super) fn listener(load_balancer_arn: &str, listener: &ListenerFacts) -> Listener {
    // The list may hold the default certificate once more (AWS-136).
    let (default, others) = listener.certificates.split_at(listener.certificates.len().min(1));
    let mut others: Vec<&String> = others.iter().filter(|arn| !default.contains(arn)).collect();
    others.sort();
    others.dedup();
    let certificates = default.iter().chain(others);
    Listener {
        load_balancer_arn: Input::Value(load_balancer_arn.to_owned()),
        port: listener.port,
        protocol: listener.protocol,
        target_group_arn: Input::Value(listener.target_group_arn.clone()),
        certificates: certificates.map(|arn| Certificate { certificate_arn: arn.clone() }).collect(),
        ssl_policy: listener.ssl_policy.clone(),
        alpn_policy: listener.alpn_policy.clone(),
        attributes: Pairs(listener.attributes.clone()),
        tags: Pairs(listener.tags.clone()),
    }
}

pub(super) fn target_group(group: &TargetGroupFacts, user: Option<&LoadBalancerFacts>) -> TargetGroup {
    TargetGroup {
        name: group.target_group_name.clone(),
        target_type: group.target_type,
        ip_address_type: group.ip_address_type,
        port: group.port,
        protocol: group.protocol,
        vpc_id: group.vpc_id.clone(),
        health_check: group.health_check.clone(),
        user: user
            .map(|lb| User { scheme: lb.scheme, load_balancer_arn: Some(lb.load_balancer_arn.clone()) }),
        attributes: Pairs(group.attributes.clone()),
        tags: Pairs(group.tags.clone()),
    }
}

pub(super) fn targets(target_group_arn: Input, group: &TargetGroupFacts) -> Targets {
    Targets { target_group_arn, targets: present(&group.targets) }
}

/// The registered targets, sorted, without those on their way out.
fn present(all: &[TargetFacts]) -> Vec<Target> {
    let live = all.iter().filter(|target| !target.is_leaving());
    let mut targets: Vec<Target> = live
        .map(|target| Target {
            id: target.id.clone(),
            port: target.port,
            availability_zone: target.availability_zone.clone(),
            node_zone: None,
        })
        .collect();
    targets.sort();
    targets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aws_180_only_targets_that_drain_count_as_absent() {
        let target = |id: &str, state: &str| TargetFacts {
            id: id.to_owned(),
            port: 80,
            state: Some(state.to_owned()),
            ..TargetFacts::default()
        };
        let states =
            ["initial", "healthy", "unhealthy", "unhealthy.draining", "unused", "draining", "unavailable"];
        let all = states.map(|state| target(state, state)).to_vec();
        let live = present(&all);
        assert_eq!(live.len(), states.len() - 1);
        assert!(!live.iter().any(|target| target.id == "draining"), "{live:?}");
    }
}
