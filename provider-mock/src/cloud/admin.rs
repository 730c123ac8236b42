//! What is done to the account beside its API: looking, tampering, other tenants. For tests and demos.
//!
//! None of it counts as a call, meets a fault or takes time.

use std::collections::BTreeMap;

use cloud_lb_core::Result;
use cloud_lb_core::ownership::Tags;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;

use super::frontends::wired;
use super::{MockCloud, NewResource, Record};
use crate::dataplane::HealthState;

/// Health of one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum TargetHealth {
    /// Gets new connections.
    Healthy,
    /// Not yet checked; gets no traffic.
    Initial,
    /// Fails its health check.
    Unhealthy,
    /// Finishes its connections.
    Draining,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// Health of targets, by node, where somebody said it.
    said: Mutex<BTreeMap<String, TargetHealth>>,
}

impl MockCloud {
    /// Everything in the account, by id; as it is, never stale.
    pub fn records(&self) -> Vec<Record> {
        self.account.store.lock().records(Instant::now())
    }

    /// Adds a resource that another tenant made.
    ///
    /// # Errors
    /// Those of [`create`](Self::create).
    pub fn add_foreign(&self, kind: &'static str, name: &str, body: Value) -> Result<Record> {
        let tags = Tags::from([("owner".to_owned(), "somebody-else".to_owned())]);
        self.add(NewResource { kind, name: name.to_owned(), tags, description: String::new(), body })
    }

    /// Adds a resource with any marks, for example a copy of one that is there.
    ///
    /// # Errors
    /// Those of [`create`](Self::create).
    pub fn add(&self, new: NewResource) -> Result<Record> {
        self.touched();
        self.account.store.lock().create(new, Instant::now())
    }

    /// Changes the settings of a resource behind our back.
    ///
    /// # Errors
    /// Those of [`modify`](Self::modify).
    pub fn tamper(&self, id: &str, change: impl FnOnce(&mut Value)) -> Result<Record> {
        self.touched();
        let mut store = self.account.store.lock();
        let now = Instant::now();
        let mut body = Value::clone(&store.get(id, now)?.body);
        change(&mut body);
        store.modify(id, body, None, now)
    }

    /// Changes the ownership marks of a resource behind our back.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn retag(&self, id: &str, change: impl FnOnce(&mut Tags)) -> Result<Record> {
        self.touched();
        let mut store = self.account.store.lock();
        let now = Instant::now();
        let mut marks = store.get(id, now)?.marks();
        change(&mut marks);
        store.set_marks(id, &marks, now)
    }

    /// Removes a resource behind our back, in use or not.
    pub fn remove(&self, id: &str) {
        self.touched();
        self.account.store.lock().remove(id, Instant::now());
    }

    /// Says how the targets on a node are; without effect where a data plane checks them.
    pub fn set_health(&self, node: &str, health: TargetHealth) {
        self.account.admin.said.lock().insert(node.to_owned(), health);
    }

    /// The health of every target, by frontend and node: as the data plane's checks found it, or where there is
    /// none, as [`set_health`](Self::set_health) said.
    ///
    /// A frontend is named by the resource that listens, the family, the protocol and the port, for example
    /// `mock:Listener:web:7/IPv4/TCP/80`. Load balancers that do not work yet have no targets.
    pub fn target_health(&self) -> BTreeMap<(String, String), TargetHealth> {
        let said = self.account.admin.said.lock();
        let mut all = BTreeMap::new();
        for one in wired(&self.records()) {
            let id = one.frontend.id;
            let say = |node: String, otherwise| {
                let health = said.get(&node).copied().unwrap_or(otherwise);
                ((id.clone(), node), health)
            };
            all.extend(one.draining.into_iter().map(|node| say(node, TargetHealth::Draining)));
            all.extend(one.frontend.backends.into_iter().map(|target| say(target.id, TargetHealth::Healthy)));
        }
        if let Some(dataplane) = self.dataplane() {
            all.retain(|_, health| *health == TargetHealth::Draining);
            all.extend(
                dataplane
                    .health()
                    .into_iter()
                    .map(|found| ((found.frontend, found.backend), found.state.into())),
            );
        }
        all
    }

    /// Lets the data plane follow what was done to the account at the next call.
    fn touched(&self) {
        if let Some(wire) = &self.account.wire {
            wire.make_due();
        }
    }
}

impl From<HealthState> for TargetHealth {
    fn from(state: HealthState) -> Self {
        match state {
            HealthState::Initial => Self::Initial,
            HealthState::Healthy => Self::Healthy,
            HealthState::Unhealthy => Self::Unhealthy,
            HealthState::Draining => Self::Draining,
        }
    }
}
