//! The cluster, the cloud, the replicas between them, and what is counted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cloud_lb_core::provider::LoadBalancerProvider;
use k8s_openapi::api::core::v1::{Node, Service};
use provider_mock::apiserver::{ApiServer, Resource};
use provider_mock::{Config, MockCloud, Record, provider};
use serde_json::{Value, json};

use crate::replica::{Replica, Watchdog};
use crate::setting::{CLUSTER, Setting};

/// How often what happened.
pub(crate) type Tally = BTreeMap<String, u64>;

pub(crate) struct World {
    pub(crate) setting: Setting,
    pub(crate) rng: fastrand::Rng,
    pub(crate) api: ApiServer,
    pub(crate) cloud: MockCloud,
    /// Sees everything as it is and meets no fault.
    pub(crate) observer: Arc<dyn LoadBalancerProvider>,
    pub(crate) replicas: Vec<Replica>,
    pub(crate) watchdog: Watchdog,
    pub(crate) tally: Tally,
    /// What somebody else has in the account, as it was made.
    pub(crate) foreign: Vec<Record>,
    /// How many terms of leaders there were when this was looked at last.
    terms: usize,
    /// Services that vanished without our finalizer while somebody may have known them.
    pub(crate) vanished: BTreeSet<String>,
    /// Of those, the ones that everybody who knew them has forgotten.
    pub(crate) lost: BTreeSet<String>,
}

impl World {
    pub(crate) fn new(setting: Setting) -> Self {
        let (api, cloud) = (ApiServer::new(), MockCloud::new(setting.cloud.clone()));
        let observer = provider(cloud.witness(), Config::new(CLUSTER).with_shape(setting.shape)).unwrap();
        let watchdog = Watchdog::default();
        let replicas = (0..setting.replicas)
            .map(|number| Replica::new(number, &api, &cloud, &setting, &watchdog))
            .collect();
        let foreign = ["LoadBalancer", "Address", "PublicAddress"]
            .into_iter()
            .filter_map(|kind| cloud.add_foreign(kind, "of-somebody-else", json!({})).ok())
            .collect();
        let rng = fastrand::Rng::with_seed(setting.seed ^ 0x5eed);
        Self {
            setting,
            rng,
            api,
            cloud,
            observer,
            replicas,
            watchdog,
            tally: Tally::new(),
            foreign,
            terms: 0,
            vanished: BTreeSet::new(),
            lost: BTreeSet::new(),
        }
    }

    pub(crate) fn count(&mut self, what: &str) {
        *self.tally.entry(what.to_owned()).or_default() += 1;
    }

    /// Whether something happens that happens once in so many times.
    pub(crate) fn once_in(&mut self, times: u32) -> bool {
        self.rng.u32(..times) == 0
    }

    pub(crate) fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.rng.usize(..choices.len())].clone()
    }

    pub(crate) fn services(&self) -> Vec<Service> {
        typed(self.api.list(Resource::Services))
    }

    pub(crate) fn nodes(&self) -> Vec<Node> {
        typed(self.api.list(Resource::Nodes))
    }

    /// Another leader knows nothing of what vanished before its time.
    pub(crate) fn notice_leaders(&mut self) {
        let terms = self.watchdog.terms();
        if std::mem::replace(&mut self.terms, terms) != terms {
            self.forget();
        }
    }

    /// Nobody remembers any more what vanished before.
    pub(crate) fn forget(&mut self) {
        self.lost.append(&mut self.vanished);
    }
}

fn typed<T: serde::de::DeserializeOwned>(objects: Vec<Value>) -> Vec<T> {
    objects.into_iter().map(|object| serde_json::from_value(object).unwrap()).collect()
}
