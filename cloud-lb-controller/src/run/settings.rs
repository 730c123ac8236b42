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
        Ok(Self { provider, cloud: Value::Null, class, api, controller, lease, other, rival: None, serve })
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
    let options = File::<Options>::read(path)?.value;
    options.validate().map_err(|error| Failure::because(path.display(), &error))?;
    Ok(options)
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
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command, RunArgs};

    fn settings(flags: &[&str]) -> Result<Settings, Failure> {
        let line = ["cloud-lb", "run"].iter().chain(flags);
        let Command::Run(args) = Cli::try_parse_from(line).unwrap().command else { panic!("not run") };
        let RunArgs { provider, services, leader, serve, api, .. } = *args;
        Settings::of(provider, services, leader, serve, api)
    }

    #[test]
    fn w_29_every_setting_is_shown_in_one_line() {
        let shown =
            pairs(&settings(&["--cluster-name=blue", "--http-address=127.0.0.1:8080"]).unwrap().to_json());
        for pair in [
            "provider=mock",
            "controller.clusterName=blue",
            "controller.concurrency=10",
            "controller.minRetryDelay=5s",
            "controller.drainTimeout=30s",
            "leaderElect.leaseDuration=15s",
            "leaderElect.name=cloud-lb",
            "kubeApiQps=20",
            "securePort=10258",
            "httpAddress=127.0.0.1:8080",
            "authorizationAlwaysAllowPaths=[/healthz,/readyz,/livez]",
        ] {
            assert!(shown.split(' ').any(|shown| shown == pair), "{pair} in {shown}");
        }
        assert!(!shown.contains("null"), "{shown}");
    }

    #[tokio::test]
    async fn w_29_the_settings_of_the_provider_are_shown_too() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mock.yaml");
        std::fs::write(&file, "callDeadline: 7s\n").unwrap();
        let mut settings = settings(&[&format!("--config={}", file.display())]).unwrap();
        settings.link().await.unwrap();
        let shown = pairs(&settings.to_json());
        for pair in ["cloud.callDeadline=7s", "cloud.shape=stack", "cloud.cloud.provisioning=0s"] {
            assert!(shown.split(' ').any(|shown| shown == pair), "{pair} in {shown}");
        }
    }

    #[tokio::test]
    async fn we_yield_to_the_lease_that_we_are_told() {
        for (flags, expected) in [
            (&[][..], None),
            (&["--yield-to-lease="], None),
            (&["--yield-to-lease=lbc/leader"], Some(("lbc".to_owned(), "leader".to_owned()))),
        ] {
            let mut settings = settings(flags).unwrap();
            settings.link().await.unwrap();
            assert_eq!(settings.rival, expected, "{flags:?}");
        }
        let usual = Some(("kube-system", "theirs"));
        assert_eq!(rival_of(None, usual), Some(("kube-system".to_owned(), "theirs".to_owned())));
        assert_eq!(rival_of(Some(&OtherLease::None), usual), None);
        for wrong in ["leader", "a/b/c", "/leader", "lbc/"] {
            assert!(Cli::try_parse_from(["cloud-lb", "run", "--yield-to-lease", wrong]).is_err(), "{wrong}");
        }
    }

    /// Every field of the options can be set by the file, is shown, and is refused where it stands.
    #[test]
    fn w_29_every_option_can_be_set_and_is_refused_by_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("controller.yaml");
        let flag = format!("--controller-config={}", file.display());
        let Value::Object(options) = json!(Options::default()) else { panic!("no object") };
        std::fs::write(&file, json!(options).to_string()).unwrap();
        let shown = pairs(&settings(&[&flag]).unwrap().to_json());
        for (name, value) in &options {
            let is_shown = shown.contains(&format!("controller.{name}"));
            assert!(is_shown || value.is_null(), "{name} in {shown}");
            // No option is a list.
            std::fs::write(&file, format!("# settings\n{name}: [[]]\n")).unwrap();
            let complaint = settings(&[&flag]).unwrap_err().to_string();
            assert!(
                complaint.contains("controller.yaml:2") && complaint.contains("expected"),
                "{name}: {complaint}"
            );
        }
    }

    #[test]
    fn flags_go_over_the_file_and_the_file_over_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("controller.yaml");
        std::fs::write(&file, "concurrency: 3\ncallTimeout: 20s\nminRetryDelay: 1s\n").unwrap();
        let flag = format!("--controller-config={}", file.display());
        let options = settings(&[&flag, "--concurrent-service-syncs=7"]).unwrap().controller;
        assert_eq!(options.concurrency, 7);
        assert_eq!((options.call_timeout.as_secs(), options.min_retry_delay.as_secs()), (20, 1));
        assert_eq!(options.max_retry_delay.as_secs(), 300);
        std::fs::write(&file, "concurency: 3\n").unwrap();
        let complaint = settings(&[&flag]).unwrap_err().to_string();
        assert!(complaint.contains("controller.yaml:1") && complaint.contains("concurency"), "{complaint}");
        std::fs::write(&file, "concurrency: 0\ncallTimeout: 0s\n").unwrap();
        let complaint = settings(&[&flag]).unwrap_err().to_string();
        assert!(complaint.contains("controller.yaml: ") && complaint.contains("callTimeout"), "{complaint}");
    }

    #[test]
    fn a_lease_that_cannot_work_is_refused() {
        let complaint = settings(&["--leader-elect-renew-deadline=20s"]).unwrap_err().to_string();
        assert!(
            complaint.contains("renewDeadline") && complaint.contains("less than leaseDuration"),
            "{complaint}"
        );
        assert!(
            settings(&["--leader-elect-renew-deadline=20s", "--leader-elect=false"]).unwrap().lease.is_none()
        );
    }

    #[test]
    fn no_limit_is_no_limit() {
        assert!(settings(&["--kube-api-qps=0"]).unwrap().rate().is_none());
        assert_eq!(settings(&[]).unwrap().rate().unwrap().burst.get(), 30);
    }
}
