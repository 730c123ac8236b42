//! Rules SC-10 to SC-14, SC-87, H-3 and H-4; `bNNN` is a condensed upstream case.

use k8s_openapi::api::core::v1::{ClientIPConfig, SessionAffinityConfig};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::super::fixtures::{deleted, port, service, service_with, strings};
use super::*;

const PREFIX: &str = "example.com/";

fn classed(class: &str) -> Service {
    service_with(|spec| spec.load_balancer_class = Some(class.to_owned()))
}

fn typed(kind: &str) -> Service {
    service_with(|spec| spec.type_ = Some(kind.to_owned()))
}

fn with_finalizers(mut service: Service, finalizers: &[&str]) -> Service {
    service.metadata.finalizers = strings(finalizers);
    service
}

fn with_annotation(key: &str, value: &str) -> Service {
    let mut service = service();
    service.metadata.annotations = Some([(key.to_owned(), value.to_owned())].into());
    service
}

fn classes(classless: bool, classes: &[&str]) -> ClassPolicy {
    ClassPolicy { classless, classes: classes.iter().map(|&class| class.to_owned()).collect() }
}

#[test]
fn sc_10_only_services_of_type_load_balancer_without_class() {
    let policy = ClassPolicy::default();
    assert!(wants_load_balancer(&service(), &policy));
    assert!(!wants_load_balancer(&classed("custom-loadbalancer"), &policy));
    assert!(!wants_load_balancer(&classed(""), &policy));
    for kind in ["ClusterIP", "NodePort", "ExternalName"] {
        assert!(!wants_load_balancer(&typed(kind), &policy), "{kind}");
    }
    assert!(!wants_load_balancer(&Service::default(), &policy));
}

#[test]
fn w_10_a_set_of_classes_and_whether_classless_ones_are_ours() {
    for (policy, none, ours, other) in [
        (classes(true, &[]), true, false, false),
        (classes(true, &["a/ours"]), true, true, false),
        (classes(false, &["a/ours"]), false, true, false),
        (classes(false, &[]), false, false, false),
    ] {
        assert_eq!(wants_load_balancer(&service(), &policy), none, "{policy:?}");
        assert_eq!(wants_load_balancer(&classed("a/ours"), &policy), ours, "{policy:?}");
        assert_eq!(wants_load_balancer(&classed("a/other"), &policy), other, "{policy:?}");
    }
}

#[test]
fn b150_sc_11_finalizer_is_found_at_any_position() {
    for (finalizers, expected) in [
        (&[][..], false),
        (&["unrelated"], false),
        (&[FINALIZER], true),
        (&["unrelated", FINALIZER], true),
        (&[FINALIZER, "unrelated"], true),
        (&["x-service.kubernetes.io/load-balancer-cleanup"], false),
    ] {
        let service = with_finalizers(service(), finalizers);
        assert_eq!(has_finalizer(&service, FINALIZER), expected, "{finalizers:?}");
    }
    assert!(!has_finalizer(&service(), FINALIZER));
}

#[test]
fn sc_12_what_needs_cleanup() {
    let policy = ClassPolicy::default();
    let wanted = with_finalizers(service(), &[FINALIZER]);
    let mut deleting = wanted.clone();
    deleting.metadata = deleted(deleting.metadata);
    for (case, service, expected) in [
        ("b043", service(), false),
        ("b044", with_finalizers(typed("NodePort"), &[FINALIZER]), true),
        ("b045", wanted, false),
        ("b046", deleting, true),
    ] {
        assert_eq!(needs_cleanup(&service, FINALIZER, &policy, Owner::Unknown), expected, "{case}");
    }
}

/// Builds one of the sixteen Services of W-11.
fn combination([finalizer, deleting, load_balancer, foreign_class]: [bool; 4]) -> Service {
    let mut service = typed(if load_balancer { "LoadBalancer" } else { "ClusterIP" });
    service.spec.as_mut().unwrap().load_balancer_class = foreign_class.then(|| "a/other".to_owned());
    if finalizer {
        service.metadata.finalizers = strings(&[FINALIZER]);
    }
    if deleting {
        service.metadata = deleted(service.metadata);
    }
    service
}

#[test]
fn w_11_all_combinations_of_finalizer_deleting_type_and_class() {
    let policy = ClassPolicy::default();
    for bits in 0..16 {
        let flags = [8, 4, 2, 1].map(|bit| bits & bit != 0);
        let [finalizer, deleting, load_balancer, foreign] = flags;
        let service = combination(flags);
        let needs = |owner| needs_cleanup(&service, FINALIZER, &policy, owner);
        let unwanted = deleting || !load_balancer || foreign;
        let ours_by_class = !load_balancer || !foreign;
        assert_eq!(needs(Owner::Us), finalizer && unwanted, "us, {bits:04b}");
        assert!(!needs(Owner::Other), "other, {bits:04b}");
        assert_eq!(needs(Owner::Unknown), finalizer && unwanted && ours_by_class, "unknown, {bits:04b}");
    }
}

#[test]
fn w_11_a_controller_of_classes_leaves_shared_finalizers_alone_unless_it_knows() {
    let policy = classes(false, &["a/ours"]);
    let wiped = with_finalizers(typed("ClusterIP"), &[FINALIZER, "a/private"]);
    assert!(!needs_cleanup(&wiped, FINALIZER, &policy, Owner::Unknown));
    assert!(needs_cleanup(&wiped, FINALIZER, &policy, Owner::Us));
    assert!(needs_cleanup(&wiped, "a/private", &policy, Owner::Unknown));
}

fn check_update(old: &Service, new: &Service, expected: bool, what: &str) {
    let policy = ClassPolicy::default();
    assert_eq!(needs_update(old, new, &policy, &[PREFIX]), expected, "{what}");
}

#[test]
fn sc_13_type_ports_and_traffic() {
    let externals = |items: &[&str]| service_with(|spec| spec.external_ips = strings(items));
    let target =
        |target: IntOrString| service_with(|s| s.ports.as_mut().unwrap()[0].target_port = Some(target));
    let mut other_uid = service();
    other_uid.metadata.uid = Some("other".to_owned());
    let local = service_with(|spec| spec.external_traffic_policy = Some("Local".to_owned()));
    let zero = service_with(|spec| spec.health_check_node_port = Some(0));
    let health = service_with(|spec| spec.health_check_node_port = Some(30_123));
    let ports = service_with(|spec| spec.ports = Some(vec![port(1, 1), port(2, 2), port(3, 3)]));
    let others = service_with(|spec| spec.ports = Some(vec![port(4, 1), port(5, 2), port(6, 3)]));
    let int = |number| target(IntOrString::Int(number));
    check_update(&service(), &typed("ClusterIP"), true, "b048");
    check_update(&ports, &others, true, "b049");
    check_update(&externals(&["1.1.1.1"]), &externals(&["1.1.1.1", "1.1.1.2"]), true, "b050");
    check_update(&externals(&["1.1.1.1"]), &externals(&["1.1.1.2"]), true, "b051");
    check_update(&service(), &other_uid, true, "b052");
    check_update(&service(), &local, true, "b053");
    check_update(&zero, &health, true, "b054");
    check_update(&service(), &zero, false, "0 and absent are the same");
    check_update(&int(20), &int(21), true, "b055");
    check_update(&int(22), &target(IntOrString::String("dns".to_owned())), true, "b056");
    check_update(&service(), &service(), false, "b057");
}

#[test]
fn sc_13_families_and_hints() {
    let families = |items: &[&str]| service_with(|spec| spec.ip_families = strings(items));
    let hint = |hint: Option<&str>| {
        service_with(|s| s.ports.as_mut().unwrap()[0].app_protocol = hint.map(ToOwned::to_owned))
    };
    check_update(&families(&["IPv4"]), &families(&["IPv4", "IPv6"]), true, "b058");
    check_update(&families(&["IPv4", "IPv6"]), &families(&["IPv4"]), true, "b059");
    check_update(&families(&["IPv4", "IPv6"]), &families(&["IPv4", "IPv6"]), false, "b060");
    check_update(&families(&["IPv4"]), &families(&["IPv6"]), false, "only the number counts");
    check_update(&hint(None), &hint(Some("http")), true, "b061");
    check_update(&hint(Some("http")), &hint(Some("tcp")), true, "b062");
}

#[test]
fn sc_13_other_fields() {
    let ranges = |items: &[&str]| service_with(|spec| spec.load_balancer_source_ranges = strings(items));
    let config = SessionAffinityConfig { client_ip: Some(ClientIPConfig { timeout_seconds: Some(1) }) };
    check_update(&typed("ClusterIP"), &typed("NodePort"), false, "neither wants one");
    check_update(&typed("ClusterIP"), &service(), true, "type");
    check_update(&service(), &classed("a/other"), true, "class set");
    check_update(&ranges(&["1.0.0.0/8", "2.0.0.0/8"]), &ranges(&["2.0.0.0/8", "1.0.0.0/8"]), true, "order");
    check_update(&service(), &ranges(&[]), false, "empty and absent are the same");
    let affinity = service_with(|spec| spec.session_affinity = Some("ClientIP".to_owned()));
    check_update(&service(), &affinity, true, "affinity");
    let timeout = service_with(|spec| spec.session_affinity_config = Some(config));
    check_update(&service(), &timeout, true, "affinity config");
    let address = service_with(|spec| spec.load_balancer_ip = Some("1.2.3.4".to_owned()));
    check_update(&service(), &address, true, "address");
    let node_port = service_with(|spec| spec.ports = Some(vec![port(80, 30_081)]));
    check_update(&service(), &node_port, true, "node port");
    let swapped = |a, b| service_with(|spec| spec.ports = Some(vec![port(a, a), port(b, b)]));
    check_update(&swapped(1, 2), &swapped(2, 1), true, "order of ports");
    let from = classed("a/one");
    let policy = classes(false, &["a/one", "a/two"]);
    assert!(needs_update(&from, &classed("a/two"), &policy, &[]));
}

#[test]
fn w_7_only_annotations_that_are_read_count() {
    check_update(&service(), &with_annotation("example.com/scheme", "internal"), true, "the provider's");
    check_update(
        &with_annotation("example.com/a", "1"),
        &with_annotation("example.com/a", "2"),
        true,
        "value",
    );
    check_update(&service(), &with_annotation(SOURCE_RANGES_ANNOTATION, "10.0.0.0/8"), true, "the core's");
    check_update(&service(), &with_annotation("kubectl.kubernetes.io/last-applied", "{}"), false, "foreign");
}

#[test]
fn sc_14_not_triggers() {
    let labelled = |label: &str| {
        let mut service = service();
        service.metadata.labels = Some([("a".to_owned(), label.to_owned())].into());
        service.status = Some(k8s_openapi::api::core::v1::ServiceStatus {
            load_balancer: Some(ingress(&[entry("1.1.1.1", None)])),
            conditions: None,
        });
        service
    };
    check_update(&service(), &labelled("x"), false, "status and labels");
    let other = service_with(|spec| {
        spec.selector = Some([("app".to_owned(), "web".to_owned())].into());
        spec.allocate_load_balancer_node_ports = Some(false);
        spec.ip_family_policy = Some("PreferDualStack".to_owned());
        spec.cluster_ip = Some("10.96.0.1".to_owned());
        spec.internal_traffic_policy = Some("Local".to_owned());
        spec.traffic_distribution = Some("PreferClose".to_owned());
        spec.publish_not_ready_addresses = Some(true);
    });
    check_update(&service(), &other, false, "kube-proxy's fields");
    check_update(&with_finalizers(service(), &[FINALIZER]), &service(), false, "finalizer");
    let mut deleting = service();
    deleting.metadata = deleted(deleting.metadata);
    check_update(&service(), &deleting, false, "deletion without finalizer");
}

fn entry(ip: &str, ip_mode: Option<&str>) -> LoadBalancerIngress {
    LoadBalancerIngress {
        ip: Some(ip.to_owned()),
        ip_mode: ip_mode.map(ToOwned::to_owned),
        ..LoadBalancerIngress::default()
    }
}

fn with_port(number: i32, protocol: &str, error: Option<&str>) -> LoadBalancerIngress {
    let error = error.map(ToOwned::to_owned);
    let port = k8s_openapi::api::core::v1::PortStatus { port: number, protocol: protocol.to_owned(), error };
    LoadBalancerIngress { ports: Some(vec![port]), ..entry("1.1.1.1", None) }
}

fn ingress(entries: &[LoadBalancerIngress]) -> LoadBalancerStatus {
    LoadBalancerStatus { ingress: Some(entries.to_vec()) }
}

/// H-7.
#[test]
fn b153_sc_87_same_status() {
    let one = entry("1.1.1.1", None);
    let two = entry("2.2.2.2", None);
    let host = LoadBalancerIngress { hostname: Some("a.b".to_owned()), ..LoadBalancerIngress::default() };
    let mode = |mode| entry("1.1.1.1", Some(mode));
    for (a, b, expected) in [
        (vec![], vec![], true),
        (vec![one.clone()], vec![one.clone()], true),
        (vec![one.clone()], vec![], false),
        (vec![one.clone()], vec![two.clone()], false),
        (vec![one.clone(), two.clone()], vec![two.clone(), one.clone()], false),
        (vec![one.clone()], vec![host.clone()], false),
        (vec![host.clone()], vec![host], true),
        (vec![mode("Proxy")], vec![mode("Proxy")], true),
        (vec![one.clone()], vec![mode("Proxy")], false),
        (vec![mode("VIP")], vec![mode("Proxy")], false),
        (vec![one.clone()], vec![mode("VIP")], true), // W-6
        (vec![with_port(80, "TCP", None)], vec![with_port(80, "TCP", None)], true),
        (vec![with_port(80, "TCP", None)], vec![with_port(80, "UDP", None)], false),
        (vec![with_port(80, "TCP", None)], vec![with_port(80, "TCP", Some("Broken"))], false),
        (vec![with_port(80, "TCP", None)], vec![one.clone()], false),
    ] {
        assert_eq!(same_status(&ingress(&a), &ingress(&b)), expected, "{a:?} {b:?}");
        assert_eq!(same_status(&ingress(&b), &ingress(&a)), expected, "{b:?} {a:?}");
    }
    assert!(same_status(&ingress(&[]), &LoadBalancerStatus::default()));
}

#[test]
fn b148_b149_h_3_and_h_4() {
    for (kind, policy, local, health) in [
        ("ClusterIP", "Local", false, false),
        ("NodePort", "", false, false),
        ("ClusterIP", "", false, false),
        ("NodePort", "Cluster", false, false),
        ("NodePort", "Local", true, false),
        ("LoadBalancer", "Cluster", false, false),
        ("LoadBalancer", "Local", true, true),
    ] {
        let mut service = typed(kind);
        service.spec.as_mut().unwrap().external_traffic_policy = Some(policy.to_owned());
        assert_eq!(requests_only_local_traffic(&service), local, "{kind} {policy}");
        assert_eq!(needs_health_check(&service), health, "{kind} {policy}");
    }
    assert!(!requests_only_local_traffic(&Service::default()));
}
