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

use crate::content::Content;
use crate::scenario::Size;

/// Calls a second that the provider allows itself.
pub(crate) const BUDGET: u32 = 10;

/// Time that each call takes.
const LATENCY: Duration = Duration::from_millis(200);

/// Without a call for so long, everything is done: longer than any pause between two calls.
const REST: Duration = Duration::from_secs(30);

/// How often rest is looked for: the error of all times.
const TICK: Duration = Duration::from_millis(100);

/// Most targets of all target groups together that the mock cloud has room for.
const ROOM: usize = 1_000_000;

/// Most rules of one load balancer: as many as Azure allows
/// (<https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits>).
const MOST_RULES: usize = 1500;

/// What is on the other side of the controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Partner {
    /// A cloud in which each Service has targets of its own.
    Stack,
    /// A cloud in which all Services share their targets, and each has rules of its own.
    Rules,
    /// A cloud in which all Services share one load balancer.
    Shared,
    /// None: the controller alone.
    Content,
}

impl Partner {
    pub(crate) const ALL: [Self; 4] = [Self::Stack, Self::Rules, Self::Shared, Self::Content];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Stack => "stack",
            Self::Rules => "rules",
            Self::Shared => "shared",
            Self::Content => "content",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|partner| partner.name() == name)
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Stack => "each Service",
            Self::Rules => "the cluster",
            Self::Shared => "the cluster, and all else",
            Self::Content => "each Service, no cloud",
        }
    }

    pub(crate) fn has_cloud(self) -> bool {
        self != Self::Content
    }

    /// A target group for each Service holds every node: the cloud keeps their product. Where all Services share
    /// something, every look at one of them reads what all have.
    pub(crate) fn has_room_for(self, size: Size) -> bool {
        match self {
            Self::Stack => size.services * size.nodes <= ROOM,
            Self::Rules | Self::Shared => size.services <= MOST_RULES,
            Self::Content => true,
        }
    }

    /// A new provider; what one remembers goes with the process.
    fn provider(self, cloud: &MockCloud) -> Arc<dyn LoadBalancerProvider> {
        let shape = match self {
            Self::Stack => Shape::Stack,
            Self::Rules => Shape::Rules,
            Self::Shared => Shape::Shared,
            Self::Content => return Arc::new(Content::new()),
        };
        let budget = NonZeroU32::MIN.saturating_add(BUDGET - 1);
        let config = Config::new("kubernetes").with_shape(shape).with_budget(budget, NonZeroU32::MIN);
        provider_mock::provider(cloud.clone(), config).expect("the settings are valid")
    }
}

pub(crate) struct World {
    api: ApiServer,
    cloud: MockCloud,
    partner: Partner,
    running: Option<(CancellationToken, JoinHandle<Result<()>>)>,
}

/// Calls, and the time from the beginning to the last of them.
pub(crate) struct Spent {
    pub(crate) calls: CallCounts,
    pub(crate) time: Duration,
}

impl World {
    pub(crate) fn new(partner: Partner) -> Self {
        let cloud = MockCloud::new(provider_mock::Options::new().with_latency(LATENCY));
        Self { api: ApiServer::with_node_ports(20_000..=60_000), cloud, partner, running: None }
    }

    pub(crate) fn start(&mut self) {
        let client = Client::new(self.api.clone(), "default");
        let provider = self.partner.provider(&self.cloud);
        let controller =
            Controller::new(client, provider, Options::default()).expect("the settings are valid");
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

    /// The least time in which the budget allows so many calls; the first needs none.
    pub(crate) fn floor(&self, budget: u32) -> Duration {
        Duration::from_secs(self.total().saturating_sub(1)) / budget + LATENCY
    }
}
