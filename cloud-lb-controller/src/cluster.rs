//! A client for the cluster that the user means, and what to say when it does not answer.

use std::time::Duration;

use kube::api::ListParams;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Api, Client, Config};
use serde::de::DeserializeOwned;

use crate::args::ClusterArgs;
use crate::failure::{Failure, chain};

/// A person waits: half a minute, as the client would take, is too long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Objects asked for at a time.
const PAGE: u32 = 500;

/// A cluster that has answered.
pub(crate) struct Cluster {
    pub(crate) client: Client,
    /// Where it is, for messages.
    pub(crate) url: String,
}

/// Connects to the cluster of the arguments and makes sure that it answers.
///
/// # Errors
/// Says what was tried: the kubeconfig, the address, and why it failed.
pub(crate) async fn connect(args: ClusterArgs) -> Result<Cluster, Failure> {
    let mut config = configure(args).await?;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    let url = config.cluster_url.to_string();
    let unusable = |error| Failure::because(format!("the client for {url} cannot be made"), &error);
    let client = Client::try_from(config).map_err(unusable)?;
    match client.apiserver_version().await {
        Ok(version) => tracing::info!(url, version = version.git_version, "connected to the cluster"),
        // Who may not ask for the version may still be a controller; the API did answer.
        Err(kube::Error::Api(status)) => tracing::debug!(url, status.message, "the version is not told"),
        Err(error) => return Err(Failure::new(explain(&url, &error))),
    }
    Ok(Cluster { client, url })
}

async fn configure(args: ClusterArgs) -> Result<Config, Failure> {
    let ClusterArgs { kubeconfig, context } = args;
    let options = KubeConfigOptions { context, ..KubeConfigOptions::default() };
    let Some(path) = kubeconfig else {
        return match options.context {
            None => Config::infer().await.map_err(|error| {
                Failure::because(
                    "no cluster: neither a kubeconfig nor a pod's service account is usable",
                    &error,
                )
            }),
            Some(_) => Config::from_kubeconfig(&options)
                .await
                .map_err(|error| Failure::because("the kubeconfig cannot be used", &error)),
        };
    };
    let unusable = |error| {
        let what = format!("the kubeconfig {} cannot be used", path.display());
        match error {
            // Its text would name the file once more.
            KubeconfigError::ReadConfig(cause, _) => Failure::because(what, &cause),
            other => Failure::because(what, &other),
        }
    };
    let kubeconfig = Kubeconfig::read_from(&path).map_err(unusable)?;
    Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(unusable)
}

/// Says what a failed request means to the user.
pub(crate) fn explain(url: &str, error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if status.code == 401 => {
            format!(
                "the cluster at {url} does not know who asks: {}; check the credentials of the kubeconfig",
                status.message
            )
        }
        kube::Error::Api(status) if status.code == 403 => {
            format!("no permission in the cluster at {url}: {}", status.message)
        }
        kube::Error::Api(status) => format!("the cluster at {url} refused: {}", status.message),
        other => format!(
            "the cluster at {url} cannot be reached: {}; check that it runs and that --kubeconfig means it",
            chain(other)
        ),
    }
}

impl Cluster {
    /// Every object of a kind: all pages, or an error.
    pub(crate) async fn list<K>(&self, api: Api<K>) -> Result<Vec<K>, Failure>
    where
        K: Clone + DeserializeOwned + std::fmt::Debug,
    {
        let mut items = Vec::new();
        let mut page = ListParams::default().limit(PAGE);
        loop {
            let answer = api.list(&page).await.map_err(|error| Failure::new(explain(&self.url, &error)))?;
            items.extend(answer.items);
            match answer.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => page = page.continue_token(&token),
                None => return Ok(items),
            }
        }
    }
}
