//! Publishes events, folding repeats into one with a count.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, EventSource, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::{Client, Resource, ResourceExt};
use parking_lot::Mutex;
use serde_json::json;

use super::api::{from_kube, traced, within};
use super::notice::Notice;
use crate::clock;
use crate::error::{ErrorKind, Result};

/// The component that events name as their source.
pub(crate) const COMPONENT: &str = "service-controller";

/// How many events are remembered to fold their repeats.
const REMEMBERED: usize = 4096;

/// Writes `core/v1` events about Services.
///
/// The recorder of kube folds by reason only and so keeps the text of the first failure for all that
/// follow; here an event with another text is another event.
pub(crate) struct Events {
    client: Client,
    timeout: Duration,
    known: Mutex<Known>,
}

impl Events {
    pub(crate) fn new(client: Client, timeout: Duration) -> Self {
        Self { client, timeout, known: Mutex::default() }
    }

    /// Publishes an event. A failure is logged and harms nothing else.
    pub(crate) async fn publish(&self, service: &Service, notice: Notice) {
        tracing::debug!(reason = notice.reason, message = notice.message, "event");
        if let Err(error) = within(self.timeout, self.send(service, notice)).await {
            tracing::warn!(%error, "an event could not be written");
        }
    }

    async fn send(&self, service: &Service, notice: Notice) -> Result<()> {
        let namespace = service.namespace().unwrap_or_default();
        let api: Api<Event> = Api::namespaced(self.client.clone(), &namespace);
        let now = clock::now();
        let key = (service.uid().unwrap_or_default(), notice);
        let repeat = self.known.lock().repeat(&key);
        if let Some(seen) = repeat {
            let patch = Patch::Merge(json!({"count": seen.count, "lastTimestamp": Time(now)}));
            let params = PatchParams::default();
            let call = async { api.patch(&seen.name, &params, &patch).await.map_err(from_kube) };
            match traced("patch", "events", call).await {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                result => return result.map(drop),
            }
        }
        let event = event(service, &key.1, now);
        let name = event.name_any();
        let params = PostParams::default();
        traced("create", "events", async { api.create(&params, &event).await.map_err(from_kube) }).await?;
        self.known.lock().remember(key, name);
        Ok(())
    }

    /// Forgets what a Service was told that is gone: it is not told again.
    pub(crate) fn forget(&self, uid: &str) {
        self.known.lock().forget(uid);
    }
}

type EventKey = (String, Notice);

#[derive(Debug, Clone)]
struct Seen {
    name: String,
    count: i32,
    /// Its place in the order of all.
    place: u64,
}

/// The events written last, a bounded number of them (W-12).
#[derive(Debug, Default)]
struct Known {
    events: BTreeMap<EventKey, Seen>,
    order: BTreeMap<u64, EventKey>,
    next_place: u64,
}

impl Known {
    /// Counts a repeat; `None` if the event is new.
    fn repeat(&mut self, key: &EventKey) -> Option<Seen> {
        let seen = self.events.get_mut(key)?;
        seen.count = seen.count.saturating_add(1);
        Some(seen.clone())
    }

    fn remember(&mut self, key: EventKey, name: String) {
        let place = self.next_place;
        self.next_place += 1;
        self.order.insert(place, key.clone());
        if let Some(before) = self.events.insert(key, Seen { name, count: 1, place }) {
            self.order.remove(&before.place);
        }
        while self.order.len() > REMEMBERED
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.events.remove(&oldest);
        }
    }

    fn forget(&mut self, uid: &str) {
        for (_, seen) in self.events.extract_if(.., |(of, _), _| of == uid) {
            self.order.remove(&seen.place);
        }
    }
}

fn event(service: &Service, notice: &Notice, now: Timestamp) -> Event {
    let component = Some(COMPONENT.to_owned());
    Event {
        metadata: ObjectMeta {
            name: Some(format!("{}.{:x}", service.name_any(), now.as_nanosecond())),
            namespace: service.namespace(),
            ..ObjectMeta::default()
        },
        involved_object: service.object_ref(&()),
        type_: Some(notice.severity.as_str().to_owned()),
        reason: Some(notice.reason.to_owned()),
        message: Some(notice.message.clone()),
        count: Some(1),
        first_timestamp: Some(Time(now)),
        last_timestamp: Some(Time(now)),
        source: Some(EventSource { component: component.clone(), host: None }),
        reporting_component: component,
        ..Event::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> EventKey {
        (number.to_string(), Notice::ensured())
    }

    #[test]
    fn repeats_are_counted_and_the_memory_is_bounded() {
        let mut known = Known::default();
        assert!(known.repeat(&key(0)).is_none());
        known.remember(key(0), "first".to_owned());
        assert_eq!(known.repeat(&key(0)).map(|seen| seen.count), Some(2));
        assert_eq!(known.repeat(&key(0)).map(|seen| seen.count), Some(3));
        for number in 1..=REMEMBERED {
            known.remember(key(number), String::new());
        }
        assert_eq!((known.events.len(), known.order.len()), (REMEMBERED, REMEMBERED));
        assert!(known.repeat(&key(0)).is_none(), "the oldest is forgotten");
        known.forget("7");
        assert!(known.repeat(&key(7)).is_none(), "its Service is gone");
        assert!(known.repeat(&key(8)).is_some());
        assert_eq!((known.events.len(), known.order.len()), (REMEMBERED - 1, REMEMBERED - 1));
    }

    #[test]
    fn an_event_names_its_component_and_its_service() {
        let mut service = Service::default();
        service.metadata.name = Some("web".to_owned());
        service.metadata.namespace = Some("shop".to_owned());
        service.metadata.uid = Some("u-1".to_owned());
        let event = event(&service, &Notice::no_nodes(), Timestamp::UNIX_EPOCH);
        assert_eq!(event.source.unwrap().component.as_deref(), Some("service-controller"));
        assert_eq!(event.reporting_component.as_deref(), Some("service-controller"));
        assert_eq!(event.metadata.namespace.as_deref(), Some("shop"));
        let object = event.involved_object;
        assert_eq!((object.kind.as_deref(), object.uid.as_deref()), (Some("Service"), Some("u-1")));
        assert_eq!(event.type_.as_deref(), Some("Warning"));
        assert_eq!(event.reason.as_deref(), Some("UnAvailableLoadBalancer"));
    }
}
