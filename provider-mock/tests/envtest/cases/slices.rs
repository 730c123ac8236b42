//! EndpointSlices and Endpoints.

use serde_json::{Value, json};

use super::core;
use crate::compare::{Scenario, scenario};
use crate::step::{Patch, Step};

const SLICES: &str = "/apis/discovery.k8s.io/v1/namespaces/$(ns)/endpointslices";

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![slices(), endpoints()]
}

fn slice(name: &str, more: Value) -> Value {
    let mut slice = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": name}, "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.1.0.1"]}], "ports": [{"name": "http", "port": 80}]});
    super::merge(&mut slice, more);
    slice
}

fn slices() -> Scenario {
    let refused = |more: Value| Step::post(format!("{SLICES}?dryRun=All"), slice("b", more));
    let full = json!({"endpoints": [{"addresses": ["10.1.0.1"], "conditions": {"ready": true}, "nodeName": "n", "zone": "z",
                                     "targetRef": {"kind": "Pod", "name": "p"}, "hints": {"forZones": [{"name": "z"}]}}]});
    let steps = vec![
        Step::post(SLICES, slice("a", json!({}))),
        Step::post(SLICES, slice("full", full)),
        Step::post(SLICES, slice("bare", json!({"endpoints": null, "ports": null}))),
        Step::patch(format!("{SLICES}/a"), Patch::Merge, json!({"endpoints": [{"addresses": ["10.1.0.2"]}]})),
        Step::patch(format!("{SLICES}/a"), Patch::Merge, json!({"addressType": "IPv6", "endpoints": []})),
        refused(json!({"addressType": "IPv5"})),
        refused(json!({"addressType": null})),
        refused(json!({"endpoints": [{"addresses": []}]})),
        refused(json!({"endpoints": [{"addresses": ["fd00::1", "here", "127.0.0.1"]}]})),
        refused(json!({"addressType": "FQDN", "endpoints": [{"addresses": ["Not A Name"]}]})),
        refused(json!({"ports": [{"name": "a", "port": 80}, {"name": "a", "port": 81}]})),
        refused(json!({"ports": [{"name": "A_", "port": 70000, "protocol": "HTTP", "appProtocol": "a b"}]})),
        Step::get(SLICES),
        Step::get(SLICES).table(),
        Step::delete(format!("{SLICES}/a")),
    ];
    scenario("endpoint-slices", steps)
}

fn endpoints() -> Scenario {
    let endpoints = |name: &str, subsets: Value| {
        let object =
            json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": name}, "subsets": subsets});
        Step::post(core("endpoints"), object)
    };
    let steps = vec![
        endpoints(
            "a",
            json!([{"addresses": [{"ip": "10.1.0.2"}, {"ip": "10.1.0.1"}], "ports": [{"port": 80}]}]),
        ),
        endpoints("b", json!([])),
        endpoints("c", json!([{"addresses": [{"ip": "here"}], "ports": [{"port": 80}]}])),
        endpoints("d", json!([{"addresses": [], "ports": [{"port": 80}]}])),
        endpoints(
            "e",
            json!([{"addresses": [{"ip": "127.0.0.1"}], "ports": [{"port": 0}, {"port": 81, "protocol": "HTTP"}]}]),
        ),
        Step::get(core("endpoints/a")),
        Step::get(core("endpoints")).table(),
    ];
    scenario("endpoints", steps)
}
