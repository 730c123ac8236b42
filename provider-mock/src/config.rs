//! Configuration of the mock provider.

use std::num::NonZeroU32;
use std::time::Duration;

use cloud_lb_core::error::Violation;
use cloud_lb_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::cloud::{Options, Throttle, duration};

/// Longest name of a cluster: it is a tag value and a part of names.
const CLUSTER_NAME_LIMIT: usize = 63;

/// Kinds of resources of all shapes, of which there may be a quota; containers also have parts.
const KINDS: &[&str] = &[
    "Address",
    "BackendPool",
    "BackendService",
    "Firewall",
    "ForwardingRule",
    "HealthCheck",
    "InstanceGroup",
    "Listener",
    "LoadBalancer",
    "LoadBalancer/frontends",
    "LoadBalancer/probes",
    "LoadBalancer/rules",
    "PublicAddress",
    "SecurityGroup",
    "SecurityGroup/rules",
    "TargetGroup",
];

/// Which real cloud the mock resembles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// Like AWS: each Service owns a stack of resources.
    #[default]
    Stack,
    /// Like Google Cloud: each Service owns rules; nodes are in instance groups that all share.
    Rules,
    /// Like Azure: all Services are parts of one load balancer and one security group.
    Shared,
}

/// What clients are told to connect to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Addressing {
    /// IP addresses.
    #[default]
    Ip,
    /// A DNS name.
    Hostname,
}

/// Settings of the mock provider and of its cloud.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Config {
    /// Name of the cluster: marks what is ours in the account. Default `mock`.
    pub cluster: String,
    /// Which real cloud it resembles.
    pub shape: Shape,
    /// What clients are told to connect to.
    pub addressing: Addressing,
    /// The `spec.loadBalancerClass` that is ours, besides none.
    pub load_balancer_class: Option<String>,
    /// Time in which each call must be answered; default 10 s.
    #[serde(with = "duration")]
    pub call_deadline: Duration,
    /// Calls that the provider allows itself; `None`: any number.
    pub budget: Option<Throttle>,
    /// How the cloud behaves.
    pub cloud: Options,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            cluster: "mock".to_owned(),
            shape: Shape::default(),
            addressing: Addressing::default(),
            load_balancer_class: None,
            call_deadline: Duration::from_secs(10),
            budget: None,
            cloud: Options::default(),
        }
    }
}

impl Config {
    /// Defaults for a cluster.
    pub fn new(cluster: impl Into<String>) -> Self {
        Self { cluster: cluster.into(), ..Self::default() }
    }

    /// Sets which real cloud it resembles.
    pub fn with_shape(mut self, shape: Shape) -> Self {
        self.shape = shape;
        self
    }

    /// Sets what clients are told to connect to.
    pub fn with_addressing(mut self, addressing: Addressing) -> Self {
        self.addressing = addressing;
        self
    }

    /// Sets the load balancer class that is ours.
    pub fn with_load_balancer_class(mut self, class: impl Into<String>) -> Self {
        self.load_balancer_class = Some(class.into());
        self
    }

    /// Sets the time in which each call must be answered.
    pub fn with_call_deadline(mut self, deadline: Duration) -> Self {
        self.call_deadline = deadline;
        self
    }

    /// Sets how many calls the provider allows itself.
    pub fn with_budget(mut self, per_second: NonZeroU32, burst: NonZeroU32) -> Self {
        self.budget = Some(Throttle { per_second, burst });
        self
    }

    /// Sets how the cloud behaves.
    pub fn with_cloud(mut self, cloud: Options) -> Self {
        self.cloud = cloud;
        self
    }

    /// Checks the values.
    ///
    /// # Errors
    /// `InvalidInput` with everything that is wrong, each with field, value and what is expected.
    pub fn validate(&self) -> Result<()> {
        let mut violations = Vec::new();
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if self.cluster.is_empty()
            || self.cluster.len() > CLUSTER_NAME_LIMIT
            || !self.cluster.chars().all(allowed)
        {
            let expected = "1 to 63 letters, digits, '-', '_' or '.'";
            violations.push(Violation::new("cluster", &self.cluster, expected));
        }
        if self.call_deadline.is_zero() {
            violations.push(Violation::new("callDeadline", "0s", "a time above zero, such as 10s"));
        }
        if self.cloud.latency >= self.call_deadline && !self.call_deadline.is_zero() {
            let expected = format!("a time below callDeadline, which is {:?}", self.call_deadline);
            violations.push(Violation::new("cloud.latency", format!("{:?}", self.cloud.latency), expected));
        }
        for kind in self.cloud.quotas.keys().filter(|kind| !KINDS.contains(&kind.as_str())) {
            violations.push(Violation::new("cloud.quotas", kind, format!("one of {}", KINDS.join(", "))));
        }
        if self.load_balancer_class.as_ref().is_some_and(String::is_empty) {
            violations.push(Violation::new("loadBalancerClass", "", "a name, or the field left out"));
        }
        if violations.is_empty() {
            Ok(())
        } else {
            Err(Error::invalid("configuration of the mock provider", violations))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_with_durations_as_people_write_them() {
        let text = "cluster: c1\nshape: shared\naddressing: hostname\ncallDeadline: 2s\ncloud:\n  provisioning: 250ms\n  throttle: {perSecond: 5, burst: 2}\n  quotas: {TargetGroup: 3}\n";
        let config: Config = serde_saphyr::from_str(text).unwrap();
        assert_eq!((config.shape, config.addressing), (Shape::Shared, Addressing::Hostname));
        assert_eq!(config.cloud.provisioning, Duration::from_millis(250));
        assert_eq!(config.cloud.quotas["TargetGroup"], 3);
        let again: Config = serde_json::from_value(serde_json::to_value(&config).unwrap()).unwrap();
        assert_eq!(again, config);
    }

    #[test]
    fn unknown_fields_and_values_are_refused_by_name() {
        for (text, named) in
            [("shapes: stack", "shapes"), ("cloud: {latencies: 1s}", "latencies"), ("shape: round", "round")]
        {
            let error = serde_saphyr::from_str::<Config>(text).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn all_violations_are_reported_together() {
        let config = Config::new("a b").with_call_deadline(Duration::ZERO).with_load_balancer_class("");
        let error = config.validate().unwrap_err();
        let fields: Vec<&str> = error.violations().iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(fields, ["cluster", "callDeadline", "loadBalancerClass"]);
        let options = Options::new().with_latency(Duration::from_secs(10)).with_quota("Listeners", 1);
        let error = Config::default().with_cloud(options).validate().unwrap_err();
        let fields: Vec<&str> = error.violations().iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(fields, ["cloud.latency", "cloud.quotas"]);
        assert!(Config::default().validate().is_ok());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_configuration_or_refused(
            key in "(cluster|shape|callDeadline|budget|cloud|[a-zA-Z]{1,8})", value in ".{0,30}"
        ) {
            if let Ok(config) = serde_saphyr::from_str::<Config>(&format!("{key}: {value}")) {
                let again: Config = serde_json::from_value(serde_json::to_value(&config).unwrap()).unwrap();
                proptest::prop_assert_eq!(&again, &config);
                // Whatever was read can be judged.
                let _ = config.validate();
            }
        }
    }
}
