//! The defaults of Services (`pkg/apis/core/v1/defaults.go`).

use k8s_openapi::api::core::v1::{ClientIPConfig, ServicePort, ServiceSpec, SessionAffinityConfig};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::view;

/// Three hours, the default of `sessionAffinityConfig.clientIP.timeoutSeconds`.
const AFFINITY_SECONDS: i32 = 10_800;

/// Turns empty values into absent ones, then fills in the defaults.
pub(super) fn apply(spec: &mut ServiceSpec) {
    drop_empty(spec);
    spec.type_.get_or_insert_with(|| view::CLUSTER_IP.to_owned());
    default_affinity(spec);
    spec.ports.iter_mut().flatten().for_each(default_port);
    if view::is_externally_accessible(spec) {
        spec.external_traffic_policy.get_or_insert_with(|| "Cluster".to_owned());
    }
    if matches!(view::kind(spec), view::CLUSTER_IP | view::NODE_PORT | view::LOAD_BALANCER) {
        spec.internal_traffic_policy.get_or_insert_with(|| "Cluster".to_owned());
    }
    if view::kind(spec) == view::LOAD_BALANCER {
        spec.allocate_load_balancer_node_ports.get_or_insert(true);
    }
}

fn default_affinity(spec: &mut ServiceSpec) {
    match spec.session_affinity.get_or_insert_with(|| "None".to_owned()).as_str() {
        "None" => spec.session_affinity_config = None,
        "ClientIP" => {
            let client_ip =
                spec.session_affinity_config.as_ref().and_then(|config| config.client_ip.as_ref());
            if client_ip.and_then(|config| config.timeout_seconds).is_none() {
                let client_ip = ClientIPConfig { timeout_seconds: Some(AFFINITY_SECONDS) };
                spec.session_affinity_config = Some(SessionAffinityConfig { client_ip: Some(client_ip) });
            }
        }
        _ => {}
    }
}

fn default_port(port: &mut ServicePort) {
    port.protocol.get_or_insert_with(|| "TCP".to_owned());
    let unset = match &port.target_port {
        None | Some(IntOrString::Int(0)) => true,
        Some(IntOrString::String(name)) => name.is_empty(),
        Some(IntOrString::Int(_)) => false,
    };
    if unset {
        port.target_port = Some(IntOrString::Int(port.port));
    }
}

/// The fields that the API drops from an object when they hold the zero value of their type.
fn drop_empty(spec: &mut ServiceSpec) {
    let texts = [
        &mut spec.cluster_ip,
        &mut spec.external_name,
        &mut spec.external_traffic_policy,
        &mut spec.load_balancer_ip,
        &mut spec.session_affinity,
        &mut spec.type_,
    ];
    for text in texts {
        text.take_if(|text| text.is_empty());
    }
    let lists = [
        &mut spec.cluster_ips,
        &mut spec.external_ips,
        &mut spec.ip_families,
        &mut spec.load_balancer_source_ranges,
    ];
    for list in lists {
        list.take_if(|list| list.is_empty());
    }
    spec.ports.take_if(|ports| ports.is_empty());
    spec.selector.take_if(|selector| selector.is_empty());
    spec.health_check_node_port.take_if(|port| *port == 0);
    spec.publish_not_ready_addresses.take_if(|publish| !*publish);
    for port in spec.ports.iter_mut().flatten() {
        port.name.take_if(|name| name.is_empty());
        port.protocol.take_if(|protocol| protocol.is_empty());
        port.node_port.take_if(|port| *port == 0);
    }
}
