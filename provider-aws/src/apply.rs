//! Writes: one step in few calls. Nothing here waits: what AWS is still at work on is *pending*.

mod leaving;
mod listener;
mod load_balancer;
mod node_rules;
mod rules;
mod security_group;
mod target_group;
mod targets;

pub(crate) use leaving::{Leaving, Stage};
pub(crate) use node_rules::NodeRuleWriter;
pub(crate) use targets::{Refused, Zoned};

use std::collections::BTreeMap;
use std::time::Duration;

use cloud_lb_core::backend::Applied;
use cloud_lb_core::error::{Effect, Error, ErrorKind, Result, Retry};
use cloud_lb_core::graph::{Input, Outputs};
use cloud_lb_core::plan::{Action, Step};
use cloud_lb_core::provider::Pending;

use crate::api::{Api, Map};
use crate::backend::Aws;
use crate::facts::lookup::{collision, is_of_stack};
use crate::facts::ownership::owner;
use crate::inventory::tags_of;
use crate::kinds::{Pairs, Spec, key};
use crate::observe::not_shown_yet;

/// Tells the node rules of this cluster from the rules of others (AWS-87).
pub(crate) const NODE_RULES_DESCRIPTION: &str = "elbv2.k8s.aws/targetGroupBinding=shared";

impl<A: Api> Aws<A> {
    /// Carries out one step. After a failure, or if nobody waits for the end, what it is about is no
    /// longer known.
    pub(crate) async fn apply_step(&self, step: &Step<Spec>) -> Result<Applied> {
        let mut watch = Watch { aws: self, step, known: Known::Nothing };
        let result = self.dispatch(step).await;
        watch.known = match &result {
            Ok(_) => Known::All,
            Err(error) if error.effect() == Effect::Unknown => Known::Nothing,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict) => Known::Nothing,
            Err(_) => Known::Others,
        };
        drop(watch);
        result
            .map_err(|error| if error.resource().is_some() { error } else { error.on(step.key.to_string()) })
    }

    async fn dispatch(&self, step: &Step<Spec>) -> Result<Applied> {
        let outputs = &step.outputs;
        match &step.action {
            Action::Create(want) => self.create(want).await,
            Action::Update { have, want } => self.update(have, want, outputs).await,
            Action::Delete(have) => self.delete(have, outputs).await,
        }
    }

    async fn create(&self, want: &Spec) -> Result<Applied> {
        match want {
            Spec::SecurityGroup(want) => self.create_security_group(want).await,
            Spec::LoadBalancer(want) => self.create_load_balancer(want).await,
            Spec::TargetGroup(want) => self.create_target_group(want).await,
            Spec::Targets(want) => self.register(want).await,
            Spec::Listener(want) => self.create_listener(want).await,
            Spec::NodeRules(want) => self.open(want).await,
        }
    }

    async fn update(&self, have: &Spec, want: &Spec, outputs: &Outputs) -> Result<Applied> {
        let applied = match (have, want) {
            (Spec::SecurityGroup(have), Spec::SecurityGroup(want)) => {
                self.update_security_group(have, want, id(outputs, key::GROUP_ID)?).await?;
                Applied::default()
            }
            (Spec::LoadBalancer(have), Spec::LoadBalancer(want)) => {
                self.update_load_balancer(have, want, id(outputs, key::LOAD_BALANCER_ARN)?).await?
            }
            (Spec::TargetGroup(have), Spec::TargetGroup(want)) => {
                self.update_target_group(have, want, id(outputs, key::TARGET_GROUP_ARN)?).await?;
                Applied::default()
            }
            (Spec::Targets(have), Spec::Targets(want)) => self.update_targets(have, want).await?,
            (Spec::Listener(have), Spec::Listener(want)) => {
                self.update_listener(have, want, id(outputs, key::LISTENER_ARN)?).await?;
                Applied::default()
            }
            (Spec::NodeRules(have), Spec::NodeRules(want)) => {
                self.change_rules(have, want).await?;
                Applied::default()
            }
            _ => return Err(Error::new(ErrorKind::Internal, "a resource cannot become one of another kind")),
        };
        Ok(Applied { outputs: outputs.clone(), ..applied })
    }

    async fn delete(&self, have: &Spec, outputs: &Outputs) -> Result<Applied> {
        match have {
            Spec::SecurityGroup(_) => self.delete_security_group(id(outputs, key::GROUP_ID)?).await,
            Spec::LoadBalancer(have) => {
                self.delete_load_balancer(have, id(outputs, key::LOAD_BALANCER_ARN)?).await
            }
            Spec::TargetGroup(_) => self.delete_target_group(id(outputs, key::TARGET_GROUP_ARN)?).await,
            // They go with their target group.
            Spec::Targets(_) => Ok(Applied::default()),
            Spec::Listener(have) => self.delete_listener(have, id(outputs, key::LISTENER_ARN)?).await,
            Spec::NodeRules(have) => {
                if let Some(waiting) = self.waits_for_user(filled(&have.target_group_arn)?).await? {
                    return Ok(waiting);
                }
                self.close(have).await?;
                Ok(Applied::default())
            }
        }
    }

    /// Refuses what has our name and is not ours (AWS-35). If it cannot be told, all is read anew. Tags that AWS
    /// does not show say nothing: what was made a moment ago may not be known everywhere (AWS-210, `eventual`).
    async fn check_owner(&self, name: &str, arn: &str, want: &Pairs) -> Result<Map> {
        let found = tags_of(&self.api, &[arn.to_owned()]).await;
        let Some(tags) = found.inspect_err(|_| self.inventory.doubt())?.remove(arn) else {
            return Err(not_shown_yet(&Error::new(ErrorKind::NotFound, format!("the tags of {arn}"))));
        };
        match owner(&want.0, &self.config.cluster_name) {
            Some(service) if !is_of_stack(&tags, &service) => {
                self.inventory.unsure(arn);
                Err(name_is_taken(name, arn, &tags))
            }
            _ => Ok(tags),
        }
    }

    /// Changes tags of a load balancer, listener or target group to those that are wanted (AWS-38).
    async fn retag(&self, arn: &str, have: &Pairs, want: &Pairs) -> Result<Option<Map>> {
        let Retag { set, remove, result } = self.retagging(have, want);
        if !set.0.is_empty() {
            self.api.add_tags(arn, &set).await?;
        }
        if !remove.is_empty() {
            self.api.remove_tags(arn, &remove).await?;
        }
        let is_changed = !set.0.is_empty() || !remove.is_empty();
        Ok(is_changed.then_some(result))
    }

    fn retagging(&self, have: &Pairs, want: &Pairs) -> Retag {
        let set = different(have, want, |_| None);
        let remove: Vec<String> =
            have.0.keys().filter(|key| want.get(key).is_none() && self.removes_tag(key)).cloned().collect();
        let mut result = have.0.clone();
        result.retain(|key, _| !remove.contains(key));
        result.extend(set.0.clone());
        Retag { set, remove, result }
    }

    fn removes_tag(&self, key: &str) -> bool {
        self.config.tag_policy == crate::config::TagPolicy::Exact
            && !crate::change::is_exempt(key, &self.config)
    }

    /// A delete that must wait, because something still uses the resource (AWS-205).
    fn waits(&self, id: &str, reason: impl Into<String>) -> Applied {
        let (_, retry_after) = self.patience.wait_for(id);
        pending(retry_after, reason)
    }
}

/// How much of what is kept holds after a step.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Everything.
    All,
    /// Everything but the details of the Service.
    Others,
    /// Nothing for certain: something was otherwise than thought, or nobody knows what became of the step.
    Nothing,
}

/// Drops what is no longer known when a step ends, however it ends.
struct Watch<'a, A: Api> {
    aws: &'a Aws<A>,
    step: &'a Step<Spec>,
    known: Known,
}

impl<A: Api> Drop for Watch<'_, A> {
    fn drop(&mut self) {
        let Self { aws, step, known } = self;
        if *known != Known::All {
            aws.stacks.forget_owner(tags(step.action.spec()), &arns(step));
        }
        if *known == Known::Nothing {
            aws.inventory.doubt();
            step.outputs.values().for_each(|id| aws.inventory.unsure(id));
        }
    }
}

struct Retag {
    set: Pairs,
    remove: Vec<String>,
    result: BTreeMap<String, String>,
}

/// Whoever has the name may give it up (AWS-35).
fn name_is_taken(name: &str, id: &str, tags: &Map) -> Error {
    Error::new(ErrorKind::Ownership, collision(name, id, tags)).with_retry(Retry::Backoff)
}

fn pending(retry_after: Duration, reason: impl Into<String>) -> Applied {
    let pending = Some(Pending { retry_after, reason: reason.into() });
    Applied { outputs: Outputs::new(), pending }
}

fn made(outputs: Outputs) -> Applied {
    Applied { outputs, pending: None }
}

fn tags(spec: &Spec) -> Option<&Map> {
    match spec {
        Spec::LoadBalancer(lb) => Some(&lb.tags.0),
        Spec::TargetGroup(group) => Some(&group.tags.0),
        Spec::Listener(listener) => Some(&listener.tags.0),
        Spec::SecurityGroup(_) | Spec::Targets(_) | Spec::NodeRules(_) => None,
    }
}

fn arns(step: &Step<Spec>) -> Vec<&str> {
    let mut arns: Vec<&str> = step.outputs.values().map(String::as_str).collect();
    if let Spec::Targets(targets) = step.action.spec() {
        arns.extend(targets.target_group_arn.value());
    }
    arns
}

fn id<'a>(outputs: &'a Outputs, name: &str) -> Result<&'a str> {
    let missing = || Error::new(ErrorKind::Internal, format!("the observed resource has no {name}"));
    outputs.get(name).map(String::as_str).ok_or_else(missing)
}

/// The value of a reference, which the engine fills in before it calls.
fn filled(input: &Input) -> Result<&str> {
    let missing = || Error::new(ErrorKind::Internal, format!("{input:?} is not filled in"));
    input.value().ok_or_else(missing)
}

/// The wanted pairs that are not there yet; absent ones have a default.
fn different(have: &Pairs, want: &Pairs, default: fn(&str) -> Option<&'static str>) -> Pairs {
    let differs =
        |(key, value): &(&String, &String)| have.get(key).or_else(|| default(key)) != Some(value.as_str());
    want.0.iter().filter(differs).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Parts of pairs that fit into one call.
fn chunks(pairs: &Pairs, size: usize) -> Vec<Pairs> {
    let all: Vec<(&String, &String)> = pairs.0.iter().collect();
    all.chunks(size).map(|chunk| chunk.iter().map(|(k, v)| ((*k).clone(), (*v).clone())).collect()).collect()
}

fn is(result: &Result<()>, kind: ErrorKind) -> bool {
    result.as_ref().is_err_and(|error| error.kind() == kind)
}

/// Not being there is what a delete is for (AWS-206).
fn gone(result: Result<()>) -> Result<()> {
    if is(&result, ErrorKind::NotFound) { Ok(()) } else { result }
}
