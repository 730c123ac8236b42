//! Rules of §16 and §17 that concern the whole Service.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{ClientIPConfig, SessionAffinityConfig};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::super::fixtures::{port, service, service_with, strings};
use super::*;
use crate::model::{Protocol, TargetPort};

fn translate(service: &Service) -> Result<LoadBalancer> {
    load_balancer("c1", service, Vec::new(), &[])
}

/// Each violation as `field=value`.
fn refused(service: &Service) -> Vec<String> {
    let error = translate(service).unwrap_err();
    assert!(error.to_string().starts_with("service "), "{error}");
    error.violations().iter().map(|violation| format!("{}={}", violation.field, violation.value)).collect()
}

fn with_port(change: impl FnOnce(&mut k8s_openapi::api::core::v1::ServicePort)) -> Service {
    service_with(|spec| change(&mut spec.ports.as_mut().unwrap()[0]))
}

fn with_affinity(affinity: &str, seconds: Option<i32>) -> Service {
    service_with(|spec| {
        let client_ip = Some(ClientIPConfig { timeout_seconds: seconds });
        spec.session_affinity = Some(affinity.to_owned());
        spec.session_affinity_config = Some(SessionAffinityConfig { client_ip });
    })
}

#[test]
fn identity_is_cluster_namespace_name_and_uid() {
    let id = service_id("c1", &service()).unwrap();
    assert_eq!((id.cluster.as_str(), id.path().as_str()), ("c1", "default/web"));
    assert_eq!(id.uid, "257b9655-5137-4ad2-b091-ef3f07043ad3");
    assert_eq!(translate(&service()).unwrap().service, id);
}

#[test]
fn a_broken_spec_does_not_hide_the_identity() {
    let broken = service_with(|spec| spec.ports = None);
    assert_eq!(service_id("c1", &broken).unwrap().path(), "default/web");
}

#[test]
fn identity_must_be_complete_and_usable_in_names() {
    assert_eq!(
        service_id("c1", &Service::default()).unwrap_err().violations().len(),
        3,
        "namespace, name and UID"
    );
    for uid in ["a b", "a/b", "ü", &"a".repeat(64)] {
        let mut service = service();
        service.metadata.uid = Some((*uid).to_owned());
        assert_eq!(refused(&service), [format!("metadata.uid={uid}")]);
    }
}

#[test]
fn f_14_other_types_and_headless_services_are_refused() {
    for kind in ["ClusterIP", "NodePort", "ExternalName"] {
        let service = service_with(|spec| spec.type_ = Some(kind.to_owned()));
        assert_eq!(refused(&service), [format!("spec.type={kind}")]);
    }
    let headless = service_with(|spec| spec.cluster_ip = Some("None".to_owned()));
    assert_eq!(refused(&headless), ["spec.clusterIP=None"]);
}

#[test]
fn all_violations_are_reported_at_once() {
    let mut service = service_with(|spec| {
        spec.ports = Some(vec![port(0, 30_080), port(70_000, 0), port(-1, 1)]);
        spec.ip_families = strings(&["IPv4", "IPv5"]);
        spec.load_balancer_source_ranges = strings(&["10.0.0.0/8", "x"]);
        spec.load_balancer_ip = Some("here".to_owned());
        spec.external_traffic_policy = Some("Near".to_owned());
        spec.session_affinity = Some("Sticky".to_owned());
    });
    service.metadata.uid = None;
    insta::assert_snapshot!(translate(&service).unwrap_err().to_string().replace("; ", "\n"));
}

#[test]
fn f_3_ports_are_told_apart_by_number_and_protocol() {
    let named = |name: &str, number, protocol: &str| k8s_openapi::api::core::v1::ServicePort {
        name: Some(name.to_owned()),
        protocol: Some(protocol.to_owned()),
        ..port(number, 30_000 + number)
    };
    let of = |ports| service_with(|spec| spec.ports = Some(ports));
    let both = of(vec![named("udp", 53, "UDP"), named("tcp", 53, "TCP"), named("sctp", 99, "SCTP")]);
    let keys: Vec<String> = translate(&both).unwrap().ports.iter().map(crate::model::Port::key).collect();
    assert_eq!(keys, ["udp-53", "tcp-53", "sctp-99"], "in the order of the Service");
    assert_eq!(refused(&of(vec![named("a", 53, "TCP"), named("b", 53, "TCP")])), ["spec.ports[1]=53/TCP"]);
    assert_eq!(refused(&of(vec![named("a", 1, "TCP"), named("a", 2, "TCP")])), ["spec.ports[1].name=a"]);
    assert_eq!(
        refused(&of(vec![port(1, 1), port(2, 2)])),
        ["spec.ports[0].name=", "spec.ports[1].name="],
        "of several ports each needs a name"
    );
    assert_eq!(refused(&of(vec![])), ["spec.ports=none"]);
}

#[test]
fn ports_get_the_defaults_of_the_api() {
    let bare =
        with_port(|port| (port.protocol, port.target_port, port.name) = (None, None, Some(String::new())));
    let port = &translate(&bare).unwrap().ports[0];
    assert_eq!(port.protocol, Protocol::Tcp);
    assert_eq!(port.target_port, TargetPort::Number(NonZeroU16::new(80).unwrap()));
    assert_eq!(port.name, None);
}

#[test]
fn ports_out_of_range_and_unknown_protocols_are_refused() {
    for number in [0, -1, 65_536, i32::MAX, i32::MIN] {
        assert_eq!(refused(&with_port(|p| p.port = number))[0], format!("spec.ports[0].port={number}"));
    }
    for protocol in ["HTTP", "tcp", "ICMP"] {
        let service = with_port(|port| port.protocol = Some(protocol.to_owned()));
        assert_eq!(refused(&service), [format!("spec.ports[0].protocol={protocol}")]);
    }
    for target in ["80", "Http", "has space", "a-name-of-16-letr"] {
        let service = with_port(|port| port.target_port = Some(IntOrString::String(target.to_owned())));
        assert_eq!(refused(&service), [format!("spec.ports[0].targetPort={target}")]);
    }
    let named = with_port(|port| port.target_port = Some(IntOrString::String("http-alt".to_owned())));
    assert_eq!(translate(&named).unwrap().ports[0].target_port, TargetPort::Name("http-alt".to_owned()));
}

#[test]
fn f_2_node_ports_must_be_there_unless_none_are_allocated() {
    let of = |allocate, number| {
        service_with(|spec| {
            spec.allocate_load_balancer_node_ports = allocate;
            spec.ports.as_mut().unwrap()[0].node_port = number;
        })
    };
    for allocate in [None, Some(true)] {
        for number in [None, Some(0)] {
            assert_eq!(refused(&of(allocate, number)), ["spec.ports[0].nodePort=0"]);
        }
        assert!(translate(&of(allocate, Some(30_080))).unwrap().node_ports);
    }
    for number in [None, Some(0)] {
        let lb = translate(&of(Some(false), number)).unwrap();
        assert!(!lb.node_ports && lb.ports[0].node_port.is_none());
    }
    let kept = translate(&of(Some(false), Some(30_080))).unwrap();
    assert!(kept.node_ports, "node ports that exist are not released, and still work");
}

#[test]
fn f_8_local_traffic_needs_its_health_check_port() {
    let of = |policy: &str, number| {
        service_with(|spec| {
            spec.external_traffic_policy = Some(policy.to_owned());
            spec.health_check_node_port = number;
        })
    };
    assert_eq!(translate(&of("Cluster", None)).unwrap().traffic_policy, TrafficPolicy::Cluster);
    let local = translate(&of("Local", Some(32_000))).unwrap().traffic_policy;
    assert_eq!(local.health_check().port.get(), 32_000);
    assert_eq!(refused(&of("Local", None)), ["spec.healthCheckNodePort=0"]);
    assert_eq!(refused(&of("Nearby", None)), ["spec.externalTrafficPolicy=Nearby"]);
}

#[test]
fn f_9_affinity_lasts_a_second_to_a_day() {
    let timeout = |seconds| SessionAffinity::ClientIp { timeout: Duration::from_secs(seconds) };
    assert_eq!(translate(&service()).unwrap().affinity, SessionAffinity::None);
    for (seconds, expected) in [(None, 10_800), (Some(1), 1), (Some(86_400), 86_400)] {
        assert_eq!(translate(&with_affinity("ClientIP", seconds)).unwrap().affinity, timeout(expected));
    }
    for seconds in [0, -1, 86_401, i32::MIN] {
        let field = "spec.sessionAffinityConfig.clientIP.timeoutSeconds";
        assert_eq!(refused(&with_affinity("ClientIP", Some(seconds))), [format!("{field}={seconds}")]);
    }
    assert_eq!(refused(&with_affinity("None", Some(5))), ["spec.sessionAffinityConfig.clientIP=set"]);
    assert_eq!(refused(&with_affinity("Cookie", None)), ["spec.sessionAffinity=Cookie"]);
}

#[test]
fn f_10_the_requested_address_is_one_of_the_families() {
    let of = |text: &str| service_with(|spec| spec.load_balancer_ip = Some(text.to_owned()));
    assert_eq!(translate(&of("")).unwrap().requested_address, None);
    assert_eq!(translate(&of("203.0.113.1")).unwrap().requested_address, "203.0.113.1".parse().ok());
    for text in ["203.0.113", "host.example.com", "2001:db8::1"] {
        assert_eq!(refused(&of(text)), [format!("spec.loadBalancerIP={text}")]);
    }
}

#[test]
fn f_12_families_come_from_the_spec_else_from_cluster_ips() {
    let of = |families: &[&str], ips: &[&str]| {
        let service = service_with(|spec| {
            spec.ip_families = strings(families);
            spec.cluster_ips = strings(ips);
        });
        translate(&service).unwrap().families
    };
    assert_eq!(of(&["IPv6", "IPv4"], &["10.96.0.1"]), [IpFamily::V6, IpFamily::V4]);
    assert_eq!(of(&[], &["fd00::1", "10.96.0.1"]), [IpFamily::V6, IpFamily::V4]);
    assert_eq!(of(&[], &[]), [IpFamily::V4]);
    let twice = service_with(|spec| spec.ip_families = strings(&["IPv4", "IPv4"]));
    assert_eq!(refused(&twice), ["spec.ipFamilies[1]=IPv4"]);
}

#[test]
fn class_annotations_and_own_slices_are_kept() {
    let mut service = service_with(|spec| spec.load_balancer_class = Some("a/ours".to_owned()));
    service.metadata.annotations = Some([("a".to_owned(), "b".to_owned())].into());
    let slice = |namespace: &str, name: Option<&str>, address: &str| {
        let mut slice = EndpointSlice { address_type: "IPv4".to_owned(), ..EndpointSlice::default() };
        slice.metadata.namespace = Some(namespace.to_owned());
        slice.metadata.labels = name.map(|name| [(SLICE_SERVICE_LABEL.to_owned(), name.to_owned())].into());
        slice.endpoints.push(k8s_openapi::api::discovery::v1::Endpoint {
            addresses: vec![address.to_owned()],
            ..k8s_openapi::api::discovery::v1::Endpoint::default()
        });
        slice
    };
    let slices = [
        slice("default", Some("web"), "10.1.0.1"),
        slice("default", Some("other"), "10.1.0.2"),
        slice("elsewhere", Some("web"), "10.1.0.3"),
        slice("default", None, "10.1.0.4"),
    ];
    let lb = load_balancer("c1", &service, Vec::new(), &slices).unwrap();
    assert_eq!(lb.class.as_deref(), Some("a/ours"));
    assert_eq!(lb.annotations.len(), 1);
    let addresses: BTreeSet<String> = lb.endpoints.iter().map(|e| e.address.to_string()).collect();
    assert_eq!(addresses, BTreeSet::from(["10.1.0.1".to_owned()]));
}
