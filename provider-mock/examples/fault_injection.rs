//! A cloud that misbehaves on demand, for a test of your own.
//!
//!     cargo run --package provider-mock --example fault_injection
//!
//! The answer to a write is lost: nobody knows whether it took effect. What comes after must neither make a
//! second load balancer nor give up on the first.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use cloud_lb_core::ErrorKind;
use cloud_lb_core::error::Effect;
use cloud_lb_core::k8s::load_balancer;
use cloud_lb_core::model::LoadBalancer;
use cloud_lb_core::provider::Standing;
use k8s_openapi::api::core::v1::Service;
use provider_mock::{CallMatch, Config, Fault, MockCloud, Options};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let cloud = MockCloud::new(Options::new());
    let provider = provider_mock::provider(cloud.clone(), Config::new("example"))?;
    let wanted = wanted()?;

    let lost = Fault::FailAfterWork(ErrorKind::Unavailable);
    cloud.faults().on_nth(1, CallMatch::Operation("CreateLoadBalancer".into()), lost);
    let Err(error) = provider.ensure(&wanted).await else { return Err("the answer was not lost".into()) };
    assert_eq!(error.effect(), Effect::Unknown);
    println!("first attempt:  {error} ({})", error.operation().unwrap_or("?"));

    let Standing::Ready(status) = provider.ensure(&wanted).await?.standing else {
        return Err("not ready".into());
    };
    println!("second attempt: {} after {}", status.ingress.len(), cloud.calls());
    let made = cloud.records().iter().filter(|record| record.kind == "LoadBalancer").count();
    assert_eq!(made, 1, "the one that was made is found again");
    Ok(())
}

fn wanted() -> Result<LoadBalancer, Box<dyn Error>> {
    let service: Service = serde_json::from_value(json!({
        "metadata": {"name": "web", "namespace": "default", "uid": "5a2a3a1e-8c1c-4b2a-9f0d-6b8f3c1d2e4f"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80, "nodePort": 30080}]},
    }))?;
    Ok(load_balancer("example", &service, Vec::new(), [])?)
}
