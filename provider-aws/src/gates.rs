//! Readiness gates of pods (AWS-194, AWS-195): a gate names a target group, and the pod waits for being healthy
//! in it.

use std::collections::BTreeMap;

use cloud_lb_core::error::{ErrorKind, Result};
use cloud_lb_core::model::{Endpoint, Gate, GateStatus, IpFamily, ServiceId};
use cloud_lb_core::provider::Waiting;
use futures::future::try_join_all;

use crate::api::{Api, Which};
use crate::backend::Aws;
use crate::desired::is_named_for;
use crate::facts::{TargetFacts, TargetGroupFacts};
use crate::inventory::View;
use crate::kinds::TargetFamily;
use crate::observe::not_shown_yet;

/// What the type of a gate begins with; the name of the target group follows.
pub(crate) const PREFIX: &str = "target-health.elbv2.k8s.aws/";

/// AWS's reason for what is no target.
const NOT_REGISTERED: &str = "Target.NotRegistered";

/// Reason in a gate whose target group is gone.
const GONE: &str = "TargetGroupGone";

/// What stands behind a gate.
enum Behind {
    /// A target group of the Service, with the targets as they are now.
    Group(Box<TargetGroupFacts>),
    /// Nothing any more: the Service had a target group of this name, and nobody has one.
    Nothing,
    /// What concerns others.
    Others,
}

/// The endpoints of pods, by name: one for each family.
type Pods<'a> = BTreeMap<&'a str, Vec<&'a Endpoint>>;

impl<A: Api> Aws<A> {
    /// Takes one call for each target group that some pod waits for, and none for those of others.
    pub(crate) async fn gates_of(&self, waiting: Waiting<'_>) -> Result<Vec<Gate>> {
        let asked = by_target_group(waiting.pods);
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let view = self.view().await?;
        let behind = asked.keys().map(|name| self.behind(name, waiting.service, &view));
        let behind = try_join_all(behind).await?;
        let mut gates = Vec::new();
        for ((name, pods), behind) in asked.iter().zip(behind) {
            let judged = pods.iter().filter_map(|(pod, endpoints)| {
                let (status, reason, message) = self.judge(name, &behind, endpoints, waiting)?;
                let (pod, condition) = ((*pod).to_owned(), format!("{PREFIX}{name}"));
                Some(Gate { pod, condition, status, reason, message })
            });
            gates.extend(judged);
        }
        Ok(gates)
    }

    /// A target group that the Service had is told by its name, which has an id of the Service in its hash:
    /// there is none before there is the Service. Whether it is gone is asked: one of a Service with a name alike,
    /// which somebody else made, need not be known yet.
    async fn behind(&self, name: &str, service: &ServiceId, view: &View) -> Result<Behind> {
        let (_, ours) = self.of_service(service, view);
        let Some(group) = ours.into_iter().find(|group| group.target_group_name == name) else {
            let is_known = view.target_groups.values().any(|group| group.target_group_name == name);
            if is_known || !is_named_for(name, service) {
                return Ok(Behind::Others);
            }
            let found = self.api.describe_target_groups(Which::Name(name)).await?;
            return Ok(if found.is_empty() { Behind::Nothing } else { Behind::Others });
        };
        let arn = &group.target_group_arn;
        match self.api.describe_target_health(arn).await {
            Ok(targets) => Ok(Behind::Group(Box::new(TargetGroupFacts { targets, ..group.clone() }))),
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            Err(error) if self.inventory.is_settling(arn) => Err(not_shown_yet(&error)),
            Err(_) => Ok(Behind::Nothing),
        }
    }

    /// Status, reason and message of the gate of one pod; `None` if it is not ours.
    fn judge(
        &self,
        name: &str,
        behind: &Behind,
        endpoints: &[&Endpoint],
        waiting: Waiting<'_>,
    ) -> Option<(GateStatus, String, String)> {
        let group = match behind {
            Behind::Others => return None,
            Behind::Nothing => {
                let message = format!("there is no target group {name} any more");
                return Some((GateStatus::Open, GONE.to_owned(), message));
            }
            Behind::Group(group) => group,
        };
        let endpoint = endpoints.iter().copied().find(|endpoint| takes(group, endpoint));
        let target = endpoint.and_then(|endpoint| target_of(endpoint, group));
        Some(target.map_or_else(
            || {
                let why = self.why_no_target(endpoint, group, waiting);
                (GateStatus::Unregistered, NOT_REGISTERED.to_owned(), format!("the pod is no target: {why}"))
            },
            health,
        ))
    }

    /// AWS-195.
    fn why_no_target(
        &self,
        endpoint: Option<&Endpoint>,
        group: &TargetGroupFacts,
        waiting: Waiting<'_>,
    ) -> String {
        let name = &group.target_group_name;
        let Some(endpoint) = endpoint else {
            let family = group.ip_address_type.as_str();
            return format!("target group {name} takes {family} addresses only");
        };
        let refusal = self.refused.why(&group.target_group_arn, &endpoint.address.to_string());
        let node = waiting.nodes.iter().find(|node| Some(&node.name) == endpoint.node.as_ref());
        let most = self.config.max_targets_per_target_group;
        match (refusal, node) {
            (Some(why), _) => format!("AWS refuses {}: {why}", endpoint.address),
            (None, Some(node)) if !node.is_ready() => format!("its node {} is not ready", node.name),
            _ if most > 0 && group.targets.len() >= most => {
                format!("target group {name} has {most} targets, which is max-targets-per-target-group")
            }
            _ => format!("it is not registered with target group {name} yet"),
        }
    }
}

/// The pods that wait for each target group.
fn by_target_group(pods: &[Endpoint]) -> BTreeMap<&str, Pods<'_>> {
    let mut groups: BTreeMap<&str, Pods<'_>> = BTreeMap::new();
    for endpoint in pods {
        let Some(pod) = endpoint.pod.as_deref() else { continue };
        for name in endpoint.gates.iter().filter_map(|gate| gate.strip_prefix(PREFIX)) {
            groups.entry(name).or_default().entry(pod).or_default().push(endpoint);
        }
    }
    groups
}

fn takes(group: &TargetGroupFacts, endpoint: &Endpoint) -> bool {
    let family = match group.ip_address_type {
        TargetFamily::Ipv4 => IpFamily::V4,
        TargetFamily::Ipv6 => IpFamily::V6,
    };
    IpFamily::of(endpoint.address) == family
}

/// The target that a pod is. One that drains counts as none (AWS-180).
fn target_of<'a>(endpoint: &Endpoint, group: &'a TargetGroupFacts) -> Option<&'a TargetFacts> {
    group.targets.iter().find(|target| {
        target.id.parse() == Ok(endpoint.address)
            && endpoint.ports.values().any(|port| port.get() == target.port)
            && target.state.as_deref() != Some("draining")
    })
}

/// What AWS says of a target, in its words.
fn health(target: &TargetFacts) -> (GateStatus, String, String) {
    let state = target.state.as_deref().unwrap_or("unknown");
    if state == "healthy" {
        return (GateStatus::Open, String::new(), String::new());
    }
    let reason = target.reason.clone().unwrap_or_else(|| state.to_owned());
    let message = target.description.clone().unwrap_or_else(|| format!("the target is {state}"));
    (GateStatus::Closed, reason, message)
}
