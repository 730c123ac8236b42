//! Questions to the spec of a Service. Defaulting has turned empty values into absent ones.

use k8s_openapi::api::core::v1::{ServicePort, ServiceSpec};

pub(super) const CLUSTER_IP: &str = "ClusterIP";
pub(super) const NODE_PORT: &str = "NodePort";
pub(super) const LOAD_BALANCER: &str = "LoadBalancer";
pub(super) const EXTERNAL_NAME: &str = "ExternalName";
/// The cluster IP of a headless Service.
pub(super) const NONE: &str = "None";

/// `spec.type`.
pub(super) fn kind(spec: &ServiceSpec) -> &str {
    spec.type_.as_deref().unwrap_or_default()
}

/// `spec.ports`.
pub(super) fn ports(spec: &ServiceSpec) -> &[ServicePort] {
    spec.ports.as_deref().unwrap_or_default()
}

/// `spec.clusterIP`.
pub(super) fn cluster_ip(spec: &ServiceSpec) -> &str {
    spec.cluster_ip.as_deref().unwrap_or_default()
}

/// `spec.clusterIPs`.
pub(super) fn cluster_ips(spec: &ServiceSpec) -> &[String] {
    spec.cluster_ips.as_deref().unwrap_or_default()
}

/// `spec.ipFamilies`.
pub(super) fn families(spec: &ServiceSpec) -> &[String] {
    spec.ip_families.as_deref().unwrap_or_default()
}

/// `spec.ipFamilyPolicy`.
pub(super) fn policy(spec: &ServiceSpec) -> &str {
    spec.ip_family_policy.as_deref().unwrap_or_default()
}

/// The node port of a port; 0 = none.
pub(super) fn node_port(port: &ServicePort) -> i32 {
    port.node_port.unwrap_or_default()
}

/// All node ports of a Service, in the order of its ports.
pub(super) fn node_ports(spec: &ServiceSpec) -> Vec<i32> {
    ports(spec).iter().map(node_port).filter(|port| *port != 0).collect()
}

/// The node ports that a Service holds. An `ExternalName` may name some, as in the real server, but holds none.
pub(super) fn held_node_ports(spec: &ServiceSpec) -> Vec<i32> {
    if needs_node_port(spec) { node_ports(spec) } else { vec![] }
}

/// Whether `spec.clusterIPs` says that there is no cluster IP.
pub(super) fn is_headless(spec: &ServiceSpec) -> bool {
    cluster_ips(spec) == [NONE]
}

/// Whether the first cluster IP says so; unlike [`is_headless`] in a spec with more than one.
pub(super) fn starts_headless(spec: &ServiceSpec) -> bool {
    cluster_ips(spec).first().is_some_and(|ip| ip == NONE)
}

/// Whether a headless Service selects no pods, which relaxes the rules for IP families.
pub(super) fn is_headless_without_selector(spec: &ServiceSpec) -> bool {
    cluster_ip(spec) == NONE && spec.selector.is_none()
}

/// Whether the type has cluster IPs, `None` included.
pub(super) fn needs_cluster_ip(spec: &ServiceSpec) -> bool {
    kind(spec) != EXTERNAL_NAME
}

/// Whether the type has node ports.
pub(super) fn needs_node_port(spec: &ServiceSpec) -> bool {
    matches!(kind(spec), NODE_PORT | LOAD_BALANCER)
}

/// Whether node ports are assigned to ports that ask for none.
pub(super) fn assigns_node_ports(spec: &ServiceSpec) -> bool {
    match kind(spec) {
        NODE_PORT => true,
        LOAD_BALANCER => spec.allocate_load_balancer_node_ports.unwrap_or(true),
        _ => false,
    }
}

/// Whether the Service has a health check port.
pub(super) fn needs_health_check(spec: &ServiceSpec) -> bool {
    kind(spec) == LOAD_BALANCER && spec.external_traffic_policy.as_deref() == Some("Local")
}

/// The health check port; 0 = none.
pub(super) fn health_check_port(spec: &ServiceSpec) -> i32 {
    spec.health_check_node_port.unwrap_or_default()
}

/// Whether traffic from outside the cluster reaches the Service.
pub(super) fn is_externally_accessible(spec: &ServiceSpec) -> bool {
    needs_node_port(spec) || (kind(spec) == CLUSTER_IP && spec.external_ips.is_some())
}
