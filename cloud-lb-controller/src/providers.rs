//! The only place that names the providers.

use std::path::Path;
use std::sync::Arc;

use clap::ValueEnum;
use cloud_lb_core::provider::LoadBalancerProvider;

use crate::failure::Failure;

/// A cloud, as on the command line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProviderName {
    /// A cloud inside this process: load balancers on loopback addresses, gone when it ends
    #[default]
    Mock,
}

/// How resources of the mock cloud are shared, as in one of the real clouds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shape {
    /// Every Service has its own resources, as on AWS
    #[default]
    Stack,
    /// Every Service has its own rules, and the cluster shares groups of nodes, as on Google Cloud
    Rules,
    /// All Services share one load balancer, as on Azure
    Shared,
}

/// Makes the provider, with the settings of a file.
pub(crate) fn build(
    name: ProviderName,
    config: Option<&Path>,
    cluster: &str,
) -> Result<Arc<dyn LoadBalancerProvider>, Failure> {
    let _ = (name, config, cluster);
    Err(Failure::new("not yet"))
}
