//! What the flags and the file of settings say, together and checked.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use cloud_lb_core::controller::Options;
use cloud_lb_core::k8s::ClassPolicy;
use cloud_lb_core::lease::LeaseOptions;
use cloud_lb_core::provider::LoadBalancerProvider;
use cloud_lb_core::rate::RateLimit;
use serde_json::{Value, json};

use crate::args::{ApiArgs, LeaderArgs, OtherLease, ProviderArgs, ResourceLock, ServeArgs, ServiceArgs};
use crate::failure::Failure;
use crate::providers::{self, Asked, Linked};
use crate::settings::Settings as File;

/// Everything that `run` was told.
#[derive(Debug)]
pub(super) struct Settings {
    provider: ProviderArgs,
    /// The provider's own settings, once it is there.
    cloud: Value,
    class: Option<String>,
    api: ApiArgs,
    pub(super) controller: Options,
    /// `None`: this replica is alone.
    pub(super) lease: Option<LeaseOptions>,
    /// What the command line says of another controller's Lease.
    other: Option<OtherLease>,
    /// Namespace and name of the Lease that we yield to, once the provider is there.
    pub(super) rival: Option<(String, String)>,
    pub(super) serve: ServeArgs,
    /// Where traces go.
    pub(super) traces: Value,
}

impl Settings {
    /// Takes flags over the file over defaults.
    ///
    /// # Errors
    /// Names the file or the flag, and everything that is wrong with it.
    pub(super) fn of(
        provider: ProviderArgs,
        services: ServiceArgs,
        leader: LeaderArgs,
        serve: ServeArgs,
        api: ApiArgs,
    ) -> Result<Self, Failure> {
        let other = leader.yield_to_lease.clone();
        let class = services.load_balancer_class.clone();
        let mut controller = controller(services)?;
        if let Some(name) = &provider.cluster_name {
            name.clone_into(&mut controller.cluster_name);
        }
        controller.validate()?;
        let lease = lease(leader);
        lease.as_ref().map_or(Ok(()), LeaseOptions::validate)?;
        let (cloud, traces, rival) = (Value::Null, Value::Null, None);
        Ok(Self { provider, cloud, class, api, controller, lease, other, rival, serve, traces })
    }

    /// The provider, with its own settings. These say which cluster and which Services the controller looks
    /// after, where it was not told otherwise.
    pub(super) async fn link(&mut self) -> Result<Arc<dyn LoadBalancerProvider>, Failure> {
        let ProviderArgs { provider, config, cluster_name } = &self.provider;
        let (cluster, class) = (cluster_name.as_deref(), self.class.as_deref());
        let asked = Asked { config: config.as_deref(), cluster, facts: None, class };
        let linked = providers::link(*provider, asked).await?;
        let Linked { provider, settings, cluster, classes, finalizer, rival, .. } = linked;
        self.cloud = settings;
        let defaults = Options::default();
        self.controller.cluster_name = cluster;
        if self.controller.classes == defaults.classes {
            self.controller.classes = classes;
        }
        if self.controller.finalizer == defaults.finalizer {
            finalizer.clone_into(&mut self.controller.finalizer);
        }
        // Who has a finalizer of its own runs beside the other controller.
        let rival = rival.filter(|_| self.controller.finalizer == finalizer);
        self.rival = rival_of(self.other.as_ref(), rival);
        Ok(provider)
    }

    /// How many requests to the API server may be made.
    pub(super) fn rate(&self) -> Option<RateLimit> {
        let calls = NonZeroU32::new(self.api.kube_api_qps)?;
        Some(RateLimit::per_second(
            calls,
            NonZeroU32::new(self.api.kube_api_burst).unwrap_or(NonZeroU32::MIN),
        ))
    }

    /// Shows everything in one line of the log.
    pub(super) fn log(&self, url: &str) {
        let settings = pairs(&self.to_json());
        tracing::info!(version = env!("CARGO_PKG_VERSION"), cluster = url, settings, "cloud-lb starts");
    }

    fn to_json(&self) -> Value {
        let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.display().to_string());
        json!({
            "provider": format!("{:?}", self.provider.provider).to_lowercase(),
            "config": path(&self.provider.config),
            "cloud": self.cloud,
            "controller": self.controller,
            "leaderElect": self.lease.as_ref().map_or_else(|| json!(false), |lease| json!(lease)),
            "yieldToLease": self.rival.as_ref().map(|(namespace, name)| format!("{namespace}/{name}")),
            "kubeApiQps": self.api.kube_api_qps,
            "kubeApiBurst": self.api.kube_api_burst,
            "bindAddress": self.serve.bind_address,
            "securePort": self.serve.secure_port,
            "tlsCertFile": path(&self.serve.tls_cert_file),
            "authorizationAlwaysAllowPaths": self.serve.authorization_always_allow_paths,
            "httpAddress": self.serve.http_address,
            "otlp": self.traces,
        })
    }
}

/// The Lease to yield to: the one that was told, else that of the provider.
fn rival_of(told: Option<&OtherLease>, usual: Option<(&str, &str)>) -> Option<(String, String)> {
    match told {
        Some(OtherLease::Of { namespace, name }) => Some((namespace.clone(), name.clone())),
        Some(OtherLease::None) => None,
        None => usual.map(|(namespace, name)| (namespace.to_owned(), name.to_owned())),
    }
}

fn controller(args: ServiceArgs) -> Result<Options, Failure> {
    let ServiceArgs {
        controller_config,
        concurrent_service_syncs,
        load_balancer_class,
        call_timeout,
        drain_timeout,
    } = args;
    let mut options = controller_config.as_deref().map(read).transpose()?.unwrap_or_default();
    if let Some(concurrency) = concurrent_service_syncs {
        options.concurrency = usize::from(concurrency);
    }
    if let Some(class) = load_balancer_class {
        options.classes = ClassPolicy { classless: false, classes: BTreeSet::from([class]) };
    }
    options.call_timeout = call_timeout.unwrap_or(options.call_timeout);
    options.drain_timeout = drain_timeout.unwrap_or(options.drain_timeout);
    Ok(options)
}

/// Reads and checks the file alone, so that complaints name it.
fn read(path: &Path) -> Result<Options, Failure> {
    let file = File::<Options>::read(path)?;
    file.value.validate().map_err(|error| file.refused(&error))?;
    Ok(file.value)
}

fn lease(args: LeaderArgs) -> Option<LeaseOptions> {
    let LeaderArgs {
        leader_elect,
        leader_elect_lease_duration,
        leader_elect_renew_deadline,
        leader_elect_retry_period,
        leader_elect_resource_lock: ResourceLock::Leases,
        leader_elect_resource_name,
        leader_elect_resource_namespace,
        yield_to_lease: _,
    } = args;
    let lease = LeaseOptions::default()
        .with_lease(leader_elect_resource_namespace, leader_elect_resource_name)
        .with_periods(leader_elect_lease_duration, leader_elect_renew_deadline, leader_elect_retry_period);
    leader_elect.then_some(lease)
}

/// A document as `key=value` pairs, nested keys with dots; what is not set is left out.
fn pairs(value: &Value) -> String {
    let mut pairs = Vec::new();
    flatten("", value, &mut pairs);
    pairs.join(" ")
}

fn flatten(key: &str, value: &Value, pairs: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (name, value) in fields {
                let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                flatten(&key, value, pairs);
            }
        }
        Value::String(text) if !text.contains(' ') => pairs.push(format!("{key}={text}")),
        Value::Array(items) => {
            let items =
                items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned));
            pairs.push(format!("{key}=[{}]", items.collect::<Vec<_>>().join(",")));
        }
        other => pairs.push(format!("{key}={other}")),
    }
}

#[cfg(test)]
mod tests;
