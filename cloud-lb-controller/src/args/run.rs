//! The flags of `cloud-lb run`. Those that Kubernetes' cloud-controller-manager has too mean the same.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{ClusterArgs, ProviderArgs, TraceArgs, class};

/// Run the controller against a cluster
///
/// Takes the cluster from --kubeconfig, KUBECONFIG or ~/.kube/config, else the one that it runs in.
/// SIGTERM and Ctrl-C finish the work in hand and end it; a second one ends it at once.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) provider: ProviderArgs,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    #[command(flatten)]
    pub(crate) services: ServiceArgs,
    #[command(flatten)]
    pub(crate) leader: LeaderArgs,
    #[command(flatten)]
    pub(crate) serve: ServeArgs,
    #[command(flatten)]
    pub(crate) api: ApiArgs,
    #[command(flatten)]
    pub(crate) traces: TraceArgs,
    #[command(flatten)]
    pub(crate) ignored: IgnoredArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Services")]
pub(crate) struct ServiceArgs {
    /// Settings of the controller (YAML): every period and limit. Flags override them
    #[arg(long, value_name = "FILE")]
    pub(crate) controller_config: Option<PathBuf>,
    /// How many Services are worked on at the same time [default: 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) concurrent_service_syncs: Option<u16>,
    /// Look after Services of this spec.loadBalancerClass, instead of those without a class
    #[arg(long, value_name = "CLASS", value_parser = class)]
    pub(crate) load_balancer_class: Option<String>,
    /// Time that a call to the cloud or the API server may take [default: 1m]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) call_timeout: Option<Duration>,
    /// Time that calls in flight have to end at shutdown [default: 30s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) drain_timeout: Option<Duration>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Leader election")]
pub(crate) struct LeaderArgs {
    /// Let several replicas elect one that works
    #[arg(long, value_name = "BOOL", default_value_t = true, num_args = 0..=1, default_missing_value = "true",
          require_equals = true, action = clap::ArgAction::Set)]
    pub(crate) leader_elect: bool,
    /// Time without a sign of life after which another replica takes over
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = duration)]
    pub(crate) leader_elect_lease_duration: Duration,
    /// Time without a renewal after which the leader stops
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub(crate) leader_elect_renew_deadline: Duration,
    /// Time between attempts to get or renew the lease
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = duration)]
    pub(crate) leader_elect_retry_period: Duration,
    /// Kind of object to elect on
    #[arg(long, value_name = "KIND", value_enum, default_value_t)]
    pub(crate) leader_elect_resource_lock: ResourceLock,
    /// Name of the lease. Controllers that run side by side need one each
    #[arg(long, value_name = "NAME", default_value = "cloud-lb")]
    pub(crate) leader_elect_resource_name: String,
    /// Namespace of the lease
    #[arg(long, value_name = "NAMESPACE", default_value = "kube-system")]
    pub(crate) leader_elect_resource_namespace: String,
    /// Lease of another controller that would do the same work: nothing is done as long as somebody renews it. Empty:
    /// no look [default: with --provider aws and the finalizer of aws-load-balancer-controller, the lease of that,
    /// kube-system/aws-load-balancer-controller-leader]
    #[arg(long, value_name = "NAMESPACE/NAME", value_parser = other_lease)]
    pub(crate) yield_to_lease: Option<OtherLease>,
}

/// The Lease of another controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OtherLease {
    /// None is looked at.
    None,
    /// The one of this namespace and name.
    Of { namespace: String, name: String },
}

/// Reads `NAMESPACE/NAME`, or nothing.
fn other_lease(text: &str) -> Result<OtherLease, String> {
    if text.is_empty() {
        return Ok(OtherLease::None);
    }
    let parts = text.split_once('/').filter(|(namespace, name)| !namespace.is_empty() && !name.is_empty());
    let (namespace, name) =
        parts.filter(|(_, name)| !name.contains('/')).ok_or("expected NAMESPACE/NAME, or nothing")?;
    Ok(OtherLease::Of { namespace: namespace.to_owned(), name: name.to_owned() })
}

/// The kinds of object that replicas can elect a leader on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ResourceLock {
    /// coordination.k8s.io/v1 Lease
    #[default]
    Leases,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Health and metrics")]
pub(crate) struct ServeArgs {
    /// Address to serve HTTPS on
    #[arg(long, value_name = "IP", default_value = "0.0.0.0")]
    pub(crate) bind_address: IpAddr,
    /// Port to serve /healthz, /livez, /readyz and /metrics on by HTTPS; 0 is none
    #[arg(long, value_name = "PORT", default_value_t = 10258)]
    pub(crate) secure_port: u16,
    /// Certificate for HTTPS, and those that it depends on (PEM) [default: one made at the start]
    #[arg(long, value_name = "FILE", requires = "tls_private_key_file")]
    pub(crate) tls_cert_file: Option<PathBuf>,
    /// Private key of the certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert_file")]
    pub(crate) tls_private_key_file: Option<PathBuf>,
    /// Paths that everybody may get by HTTPS; for others the cluster is asked
    #[arg(long, value_name = "PATHS", value_delimiter = ',', default_value = "/healthz,/readyz,/livez")]
    pub(crate) authorization_always_allow_paths: Vec<String>,
    /// Address to serve the same on by plain HTTP to everybody, such as 127.0.0.1:8080
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) http_address: Option<SocketAddr>,
}

#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "API server")]
pub(crate) struct ApiArgs {
    /// Requests to the API server a second, over time; 0 is any number
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) kube_api_qps: u32,
    /// Requests to the API server at once
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) kube_api_burst: u32,
}

/// Declares flags that are accepted because command lines of other controllers have them.
macro_rules! ignored {
    ($($flag:ident = $reason:literal,)+) => {
        /// Flags of the cloud-controller-manager that mean nothing here: accepted with a notice.
        #[derive(Debug, Args)]
        pub(crate) struct IgnoredArgs {
            $(
                #[arg(long, hide = true, num_args = 0..=1, default_missing_value = "")]
                $flag: Option<String>,
            )+
        }

        impl IgnoredArgs {
            /// What is to be said of the flags that were given.
            pub(crate) fn notices(self) -> Vec<String> {
                let Self { $($flag,)+ } = self;
                let given = [$((stringify!($flag), $flag.is_some(), $reason),)+];
                let given = given.into_iter().filter(|(_, given, _)| *given);
                given.map(|(flag, _, reason)| format!("--{} has no effect: {reason}", flag.replace('_', "-"))).collect()
            }
        }
    };
}

ignored! {
    min_resync_period = "nothing is lost between watch events, so nothing is replayed",
    node_sync_period = "node changes are passed on as they come",
    kube_api_content_type = "the API server is asked for JSON",
    allocate_node_cidrs = "there is no route controller",
    configure_cloud_routes = "there is no route controller",
    cluster_cidr = "there is no route controller",
    route_reconciliation_period = "there is no route controller",
    node_monitor_period = "there is no node controller",
    node_status_update_frequency = "there is no node controller",
    concurrent_node_syncs = "there is no node controller",
    allow_untagged_cloud = "what carries no mark of ours is never touched",
    use_service_account_credentials = "there is one identity",
    profiling = "there is no profiler",
    feature_gates = "there are none",
}

/// A duration as Kubernetes writes it, such as `90s` or `1m30s`.
fn duration(text: &str) -> Result<Duration, String> {
    let expected = || "expected a duration such as 90s or 1m30s".to_owned();
    let parsed: jiff::SignedDuration = text.parse().map_err(|_| expected())?;
    Duration::try_from(parsed).map_err(|_| expected())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::{Cli, Command};
    use super::*;

    fn parse(flags: &[&str]) -> RunArgs {
        let line = ["cloud-lb", "run"].iter().chain(flags);
        match Cli::try_parse_from(line).unwrap().command {
            Command::Run(args) => *args,
            other => panic!("{other:?}"),
        }
    }

    /// Case 154 of the upstream tests, but for the number of workers (W-22) and the name of the lease.
    #[test]
    fn case_154_defaults_are_those_of_the_cloud_controller_manager() {
        let RunArgs { leader, serve, api, services, .. } = parse(&[]);
        assert!(leader.leader_elect);
        let periods = [
            leader.leader_elect_lease_duration,
            leader.leader_elect_renew_deadline,
            leader.leader_elect_retry_period,
        ];
        assert_eq!(periods.map(|period| period.as_secs()), [15, 10, 2]);
        assert_eq!(leader.leader_elect_resource_lock, ResourceLock::Leases);
        assert_eq!(leader.leader_elect_resource_namespace, "kube-system");
        assert_eq!((api.kube_api_qps, api.kube_api_burst), (20, 30));
        assert_eq!((serve.bind_address.to_string().as_str(), serve.secure_port), ("0.0.0.0", 10258));
        assert_eq!(serve.authorization_always_allow_paths, ["/healthz", "/readyz", "/livez"]);
        assert_eq!(serve.http_address, None);
        assert_eq!(services.concurrent_service_syncs, None, "that of the settings: 10");
    }

    #[test]
    fn command_lines_of_the_cloud_controller_manager_are_understood() {
        let args = parse(&[
            "--cloud-provider=mock",
            "--cluster-name=blue",
            "--leader-elect=false",
            "--leader-elect-lease-duration=1m30s",
            "--concurrent-service-syncs=5",
            "--min-resync-period=12h0m0s",
            "--configure-cloud-routes=false",
            "--profiling",
        ]);
        assert!(!args.leader.leader_elect);
        assert_eq!(args.leader.leader_elect_lease_duration, Duration::from_secs(90));
        assert_eq!(
            args.ignored.notices(),
            [
                "--min-resync-period has no effect: nothing is lost between watch events, so nothing is replayed",
                "--configure-cloud-routes has no effect: there is no route controller",
                "--profiling has no effect: there is no profiler",
            ]
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for flags in [
            &["--leader-elect-retry-period=soon"][..],
            &["--leader-elect-retry-period=-2s"],
            &["--leader-elect-resource-lock=endpoints"],
            &["--tls-cert-file=a.pem"],
            &["--kube-api-burst=0"],
            &["--concurrent-service-syncs=0"],
            &["--no-such-flag"],
        ] {
            let line = ["cloud-lb", "run"].iter().chain(flags);
            assert!(Cli::try_parse_from(line).is_err(), "{flags:?}");
        }
    }

    #[test]
    fn the_deployment_has_flags_that_exist() {
        let manifests = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/deployment.yaml");
        let text = std::fs::read_to_string(manifests).unwrap();
        let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(&text).unwrap();
        let args = &documents[0]["spec"]["template"]["spec"]["containers"][0]["args"];
        let args: Vec<&str> = args.as_array().unwrap().iter().map(|arg| arg.as_str().unwrap()).collect();
        assert_eq!(args[0], "run");
        let args = parse(&args[1..]);
        assert!(args.leader.leader_elect);
        let grace = &documents[0]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"];
        let drain = args.services.drain_timeout.unwrap().as_secs();
        assert!(grace.as_u64().unwrap() > drain + 10, "time to drain and to give the lease back");
    }
}
