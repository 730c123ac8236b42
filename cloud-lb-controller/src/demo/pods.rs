//! The pods behind a Service. Pure.

use k8s_openapi::api::core::v1::{Service, ServicePort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::{Value, json};

/// As many as there are nodes: each gets one.
const PODS: usize = 3;

/// Number of the first named port; pods choose theirs, Services mean them by name.
const FIRST_NAMED: usize = 8080;

/// Pods that the Service selects and that listen on its target ports; none for a Service without
/// selector.
pub(super) fn behind(service: &Service) -> Vec<Value> {
    let Some(spec) = &service.spec else { return Vec::new() };
    let Some(selector) = spec.selector.as_ref().filter(|selector| !selector.is_empty()) else {
        return Vec::new();
    };
    let ports: Vec<Value> = spec.ports.iter().flatten().enumerate().map(container_port).collect();
    let name = service.metadata.name.as_deref().unwrap_or_default();
    let pod = |number| {
        json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": format!("{name}-{number}"),
                "namespace": service.metadata.namespace,
                "labels": selector,
            },
            "spec": {"containers": [{"name": "app", "image": "example.com/app", "ports": ports}]},
        })
    };
    (1..=PODS).map(pod).collect()
}

fn container_port((index, port): (usize, &ServicePort)) -> Value {
    let protocol = port.protocol.as_deref().unwrap_or("TCP");
    match &port.target_port {
        Some(IntOrString::String(name)) => {
            json!({"name": name, "containerPort": FIRST_NAMED + index, "protocol": protocol})
        }
        Some(IntOrString::Int(number)) => json!({"containerPort": number, "protocol": protocol}),
        None => json!({"containerPort": port.port, "protocol": protocol}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(spec: &Value) -> Service {
        serde_json::from_value(json!({"metadata": {"name": "web", "namespace": "n"}, "spec": spec})).unwrap()
    }

    #[test]
    fn pods_match_the_selector_and_listen_on_target_ports() {
        let pods = behind(&service(&json!({
            "selector": {"app": "web"},
            "ports": [
                {"name": "a", "port": 80, "targetPort": 8080},
                {"name": "b", "port": 53, "protocol": "UDP"},
                {"name": "c", "port": 90, "targetPort": "metrics"},
            ],
        })));
        assert_eq!(pods.len(), PODS);
        assert_eq!(pods[0]["metadata"], json!({"name": "web-1", "namespace": "n", "labels": {"app": "web"}}));
        assert_eq!(
            pods[2]["spec"]["containers"][0]["ports"],
            json!([
                {"containerPort": 8080, "protocol": "TCP"},
                {"containerPort": 53, "protocol": "UDP"},
                {"name": "metrics", "containerPort": 8082, "protocol": "TCP"},
            ])
        );
    }

    #[test]
    fn a_service_without_selector_has_no_pods_of_ours() {
        assert!(behind(&service(&json!({"ports": [{"port": 80}]}))).is_empty());
        assert!(behind(&service(&json!({"selector": {}}))).is_empty());
    }
}
