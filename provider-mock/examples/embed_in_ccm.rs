//! The service controller inside a program of your own, for example a cloud-controller-manager.
//!
//!     cargo run --package provider-mock --example embed_in_ccm
//!
//! Cluster and cloud are in this process, so that it runs anywhere. In yours, `client` comes from
//! `kube::Client::try_default()` and `provider` from the crate of your cloud; nothing else changes.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use cloud_lb_core::controller::{Controller, Options};
use k8s_openapi::api::core::v1::Service;
use kube::runtime::wait::await_condition;
use kube::{Api, Client};
use provider_mock::apiserver::{ApiServer, Resource};
use provider_mock::{Config, MockCloud};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let cluster = ApiServer::new();
    let client = Client::new(cluster.clone(), "default");
    let provider =
        provider_mock::provider(MockCloud::new(provider_mock::Options::new()), Config::new("example"))?;

    // From here on it is what your program does.
    let options = Options::default().with_cluster_name("example").with_concurrency(20);
    let controller = Controller::new(client.clone(), provider, options)?;
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(controller.run(shutdown.clone()));

    cluster.create(Resource::Nodes, node())?;
    cluster.create(Resource::Services, service())?;
    let services: Api<Service> = Api::default_namespaced(client);
    let ready = await_condition(services, "web", has_address).await?;
    let status = ready.and_then(|service| service.status).and_then(|status| status.load_balancer);
    println!("{}", serde_json::to_string(&status)?);

    // Calls in flight come to their end; what they leave undone, the next start repairs.
    shutdown.cancel();
    running.await??;
    Ok(())
}

fn has_address(service: Option<&Service>) -> bool {
    let status = service.and_then(|service| service.status.as_ref());
    let balancer = status.and_then(|status| status.load_balancer.as_ref());
    balancer.and_then(|balancer| balancer.ingress.as_ref()).is_some_and(|ingress| !ingress.is_empty())
}

fn node() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"},
        "spec": {"providerID": "mock:///node-1"},
        "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]}
    })
}

fn service() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80}]}
    })
}
