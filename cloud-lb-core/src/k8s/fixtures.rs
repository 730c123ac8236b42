//! Objects that tests start from.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Node, NodeAddress, NodeCondition, NodeSpec, NodeStatus, Service, ServicePort, ServiceSpec, Taint,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use k8s_openapi::jiff::Timestamp;

/// A Service of type `LoadBalancer` with port 80 and NodePort 30080, as the API server gives it.
pub(super) fn service() -> Service {
    Service {
        metadata: ObjectMeta {
            namespace: Some("default".to_owned()),
            name: Some("web".to_owned()),
            uid: Some("257b9655-5137-4ad2-b091-ef3f07043ad3".to_owned()),
            ..ObjectMeta::default()
        },
        spec: Some(ServiceSpec {
            type_: Some("LoadBalancer".to_owned()),
            ip_families: Some(vec!["IPv4".to_owned()]),
            ports: Some(vec![port(80, 30_080)]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

/// A Service with a changed spec.
pub(super) fn service_with(change: impl FnOnce(&mut ServiceSpec)) -> Service {
    let mut service = service();
    change(service.spec.as_mut().unwrap());
    service
}

/// A TCP port.
pub(super) fn port(number: i32, node_port: i32) -> ServicePort {
    ServicePort {
        port: number,
        node_port: Some(node_port),
        protocol: Some("TCP".to_owned()),
        target_port: Some(IntOrString::Int(number)),
        ..ServicePort::default()
    }
}

/// A ready node with a provider id.
pub(super) fn node(name: &str) -> Node {
    Node {
        metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
        spec: Some(NodeSpec { provider_id: Some(format!("mock:///{name}")), ..NodeSpec::default() }),
        status: Some(NodeStatus {
            addresses: Some(vec![address("Hostname", name), address("InternalIP", "10.0.0.1")]),
            conditions: Some(vec![condition("Ready", "True")]),
            ..NodeStatus::default()
        }),
    }
}

pub(super) fn address(kind: &str, address: &str) -> NodeAddress {
    NodeAddress { type_: kind.to_owned(), address: address.to_owned() }
}

pub(super) fn condition(kind: &str, status: &str) -> NodeCondition {
    NodeCondition { type_: kind.to_owned(), status: status.to_owned(), ..NodeCondition::default() }
}

pub(super) fn labelled(mut node: Node, key: &str, value: &str) -> Node {
    node.metadata.labels.get_or_insert_with(BTreeMap::new).insert(key.to_owned(), value.to_owned());
    node
}

pub(super) fn tainted(mut node: Node, key: &str) -> Node {
    let taint = Taint { key: key.to_owned(), effect: "NoSchedule".to_owned(), ..Taint::default() };
    node.spec.get_or_insert_default().taints.get_or_insert_default().push(taint);
    node
}

pub(super) fn deleted(mut metadata: ObjectMeta) -> ObjectMeta {
    metadata.deletion_timestamp = Some(Time(Timestamp::UNIX_EPOCH));
    metadata
}

#[expect(clippy::unnecessary_wraps, reason = "lists of the API are optional")]
pub(super) fn strings(items: &[&str]) -> Option<Vec<String>> {
    Some(items.iter().map(|&item| item.to_owned()).collect())
}
