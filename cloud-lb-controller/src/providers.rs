//! The only place that names the providers.

mod aws;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use cloud_lb_core::engine::StepObserver;
use cloud_lb_core::k8s::{self, ClassPolicy};
use cloud_lb_core::provider::LoadBalancerProvider;
use provider_mock::net::Net;
use provider_mock::{Config, MockCloud, Options};
use serde_json::{Value, json};

use crate::args::ProviderArgs;
use crate::failure::Failure;
use crate::settings::Settings;

pub(crate) use provider_aws::{Permission, Verdict};

/// Nodes to plan with on the mock where the manifests have none.
const EXAMPLE_NODES: &str = include_str!("../../examples/manifests/nodes.yaml");

/// The cluster's name where nobody gives one.
const CLUSTER: &str = "kubernetes";

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
    /// Network Load Balancers of AWS
    Aws,
}

/// What the command line says about the cloud.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// File with settings.
    pub(crate) config: Option<&'a Path>,
    /// Name of the cluster; overrides the one of the settings.
    pub(crate) cluster: Option<&'a str>,
    /// Description of the cloud, instead of the cloud itself.
    pub(crate) facts: Option<&'a Path>,
    /// The only class to look after; overrides those of the settings.
    pub(crate) class: Option<&'a str>,
}

impl<'a> From<&'a ProviderArgs> for Asked<'a> {
    fn from(args: &'a ProviderArgs) -> Self {
        let ProviderArgs { provider: _, config, cluster_name } = args;
        Self { config: config.as_deref(), cluster: cluster_name.as_deref(), facts: None, class: None }
    }
}

/// A provider, and what the commands must know besides.
pub(crate) struct Linked {
    pub(crate) provider: Arc<dyn LoadBalancerProvider>,
    /// Its own settings as they are in effect.
    pub(crate) settings: Value,
    /// Name of the cluster in the cloud's ownership marks.
    pub(crate) cluster: String,
    /// Which Services are the provider's.
    pub(crate) classes: ClassPolicy,
    pub(crate) finalizer: &'static str,
    /// Namespace and name of the Lease of a controller that does the same work for Services with this finalizer.
    pub(crate) rival: Option<(&'static str, &'static str)>,
    /// Why a Service that could be the provider's gets nothing from it.
    pub(crate) why_not: String,
    /// Nodes to plan with where the manifests have none.
    pub(crate) stand_ins: StandIns,
}

/// Nodes for manifests that have none.
pub(crate) struct StandIns {
    /// A manifest; may be empty.
    pub(crate) nodes: String,
    /// What the user should know about it.
    pub(crate) note: String,
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
            Self::Aws => Vec::new(),
        }
    }
}

/// Makes the provider, with the settings of a file.
///
/// # Errors
/// Names the file and what is wrong in it.
pub(crate) async fn link(name: ProviderName, asked: Asked<'_>) -> Result<Linked, Failure> {
    match name {
        ProviderName::Mock => mock(asked),
        ProviderName::Aws => aws::link(asked).await,
    }
}

fn mock(asked: Asked<'_>) -> Result<Linked, Failure> {
    if let Some(facts) = asked.facts {
        let message = "a mock cloud is not described by a file, expected --provider aws";
        return Err(Failure::new(format!("--facts {}: {message}", facts.display())));
    }
    let settings: Option<Settings<Config>> = asked.config.map(Settings::read).transpose()?;
    let mut config = settings.map(|settings| settings.value).unwrap_or_default();
    let cluster = asked.cluster.unwrap_or(CLUSTER).to_owned();
    config.cluster.clone_from(&cluster);
    config.load_balancer_class = asked.class.map(str::to_owned).or(config.load_balancer_class);
    let cloud = MockCloud::with_dataplane(config.cloud.clone(), Net::new());
    let classes = match asked.class {
        None => ClassPolicy::default(),
        Some(class) => ClassPolicy { classless: false, classes: [class.to_owned()].into() },
    };
    Ok(Linked {
        settings: json!(config),
        provider: provider_mock::provider(cloud, config)?,
        cluster,
        classes,
        finalizer: k8s::FINALIZER,
        rival: None,
        why_not: "no load balancer: another controller looks after it".to_owned(),
        stand_ins: StandIns {
            nodes: EXAMPLE_NODES.to_owned(),
            note: "no Nodes given: three example nodes stand in, node-1 to node-3".to_owned(),
        },
    })
}

/// An account of a cloud as a file.
pub(crate) struct Described {
    pub(crate) text: String,
    /// What could not be read and is left out, and why.
    pub(crate) lacks: Option<String>,
}

/// Describes the account of the cloud, as `--facts` reads it.
///
/// # Errors
/// Where the provider has no account, and where it cannot be read.
pub(crate) async fn facts(name: ProviderName, asked: Asked<'_>) -> Result<Described, Failure> {
    match name {
        ProviderName::Mock => Err(no_account("facts")),
        ProviderName::Aws => aws::facts(asked).await,
    }
}

/// Whether the account's credentials permit what the controller does.
///
/// # Errors
/// Where the provider has no account, and where nothing can be asked.
pub(crate) async fn permissions(name: ProviderName, asked: Asked<'_>) -> Result<Vec<Permission>, Failure> {
    match name {
        ProviderName::Mock => Err(no_account("check-permissions")),
        ProviderName::Aws => aws::permissions(asked).await,
    }
}

fn no_account(command: &str) -> Failure {
    Failure::new(format!("{command}: a mock cloud has no account, expected --provider aws"))
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
