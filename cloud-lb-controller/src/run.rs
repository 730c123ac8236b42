//! `cloud-lb run`: the controller against a cluster.

use std::collections::BTreeSet;

use cloud_lb_core::ErrorKind;
use cloud_lb_core::controller::{Controller, Options};
use cloud_lb_core::k8s::ClassPolicy;
use tokio_util::sync::CancellationToken;

use crate::Verdict;
use crate::args::{ProviderArgs, RunArgs};
use crate::cluster::{Cluster, connect};
use crate::failure::{Failure, chain};
use crate::{providers, signals};

/// Runs until a signal comes, then finishes the work in hand; a second signal ends it at once.
pub(crate) async fn run(args: RunArgs) -> Result<Verdict, Failure> {
    let RunArgs { provider, cluster, concurrent_service_syncs, load_balancer_class } = args;
    let ProviderArgs { provider, config, cluster_name } = provider;
    let ended = signals::ended()?;
    let provider =
        providers::build(provider, config.as_deref(), &cluster_name, load_balancer_class.as_deref())?;
    let options = Options::default()
        .with_cluster_name(cluster_name)
        .with_concurrency(usize::from(concurrent_service_syncs))
        .with_classes(classes(load_balancer_class));
    let Cluster { client, url } = connect(cluster).await?;
    let controller = Controller::new(client, provider, options)?;
    let shutdown = CancellationToken::new();
    let running = controller.run(shutdown.clone());
    tokio::pin!(running, ended);
    let result = tokio::select! {
        biased;
        result = &mut running => result,
        name = ended => {
            tracing::info!(signal = name, "finishing the work in hand");
            shutdown.cancel();
            let again = signals::ended()?;
            tokio::select! {
                biased;
                result = &mut running => result,
                name = again => {
                    let message = format!("ended at once by a second {name}; the next run completes what was begun");
                    return Err(Failure::new(message));
                }
            }
        }
    };
    result.map(|()| Verdict::Fine).map_err(|error| stopped(&url, &error))
}

/// Services of the class, or those without one.
fn classes(class: Option<String>) -> ClassPolicy {
    match class {
        None => ClassPolicy::default(),
        Some(class) => ClassPolicy { classless: false, classes: BTreeSet::from([class]) },
    }
}

fn stopped(url: &str, error: &cloud_lb_core::Error) -> Failure {
    match error.kind() {
        ErrorKind::PermissionDenied => {
            Failure::new(format!("no permission in the cluster at {url}: {}", chain(error)))
        }
        _ => Failure::new(format!("the controller stopped: {}", chain(error))),
    }
}
