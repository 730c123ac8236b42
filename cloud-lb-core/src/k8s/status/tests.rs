//! Rules F-5 to F-7.

use std::num::NonZeroU16;

use serde_json::json;

use super::*;
use crate::k8s::same_status;
use crate::model;

fn of(address: Address, ip_mode: Option<IpMode>, ports: Vec<model::PortStatus>) -> Status {
    Status { ingress: vec![Ingress { address, ip_mode, ports }] }
}

#[test]
fn f_5_to_f_7_json_is_that_of_the_api() {
    let ip = Address::Ip("203.0.113.1".parse().unwrap());
    let broken = model::PortStatus {
        port: NonZeroU16::new(53).unwrap(),
        protocol: model::Protocol::Udp,
        error: Some("MixedProtocolNotSupported".to_owned()),
    };
    let written = status(&of(ip, Some(IpMode::Proxy), vec![broken]));
    let expected = json!({"ingress": [{
        "ip": "203.0.113.1",
        "ipMode": "Proxy",
        "ports": [{"port": 53, "protocol": "UDP", "error": "MixedProtocolNotSupported"}],
    }]});
    assert_eq!(serde_json::to_value(written).unwrap(), expected);
}

#[test]
fn f_6_no_mode_beside_a_host_name() {
    let written = status(&of(Address::Hostname("lb.example.com".to_owned()), Some(IpMode::Vip), vec![]));
    let expected = json!({"ingress": [{"hostname": "lb.example.com"}]});
    assert_eq!(serde_json::to_value(written).unwrap(), expected);
}

#[test]
fn w_6_what_the_api_server_fills_in_is_no_difference() {
    let ip = Address::Ip("2001:db8::1".parse().unwrap());
    let unset = status(&of(ip.clone(), None, vec![]));
    let filled_in = status(&of(ip, Some(IpMode::Vip), vec![]));
    assert_ne!(unset, filled_in);
    assert!(same_status(&unset, &filled_in));
    assert!(same_status(&status(&Status::default()), &LoadBalancerStatus::default()));
}
