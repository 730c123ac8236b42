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

use super::{MockCloud, NewResource, Record};

/// Health of one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum TargetHealth {
    /// Gets new connections.
    Healthy,
    /// Fails its health check.
    Unhealthy,
    /// Finishes its connections.
    Draining,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// Targets that are said to be unhealthy, by node.
    unhealthy: Mutex<BTreeMap<String, TargetHealth>>,
}

impl MockCloud {
    /// Everything in the account, by id; as it is, never stale.
    pub fn records(&self) -> Vec<Record> {
        self.0.store.lock().records(Instant::now())
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
        self.0.store.lock().create(new, Instant::now())
    }

    /// Changes the settings of a resource behind our back.
    ///
    /// # Errors
    /// Those of [`modify`](Self::modify).
    pub fn tamper(&self, id: &str, change: impl FnOnce(&mut Value)) -> Result<Record> {
        let mut store = self.0.store.lock();
        let now = Instant::now();
        let mut body = store.get(id, now)?.body;
        change(&mut body);
        store.modify(id, body, None, now)
    }

    /// Changes the tags of a resource behind our back.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn retag(&self, id: &str, change: impl FnOnce(&mut Tags)) -> Result<Record> {
        let mut store = self.0.store.lock();
        let now = Instant::now();
        let mut tags = store.get(id, now)?.tags;
        change(&mut tags);
        store.set_tags(id, tags, now)
    }

    /// Removes a resource behind our back, in use or not.
    pub fn remove(&self, id: &str) {
        self.0.store.lock().remove(id, Instant::now());
    }

    /// Says that the targets on a node pass or fail their health checks.
    pub fn set_health(&self, node: &str, health: TargetHealth) {
        self.0.admin.unhealthy.lock().insert(node.to_owned(), health);
    }

    /// The health of every target, by resource id and node.
    pub fn target_health(&self) -> BTreeMap<(String, String), TargetHealth> {
        let said = self.0.admin.unhealthy.lock().clone();
        let mut all = BTreeMap::new();
        for record in self.records() {
            let targets = record.body.get("targets").and_then(Value::as_array).cloned().unwrap_or_default();
            for target in targets {
                let node = target.get("node").and_then(Value::as_str).unwrap_or_default().to_owned();
                let draining = target.get("draining").and_then(Value::as_bool).unwrap_or_default();
                let simulated = if draining { TargetHealth::Draining } else { TargetHealth::Healthy };
                let health = said.get(&node).copied().unwrap_or(simulated);
                all.insert((record.id.clone(), node), health);
            }
        }
        all
    }
}
