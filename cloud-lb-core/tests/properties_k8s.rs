//! Properties of the translation over arbitrary objects.
#![cfg(feature = "kube")]

use cloud_lb_core::k8s::{
    ClassPolicy, FINALIZER, NodePolicy, Owner, load_balancer, needs_cleanup, needs_update, service_id,
    usable_nodes, wants_load_balancer,
};
use cloud_lb_core::model::{IpFamily, LoadBalancer};
use cloud_lb_core::{ErrorKind, Result};
use k8s_openapi::api::core::v1::{
    ClientIPConfig, Node, NodeAddress, NodeStatus, Service, ServicePort, ServiceSpec, SessionAffinityConfig,
};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointPort, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use proptest::prelude::*;

/// A word that means something, or any text.
fn word(words: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    prop::option::weighted(
        0.9,
        prop_oneof![
            30 => prop::sample::select(words).prop_map(ToOwned::to_owned),
            1 => ".{0,12}",
        ],
    )
}

fn number() -> impl Strategy<Value = i32> {
    prop_oneof![60 => 1..65_536, 1 => any::<i32>(), 1 => Just(0)]
}

fn any_port() -> impl Strategy<Value = ServicePort> {
    let target = prop_oneof![
        number().prop_map(IntOrString::Int),
        prop::sample::select(vec!["http", "dns"]).prop_map(|name| IntOrString::String(name.to_owned())),
        ".{0,20}".prop_map(IntOrString::String),
    ];
    let protocol = word(&["TCP", "UDP", "SCTP"]);
    (word(&["a", "b", "c"]), protocol, number(), prop::option::of(number()), prop::option::of(target))
        .prop_map(|(name, protocol, port, node_port, target_port)| ServicePort {
            name,
            protocol,
            port,
            node_port,
            target_port,
            app_protocol: None,
        })
}

fn any_spec() -> impl Strategy<Value = ServiceSpec> {
    let words = (
        word(&["LoadBalancer"]),
        word(&["None", "ClientIP"]),
        word(&["Cluster", "Local"]),
        word(&["192.0.2.1", "2001:db8::1"]),
        word(&["10.96.0.1", "fd00::1"]),
        word(&["a/class"]),
    );
    let lists = (
        prop::option::of(prop::collection::vec(any_port(), 0..4)),
        prop::collection::vec(word(&["IPv4", "IPv6"]), 0..3),
        prop::collection::vec(word(&["10.0.0.0/8", "::/0"]), 0..3),
    );
    let rest = (prop::option::of(any::<bool>()), prop::option::of(number()), prop::option::of(number()));
    (words, lists, rest).prop_map(|(words, (ports, families, ranges), (allocate, health, timeout))| {
        let client_ip = timeout.map(|seconds| ClientIPConfig { timeout_seconds: Some(seconds) });
        ServiceSpec {
            type_: words.0,
            session_affinity: words.1,
            external_traffic_policy: words.2,
            load_balancer_ip: words.3,
            cluster_ip: words.4,
            load_balancer_class: words.5,
            ports,
            ip_families: Some(families.into_iter().flatten().collect()),
            load_balancer_source_ranges: Some(ranges.into_iter().flatten().collect()),
            allocate_load_balancer_node_ports: allocate,
            health_check_node_port: health,
            session_affinity_config: client_ip
                .map(|client_ip| SessionAffinityConfig { client_ip: Some(client_ip) }),
            ..ServiceSpec::default()
        }
    })
}

fn any_service() -> impl Strategy<Value = Service> {
    let metadata = (word(&["default"]), word(&["web"]), word(&["uid-1"]), word(&[FINALIZER])).prop_map(
        |(namespace, name, uid, finalizer)| ObjectMeta {
            namespace,
            name,
            uid,
            finalizers: finalizer.map(|finalizer| vec![finalizer]),
            ..ObjectMeta::default()
        },
    );
    (metadata, prop::option::of(any_spec())).prop_map(|(metadata, spec)| Service {
        metadata,
        spec,
        status: None,
    })
}

fn a_good_service() -> Service {
    let port = ServicePort { port: 80, node_port: Some(30_080), ..ServicePort::default() };
    Service {
        metadata: ObjectMeta {
            namespace: Some("default".to_owned()),
            name: Some("web".to_owned()),
            uid: Some("uid-1".to_owned()),
            ..ObjectMeta::default()
        },
        spec: Some(ServiceSpec {
            type_: Some("LoadBalancer".to_owned()),
            ports: Some(vec![port]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

/// A good Service with a few fields of an arbitrary one, so that many are accepted.
fn nearly_good_service() -> impl Strategy<Value = Service> {
    let mask = prop::array::uniform8(prop::bool::weighted(0.15));
    (any_spec(), mask).prop_map(|(any, mask)| {
        let mut service = a_good_service();
        let spec = service.spec.get_or_insert_default();
        let [ports, affinity, policy, address, families, ranges, allocate, health] = mask;
        take(ports, &mut spec.ports, any.ports);
        take(affinity, &mut spec.session_affinity, any.session_affinity);
        take(policy, &mut spec.external_traffic_policy, any.external_traffic_policy);
        take(address, &mut spec.load_balancer_ip, any.load_balancer_ip);
        take(families, &mut spec.ip_families, any.ip_families);
        take(ranges, &mut spec.load_balancer_source_ranges, any.load_balancer_source_ranges);
        take(allocate, &mut spec.allocate_load_balancer_node_ports, any.allocate_load_balancer_node_ports);
        take(health, &mut spec.health_check_node_port, any.health_check_node_port);
        service
    })
}

fn take<T>(yes: bool, field: &mut T, value: T) {
    if yes {
        *field = value;
    }
}

fn node(index: u8) -> Node {
    let address = NodeAddress { type_: "InternalIP".to_owned(), address: format!("10.0.0.{index}") };
    Node {
        metadata: ObjectMeta { name: Some(format!("node-{index}")), ..ObjectMeta::default() },
        spec: None,
        status: Some(NodeStatus { addresses: Some(vec![address]), ..NodeStatus::default() }),
    }
}

fn slice(index: u8) -> EndpointSlice {
    let labels = [("kubernetes.io/service-name".to_owned(), "web".to_owned())].into();
    let endpoint = |last: u8| Endpoint { addresses: vec![format!("10.1.0.{last}")], ..Endpoint::default() };
    EndpointSlice {
        address_type: "IPv4".to_owned(),
        metadata: ObjectMeta {
            namespace: Some("default".to_owned()),
            name: Some(format!("web-{index}")),
            labels: Some(labels),
            ..ObjectMeta::default()
        },
        endpoints: vec![endpoint(index), endpoint(index + 1)],
        ports: Some(vec![EndpointPort { port: Some(8080), ..EndpointPort::default() }]),
    }
}

fn translate(nodes: &[u8], slices: &[u8]) -> Result<LoadBalancer> {
    let nodes: Vec<Node> = nodes.iter().copied().map(node).collect();
    let slices: Vec<EndpointSlice> = slices.iter().copied().map(slice).collect();
    let usable = usable_nodes(&nodes, &NodePolicy::default());
    load_balancer("c1", &a_good_service(), &usable, &slices)
}

/// What every load balancer that gets out of the translation promises.
fn check_promises(lb: &LoadBalancer) -> std::result::Result<(), TestCaseError> {
    prop_assert!(!lb.ports.is_empty());
    prop_assert!((1..=2).contains(&lb.families.len()));
    prop_assert!(!lb.source_ranges.is_empty() && lb.source_ranges.is_sorted());
    prop_assert_eq!(lb.node_ports, lb.ports.iter().all(|port| port.node_port.is_some()));
    let keys: std::collections::BTreeSet<String> =
        lb.ports.iter().map(cloud_lb_core::model::Port::key).collect();
    prop_assert_eq!(keys.len(), lb.ports.len());
    let address = lb.requested_address.map(IpFamily::of);
    prop_assert!(address.is_none_or(|family| lb.families.contains(&family)));
    Ok(())
}

proptest! {
    #[test]
    fn any_service_is_translated_in_full_or_refused_with_reasons(
        service in prop_oneof![any_service(), nearly_good_service()]
    ) {
        match load_balancer("c1", &service, Vec::new(), &[]) {
            Ok(lb) => {
                check_promises(&lb)?;
                let spec = service.spec.as_ref().unwrap();
                prop_assert_eq!(lb.ports.len(), spec.ports.as_ref().map_or(0, Vec::len));
                prop_assert_eq!(service_id("c1", &service).unwrap(), lb.service);
            }
            Err(error) => {
                prop_assert_eq!(error.kind(), ErrorKind::InvalidInput);
                prop_assert!(!error.violations().is_empty());
            }
        }
    }

    #[test]
    fn decisions_hold_together(old in any_service(), new in any_service()) {
        let policy = ClassPolicy::default();
        prop_assert!(!needs_update(&old, &old, &policy, &[""]));
        prop_assert_eq!(needs_update(&old, &new, &policy, &[]), needs_update(&new, &old, &policy, &[]));
        let cleanup = needs_cleanup(&new, FINALIZER, &policy, Owner::Us);
        prop_assert!(!(cleanup && wants_load_balancer(&new, &policy)), "nothing here is being deleted");
        if wants_load_balancer(&old, &policy) != wants_load_balancer(&new, &policy) {
            prop_assert!(needs_update(&old, &new, &policy, &[]));
        }
    }

    #[test]
    fn the_order_of_nodes_and_slices_does_not_matter(
        nodes in Just(vec![1, 2, 3, 4]).prop_shuffle(),
        slices in Just(vec![1, 2, 3, 4]).prop_shuffle(),
    ) {
        let expected = translate(&[1, 2, 3, 4], &[1, 2, 3, 4]).unwrap();
        prop_assert_eq!(translate(&nodes, &slices).unwrap(), expected);
    }
}
