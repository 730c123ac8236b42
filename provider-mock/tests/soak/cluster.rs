//! A cluster with a controller, in which Services come and go.

use std::time::Duration;

use cloud_lb_core::Result;
use cloud_lb_core::controller::{Controller, Options};
use cloud_lb_core::metrics::{Format, Metrics};
use kube::Client;
use provider_mock::apiserver::{ApiServer, Resource};
use provider_mock::{Config, MockCloud, Shape, provider};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::ready::ready_node;

const CLUSTER: &str = "soak";

/// How many Services there are at the same time.
const AT_ONCE: usize = 15;

/// Longer than events stay, and surveys are apart.
const LONG: Duration = Duration::from_mins(90);

pub(crate) struct Cluster {
    api: ApiServer,
    cloud: MockCloud,
    metrics: Metrics,
    /// How many Services there have been.
    made: usize,
    stop: CancellationToken,
    controller: JoinHandle<Result<()>>,
}

impl Cluster {
    pub(crate) fn new(shape: Shape) -> Self {
        let (api, cloud) = (ApiServer::new(), MockCloud::new(provider_mock::Options::new()));
        for number in 1..=3 {
            api.create(Resource::Nodes, ready_node(number)).unwrap();
        }
        let provider = provider(cloud.client(), Config::new(CLUSTER).with_shape(shape)).unwrap();
        let (metrics, stop) = (Metrics::new(), CancellationToken::new());
        let name = provider.name().to_owned();
        let client = Client::new(api.client(), "default");
        let controller =
            Controller::new(client, provider, Options::default().with_cluster_name(CLUSTER)).unwrap();
        let controller = controller.with_measure(metrics.of(&name));
        metrics.watch(&name, controller.vitals());
        let controller = tokio::spawn(controller.run(stop.clone()));
        Self { api, cloud, metrics, made: 0, stop, controller }
    }

    /// Makes so many Services, each of which gets its address and is deleted.
    pub(crate) async fn come_and_go(&mut self, count: usize) {
        let last = self.made + count;
        while self.made < last {
            let first = self.made;
            self.made = (first + AT_ONCE).min(last);
            for number in first..self.made {
                self.api.create(Resource::Services, service(number)).unwrap();
            }
            self.until("served", |services| services.iter().all(is_served)).await;
            for number in first..self.made {
                self.api.delete(Resource::Services, "default", &name(number)).unwrap();
            }
            self.until("gone", <[Value]>::is_empty).await;
        }
    }

    async fn until(&self, what: &str, holds: impl Fn(&[Value]) -> bool) {
        for _ in 0..600 {
            let services = self.api.list(Resource::Services);
            if holds(&services) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("not within a minute: {what}: {:#?}", self.api.list(Resource::Services));
    }

    /// Lets everything go that goes with time, and forgets the history, as a real API server does.
    pub(crate) async fn calm_down(&mut self) {
        tokio::time::sleep(LONG).await;
        // Events go with the next write of anything.
        let mut node = self.api.get(Resource::Nodes, "", "n1").unwrap_or_default();
        node["status"]["conditions"][0]["message"] = json!(format!("after {} Services", self.made));
        self.api.update_status(Resource::Nodes, node).unwrap();
        tokio::time::sleep(Duration::from_mins(1)).await;
        self.api.compact();
    }

    /// What can be counted.
    pub(crate) fn counts(&self) -> Vec<(&'static str, usize)> {
        let metrics = self.metrics.encode(Format::Text);
        let series = metrics.lines().filter(|line| !line.starts_with('#')).count();
        vec![
            ("Services", self.api.list(Resource::Services).len()),
            ("EndpointSlices", self.api.list(Resource::EndpointSlices).len()),
            ("events", self.api.list(Resource::Events).len()),
            ("cloud resources", self.cloud.records().len()),
            ("metric series", series),
            ("kinds of requests", self.api.faults().requests().len()),
        ]
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.controller.await.unwrap().unwrap();
    }
}

fn name(number: usize) -> String {
    format!("service-{number}")
}

fn service(number: usize) -> Value {
    let policy = if number.is_multiple_of(3) { "Local" } else { "Cluster" };
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name(number), "namespace": "default"},
        "spec": {
            "type": "LoadBalancer", "externalTrafficPolicy": policy, "ipFamilyPolicy": "PreferDualStack",
            "ports": [{"name": "http", "port": 80, "protocol": "TCP"}, {"name": "dns", "port": 53, "protocol": "UDP"}],
        },
    })
}

fn is_served(service: &Value) -> bool {
    !service["status"]["loadBalancer"]["ingress"][0].is_null()
}
