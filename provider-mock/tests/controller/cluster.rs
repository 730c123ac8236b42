//! The cluster that a test works on: the embedded API in this process, or any API server.
#![expect(clippy::panic, reason = "a helper that fails fails its test")]

use std::cell::RefCell;
use std::time::Duration;

use kube::Client;
use provider_mock::apiserver::{ApiServer, Faults, Resource, Rights, Verb};
use serde_json::Value;
use tokio::sync::watch;

use crate::remote::Remote;

/// How long a test waits in paused time for what must happen, and how long where time is real.
const PATIENCE: [Duration; 2] = [Duration::from_hours(1), Duration::from_mins(1)];

thread_local! {
    /// The API server that the tests of this thread work on; none stands for an embedded one for each.
    static REMOTE: RefCell<Option<Remote>> = const { RefCell::new(None) };
}

/// A handle on the cluster; clones share it.
#[derive(Debug, Clone)]
pub(crate) enum Cluster {
    Embedded(ApiServer),
    Remote(Remote),
}

/// Lets the tests of this thread work on an API server.
pub(crate) fn work_on(remote: Remote) {
    REMOTE.set(Some(remote));
}

impl Cluster {
    /// The cluster of the tests of this thread. On another server than an embedded one, time is real from now on.
    pub(crate) fn of_this_thread() -> Self {
        let Some(remote) = REMOTE.with_borrow(Clone::clone) else { return Self::Embedded(ApiServer::new()) };
        tokio::time::resume();
        Self::Remote(remote)
    }

    pub(crate) fn patience(&self) -> Duration {
        let [paused, real] = PATIENCE;
        if matches!(self, Self::Embedded(_)) { paused } else { real }
    }

    /// A client whose requests are counted.
    pub(crate) fn client(&self) -> Client {
        match self {
            Self::Embedded(api) => Client::new(api.clone(), "default"),
            Self::Remote(remote) => remote.client(),
        }
    }

    /// The embedded API, of which a test needs what no other has: `what`.
    fn embedded(&self, what: &str) -> &ApiServer {
        match self {
            Self::Embedded(api) => api,
            Self::Remote(_) => panic!("this test needs the embedded API for {what}"),
        }
    }

    /// A client of somebody else: its requests are not counted.
    pub(crate) fn client_of_others(&self) -> Client {
        Client::new(self.embedded("a connection of its own").client(), "default")
    }

    pub(crate) fn faults(&self) -> &Faults {
        self.embedded("faults and counts").faults()
    }

    pub(crate) fn compact(&self) {
        self.embedded("its history").compact();
    }

    /// Lets the controllers of a cluster do their work, which no API server does.
    pub(crate) fn settle_endpoints(&self) -> bool {
        self.embedded("the endpoints of Services").settle_endpoints()
    }

    pub(crate) fn restricted_to(&self, rights: Rights) -> Self {
        Self::Embedded(self.embedded("rights").restricted_to(rights))
    }

    /// How many patches of `services/status` the client has sent.
    pub(crate) fn patches(&self) -> u64 {
        match self {
            Self::Embedded(api) => {
                let requests = api.faults().requests();
                requests.get(&(Verb::Patch, "services/status".to_owned())).copied().unwrap_or_default()
            }
            Self::Remote(remote) => remote.patches(),
        }
    }

    pub(crate) fn forget_counts(&self) {
        match self {
            Self::Embedded(api) => api.faults().reset_counts(),
            Self::Remote(remote) => remote.forget_patches(),
        }
    }

    /// Changes whenever something may have changed.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        match self {
            Self::Embedded(api) => api.changes(),
            Self::Remote(remote) => remote.ticks(),
        }
    }

    /// The version of the last write.
    pub(crate) fn version(&self) -> u64 {
        match self {
            Self::Embedded(api) => *api.changes().borrow(),
            Self::Remote(remote) => remote.version(),
        }
    }

    pub(crate) fn list(&self, resource: Resource) -> Vec<Value> {
        match self {
            Self::Embedded(api) => api.list(resource),
            Self::Remote(remote) => remote.list(resource),
        }
    }

    pub(crate) fn get(&self, resource: Resource, namespace: &str, name: &str) -> Option<Value> {
        match self {
            Self::Embedded(api) => api.get(resource, namespace, name),
            Self::Remote(remote) => remote.get(resource, namespace, name),
        }
    }

    pub(crate) fn create(&self, resource: Resource, object: Value) -> Result<Value, String> {
        match self {
            Self::Embedded(api) => api.create(resource, object).map_err(|error| error.to_string()),
            Self::Remote(remote) => remote.create(resource, &object),
        }
    }

    pub(crate) fn update(&self, resource: Resource, object: Value) -> Result<Value, String> {
        match self {
            Self::Embedded(api) => api.update(resource, object).map_err(|error| error.to_string()),
            Self::Remote(remote) => remote.update(resource, &object, ""),
        }
    }

    pub(crate) fn update_status(&self, resource: Resource, object: Value) -> Result<Value, String> {
        match self {
            Self::Embedded(api) => api.update_status(resource, object).map_err(|error| error.to_string()),
            Self::Remote(remote) => remote.update(resource, &object, "/status"),
        }
    }

    pub(crate) fn delete(&self, resource: Resource, namespace: &str, name: &str) -> Result<(), String> {
        match self {
            Self::Embedded(api) => api.delete(resource, namespace, name).map_err(|error| error.to_string()),
            Self::Remote(remote) => remote.delete(resource, namespace, name),
        }
    }
}
