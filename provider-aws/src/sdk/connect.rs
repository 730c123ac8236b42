//! Clients, made of the configuration and of what the machine tells.

use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::imds;
use aws_config::imds::region::ImdsRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::config::timeout::TimeoutConfig;
use aws_sdk_ec2::config::{AppName, ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_ec2::error::DisplayErrorContext;
use cloud_lb_core::error::{Error, ErrorKind, Result, Violation};

use super::attempts::Attempts;
use super::call::{OPERATION_TIMEOUT, ServiceCalls};
use super::credentials::{AccessKeys, Credentials};
use super::{Acm, Ec2, Elbv2, Sdk};
use crate::api::{Api, Vpcs};
use crate::classify::Service;
use crate::{Aws, Config};

/// Time in which a connection has to stand.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Time that instance metadata has to answer: it is one hop away, or out of reach (AWS-253).
const METADATA_TIMEOUT: Duration = Duration::from_secs(2);

impl Sdk {
    /// Makes clients, and looks for credentials once, so that their want shows at the start.
    ///
    /// # Errors
    /// `InvalidInput` for a configuration that is wrong or a region that nobody knows;
    /// `PermissionDenied` if there are no credentials.
    pub async fn connect(config: &Config, credentials: Credentials) -> Result<Self> {
        config.validate()?;
        let metadata = metadata_client();
        let region = region(config, &metadata).await?;
        let credentials = provider(credentials, &region, &metadata).await;
        look_for(&credentials).await?;
        let shared = shared(config, region.clone(), credentials).await?;
        let elbv2_calls = ServiceCalls::new(Service::Elbv2, &config.aws_api_throttle);
        let ec2_calls = ServiceCalls::new(Service::Ec2, &config.aws_api_throttle);
        let mut elbv2 = aws_sdk_elasticloadbalancingv2::config::Builder::from(&shared)
            .interceptor(Attempts(elbv2_calls.shared()));
        if let Some(url) = some(&config.endpoint_elbv2) {
            elbv2.set_endpoint_url(Some(url));
        }
        let mut ec2 = aws_sdk_ec2::config::Builder::from(&shared).interceptor(Attempts(ec2_calls.shared()));
        if let Some(url) = some(&config.endpoint_ec2) {
            ec2.set_endpoint_url(Some(url));
        }
        let mut acm = aws_sdk_acm::config::Builder::from(&shared);
        if let Some(url) = some(&config.endpoint_acm) {
            acm.set_endpoint_url(Some(url));
        }
        Ok(Self {
            elbv2: Elbv2 {
                client: aws_sdk_elasticloadbalancingv2::Client::from_conf(elbv2.build()),
                calls: elbv2_calls,
            },
            ec2: Ec2 { client: aws_sdk_ec2::Client::from_conf(ec2.build()), calls: ec2_calls },
            acm: Acm {
                client: aws_sdk_acm::Client::from_conf(acm.build()),
                calls: ServiceCalls::new(Service::Acm, &[]),
            },
            region: region.to_string(),
            metadata,
        })
    }

    /// The id of the cluster's network: the configured one, the one with the configured tags, or that of
    /// the machine we run on.
    ///
    /// # Errors
    /// `InvalidInput` if the tags fit none or several, or if nothing is configured and there is no
    /// instance metadata.
    pub async fn vpc_id(&self, config: &Config) -> Result<String> {
        if !config.aws_vpc_id.is_empty() {
            return Ok(config.aws_vpc_id.clone());
        }
        if config.aws_vpc_tags.is_empty() {
            return own_vpc(&self.metadata).await;
        }
        let vpcs = self.describe_vpcs(Vpcs::Tags(&config.aws_vpc_tags)).await?;
        if let [vpc] = vpcs.as_slice() {
            Ok(vpc.vpc_id.clone())
        } else {
            let expected = format!("tags of exactly one VPC; {} have them", vpcs.len());
            let tags = format!("{:?}", config.aws_vpc_tags);
            Err(wrong("aws-vpc-tags", &tags, &expected))
        }
    }
}

/// The network of the machine we run on.
async fn own_vpc(metadata: &imds::Client) -> Result<String> {
    let get = |path: String| async {
        let answer = metadata.get(path).await;
        answer.map(|text| String::from(text).trim().to_owned()).map_err(|error| {
            let cause = DisplayErrorContext(&error).to_string();
            wrong("aws-vpc-id", "", NO_METADATA).with_source(std::io::Error::other(cause))
        })
    };
    let mac = get("/latest/meta-data/mac".to_owned()).await?;
    get(format!("/latest/meta-data/network/interfaces/macs/{mac}/vpc-id")).await
}

impl Aws<Sdk> {
    /// Works on the real AWS, with the credentials of the default chain. Region and network are looked up
    /// where the configuration does not tell them.
    ///
    /// # Errors
    /// Those of [`Sdk::connect`] and [`Sdk::vpc_id`].
    pub async fn from_config(config: Config) -> Result<Self> {
        Self::with_credentials(config, Credentials::Chain).await
    }

    /// The same with given credentials.
    ///
    /// # Errors
    /// Those of [`Sdk::connect`] and [`Sdk::vpc_id`].
    pub async fn with_credentials(mut config: Config, credentials: Credentials) -> Result<Self> {
        let sdk = Sdk::connect(&config, credentials).await?;
        sdk.region().clone_into(&mut config.aws_region);
        config.aws_vpc_id = sdk.vpc_id(&config).await?;
        Self::new(sdk, config)
    }
}

/// What to do where instance metadata does not answer.
const NO_METADATA: &str = "a value, or instance metadata, which did not answer within 2 s: pods reach it \
    only if the instance's hop limit is 2 or more, so set aws-region and aws-vpc-id";

fn wrong(key: &str, value: &str, expected: &str) -> Error {
    Error::invalid("aws configuration", vec![Violation::new(key, value, expected)])
}

fn some(text: &str) -> Option<String> {
    Some(text).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn metadata_client() -> imds::Client {
    metadata_builder().build()
}

fn metadata_builder() -> imds::client::Builder {
    imds::Client::builder()
        .max_attempts(1)
        .connect_timeout(METADATA_TIMEOUT)
        .read_timeout(METADATA_TIMEOUT)
        .operation_timeout(METADATA_TIMEOUT)
}

async fn region(config: &Config, metadata: &imds::Client) -> Result<Region> {
    if let Some(region) = some(&config.aws_region) {
        return Ok(Region::new(region));
    }
    let chain = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new())
        .or_else(ImdsRegionProvider::builder().imds_client(metadata.clone()).build());
    chain.region().await.ok_or_else(|| wrong("aws-region", "", NO_METADATA))
}

async fn provider(
    credentials: Credentials,
    region: &Region,
    metadata: &imds::Client,
) -> SharedCredentialsProvider {
    match credentials {
        Credentials::Keys(AccessKeys { access_key_id, secret_access_key, session_token }) => {
            SharedCredentialsProvider::new(aws_sdk_ec2::config::Credentials::new(
                access_key_id,
                secret_access_key,
                session_token,
                None,
                "cloud-lb",
            ))
        }
        Credentials::Chain => {
            let chain = DefaultCredentialsChain::builder()
                .region(region.clone())
                .configure(ProviderConfig::default().with_region(Some(region.clone())))
                .imds_client(metadata.clone());
            SharedCredentialsProvider::new(chain.build().await)
        }
    }
}

/// Asks once, for a clear error instead of one at every call.
async fn look_for(credentials: &SharedCredentialsProvider) -> Result<()> {
    credentials.provide_credentials().await.map(drop).map_err(|error| {
        let cause = DisplayErrorContext(&error).to_string();
        let message = "there are no AWS credentials: neither the environment, a profile, a web identity \
                       (IRSA), a container endpoint (EKS pod identity) nor instance metadata has any; pods \
                       reach instance metadata only if the instance's hop limit is 2 or more";
        Error::new(ErrorKind::PermissionDenied, message).with_source(std::io::Error::other(cause))
    })
}

async fn shared(
    config: &Config,
    region: Region,
    credentials: SharedCredentialsProvider,
) -> Result<SdkConfig> {
    let name = AppName::new("cloud-lb").map_err(|error| {
        Error::new(ErrorKind::Internal, "not a name of an application").with_source(error)
    })?;
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    let loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(region)
        .credentials_provider(credentials)
        .retry_config(RetryConfig::standard().with_max_attempts(config.aws_max_retries))
        .timeout_config(timeouts)
        .app_name(name);
    Ok(loader.load().await)
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test]
    async fn aws_253_instance_metadata_that_does_not_answer_is_told_within_seconds() {
        // Connections stand, as with a hop limit that is too low, and nothing ever comes back.
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        let metadata = metadata_builder().endpoint(url).unwrap().build();
        let start = Instant::now();
        let error = own_vpc(&metadata).await.unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
        let text = error.to_string();
        assert!(["aws-vpc-id", "hop limit"].iter().all(|part| text.contains(part)), "{text}");
    }
}
