//! What would a pull request change in the cloud? As in a CI job: manifests in, a plan out, and an exit code.
//!
//!     cargo run --package provider-mock --example dry_run_plan
//!
//! The binary does the same without a line of code (`cloud-lb plan -f …`); this is for programs that want the
//! plan as a value. Nothing is written: the account is asked what is there, and that is all.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::process::ExitCode;

use cloud_lb_core::k8s::{NodePolicy, load_balancer, usable_nodes};
use k8s_openapi::api::core::v1::{Node, Service};
use provider_mock::{Config, MockCloud, Options};

const SERVICE: &str = include_str!("../../examples/manifests/loadbalancer.yaml");
const NODES: &str = include_str!("../../examples/manifests/nodes.yaml");

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let nodes: Vec<Node> = serde_saphyr::from_multiple(NODES)?;
    let mut service: Service = serde_saphyr::from_str(SERVICE)?;
    // An API server gives these; in a pull request nobody has asked one yet.
    service.metadata.uid = Some("00000000-0000-4000-8000-000000000001".to_owned());
    service.metadata.namespace.get_or_insert_with(|| "default".to_owned());
    for (index, port) in service.spec.iter_mut().flat_map(|spec| &mut spec.ports).flatten().enumerate() {
        port.node_port.get_or_insert(30_100 + i32::try_from(index)?);
    }

    let wanted = load_balancer("example", &service, usable_nodes(&nodes, &NodePolicy::default()), [])?;
    let provider = provider_mock::provider(MockCloud::new(Options::new()), Config::new("example"))?;
    let plan = provider.plan(&wanted).await?;
    println!("{plan}");
    // Empty: the account is as wanted. A CI job may ask a person to look at the rest.
    Ok(if plan.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) })
}
