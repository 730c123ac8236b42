//! A cluster, an account and a controller.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a benchmark that cannot go on ends")]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use cloud_lb_core::Result;
use cloud_lb_core::controller::{Controller, Options};
use cloud_lb_core::provider::LoadBalancerProvider;
use kube::Client;
use provider_mock::apiserver::{ApiServer, Resource};
use provider_mock::{CallCounts, Config, MockCloud, Shape};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Calls a second that the provider allows itself.
pub(crate) const BUDGET: u32 = 10;

/// Time that each call takes.
const LATENCY: Duration = Duration::from_millis(200);

/// Without a call for so long, everything is done: longer than any pause between two calls.
const REST: Duration = Duration::from_secs(30);

/// How often rest is looked for: the error of all times.
const TICK: Duration = Duration::from_millis(100);

pub(crate) struct World {
    api: ApiServer,
    cloud: MockCloud,
    provider: Arc<dyn LoadBalancerProvider>,
    running: Option<(CancellationToken, JoinHandle<Result<()>>)>,
}

/// Calls, and the time from the beginning to the last of them.
pub(crate) struct Spent {
    pub(crate) calls: CallCounts,
    pub(crate) time: Duration,
}

impl World {
    pub(crate) fn new(shape: Shape) -> Self {
        let cloud = MockCloud::new(provider_mock::Options::new().with_latency(LATENCY));
        let budget = NonZeroU32::MIN.saturating_add(BUDGET - 1);
        // Waiting for the budget is not waiting for the cloud, but counts as part of the provider's call.
        let config = Config::new("kubernetes").with_shape(shape).with_budget(budget, NonZeroU32::MIN);
        let provider = provider_mock::provider(cloud.clone(), config).expect("the settings are valid");
        Self { api: ApiServer::with_node_ports(20_000..=60_000), cloud, provider, running: None }
    }

    pub(crate) fn start(&mut self) {
        let client = Client::new(self.api.clone(), "default");
        let options = Options::default().with_call_timeout(Duration::from_hours(1));
        let controller =
            Controller::new(client, Arc::clone(&self.provider), options).expect("the settings are valid");
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(controller.run(shutdown.clone()));
        self.running = Some((shutdown, task));
    }

    pub(crate) async fn stop(&mut self) {
        if let Some((shutdown, task)) = self.running.take() {
            shutdown.cancel();
            task.await.expect("the controller does not panic").expect("the controller ends well");
        }
    }

    pub(crate) fn add_node(&self, number: usize) {
        let address = format!("10.{}.{}.{}", number >> 16, number >> 8 & 255, number & 255);
        let node = json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": format!("node-{number}"), "labels": {"topology.kubernetes.io/zone": "a"}},
            "spec": {"providerID": format!("mock:///node-{number}")},
            "status": {"addresses": [{"type": "InternalIP", "address": address}],
                "conditions": [{"type": "Ready", "status": "True"}]},
        });
        self.api.create(Resource::Nodes, node).expect("a node can be made");
    }

    pub(crate) fn add_service(&self, number: usize) {
        let service = json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": format!("service-{number}"), "namespace": "default"},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 1024 + number, "protocol": "TCP"}]},
        });
        self.api.create(Resource::Services, service).expect("a Service can be made");
    }

    /// What a kubelet reports every few seconds: nothing that a load balancer cares for.
    pub(crate) fn heartbeat(&self, number: usize, beat: usize) {
        let name = format!("node-{number}");
        let mut node = self.api.get(Resource::Nodes, "", &name).expect("the node is there");
        node["status"]["conditions"][0]["message"] = json!(format!("beat {beat}"));
        self.api.update_status(Resource::Nodes, node).expect("a node can report");
    }

    /// Lets everything happen that there is to do, and tells what it took.
    pub(crate) async fn rest(&self) -> Spent {
        let (start, before) = (Instant::now(), self.cloud.calls());
        let (mut last, mut calls) = (start, before.clone());
        while last.elapsed() < REST {
            tokio::time::sleep(TICK).await;
            let now = self.cloud.calls();
            if now != calls {
                (last, calls) = (Instant::now(), now);
            }
        }
        Spent { calls: calls.since(&before), time: last - start }
    }

    /// How many Services have an address.
    pub(crate) fn served(&self) -> usize {
        let services = self.api.list(Resource::Services);
        services.iter().filter(|service| !service["status"]["loadBalancer"]["ingress"][0].is_null()).count()
    }
}

impl Spent {
    pub(crate) fn total(&self) -> u64 {
        self.calls.total_reads() + self.calls.total_writes()
    }

    /// The time as a multiple of the least in which the budget allows so many calls; the first needs none.
    pub(crate) fn over_floor(&self) -> f64 {
        let earned = self.total().saturating_sub(1);
        let floor = Duration::from_secs(earned) / BUDGET + LATENCY;
        self.time.as_secs_f64() / floor.as_secs_f64()
    }
}
