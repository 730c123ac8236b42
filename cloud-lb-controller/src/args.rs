//! The command line.
//!
//! Each command takes its arguments apart exhaustively, so that a flag that nobody reads does not compile.

mod run;
mod traces;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

pub(crate) use self::run::{ApiArgs, LeaderArgs, OtherLease, ResourceLock, RunArgs, ServeArgs, ServiceArgs};
#[cfg(all(test, feature = "otlp"))]
pub(crate) use self::traces::Secret;
pub(crate) use self::traces::TraceArgs;
use crate::providers::{ProviderName, Shape};

/// Gives Kubernetes Services of type LoadBalancer a cloud's native load balancer.
#[derive(Debug, Parser)]
#[command(name = "cloud-lb", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) log: LogArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Demo(DemoArgs),
    Plan(PlanArgs),
    Run(Box<RunArgs>),
    Facts(FactsArgs),
    CheckPermissions(PermissionArgs),
    Orphans(OrphanArgs),
}

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct LogArgs {
    /// More logs
    #[arg(
        short,
        long,
        global = true,
        action = ArgAction::Count,
        help_heading = "Logging",
        help = "Log more: -v info, -vv debug, -vvv trace. RUST_LOG, if set, decides instead"
    )]
    pub(crate) verbose: u8,
    /// Level of the logs, as Kubernetes components take it: 0 to 3 info, 4 and 5 debug, from 6 trace
    #[arg(long = "v", global = true, value_name = "LEVEL", help_heading = "Logging", hide_short_help = true)]
    pub(crate) level: Option<u8>,
    /// Form of the log lines on standard error
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        env = "CLOUD_LB_LOG_FORMAT",
        help_heading = "Logging"
    )]
    pub(crate) log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// Show it all on this machine: a Kubernetes API, three nodes, a cloud, and real traffic
///
/// Everything runs inside this process on loopback addresses; nothing is installed and nothing is left
/// behind. Exit code 0 if every step did what it should, else 1.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Manifest with the Services to show, - for standard input [default: the Service myapp-service]
    #[arg(short, long = "filename", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Leave all running at the end, for kubectl and curl, until Ctrl-C
    #[arg(long)]
    pub(crate) keep: bool,
    /// Form of the output; json is one event a line
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Output,
    /// Shape of the mock cloud
    #[arg(long, value_enum, default_value_t)]
    pub(crate) shape: Shape,
}

/// Show what would be made or changed in the cloud, without doing it
///
/// Offline, the manifests pass the defaults and the validation of an embedded API server first, so that
/// its refusals show here; the UID, which names in the cloud depend on, is made up. Exit code 0: nothing
/// would change, 2: something would, 1: an error.
///
/// As JSON: {"service": "namespace/name", "steps": [...], "resources": [...]}; an array of these where the
/// manifests hold several Services.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// Manifest or directory with Services, Nodes and EndpointSlices (YAML or JSON), - for standard input
    #[arg(short, long = "filename", value_name = "FILE", required_unless_present = "against_cluster")]
    pub(crate) files: Vec<PathBuf>,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Output,
    /// Ask the cluster of the kubeconfig: its Nodes and Services, its defaults and validation (dry run).
    /// Without -f: all its Services
    #[arg(long)]
    pub(crate) against_cluster: bool,
    /// Description of the cloud to plan for, instead of asking the cloud (YAML, as `cloud-lb facts` writes
    /// it)
    #[arg(long, value_name = "FILE")]
    pub(crate) facts: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) provider: ProviderArgs,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ProviderArgs {
    /// The cloud
    #[arg(long, alias = "cloud-provider", value_enum, default_value_t)]
    pub(crate) provider: ProviderName,
    /// Settings of the provider (YAML)
    #[arg(long, alias = "cloud-config", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Name of the cluster in the cloud's ownership marks: distinguishes clusters of one account.
    /// Overrides the one of the settings [default: that one, on the mock kubernetes]
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster_name: Option<String>,
}

/// Describe the cloud in a file, for `cloud-lb plan --facts` (AWS)
///
/// Reads the network of the settings and what is in it: subnets, security groups, instances, load
/// balancers. Writes YAML to standard output and changes nothing.
#[derive(Debug, Args)]
pub(crate) struct FactsArgs {
    #[command(flatten)]
    pub(crate) provider: ProviderArgs,
}

/// Ask the cloud whether its credentials permit what the controller does (AWS)
///
/// Reads are made and writes of EC2 tried as dry run; nothing is changed. Elastic Load Balancing has no
/// dry run: its writes are listed as not checked. Exit code 0: nothing is denied, 2: something is, 1: an
/// error.
#[derive(Debug, Args)]
pub(crate) struct PermissionArgs {
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Output,
    #[command(flatten)]
    pub(crate) provider: ProviderArgs,
}

/// List what is in the cloud for Services that do not exist
///
/// Looks at everything that carries the ownership marks of this cluster, and asks the cluster for all its
/// Services, whatever their state. Exit code 0: nothing, or all of it deleted, 2: something is left, 1: an
/// error.
#[derive(Debug, Args)]
pub(crate) struct OrphanArgs {
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Output,
    /// Delete it. What the cloud needs time for is listed as left: run it again
    #[arg(long, requires = "yes")]
    pub(crate) delete: bool,
    /// You are sure that the cluster's name and the kubeconfig are the right ones
    #[arg(long, requires = "delete")]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) provider: ProviderArgs,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ClusterArgs {
    /// Kubeconfig file [default: KUBECONFIG, ~/.kube/config, or the cluster this runs in]
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig [default: its current one]
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
}

/// A class that an API server would take in spec.loadBalancerClass: any other selects no Service, ever.
fn class(value: &str) -> Result<String, String> {
    let (prefix, name) = value.rsplit_once('/').map_or((None, value), |(prefix, name)| (Some(prefix), name));
    let ends = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.ends_with(|c: char| c.is_ascii_alphanumeric())
    };
    let made_of =
        |part: &str, rest: &str| part.chars().all(|c| c.is_ascii_alphanumeric() || rest.contains(c));
    let name_is_fine = name.len() <= 63 && ends(name) && made_of(name, "-_.");
    let prefix_is_fine = prefix.is_none_or(|prefix| {
        prefix.len() <= 253
            && prefix == prefix.to_ascii_lowercase()
            && prefix.split('.').all(|label| ends(label) && made_of(label, "-"))
    });
    if name_is_fine && prefix_is_fine {
        return Ok(value.to_owned());
    }
    Err("expected a label-style name such as example.com/internal".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn plan_needs_a_manifest_or_a_cluster() {
        assert!(Cli::try_parse_from(["cloud-lb", "plan"]).is_err());
        assert!(Cli::try_parse_from(["cloud-lb", "plan", "--against-cluster"]).is_ok());
        assert!(
            Cli::try_parse_from(["cloud-lb", "plan", "-f", "a.yaml", "-f", "b.yaml", "-o", "json"]).is_ok()
        );
    }

    #[test]
    fn classes_that_no_service_can_have_are_refused() {
        for fine in ["mock", "example.com/ours", "a/B_c.d"] {
            assert_eq!(class(fine).as_deref(), Ok(fine));
        }
        for bad in ["", "/", "///", "a/", "/a", "a/b/c", "A/b", "a b", "-a", "a..b/c"] {
            assert!(class(bad).is_err(), "{bad:?}");
        }
    }
}
