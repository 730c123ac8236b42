//! `cloud-lb run`: the controller against a cluster.

mod life;
mod limit;
mod settings;

use std::net::SocketAddr;
use std::sync::Arc;

use cloud_lb_core::controller::Controller;
use cloud_lb_core::lease::{Elector, Rival};
use cloud_lb_core::metrics::Metrics;
use cloud_lb_core::supervisor::Supervisor;
use kube::Client;

use self::life::Life;
use self::limit::limited;
use self::settings::Settings;
use crate::Verdict;
use crate::args::{ClusterArgs, RunArgs};
use crate::cluster::connect;
use crate::failure::Failure;
use crate::serve::{self, Access, Identity, Listener, Probe, Reviewer, Site};
use crate::signals;
use crate::traces::Traces;

/// One run of a lane makes some calls, each with a deadline of its own; beyond this many it hangs.
const CALLS_OF_A_LANE: u32 = 10;

/// Runs until a signal comes, then finishes the work in hand; a second signal ends it at once.
pub(crate) async fn run(args: RunArgs, traces: &Traces) -> Result<Verdict, Failure> {
    // Traces began before everything else.
    let RunArgs { provider, cluster, services, leader, serve, api, traces: _, ignored } = args;
    let mut settings = Settings::of(provider, services, leader, serve, api)?;
    settings.traces = traces.shown();
    for notice in ignored.notices().into_iter().chain(traces.notice()) {
        tracing::warn!("{notice}");
    }
    let ended = signals::ended()?;
    tokio::pin!(ended);
    let life = tokio::select! {
        biased;
        started = start(settings, cluster) => started?,
        signal = ended.as_mut() => {
            tracing::info!(signal, "ended before anything was begun");
            return Ok(Verdict::Fine);
        }
    };
    life.live(ended).await.map(|()| Verdict::Fine)
}

/// Everything that must be right before the work begins.
async fn start(mut settings: Settings, cluster: ClusterArgs) -> Result<Life, Failure> {
    let provider = settings.link().await?;
    let cluster = connect(cluster).await?;
    settings.log(&cluster.url);
    let metrics = Metrics::new();
    let (name, measure) = (provider.name().to_owned(), metrics.of(provider.name()));
    let client = limited(&cluster.client, settings.rate());
    let controller = Controller::new(client, provider, settings.controller.clone())?;
    let controller = controller.with_measure(Arc::clone(&measure));
    metrics.watch(&name, controller.vitals());
    let elector = settings.lease.clone().map(|lease| {
        // Renewals must not wait behind ordinary requests.
        Elector::new(cluster.client.clone(), lease, identity())
    });
    let elector = elector.transpose()?;
    let rival = settings.rival.as_ref();
    let rival = rival.map(|(namespace, name)| Rival::new(cluster.client.clone(), namespace, name));
    let probe = Probe {
        vitals: controller.vitals(),
        standing: elector.as_ref().map(Elector::standing),
        rival: rival.as_ref().map(Rival::standing),
        lane_limit: settings.controller.call_timeout * CALLS_OF_A_LANE,
    };
    let mut tasks = Supervisor::default();
    for listener in listeners(&settings, &cluster.client, &metrics, &probe).await? {
        tasks.spawn("server", listener.serve());
    }
    Ok(Life { tasks, elector, rival, controller, measure, url: cluster.url })
}

async fn listeners(
    settings: &Settings,
    client: &Client,
    metrics: &Metrics,
    probe: &Probe,
) -> Result<Vec<Listener>, Failure> {
    let mut listeners = Vec::new();
    let site = |access| Site { metrics: metrics.clone(), probe: probe.clone(), access };
    let serve = &settings.serve;
    if serve.secure_port != 0 {
        let identity = match (&serve.tls_cert_file, &serve.tls_private_key_file) {
            (Some(certificates), Some(key)) => {
                Identity::Files { certificates: certificates.clone(), key: key.clone() }
            }
            _ => Identity::SelfSigned { names: vec!["localhost".to_owned(), "127.0.0.1".to_owned()] },
        };
        let allowed = serve.authorization_always_allow_paths.clone();
        let access = Access::Reviewed { allowed, reviewer: Reviewer::new(client.clone()) };
        let address = SocketAddr::new(serve.bind_address, serve.secure_port);
        let tls = Some(serve::acceptor(&identity)?);
        listeners.push(Listener::bind(address, "--bind-address and --secure-port", tls, site(access)).await?);
    }
    if let Some(address) = serve.http_address {
        listeners.push(Listener::bind(address, "--http-address", None, site(Access::Open)).await?);
    }
    for listener in &listeners {
        if let Some(address) = listener.address() {
            tracing::info!(scheme = listener.scheme(), %address, "serving health and metrics");
        }
    }
    Ok(listeners)
}

/// Host name and a random part (L-1): no two replicas have the same.
fn identity() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = Some(host.trim()).filter(|host| !host.is_empty()).unwrap_or("cloud-lb");
    format!("{host}_{}", uuid::Uuid::new_v4())
}
