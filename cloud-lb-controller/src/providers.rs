//! The only place that names the providers.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, fs};

use clap::ValueEnum;
use cloud_lb_core::engine::StepObserver;
use cloud_lb_core::provider::LoadBalancerProvider;
use provider_mock::net::Net;
use provider_mock::{Config, MockCloud, Options};
use serde::de::DeserializeOwned;

use crate::failure::Failure;
use crate::manifests::place_and_reason;

/// Time that each call takes in the demo's cloud: enough to see the steps one after the other.
const LATENCY: Duration = Duration::from_millis(20);

/// Time that the demo's cloud takes to bring a load balancer up or down.
const PROVISIONING: Duration = Duration::from_millis(400);

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

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stack => "stack",
            Self::Rules => "rules",
            Self::Shared => "shared",
        })
    }
}

impl From<Shape> for provider_mock::Shape {
    fn from(shape: Shape) -> Self {
        match shape {
            Shape::Stack => Self::Stack,
            Shape::Rules => Self::Rules,
            Shape::Shared => Self::Shared,
        }
    }
}

impl ProviderName {
    /// What a user should know of a plan for what is there, if anything; empty for real clouds.
    pub(crate) fn caveats(self) -> Vec<String> {
        match self {
            Self::Mock => vec!["each process has a mock cloud of its own: this one is empty".to_owned()],
        }
    }
}

/// Makes the provider, with the settings of a file. The name of the cluster and the class, if given,
/// override those of the settings.
///
/// # Errors
/// Names the file and what is wrong in it.
pub(crate) fn build(
    name: ProviderName,
    config: Option<&Path>,
    cluster: &str,
    class: Option<&str>,
) -> Result<Arc<dyn LoadBalancerProvider>, Failure> {
    match name {
        ProviderName::Mock => {
            let mut config: Config = config.map(settings).transpose()?.unwrap_or_default();
            cluster.clone_into(&mut config.cluster);
            config.load_balancer_class = class.map(str::to_owned).or(config.load_balancer_class);
            let cloud = MockCloud::with_dataplane(config.cloud.clone(), Net::new());
            Ok(provider_mock::provider(cloud, config)?)
        }
    }
}

/// The demo's cloud, which takes a moment for everything, and its provider.
pub(crate) fn demo_cloud(
    shape: Shape,
    cluster: &str,
    net: &Net,
    observer: Arc<dyn StepObserver>,
) -> Result<(MockCloud, Arc<dyn LoadBalancerProvider>), Failure> {
    let options = Options::new().with_latency(LATENCY).with_provisioning(PROVISIONING);
    let cloud = MockCloud::with_dataplane(options, net.clone());
    let config = Config::new(cluster).with_shape(shape.into());
    let provider = provider_mock::provider_with_observer(cloud.clone(), config, observer)?;
    Ok((cloud, provider))
}

/// Reads a file with settings.
///
/// # Errors
/// Names the file, the line and what is wrong there.
pub(crate) fn settings<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    let name = path.display();
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::because(format!("{name}: cannot be read"), &error))?;
    serde_saphyr::from_str(&text).map_err(|error| Failure::new(format!("{name}{}", place_and_reason(&error))))
}
