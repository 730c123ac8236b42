//! What an update keeps and what a change of the type drops
//! (`patchAllocatedValues` and `dropTypeDependentFields` of `pkg/registry/core/service`).

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::ServiceSpec;

use super::view;

/// Fills in the allocated values that the client has left out, so that the manifest of a create can be sent again.
pub(super) fn keep_allocated(spec: &mut ServiceSpec, old: &ServiceSpec) {
    if view::needs_cluster_ip(spec) && view::needs_cluster_ip(old) {
        if spec.cluster_ip.is_none() {
            spec.cluster_ip.clone_from(&old.cluster_ip);
        }
        if spec.cluster_ips.is_none() {
            spec.cluster_ips.clone_from(&old.cluster_ips);
        }
    }
    if view::needs_node_port(spec) && view::needs_node_port(old) {
        keep_node_ports(spec, old);
    }
    if view::needs_health_check(spec)
        && view::needs_health_check(old)
        && spec.health_check_node_port.is_none()
    {
        spec.health_check_node_port = old.health_check_node_port;
    }
}

/// Ports keep their node port by name, unless another port of the new spec asks for it.
fn keep_node_ports(spec: &mut ServiceSpec, old: &ServiceSpec) {
    let asked: BTreeSet<i32> = view::node_ports(spec).into_iter().collect();
    let by_name: BTreeMap<Option<&str>, i32> =
        view::ports(old).iter().map(|port| (port.name.as_deref(), view::node_port(port))).collect();
    for port in spec.ports.iter_mut().flatten().filter(|port| port.node_port.is_none()) {
        let kept = by_name.get(&port.name.as_deref()).filter(|kept| !asked.contains(kept));
        port.node_port = kept.copied().filter(|kept| *kept != 0);
    }
}

/// Drops the fields that the new type does not have, as long as the client has not changed them too.
pub(super) fn drop_dependent(spec: &mut ServiceSpec, old: &ServiceSpec) {
    if view::needs_cluster_ip(old) && !view::needs_cluster_ip(spec) {
        drop_addresses(spec, old);
    }
    if view::needs_node_port(old) && !view::needs_node_port(spec) {
        let before = view::node_ports(old);
        if view::node_ports(spec).iter().all(|port| before.contains(port)) {
            spec.ports.iter_mut().flatten().for_each(|port| port.node_port = None);
        }
    }
    if view::needs_health_check(old) && !view::needs_health_check(spec) {
        take_same(&mut spec.health_check_node_port, old.health_check_node_port.as_ref());
    }
    if view::kind(old) == view::LOAD_BALANCER && view::kind(spec) != view::LOAD_BALANCER {
        take_same(
            &mut spec.allocate_load_balancer_node_ports,
            old.allocate_load_balancer_node_ports.as_ref(),
        );
        take_same(&mut spec.load_balancer_class, old.load_balancer_class.as_ref());
    }
    if view::is_externally_accessible(old) && !view::is_externally_accessible(spec) {
        take_same(&mut spec.external_traffic_policy, old.external_traffic_policy.as_ref());
    }
}

fn drop_addresses(spec: &mut ServiceSpec, old: &ServiceSpec) {
    if spec.cluster_ip == old.cluster_ip && spec.cluster_ips == old.cluster_ips {
        spec.cluster_ip = None;
        spec.cluster_ips = None;
    }
    take_same(&mut spec.ip_families, old.ip_families.as_ref());
    take_same(&mut spec.ip_family_policy, old.ip_family_policy.as_ref());
}

fn take_same<T: PartialEq>(new: &mut Option<T>, old: Option<&T>) {
    if new.as_ref() == old {
        *new = None;
    }
}
