//! What the controller watches, as one stream.

use futures::stream::{BoxStream, Stream, StreamExt, select_all};
use k8s_openapi::api::core::v1::{Node, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Config, Event, watcher};
use kube::{Api, Client};

use super::api::from_kube;
use super::contest::keep_managers;
use crate::error::{Error, ErrorKind, Result};

/// Something that a watch saw.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "taken apart at once, never kept")]
pub(crate) enum Seen {
    Service(Event<Service>),
    Node(Event<Node>),
    Slice(Event<EndpointSlice>),
}

/// What is seen, without end: broken watches start again, later and later.
pub(crate) type Watches = BoxStream<'static, Result<Seen>>;

/// Whether EndpointSlices matter (only if the provider sends traffic to pods).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slices {
    Watched,
    Ignored,
}

/// Watches Services, nodes and, if they matter, EndpointSlices.
pub(crate) fn watches(client: &Client, namespace: Option<&str>, slices: Slices) -> Watches {
    let services = match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let mut streams = vec![
        seen("services", events(services).map(slim_service), Seen::Service),
        seen("nodes", events(Api::all(client.clone())), Seen::Node),
    ];
    if slices == Slices::Watched {
        let api = match namespace {
            Some(namespace) => Api::namespaced(client.clone(), namespace),
            None => Api::all(client.clone()),
        };
        streams.push(seen("endpointslices", events(api), Seen::Slice));
    }
    select_all(streams).boxed()
}

type Events<K> = BoxStream<'static, watcher::Result<Event<K>>>;

/// The events of a watch. kube lists again where the API server tells of an expired version in the
/// stream, as it should; where a server or proxy refuses the request with 410, the watch starts anew here.
fn events<K>(api: Api<K>) -> Events<K>
where
    K: kube::Resource + Clone + serde::de::DeserializeOwned + std::fmt::Debug + Send + Sync + 'static,
{
    let watch = move || {
        let events = watcher(api.clone(), Config::default()).default_backoff();
        events.scan(Stage::Live, |stage, event| {
            let before = *stage;
            *stage = if has_expired(&event) { Stage::Expired } else { Stage::Live };
            std::future::ready((before == Stage::Live).then_some(event))
        })
    };
    futures::stream::repeat_with(watch).flatten().boxed()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Live,
    Expired,
}

fn has_expired<K>(event: &watcher::Result<Event<K>>) -> bool {
    matches!(event, Err(watcher::Error::WatchStartFailed(kube::Error::Api(status))) if status.code == 410)
}

fn seen<K: 'static>(
    kind: &'static str,
    events: impl Stream<Item = watcher::Result<Event<K>>> + Send + 'static,
    wrap: fn(Event<K>) -> Seen,
) -> Watches {
    events.map(move |event| event.map(wrap).map_err(|error| failed(kind, error))).boxed()
}

/// Drops what nobody reads and what there is much of.
fn slim_service(event: watcher::Result<Event<Service>>) -> watcher::Result<Event<Service>> {
    event.map(|event| event.modify(keep_managers))
}

fn failed(kind: &'static str, error: watcher::Error) -> Error {
    let error = match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => from_kube(error),
        watcher::Error::WatchError(status) => from_kube(kube::Error::Api(status)),
        error @ watcher::Error::NoResourceVersion => {
            Error::new(ErrorKind::Internal, "the list has no version").with_source(error)
        }
    };
    error.during("list and watch").on(kind)
}
