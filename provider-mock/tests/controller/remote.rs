//! An API server that is reached over HTTPS, for tests that ask it without waiting.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a helper that fails fails its test"
)]

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use http::Request;
use kube::Client;
use kube::client::{Body, ClientBuilder};
use provider_mock::apiserver::Resource;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tower::util::MapRequestLayer;

use crate::envtest::{Access, Identity};

/// How often a test looks whether what it waits for has come.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A handle on the server; clones share it.
///
/// Tests look at the cluster in plain functions. Their requests are sent by a thread of its own, which they wait for:
/// that holds up the controller, in the test's thread, no longer than the answer takes.
#[derive(Clone)]
pub(crate) struct Remote {
    access: Arc<Access>,
    questions: UnboundedSender<Question>,
    patches: Arc<AtomicU64>,
    ticks: watch::Sender<u64>,
}

struct Question {
    request: Request<Body>,
    answer: mpsc::Sender<(u16, Value)>,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Remote")
    }
}

impl Remote {
    /// `beside` runs in the same thread, for as long as there are handles: a server in this process, or nothing.
    pub(crate) fn new(access: Access, beside: impl Future<Output = ()> + Send + 'static) -> Self {
        let access = Arc::new(access);
        let (questions, mut asked) = unbounded_channel::<Question>();
        let ticks = watch::Sender::new(0);
        let remote =
            Self { access: Arc::clone(&access), questions, patches: Arc::default(), ticks: ticks.clone() };
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::spawn(beside);
                tokio::spawn(tick(ticks));
                let client = access.client(Identity::Token);
                while let Some(Question { request, answer }) = asked.recv().await {
                    // Who asked may have given up.
                    let _ = answer.send(ask(&client, request).await);
                }
            });
        });
        remote
    }

    /// A client for the runtime of the caller, which counts patches of `services/status`.
    pub(crate) fn client(&self) -> Client {
        let patches = Arc::clone(&self.patches);
        let count = MapRequestLayer::new(move |request: Request<Body>| {
            let path = request.uri().path();
            if request.method() == "PATCH" && path.contains("/services/") && path.ends_with("/status") {
                patches.fetch_add(1, Ordering::Relaxed);
            }
            request
        });
        let config = self.access.config_of(Identity::Token);
        ClientBuilder::try_from(config).unwrap().with_layer(&count).build()
    }

    pub(crate) fn patches(&self) -> u64 {
        self.patches.load(Ordering::Relaxed)
    }

    pub(crate) fn forget_patches(&self) {
        self.patches.store(0, Ordering::Relaxed);
    }

    pub(crate) fn ticks(&self) -> watch::Receiver<u64> {
        self.ticks.subscribe()
    }

    pub(crate) fn version(&self) -> u64 {
        let list = self.must("GET", "/api/v1/nodes?limit=1", None);
        list["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
    }

    pub(crate) fn list(&self, resource: Resource) -> Vec<Value> {
        let list = self.must("GET", &format!("{}/{}", root(resource), resource.plural()), None);
        list["items"].as_array().cloned().unwrap_or_default()
    }

    pub(crate) fn get(&self, resource: Resource, namespace: &str, name: &str) -> Option<Value> {
        match self.send("GET", &path(resource, namespace, name), None) {
            (404, _) => None,
            (200, object) => Some(object),
            (code, body) => panic!("GET {name}: {code} {body}"),
        }
    }

    pub(crate) fn create(&self, resource: Resource, object: &Value) -> Result<Value, String> {
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or("default");
        self.done("POST", &path(resource, namespace, ""), Some(object))
    }

    pub(crate) fn update(
        &self,
        resource: Resource,
        object: &Value,
        subresource: &str,
    ) -> Result<Value, String> {
        let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
        let path = path(resource, text("namespace"), text("name"));
        self.done("PUT", &format!("{path}{subresource}"), Some(object))
    }

    pub(crate) fn delete(&self, resource: Resource, namespace: &str, name: &str) -> Result<(), String> {
        self.done("DELETE", &path(resource, namespace, name), None).map(drop)
    }

    /// Removes what a test has left, finalizers or not; what the server itself keeps in `default` stays.
    pub(crate) fn clear(&self) {
        for resource in [
            Resource::Services,
            Resource::EndpointSlices,
            Resource::Endpoints,
            Resource::Pods,
            Resource::Nodes,
            Resource::Events,
        ] {
            for object in self.list(resource) {
                let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
                let (namespace, name) = (text("namespace"), text("name"));
                if name.starts_with("kubernetes") {
                    continue;
                }
                let path = path(resource, namespace, name);
                if object["metadata"]["finalizers"].is_array() {
                    let freed = json!({"metadata": {"finalizers": null}});
                    self.must("PATCH", &path, Some(&freed));
                }
                self.send("DELETE", &path, None);
            }
        }
    }

    fn must(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        self.done(method, path, body).unwrap_or_else(|error| panic!("{error}"))
    }

    fn done(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, String> {
        match self.send(method, path, body) {
            (200..300, object) => Ok(object),
            (code, status) => Err(format!("{method} {path}: {code} {}", status["message"])),
        }
    }

    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let body = body.map(ToString::to_string).unwrap_or_default().into_bytes();
        let request = Request::builder().method(method).uri(path).header("content-type", kind);
        let (answer, answered) = mpsc::channel();
        let question = Question { request: request.body(Body::from(body)).unwrap(), answer };
        self.questions.send(question).ok().unwrap();
        answered.recv().unwrap_or_else(|_| panic!("{method} {path}: nobody answers"))
    }
}

async fn ask(client: &Client, request: Request<Body>) -> (u16, Value) {
    let answer = client.send(request).await.unwrap_or_else(|error| panic!("{error}"));
    let code = answer.status().as_u16();
    let body = answer.into_body().collect_bytes().await.unwrap();
    (code, serde_json::from_slice(&body).unwrap_or_default())
}

async fn tick(ticks: watch::Sender<u64>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        ticks.send_modify(|tick| *tick += 1);
    }
}

fn root(resource: Resource) -> &'static str {
    match resource {
        Resource::EndpointSlices => "/apis/discovery.k8s.io/v1",
        Resource::Leases => "/apis/coordination.k8s.io/v1",
        _ => "/api/v1",
    }
}

fn path(resource: Resource, namespace: &str, name: &str) -> String {
    let (root, plural) = (root(resource), resource.plural());
    let within = if resource.namespaced() { format!("/namespaces/{namespace}") } else { String::new() };
    let object = if name.is_empty() { String::new() } else { format!("/{name}") };
    format!("{root}{within}/{plural}{object}")
}
