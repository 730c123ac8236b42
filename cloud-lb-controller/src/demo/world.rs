//! Everything that the demo needs of the outside: an API server, nodes, pods, a cloud and a controller,
//! all in this process.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use cloud_lb_core::ErrorKind;
use cloud_lb_core::controller::{Controller, Options};
use cloud_lb_core::engine::StepObserver;
use cloud_lb_core::error::Retry;
use cloud_lb_core::k8s::{NodePolicy, load_balancer, usable_nodes};
use cloud_lb_core::model::LoadBalancer;
use cloud_lb_core::plan::StepReport;
use cloud_lb_core::provider::LoadBalancerProvider;
use k8s_openapi::api::core::v1::{Node, Service};
use kube::Client;
use provider_mock::MockCloud;
use provider_mock::apiserver::{ApiServer, Resource};
use provider_mock::net::{IpFamily, Net};
use provider_mock::nodesim::Kubelets;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::event::{CloudStep, Event};
use super::narrator::Narrator;
use super::subject::{is_released, wants_load_balancer};
use crate::failure::Failure;
use crate::providers::{self, Shape};

/// Name of the cluster in the cloud's marks.
const CLUSTER: &str = "demo";

/// How many machines there are.
const NODES: usize = 3;

/// Everything takes less than a second here; longer means that it will not happen.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How often is looked whether something has happened.
pub(super) const GLANCE: Duration = Duration::from_millis(15);

/// Cloud steps that may wait to be told; more are not told.
const UNTOLD_STEPS: usize = 1024;

/// The world of the demo; ends when dropped.
pub(super) struct World {
    pub(super) api: ApiServer,
    pub(super) client: Client,
    pub(super) url: String,
    pub(super) net: Net,
    pub(super) kubelets: Kubelets,
    pub(super) provider: Arc<dyn LoadBalancerProvider>,
    cloud: MockCloud,
    cloud_steps: mpsc::Receiver<CloudStep>,
    tasks: JoinSet<Result<(), Failure>>,
    stop: CancellationToken,
}

impl World {
    /// Starts everything but the controller, so that the plan can be shown before it is carried out.
    pub(super) async fn start(shape: Shape) -> Result<Self, Failure> {
        let (api, net, stop) = (ApiServer::new(), Net::new(), CancellationToken::new());
        let (observer, cloud_steps) = Observer::channel();
        let (cloud, provider) = providers::demo_cloud(shape, CLUSTER, &net, observer)?;
        let kubelets = Kubelets::start(api.clone(), net.clone());
        let unregistered = |error| Failure::because("the nodes cannot be made", &error);
        kubelets.register_nodes(NODES, &[IpFamily::V4, IpFamily::V6]).await.map_err(unregistered)?;
        let unbound = |error| Failure::because("the Kubernetes API cannot listen on 127.0.0.1", &error);
        let bound = api.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.map_err(unbound)?;
        let url = bound.url();
        let mut tasks = JoinSet::new();
        let serving = bound.run(stop.clone());
        tasks.spawn(async move {
            serving.await;
            Ok(())
        });
        let (endpoints, ended) = (api.clone(), stop.clone());
        tasks.spawn(async move {
            endpoints.run_endpoints(ended).await;
            Ok(())
        });
        let client = Client::new(api.clone(), "default");
        Ok(Self { api, client, url, net, kubelets, provider, cloud, cloud_steps, tasks, stop })
    }

    /// Starts the controller.
    pub(super) fn start_controller(&mut self) -> Result<(), Failure> {
        let options = Options::default()
            .with_cluster_name(CLUSTER)
            .with_retry_delays(Duration::from_millis(100), Duration::from_secs(1))
            .with_node_debounce(Duration::from_millis(50), Duration::from_millis(500))
            .with_drain_timeout(Duration::from_secs(2));
        let controller = Controller::new(self.client.clone(), Arc::clone(&self.provider), options)?;
        let stop = self.stop.clone();
        self.tasks.spawn(async move { controller.run(stop).await.map_err(Failure::from) });
        Ok(())
    }

    /// Ends everything in order.
    pub(super) async fn stop(&mut self) -> Result<(), Failure> {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.map_err(|error| Failure::because("a task of the demo died", &error))??;
        }
        Ok(())
    }

    pub(super) fn introduction(&self, shape: Shape) -> Event {
        let nodes = self.list::<Node>(Resource::Nodes).into_iter().filter_map(|node| node.metadata.name);
        Event::Started { shape: shape.to_string(), nodes: nodes.collect(), api: self.url.clone() }
    }

    /// A Service as the API has it now.
    pub(super) fn service(&self, namespace: &str, name: &str) -> Option<Service> {
        serde_json::from_value(self.api.get(Resource::Services, namespace, name)?).ok()
    }

    /// How many resources there are in the cloud.
    pub(super) fn cloud_resources(&self) -> usize {
        self.cloud.records().len()
    }

    /// The nodes by all their addresses.
    pub(super) fn nodes_by_address(&self) -> BTreeMap<IpAddr, String> {
        let nodes = usable_nodes(&self.list::<Node>(Resource::Nodes), &NodePolicy::default());
        nodes.iter().flat_map(|node| node.addresses.iter().map(move |ip| (*ip, node.name.clone()))).collect()
    }

    /// What the controller is going to ask of the provider.
    pub(super) fn load_balancer(&self, service: &Service) -> Result<LoadBalancer, cloud_lb_core::Error> {
        let nodes = usable_nodes(&self.list::<Node>(Resource::Nodes), &NodePolicy::default());
        let slices = self.list(Resource::EndpointSlices);
        load_balancer(CLUSTER, service, &nodes, &slices)
    }

    /// Namespace and name of every Service that has, or is to have, a load balancer of this controller.
    pub(super) fn load_balancers(&self) -> Vec<(String, String)> {
        let mut services: Vec<Service> = self.list(Resource::Services);
        // A class that this controller does not serve: another one's to clean up.
        services
            .retain(|service| service.spec.as_ref().is_none_or(|spec| spec.load_balancer_class.is_none()));
        services.retain(|service| wants_load_balancer(service) || !is_released(service));
        let name = |service: Service| Some((service.metadata.namespace?, service.metadata.name?));
        services.into_iter().filter_map(name).collect()
    }

    /// Makes a namespace that is not there.
    pub(super) fn ensure_namespace(&self, name: &str) -> Result<(), Failure> {
        if self.api.get(Resource::Namespaces, "", name).is_some() {
            return Ok(());
        }
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        let refused = |error| Failure::because(format!("namespace {name} cannot be made"), &error);
        self.api.create(Resource::Namespaces, object).map(drop).map_err(refused)
    }

    /// A list as a table, as kubectl asks for it.
    pub(super) async fn table(&self, path: &str) -> Result<Value, Failure> {
        let accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
        let request = http::Request::get(path).header(http::header::ACCEPT, accept).body(Vec::new());
        let unanswered = |error: kube::Error| Failure::because("the embedded API server", &error);
        let request = request.map_err(|error| unanswered(kube::Error::HttpError(error)))?;
        self.client.request(request).await.map_err(unanswered)
    }

    /// Waits until something is so, telling what the provider does meanwhile.
    ///
    /// # Errors
    /// If it is not so in time: says what was expected and what the controller complains about.
    pub(super) async fn until<T>(
        &mut self,
        narrator: &Narrator,
        expected: &str,
        mut check: impl FnMut(&Self) -> Option<T>,
    ) -> Result<T, Failure> {
        let begin = Instant::now();
        narrator.wait_for(expected);
        loop {
            self.tell_cloud_steps(narrator)?;
            if let Some(found) = check(self) {
                self.tell_cloud_steps(narrator)?;
                narrator.rest();
                return Ok(found);
            }
            if let Some(ended) = self.tasks.try_join_next() {
                return Err(early_end(ended));
            }
            if begin.elapsed() > PATIENCE {
                return Err(self.missed(expected));
            }
            sleep(GLANCE).await;
        }
    }

    /// Waits for the next thing that the provider does.
    pub(super) async fn next_cloud_step(&mut self) -> Result<CloudStep, Failure> {
        tokio::select! {
            biased;
            Some(ended) = self.tasks.join_next() => Err(early_end(ended)),
            Some(step) = self.cloud_steps.recv() => Ok(step),
        }
    }

    fn tell_cloud_steps(&mut self, narrator: &Narrator) -> Result<(), Failure> {
        while let Ok(step) = self.cloud_steps.try_recv() {
            narrator.tell(&Event::Done(step))?;
        }
        Ok(())
    }

    fn missed(&self, expected: &str) -> Failure {
        let waited = PATIENCE.as_secs();
        let events = self.api.list(Resource::Events);
        let text = |event: &Value, field: &str| {
            event.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let version = |event: &&Value| {
            let version = event.pointer("/metadata/resourceVersion").and_then(Value::as_str);
            version.and_then(|version| version.parse::<u64>().ok())
        };
        let warnings = events.iter().filter(|event| text(event, "type") == "Warning");
        let warning = warnings.max_by_key(version);
        let said = warning.map_or(String::new(), |event| {
            format!("; the controller says: {}: {}", text(event, "reason"), text(event, "message"))
        });
        Failure::new(format!("expected {expected} within {waited} s{said}"))
    }

    fn list<T: DeserializeOwned>(&self, resource: Resource) -> Vec<T> {
        self.api.list(resource).into_iter().filter_map(|object| serde_json::from_value(object).ok()).collect()
    }
}

/// Why a task that should go on has ended.
fn early_end(ended: Result<Result<(), Failure>, JoinError>) -> Failure {
    match ended {
        Ok(Ok(())) => Failure::new("a task of the demo ended before its time"),
        Ok(Err(failure)) => failure,
        Err(died) => Failure::because("a task of the demo died", &died),
    }
}

/// Passes the provider's steps on to whoever tells them.
struct Observer(mpsc::Sender<CloudStep>);

impl Observer {
    fn channel() -> (Arc<dyn StepObserver>, mpsc::Receiver<CloudStep>) {
        let (sender, receiver) = mpsc::channel(UNTOLD_STEPS);
        (Arc::new(Self(sender)), receiver)
    }
}

impl StepObserver for Observer {
    fn started(&self, _: &str, _: &StepReport) {}

    fn finished(&self, subject: &str, step: &StepReport, error: Option<&cloud_lb_core::Error>) {
        let step = CloudStep {
            service: subject.to_owned(),
            op: step.op,
            key: step.key.to_string(),
            error: error.map(reason),
            retried: error.is_some_and(|error| error.retry() != Retry::Never),
        };
        // The story may be cut short: never wait for its teller.
        let _ = self.0.try_send(step);
    }
}

/// Why a step failed, without the cloud's long ids where they say nothing.
fn reason(error: &cloud_lb_core::Error) -> String {
    match error.kind() {
        ErrorKind::InUse => "it is still in use".to_owned(),
        _ => error.to_string(),
    }
}
