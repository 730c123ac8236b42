use serde::{Deserialize, Serialize};

/// Most calls of some actions (AWS-236).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Throttle {
    /// `elbv2` or `ec2`.
    pub service: String,
    /// Starts of the names of the actions, for example `Describe`; empty = all that no other entry has.
    #[serde(default)]
    pub actions: Vec<String>,
    /// Calls a second, over time.
    pub rate: f64,
    /// Calls at once.
    pub burst: u32,
}

impl Throttle {
    fn new(service: &str, actions: &[&str], rate: f64, burst: u32) -> Self {
        let actions = actions.iter().map(|action| (*action).to_owned()).collect();
        Self { service: service.to_owned(), actions, rate, burst }
    }

    /// Rates that leave room for others in the account.
    pub(super) fn defaults() -> Vec<Self> {
        vec![
            Self::new("elbv2", &["Describe"], 8.0, 30),
            Self::new("elbv2", &["RegisterTargets", "DeregisterTargets"], 4.0, 20),
            Self::new("elbv2", &[], 3.0, 10),
            Self::new("ec2", &["Describe"], 10.0, 50),
            Self::new("ec2", &[], 3.0, 10),
        ]
    }
}
