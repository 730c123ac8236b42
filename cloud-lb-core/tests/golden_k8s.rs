//! Golden files of the translation: each case is a YAML file with a Service and what stands behind it;
//! its snapshot is the model, or the error that the user sees.
#![cfg(feature = "kube")]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::path::Path;

use cloud_lb_core::k8s::{NodePolicy, load_balancer, usable_nodes};
use k8s_openapi::api::core::v1::{Node, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use serde::de::DeserializeOwned;
use serde_json::Value;

fn of_kind<T: DeserializeOwned>(documents: &[Value], kind: &str) -> Vec<T> {
    let documents =
        documents.iter().filter(|document| document.get("kind").is_some_and(|found| found == kind));
    documents.map(|document| serde_json::from_value(document.clone()).unwrap()).collect()
}

fn translate(path: &Path) -> String {
    let documents: Vec<Value> = serde_saphyr::from_multiple(&fs::read_to_string(path).unwrap()).unwrap();
    let services: Vec<Service> = of_kind(&documents, "Service");
    let nodes: Vec<Node> = of_kind(&documents, "Node");
    let slices: Vec<EndpointSlice> = of_kind(&documents, "EndpointSlice");
    let nodes = usable_nodes(&nodes, &NodePolicy::default());
    match load_balancer("c1", services.first().unwrap(), &nodes, &slices) {
        Ok(lb) => serde_json::to_string_pretty(&lb).unwrap(),
        Err(error) => error.to_string().replace("; ", "\n"),
    }
}

#[test]
fn services_become_load_balancers() {
    insta::glob!("golden_k8s/*.yaml", |path| insta::assert_snapshot!(translate(path)));
}
