//! `cloud-lb run`: the controller against a cluster.

use cloud_lb_core::ErrorKind;
use cloud_lb_core::controller::{Controller, Options};
use tokio_util::sync::CancellationToken;

use crate::Verdict;
use crate::args::{ProviderArgs, RunArgs};
use crate::cluster::{Cluster, connect};
use crate::failure::{Failure, chain};
use crate::providers::{Asked, Linked};
use crate::{providers, signals};

/// Runs until a signal comes, then finishes the work in hand; a second signal ends it at once.
pub(crate) async fn run(args: RunArgs) -> Result<Verdict, Failure> {
    let RunArgs { provider, cluster, concurrent_service_syncs, load_balancer_class } = args;
    let ProviderArgs { provider, config, cluster_name } = provider;
    let ended = signals::ended()?;
    let asked = Asked {
        config: config.as_deref(),
        cluster: cluster_name.as_deref(),
        facts: None,
        class: load_balancer_class.as_deref(),
    };
    let Linked { provider, cluster: name, classes, finalizer, .. } = providers::link(provider, asked).await?;
    let options = Options::default()
        .with_cluster_name(name)
        .with_concurrency(usize::from(concurrent_service_syncs))
        .with_classes(classes)
        .with_finalizer(finalizer);
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

fn stopped(url: &str, error: &cloud_lb_core::Error) -> Failure {
    match error.kind() {
        ErrorKind::PermissionDenied => {
            Failure::new(format!("no permission in the cluster at {url}: {}", chain(error)))
        }
        _ => Failure::new(format!("the controller stopped: {}", chain(error))),
    }
}
