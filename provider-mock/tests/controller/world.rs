//! A cluster, a cloud and a controller between them.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a helper that fails fails its test"
)]

use std::sync::Arc;
use std::time::Duration;

use cloud_lb_core::controller::{Controller, Options, READY_CONDITION};
use cloud_lb_core::k8s::FINALIZER;
use cloud_lb_core::provider::{Capabilities, LoadBalancerProvider};
use cloud_lb_core::vitals::Vitals;
use provider_mock::apiserver::Resource;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cloud::{Cloud, Op};
use crate::cluster::Cluster;

pub(crate) struct World {
    pub(crate) api: Cluster,
    pub(crate) cloud: Cloud,
    provider: Arc<dyn LoadBalancerProvider>,
    options: Options,
    shutdown: CancellationToken,
    controller: Option<JoinHandle<cloud_lb_core::Result<()>>>,
    vitals: Vitals,
}

impl World {
    /// An empty cluster with two nodes; the controller does not run yet.
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Capabilities)) -> Self {
        let api = Cluster::of_this_thread();
        let cloud = Cloud::new(api.clone()).with(change);
        let shutdown = CancellationToken::new();
        let (provider, options) = (Arc::new(cloud.clone()), Options::default().with_retry_jitter(0));
        let world =
            Self { api, cloud, provider, options, shutdown, controller: None, vitals: Vitals::default() };
        for name in ["n1", "n2"] {
            world.add_node(name);
        }
        world
    }

    pub(crate) fn options(mut self, change: impl FnOnce(Options) -> Options) -> Self {
        self.options = change(self.options);
        self
    }

    /// Another controller on the same cluster, with a cloud of its own; it does not run yet.
    pub(crate) fn neighbour(&self, change: impl FnOnce(Options) -> Options) -> Self {
        let cloud = Cloud::new(self.api.clone());
        let (provider, options) = (Arc::new(cloud.clone()), Options::default().with_retry_jitter(0));
        let shutdown = CancellationToken::new();
        let api = self.api.clone();
        Self {
            api,
            cloud,
            provider,
            options: change(options),
            shutdown,
            controller: None,
            vitals: Vitals::default(),
        }
    }

    /// Works on another cloud than the scripted one.
    pub(crate) fn on(mut self, provider: Arc<dyn LoadBalancerProvider>) -> Self {
        self.provider = provider;
        self
    }

    /// Starts the controller.
    pub(crate) fn start(mut self) -> Self {
        self.launch();
        self
    }

    pub(crate) fn launch(&mut self) {
        self.shutdown = CancellationToken::new();
        let controller =
            Controller::new(self.api.client(), Arc::clone(&self.provider), self.options.clone()).unwrap();
        self.vitals = controller.vitals();
        self.controller = Some(tokio::spawn(controller.run(self.shutdown.clone())));
    }

    /// What the controller that was launched last is at.
    pub(crate) fn vitals(&self) -> &Vitals {
        &self.vitals
    }

    /// Asks the controller to stop and waits until it has.
    pub(crate) async fn stop(&mut self) -> cloud_lb_core::Result<()> {
        self.shutdown.cancel();
        self.ended().await
    }

    /// Waits for the controller to end.
    pub(crate) async fn ended(&mut self) -> cloud_lb_core::Result<()> {
        self.controller.take().unwrap().await.unwrap()
    }

    /// Waits until something holds.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let (mut api, mut cloud) = (self.api.changes(), self.cloud.changes());
        let deadline = Instant::now() + self.api.patience();
        while !holds(self) {
            tokio::select! {
                _ = api.changed() => {}
                _ = cloud.changed() => {}
                () = tokio::time::sleep_until(deadline) => {
                    panic!("never: {what}\nevents: {:#?}\ncalls: {:#?}", self.events(), self.cloud.calls())
                }
            }
        }
    }

    /// Lets time pass in which whatever is due happens. Time is paused: nobody waits for real.
    pub(crate) async fn pass_time(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    /// Lets the controller come to rest, before the first retry.
    pub(crate) async fn rest(&self) {
        self.pass_time(Duration::from_millis(4500)).await;
    }

    pub(crate) fn add_node(&self, name: &str) {
        self.add_machine(name, &format!("mock:///{name}"));
    }

    pub(crate) fn add_machine(&self, name: &str, provider_id: &str) {
        let address = format!("10.0.0.{}", self.api.list(Resource::Nodes).len() + 1);
        let node = json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": {"providerID": provider_id},
            "status": {"addresses": [{"type": "InternalIP", "address": address}]}
        });
        self.api.create(Resource::Nodes, node).unwrap();
    }

    pub(crate) fn remove_node(&self, name: &str) {
        self.api.delete(Resource::Nodes, "", name).unwrap();
    }

    pub(crate) fn change_node(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let mut node = self.api.get(Resource::Nodes, "", name).unwrap();
        change(&mut node);
        self.api.update(Resource::Nodes, node).unwrap();
    }

    pub(crate) fn add_service(&self, service: Value) -> String {
        let service = self.api.create(Resource::Services, service).unwrap();
        service["metadata"]["uid"].as_str().unwrap().to_owned()
    }

    pub(crate) fn service(&self, name: &str) -> Value {
        self.api.get(Resource::Services, "default", name).unwrap()
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.api.get(Resource::Services, "default", name).is_some()
    }

    pub(crate) fn change_service(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let mut service = self.service(name);
        change(&mut service);
        self.api.update(Resource::Services, service).unwrap();
    }

    pub(crate) fn change_status(&self, name: &str, status: Value) {
        let mut service = self.service(name);
        service["status"] = status;
        self.api.update_status(Resource::Services, service).unwrap();
    }

    pub(crate) fn delete_service(&self, name: &str) {
        self.api.delete(Resource::Services, "default", name).unwrap();
    }

    /// Takes all finalizers away, as an impatient user does.
    pub(crate) fn strip_finalizers(&self, name: &str) {
        self.change_service(name, |service| service["metadata"]["finalizers"] = json!([]));
    }

    /// Waits until the Service has its address.
    pub(crate) async fn until_ready(&self, name: &str) {
        self.until("ready", |world| self::is_ready(world, name)).await;
    }

    /// A running world with these Services, all ready, and no calls so far.
    pub(crate) async fn ready(self, services: &[Value]) -> Self {
        for service in services {
            self.add_service(service.clone());
        }
        let world = self.start();
        for service in services {
            world.until_ready(service["metadata"]["name"].as_str().unwrap()).await;
        }
        world.rest().await;
        world.cloud.forget_calls();
        world.api.forget_counts();
        world
    }

    /// How many patches of `services/status` there were.
    pub(crate) fn patches(&self) -> u64 {
        self.api.patches()
    }

    /// Our condition on a Service: status, reason and message.
    pub(crate) fn condition(&self, name: &str) -> Option<(String, String, String)> {
        let service = self.service(name);
        let conditions = service["status"]["conditions"].as_array()?;
        let ours = conditions.iter().find(|condition| condition["type"] == READY_CONDITION)?;
        let text = |field: &str| ours[field].as_str().unwrap_or_default().to_owned();
        Some((text("status"), text("reason"), text("message")))
    }

    /// All events, oldest first.
    pub(crate) fn events(&self) -> Vec<String> {
        self.stamped_events().into_iter().map(|(_, text)| text).collect()
    }

    fn stamped_events(&self) -> Vec<(u64, String)> {
        let text = |event: &Value, field: &str| event[field].as_str().unwrap_or_default().to_owned();
        let mut events: Vec<(u64, String)> = self
            .api
            .list(Resource::Events)
            .iter()
            .map(|event| {
                let version = event["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
                let (kind, reason) = (text(event, "type"), text(event, "reason"));
                (version, format!("{kind} {reason}: {}", text(event, "message")))
            })
            .collect();
        events.sort();
        events
    }

    /// The reasons of all events, oldest first.
    pub(crate) fn reasons(&self) -> Vec<String> {
        let reason = |event: String| event.split([' ', ':']).nth(1).unwrap().to_owned();
        self.events().into_iter().map(reason).collect()
    }

    /// Events and writing calls to the cloud in the order in which they happened.
    pub(crate) fn story(&self) -> Vec<String> {
        let events = self.stamped_events().into_iter().map(|(version, text)| (version, 0, text));
        let calls = self.cloud.calls().into_iter().enumerate().map(|(index, call)| {
            let finalized =
                if call.finalizers.iter().any(|name| name == FINALIZER) { " (finalizer)" } else { "" };
            (call.version, index + 1, format!("{:?} {}{finalized}", call.op, call.service))
        });
        let mut story: Vec<(u64, usize, String)> = events.chain(calls).collect();
        story.sort();
        story.into_iter().map(|(_, _, text)| text.split(": ").next().unwrap().to_owned()).collect()
    }
}

/// Whether the Service has its address.
pub(crate) fn is_ready(world: &World, name: &str) -> bool {
    address(world, name).is_some()
}

pub(crate) fn address(world: &World, name: &str) -> Option<String> {
    world.service(name)["status"]["loadBalancer"]["ingress"][0]["ip"].as_str().map(ToOwned::to_owned)
}

pub(crate) fn finalizers(world: &World, name: &str) -> Vec<String> {
    serde_json::from_value(world.service(name)["metadata"]["finalizers"].clone()).unwrap_or_default()
}

/// A Service of type `LoadBalancer`.
pub(crate) fn lb(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80, "protocol": "TCP"}]}
    })
}

/// A Service of another type.
pub(crate) fn of_type(name: &str, kind: &str) -> Value {
    let mut service = lb(name);
    service["spec"]["type"] = json!(kind);
    service
}

/// The service with our finalizer.
pub(crate) fn finalized(mut service: Value) -> Value {
    service["metadata"]["finalizers"] = json!([FINALIZER]);
    service
}

/// Seconds from the first call of a method to each of them.
pub(crate) fn seconds(world: &World, op: Op) -> Vec<u64> {
    let calls = world.cloud.calls_of(op);
    calls.iter().map(|call| (call.at - calls[0].at).as_secs()).collect()
}
