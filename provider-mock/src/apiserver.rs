//! A Kubernetes API in memory: what a controller and kubectl need of a real API server.
//!
//! [`ApiServer`] is a tower service, so that `kube::Client::new(api, "default")` talks to it without
//! a socket; [`ApiServer::bind`] serves the same over HTTP for kubectl. Objects are kept as JSON and
//! pass the defaults, allocations and validation of their kind on every write.
//!
//! # Guarantees
//! - One lock makes every request atomic; one counter numbers all writes (`resourceVersion`).
//! - A write that changes nothing makes no new version and no watch event.
//! - Refusals are the `Status` objects of a real server, with its reasons and messages.
//!
//! # Differences from a real server
//! - No admission webhooks or TLS. Everybody may do everything, except who shows the token of a user
//!   that was [admitted](ApiServer::admit), and except through a handle that is
//!   [restricted](ApiServer::restricted_to) to the rights of one user; there, an object that
//!   server-side apply makes needs `patch` only, and paths without objects are for everybody.
//! - Answers are JSON, bodies JSON too (also in server-side apply); protobuf is understood where kubectl sends nothing else, in
//!   creates of Namespaces, Services, `ConfigMap`s and Secrets.
//! - Pods and namespaces go at once when they are deleted, unless finalizers hold them: there is no
//!   grace period. Garbage collection is immediate; a propagation policy is accepted and ignored.
//! - Events go an hour after their last write, but only with the next write of anything.
//! - `managedFields` knows only the managers of server-side apply; ordinary updates own nothing.

mod allocate;
mod decode;
mod discovery;
mod endpoints;
mod events;
mod faults;
mod field;
mod handle;
mod http;
mod json;
mod kubeconfig;
mod list;
mod meta;
mod openapi;
mod options;
mod patch;
mod protobuf;
mod render;
mod request;
mod resource;
mod reviews;
mod rights;
mod selector;
mod serve;
mod status;
mod store;
mod strategy;
mod strict;
mod table;
mod watch;
mod write;

pub use self::faults::{Fault, Faults};
pub use self::http::ResponseBody;
pub use self::kubeconfig::kubeconfig;
pub use self::request::Verb;
pub use self::resource::Resource;
pub use self::rights::{Right, Rights};
pub use self::serve::BoundApi;
pub use self::status::ApiError;

use self::allocate::{Allocators, PortPool};
use self::reviews::Users;
use self::store::{Key, Store};
use self::write::{Preconditions, Run, SYSTEM_NAMESPACES, Surface};
use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};
use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::sync::watch::{Receiver, Sender};

/// A Kubernetes API server in memory; a cheap handle whose clones share one cluster.
///
/// # Examples
/// ```
/// use provider_mock::apiserver::{ApiServer, Resource};
/// let api = ApiServer::new();
/// assert_eq!(api.list(Resource::Namespaces).len(), 4);
/// ```
#[derive(Debug, Clone)]
pub struct ApiServer {
    store: Arc<Mutex<Store>>,
    versions: Sender<u64>,
    faults: Faults,
    /// `None` where everything is allowed.
    rights: Option<Rights>,
    users: Users,
}

impl Default for ApiServer {
    fn default() -> Self {
        Self::new()
    }
}

impl ApiServer {
    /// A cluster with the namespaces `default`, `kube-system`, `kube-public` and `kube-node-lease`
    /// and nothing else.
    pub fn new() -> Self {
        Self::with_allocators(Allocators::default())
    }

    /// The same with other ports of nodes for Services than 30000-32767 (`--service-node-port-range`).
    pub fn with_node_ports(range: RangeInclusive<u16>) -> Self {
        Self::with_allocators(Allocators::new(PortPool::new(range)))
    }

    fn with_allocators(allocators: Allocators) -> Self {
        let versions = Sender::new(0);
        let store = Arc::new(Mutex::new(Store::new(versions.clone(), allocators)));
        let server = Self { store, versions, faults: Faults::new(), rights: None, users: Users::default() };
        for namespace in SYSTEM_NAMESPACES {
            let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
            if let Err(error) = server.create(Resource::Namespaces, object) {
                tracing::error!(%error, namespace, "a namespace of the embedded API could not be made");
            }
        }
        server
    }

    /// Binds the API to a TCP address; port 0 lets the system choose.
    ///
    /// # Errors
    /// The error of the system where the address cannot be bound.
    pub async fn bind(&self, address: SocketAddr) -> io::Result<BoundApi> {
        BoundApi::bind(self.clone(), address).await
    }

    /// The same cluster through the connection of another client, with faults and counts of its own.
    pub fn client(&self) -> Self {
        Self { faults: Faults::new(), ..self.clone() }
    }

    /// The same cluster through the connection of a [client](Self::client) that may do only this; other
    /// requests are refused with 403. The in-process methods are not.
    pub fn restricted_to(&self, rights: Rights) -> Self {
        Self { rights: Some(rights), ..self.client() }
    }

    /// Lets a user in who shows this token (`Authorization: Bearer`): requests with it are allowed what the
    /// user's rights allow, reviews of it name the user, and requests with a token that nobody has are refused
    /// with 401.
    pub fn admit(&self, token: impl Into<String>, rights: Rights) {
        self.users.admit(token.into(), rights);
    }

    /// Faults on demand and counts of requests.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Forgets the history: watches and pages that start before now get 410 Gone.
    pub fn compact(&self) {
        self.store().compact();
    }

    /// The version of the last write; consumers list again when it changes.
    pub fn changes(&self) -> Receiver<u64> {
        self.versions.subscribe()
    }

    /// Every object of a kind, sorted by namespace and name.
    pub fn list(&self, resource: Resource) -> Vec<Value> {
        self.store().list(resource, "").into_iter().map(|(_, object)| Value::clone(&object)).collect()
    }

    /// One object; the namespace is ignored for cluster-scoped kinds.
    pub fn get(&self, resource: Resource, namespace: &str, name: &str) -> Option<Value> {
        self.store().get(&Key::new(resource, namespace, name)).map(|object| Value::clone(object))
    }

    /// Creates an object, in `metadata.namespace` or else in `default`; returns it as stored.
    ///
    /// # Errors
    /// What a real server refuses: invalid fields, a name that exists, a namespace that does not.
    pub fn create(&self, resource: Resource, object: Value) -> Result<Value, ApiError> {
        let namespace = namespace_of(&object).to_owned();
        let created = self.store().create(resource.stored_as(), &namespace, object, Run::Commit)?;
        Ok(Value::clone(&created))
    }

    /// Replaces an object except for its status; a `resourceVersion` in it must be the current one.
    ///
    /// # Errors
    /// `NotFound`, `Conflict`, `Invalid`.
    pub fn update(&self, resource: Resource, object: Value) -> Result<Value, ApiError> {
        self.replace(resource, object, Surface::Main)
    }

    /// Replaces the status (and metadata) of an object.
    ///
    /// # Errors
    /// `NotFound`, `Conflict`, `Invalid`.
    pub fn update_status(&self, resource: Resource, object: Value) -> Result<Value, ApiError> {
        self.replace(resource, object, Surface::Status)
    }

    fn replace(&self, resource: Resource, object: Value, surface: Surface) -> Result<Value, ApiError> {
        let key = Key::new(resource, namespace_of(&object), json::text(&object, "/metadata/name"));
        let updated = self.store().update(&key, object, surface, Run::Commit)?;
        Ok(Value::clone(&updated))
    }

    /// Deletes an object; finalizers hold it as they would in a real cluster.
    ///
    /// # Errors
    /// `NotFound`, and `Forbidden` for a system namespace.
    pub fn delete(&self, resource: Resource, namespace: &str, name: &str) -> Result<(), ApiError> {
        let key = Key::new(resource, namespace, name);
        self.store().delete(&key, &Preconditions::default(), Run::Commit).map(drop)
    }

    pub(crate) fn rights(&self) -> Option<&Rights> {
        self.rights.as_ref()
    }

    pub(crate) fn users(&self) -> &Users {
        &self.users
    }

    pub(crate) fn written(&self) -> Arc<Notify> {
        self.store().written()
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock()
    }
}

fn namespace_of(object: &Value) -> &str {
    match json::text(object, "/metadata/namespace") {
        "" => "default",
        namespace => namespace,
    }
}
