use k8s_openapi::api::core::v1::ObjectReference;
use proptest::prelude::*;

use super::*;

fn slice(address_type: &str, ports: &[(&str, i32)], endpoints: Vec<v1::Endpoint>) -> EndpointSlice {
    let port = |&(name, port): &(&str, i32)| EndpointPort {
        name: Some(name.to_owned()),
        port: Some(port),
        ..EndpointPort::default()
    };
    EndpointSlice {
        address_type: address_type.to_owned(),
        ports: Some(ports.iter().map(port).collect()),
        endpoints,
        ..EndpointSlice::default()
    }
}

fn pod(address: &str, conditions: [Option<bool>; 3]) -> v1::Endpoint {
    let [ready, serving, terminating] = conditions;
    v1::Endpoint {
        addresses: vec![address.to_owned(), "198.51.100.1".to_owned()],
        conditions: Some(EndpointConditions { ready, serving, terminating }),
        node_name: Some("node-1".to_owned()),
        zone: Some("zone-1".to_owned()),
        target_ref: Some(ObjectReference {
            kind: Some("Pod".to_owned()),
            name: Some(format!("pod-{address}")),
            ..ObjectReference::default()
        }),
        ..v1::Endpoint::default()
    }
}

const READY: [Option<bool>; 3] = [Some(true), Some(true), Some(false)];

#[test]
fn an_endpoint_carries_pod_node_zone_and_ports_by_name() {
    let slices = [slice("IPv4", &[("http", 8080), ("", 9090), ("bad", 0)], vec![pod("10.1.0.1", READY)])];
    let found = endpoints(&slices);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].address.to_string(), "10.1.0.1");
    assert_eq!(found[0].pod.as_deref(), Some("pod-10.1.0.1"));
    assert_eq!(found[0].node.as_deref(), Some("node-1"));
    assert_eq!(found[0].zone.as_deref(), Some("zone-1"));
    let ports: Vec<(&str, u16)> =
        found[0].ports.iter().map(|(name, port)| (name.as_str(), port.get())).collect();
    assert_eq!(ports, [("", 9090), ("http", 8080)]);
}

#[test]
fn unknown_conditions_are_read_as_the_api_says() {
    for (conditions, expected) in [
        ([None, None, None], Some((true, false))),
        (READY, Some((true, false))),
        ([Some(false), None, None], Some((false, false))),
        ([Some(false), Some(true), Some(true)], Some((false, true))),
        ([Some(false), Some(false), Some(true)], None),
        ([Some(false), None, Some(true)], None),
        ([Some(true), None, Some(true)], Some((true, true))),
    ] {
        let found = endpoints(&[slice("IPv4", &[("", 80)], vec![pod("10.1.0.1", conditions)])]);
        let state = found.first().map(|endpoint| (endpoint.ready, endpoint.terminating));
        assert_eq!(state, expected, "{conditions:?}");
    }
}

#[test]
fn only_addresses_of_the_type_of_the_slice_count() {
    let slices = [
        slice("IPv6", &[("", 80)], vec![pod("fd00::1", READY), pod("10.1.0.1", READY)]),
        slice("FQDN", &[("", 80)], vec![pod("a.example.com", READY)]),
        slice("IPv4", &[("", 80)], vec![v1::Endpoint::default(), pod("10.1.0.2", READY)]),
    ];
    let addresses: Vec<String> = endpoints(&slices).iter().map(|e| e.address.to_string()).collect();
    assert_eq!(addresses, ["10.1.0.2", "fd00::1"]);
}

#[test]
fn pods_in_two_slices_are_merged_and_those_of_other_ports_are_not() {
    let gone = [Some(false), Some(true), Some(true)];
    let slices = [
        slice("IPv4", &[("", 80)], vec![pod("10.1.0.1", gone)]),
        slice("IPv4", &[("", 80)], vec![pod("10.1.0.1", READY)]),
        slice("IPv4", &[("", 81)], vec![pod("10.1.0.1", READY)]),
    ];
    let found = endpoints(&slices);
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|endpoint| endpoint.ready && !endpoint.terminating));
}

fn any_slices() -> impl Strategy<Value = Vec<EndpointSlice>> {
    let condition = prop::option::of(any::<bool>());
    let endpoint = (0..4_u8, prop::array::uniform3(condition))
        .prop_map(|(last, conditions)| pod(&format!("10.1.0.{last}"), conditions));
    let slice = (80..82, prop::collection::vec(endpoint, 0..4))
        .prop_map(|(port, endpoints)| slice("IPv4", &[("", port)], endpoints));
    prop::collection::vec(slice, 0..5)
}

proptest! {
    #[test]
    fn the_order_of_slices_does_not_matter(
        (given, shuffled) in any_slices().prop_flat_map(|s| (Just(s.clone()), Just(s).prop_shuffle()))
    ) {
        let found = endpoints(&given);
        prop_assert_eq!(&endpoints(&shuffled), &found);
        prop_assert!(found.is_sorted());
    }
}
