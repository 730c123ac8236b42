//! With a cluster: its nodes and pods, and what its API server makes of the manifests in a dry run.

use k8s_openapi::api::core::v1::{Node, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{Api, ListParams};
use serde::de::DeserializeOwned;

use super::gather::{Situation, Wanted, relevant, typed};
use crate::args::ClusterArgs;
use crate::cluster::{Cluster, connect, explain};
use crate::failure::{Failure, all};
use crate::manifests::Manifest;
use crate::submit::{Intent, submit};

/// Objects asked for at a time.
const PAGE: u32 = 500;

/// Reads the cluster, and tries the Services of the manifests out on it; without manifests, takes all
/// Services that it has.
pub(super) async fn gather(
    args: ClusterArgs,
    manifests: &[Manifest],
    finalizer: &str,
) -> Result<Situation, Failure> {
    let mut notes = Vec::new();
    let services = relevant(manifests, &mut notes)?;
    let (services, others): (Vec<_>, Vec<_>) =
        services.into_iter().partition(|manifest| manifest.kind() == "Service");
    if !others.is_empty() {
        notes.push(
            "Nodes and EndpointSlices of the manifests are left out: those of the cluster count".to_owned(),
        );
    }
    let cluster = connect(args).await?;
    let services = if manifests.is_empty() {
        present(&cluster, finalizer).await?
    } else {
        tried(&cluster, &services).await?
    };
    Ok(Situation {
        services,
        nodes: list(&cluster, Api::<Node>::all(cluster.client.clone())).await?,
        slices: list(&cluster, Api::<EndpointSlice>::all(cluster.client.clone())).await?,
        notes,
    })
}

async fn present(cluster: &Cluster, finalizer: &str) -> Result<Vec<Wanted>, Failure> {
    let services = list(cluster, Api::<Service>::all(cluster.client.clone())).await?;
    let wanted = |service| Wanted { service, manifest: None };
    // Whether the others had a load balancer once, their finalizer tells.
    let concerns = |wanted: &Wanted| {
        let service = &wanted.service;
        let kind = service.spec.as_ref().and_then(|spec| spec.type_.as_deref());
        kind == Some("LoadBalancer") || cloud_lb_core::k8s::has_finalizer(service, finalizer)
    };
    Ok(services.into_iter().map(wanted).filter(concerns).collect())
}

async fn tried(cluster: &Cluster, manifests: &[&Manifest]) -> Result<Vec<Wanted>, Failure> {
    let mut results = Vec::new();
    for manifest in manifests {
        let object = submit(&cluster.client, &cluster.url, manifest, Intent::Try).await;
        results.push(object.and_then(|object| {
            Ok(Wanted { service: typed(object)?, manifest: Some(Manifest::clone(manifest)) })
        }));
    }
    all(results)
}

async fn list<K>(cluster: &Cluster, api: Api<K>) -> Result<Vec<K>, Failure>
where
    K: Clone + DeserializeOwned + std::fmt::Debug,
{
    let mut items = Vec::new();
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let answer = api.list(&page).await.map_err(|error| Failure::new(explain(&cluster.url, &error)))?;
        items.extend(answer.items);
        match answer.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => return Ok(items),
        }
    }
}
