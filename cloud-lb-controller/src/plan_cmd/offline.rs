//! Without a cluster: the manifests are put into an API server in this process, whose defaults,
//! validation and allocations are those of a real one.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};

use k8s_openapi::api::core::v1::{Node, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::Client;
use kube::api::{Api, ListParams};
use provider_mock::apiserver::{ApiServer, Resource};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::gather::{Situation, Wanted, relevant, typed};
use crate::failure::{Failure, all};
use crate::manifests::{Manifest, read_text};
use crate::providers::StandIns;
use crate::submit::{Intent, submit};

/// Name of the embedded API server in messages that do not concern a manifest.
const URL: &str = "embedded API server";

/// Collects what the manifests say.
pub(super) async fn gather(manifests: &[Manifest], stand_ins: &StandIns) -> Result<Situation, Failure> {
    let mut notes = Vec::new();
    let manifests = relevant(manifests, &mut notes)?;
    if !manifests.iter().any(|manifest| manifest.kind() == "Service") {
        return Err(Failure::new(
            "the manifests hold no Service, expected at least one object of kind Service",
        ));
    }
    check_distinct(&manifests)?;
    let client = cluster_of(&manifests)?;
    let created = create_all(&client, &manifests).await;
    // An object of several that is refused must not hide what is wrong with the others.
    let services = all(created)?.into_iter().flatten().collect();
    ensure_nodes(&client, &manifests, stand_ins, &mut notes).await?;
    let mut situation = Situation {
        services,
        nodes: list(Api::<Node>::all(client.clone())).await?,
        slices: list(Api::<EndpointSlice>::all(client)).await?,
        notes,
    };
    let chosen: Vec<String> = situation.services.iter().filter_map(Wanted::chosen_ports).collect();
    situation.notes.extend(chosen);
    identify(&mut situation.services);
    Ok(situation)
}

/// The API server would complain of the second one in words about what the first one took.
fn check_distinct(manifests: &[&Manifest]) -> Result<(), Failure> {
    let mut first: BTreeMap<String, &Manifest> = BTreeMap::new();
    let mut twice = Vec::new();
    for manifest in manifests.iter().filter(|manifest| !manifest.name().is_empty()) {
        match first.entry(manifest.subject()) {
            Entry::Vacant(entry) => drop(entry.insert(manifest)),
            Entry::Occupied(entry) => twice.push(manifest.complain(
                "",
                format!("given twice, the first time in {}; expected each object once", entry.get().place()),
            )),
        }
    }
    if twice.is_empty() { Ok(()) } else { Err(twice.into_iter().collect()) }
}

/// An API server that has the namespaces of the manifests.
fn cluster_of(manifests: &[&Manifest]) -> Result<Client, Failure> {
    let server = ApiServer::new();
    let namespaces: BTreeSet<&str> = manifests.iter().map(|manifest| manifest.namespace()).collect();
    for name in namespaces.into_iter().filter(|name| server.get(Resource::Namespaces, "", name).is_none()) {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        server
            .create(Resource::Namespaces, object)
            .map_err(|error| Failure::because(format!("namespace {name}"), &error))?;
    }
    Ok(Client::new(server, "default"))
}

/// Creates every object. Services that name their node ports come first, so that none of these is given
/// to another one; the result is in the order of the manifests.
async fn create_all(client: &Client, manifests: &[&Manifest]) -> Vec<Result<Option<Wanted>, Failure>> {
    let mut order: Vec<(usize, &Manifest)> = manifests.iter().copied().enumerate().collect();
    order.sort_by_key(|(_, manifest)| wants_choice(manifest));
    let mut created = Vec::new();
    for (index, manifest) in order {
        created.push((index, create(client, manifest).await));
    }
    created.sort_by_key(|(index, _)| *index);
    created.into_iter().map(|(_, result)| result).collect()
}

fn wants_choice(manifest: &Manifest) -> bool {
    let ports = manifest.object.pointer("/spec/ports").and_then(serde_json::Value::as_array);
    ports.into_iter().flatten().any(|port| port.get("nodePort").is_none())
}

async fn create(client: &Client, manifest: &Manifest) -> Result<Option<Wanted>, Failure> {
    let object = submit(client, URL, manifest, Intent::Create).await?;
    if manifest.kind() != "Service" {
        return Ok(None);
    }
    Ok(Some(Wanted { service: typed::<Service>(object)?, manifest: Some(manifest.clone()) }))
}

/// Adds the nodes that stand in where the manifests have none.
async fn ensure_nodes(
    client: &Client,
    manifests: &[&Manifest],
    stand_ins: &StandIns,
    notes: &mut Vec<String>,
) -> Result<(), Failure> {
    if manifests.iter().any(|manifest| manifest.kind() == "Node") {
        return Ok(());
    }
    notes.push(stand_ins.note.clone());
    for node in read_text("nodes.yaml", &stand_ins.nodes)? {
        submit(client, URL, &node, Intent::Create).await?;
    }
    Ok(())
}

async fn list<K>(api: Api<K>) -> Result<Vec<K>, Failure>
where
    K: Clone + DeserializeOwned + std::fmt::Debug,
{
    let unanswered = |error| Failure::because("the embedded API server", &error);
    Ok(api.list(&ListParams::default()).await.map_err(unanswered)?.items)
}

/// Gives each Service a UID that is the same in each run: names in the plan depend on it.
fn identify(services: &mut [Wanted]) {
    for (number, wanted) in services.iter_mut().enumerate() {
        let written = wanted.manifest.as_ref().and_then(|manifest| manifest.object.pointer("/metadata/uid"));
        let uid = written.and_then(serde_json::Value::as_str).map(str::to_owned);
        let example = || format!("00000000-0000-4000-8000-{:012}", number + 1);
        wanted.service.metadata.uid = Some(uid.unwrap_or_else(example));
    }
}
