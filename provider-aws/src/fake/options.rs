use std::collections::BTreeSet;
use std::time::Duration;

/// How an account behaves.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Time that a call takes.
    pub latency: Duration,
    /// Time until a load balancer is active.
    pub provisioning: Duration,
    /// Time until a target in use is healthy.
    pub healthy_after: Duration,
    /// Ids of targets that fail their health checks, once these are due.
    pub unhealthy_targets: BTreeSet<String>,
    /// Time until the network interfaces of a deleted load balancer are gone.
    pub interfaces_linger: Duration,
    /// Time until something new is seen by descriptions.
    pub visible_after: Duration,
    /// Time until the tags of something new are seen.
    pub tags_visible_after: Duration,
    /// Ids that cannot be registered, although they look as if they could.
    pub bad_targets: BTreeSet<String>,
    /// Addresses that can only be registered with a zone of the network.
    pub zoned_targets: BTreeSet<String>,
    /// Ports of targets behind which nothing answers a health check.
    pub silent_ports: BTreeSet<u16>,
    /// Quotas.
    pub limits: Limits,
}

/// Quotas of the account.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Load balancers.
    pub load_balancers: usize,
    /// Target groups.
    pub target_groups: usize,
    /// Listeners of a load balancer.
    pub listeners: usize,
    /// Targets of a target group.
    pub targets: usize,
    /// Inbound rules of a security group, per family.
    pub rules: usize,
}

impl Default for Limits {
    /// The defaults of AWS.
    fn default() -> Self {
        Self { load_balancers: 50, target_groups: 3000, listeners: 50, targets: 1000, rules: 60 }
    }
}
