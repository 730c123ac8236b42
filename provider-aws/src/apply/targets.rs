//! Targets (AWS-180 to AWS-189).

use std::collections::BTreeMap;
use std::time::Duration;

use cloud_lb_core::backend::Applied;
use cloud_lb_core::error::{Error, ErrorKind, Result};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::{filled, gone, pending};
use crate::api::Api;
use crate::backend::Aws;
use crate::kinds::{Target, Targets};
use crate::observe::targets_outputs;

/// Most targets of one call (AWS-181).
const CHUNK: usize = 200;
/// First and longest wait until a target that AWS refused is tried again (AWS-186).
const FIRST_RETRY: Duration = Duration::from_secs(30);
const LAST_RETRY: Duration = Duration::from_mins(10);

/// How long it is remembered that a target needs its zone.
const ZONES_KEEP: Duration = Duration::from_hours(1);

type Id = (String, u16);

#[derive(Debug)]
struct Refusal {
    times: u32,
    again_at: Instant,
    why: String,
}

/// Targets that AWS refused, by target group.
#[derive(Debug, Default)]
pub(crate) struct Refused(Mutex<BTreeMap<String, BTreeMap<Id, Refusal>>>);

impl Refused {
    fn must_wait(&self, group: &str, target: &Target) -> bool {
        let all = self.0.lock();
        let refusal = all.get(group).and_then(|group| group.get(&(target.id.clone(), target.port)));
        refusal.is_some_and(|refusal| refusal.again_at > Instant::now())
    }

    fn add(&self, group: &str, target: &Target, why: &Error) {
        let mut all = self.0.lock();
        let group = all.entry(group.to_owned()).or_default();
        let times = group.get(&(target.id.clone(), target.port)).map_or(0, |refusal| refusal.times);
        let wait = FIRST_RETRY.saturating_mul(1 << times.min(8)).min(LAST_RETRY);
        let refusal = Refusal { times: times + 1, again_at: Instant::now() + wait, why: why.to_string() };
        group.insert((target.id.clone(), target.port), refusal);
    }

    /// Keeps only what is still wanted; what is left to wait for, if anything is.
    fn waiting(&self, group: &str, wanted: &[Target]) -> Option<(Duration, String)> {
        let mut all = self.0.lock();
        let refusals = all.get_mut(group)?;
        refusals.retain(|(id, port), _| wanted.iter().any(|target| target.id == *id && target.port == *port));
        let soonest = refusals.values().map(|refusal| refusal.again_at).min()?;
        let texts: Vec<String> =
            refusals.iter().map(|((id, port), refusal)| format!("{id}:{port} ({})", refusal.why)).collect();
        let wait = soonest.saturating_duration_since(Instant::now()).max(Duration::from_secs(1));
        Some((wait, format!("InvalidTarget: AWS refuses {}", texts.join(", "))))
    }

    /// Why a target of this id was refused, if one was.
    pub(crate) fn why(&self, group: &str, target: &str) -> Option<String> {
        let all = self.0.lock();
        let refusals = all.get(group)?.iter();
        refusals.into_iter().find(|((id, _), _)| id == target).map(|(_, refusal)| refusal.why.clone())
    }

    fn accepted(&self, group: &str, targets: &[Target]) {
        if let Some(refusals) = self.0.lock().get_mut(group) {
            refusals.retain(|(id, port), _| !targets.iter().any(|t| t.id == *id && t.port == *port));
        }
    }

    pub(crate) fn forget(&self, group: &str) {
        self.0.lock().remove(group);
    }
}

/// Targets that AWS takes only with the zone of their node (AWS-178), by id, with the time when it was so.
#[derive(Debug, Default)]
pub(crate) struct Zoned(Mutex<BTreeMap<String, Instant>>);

impl Zoned {
    /// The target as AWS took it last.
    fn told(&self, target: &Target) -> Target {
        let is_zoned = self.0.lock().get(&target.id).is_some_and(|at| at.elapsed() < ZONES_KEEP);
        if is_zoned { with_node_zone(target) } else { target.clone() }
    }

    fn remember(&self, target: &Target) {
        let mut all = self.0.lock();
        all.retain(|_, at| at.elapsed() < ZONES_KEEP);
        all.insert(target.id.clone(), Instant::now());
    }
}

/// Says how many targets the limits leave out; those that are registered stay (AWS-187).
fn over_limit(error: Error, registered: usize, wanted: usize) -> Error {
    if error.kind() != ErrorKind::Quota {
        return error;
    }
    let message =
        format!("TargetLimit: {registered} of {wanted} targets were registered before, and stay: {error}");
    Error::new(ErrorKind::Quota, message).with_retry(error.retry()).with_effect(error.effect())
}

fn with_node_zone(target: &Target) -> Target {
    let availability_zone = target.node_zone.clone().or_else(|| target.availability_zone.clone());
    Target { availability_zone, ..target.clone() }
}

impl<A: Api> Aws<A> {
    /// Registers the targets of a new target group.
    pub(super) async fn register(&self, want: &Targets) -> Result<Applied> {
        let group = filled(&want.target_group_arn)?;
        let added = self.add_targets(group, &want.targets).await;
        added.map_err(|error| over_limit(error, 0, want.targets.len()))?;
        let outputs = targets_outputs(group);
        Ok(Applied { outputs, ..self.waits_for_refused(group, &want.targets) })
    }

    /// Registers first, so that there are never fewer targets than before or after; unless there is no
    /// room for both (AWS-185).
    pub(super) async fn update_targets(&self, have: &Targets, want: &Targets) -> Result<Applied> {
        let group = filled(&want.target_group_arn)?;
        let is_in = |all: &[Target], one: &Target| all.iter().any(|t| t.id == one.id && t.port == one.port);
        let new: Vec<Target> = want.targets.iter().filter(|t| !is_in(&have.targets, t)).cloned().collect();
        let old: Vec<Target> = have.targets.iter().filter(|t| !is_in(&want.targets, t)).cloned().collect();
        let over_limit = |error| over_limit(error, want.targets.len() - new.len(), want.targets.len());
        match self.add_targets(group, &new).await {
            Err(error) if error.kind() == ErrorKind::Quota && !old.is_empty() => {
                self.remove_targets(group, &old).await?;
                self.add_targets(group, &new).await.map_err(over_limit)?;
            }
            result => {
                result.map_err(over_limit)?;
                self.remove_targets(group, &old).await?;
            }
        }
        self.close_unused(group).await?;
        Ok(self.waits_for_refused(group, &want.targets))
    }

    fn waits_for_refused(&self, group: &str, wanted: &[Target]) -> Applied {
        self.refused.waiting(group, wanted).map_or_else(Applied::default, |(wait, why)| pending(wait, why))
    }

    async fn add_targets(&self, group: &str, targets: &[Target]) -> Result<()> {
        let ready = targets.iter().filter(|target| !self.refused.must_wait(group, target));
        let ready: Vec<Target> = ready.map(|target| self.zoned.told(target)).collect();
        for chunk in ready.chunks(CHUNK) {
            self.register_good_ones(group, chunk).await?;
        }
        Ok(())
    }

    /// One bad target fails the whole call, so the call is halved until the bad ones are alone (AWS-186).
    async fn register_good_ones(&self, group: &str, targets: &[Target]) -> Result<()> {
        let mut waiting = vec![targets];
        while let Some(part) = waiting.pop() {
            match self.api.register_targets(group, part).await {
                Ok(()) => {
                    self.refused.accepted(group, part);
                    self.stacks.targets_changed(group, part, &[]);
                }
                Err(error) if error.kind() == ErrorKind::InvalidInput => match part {
                    [] => {}
                    [bad] => self.register_in_zone(group, bad, &error).await?,
                    _ => {
                        let (left, right) = part.split_at(part.len() / 2);
                        waiting.extend([right, left]);
                    }
                },
                Err(error) => return Err(self.unless_settling(error, group)),
            }
        }
        Ok(())
    }

    /// Tries a target that was refused once more, with the zone of its node.
    async fn register_in_zone(&self, group: &str, bad: &Target, why: &Error) -> Result<()> {
        let zoned = with_node_zone(bad);
        if zoned != *bad {
            match self.api.register_targets(group, std::slice::from_ref(&zoned)).await {
                Ok(()) => {
                    self.zoned.remember(&zoned);
                    self.refused.accepted(group, std::slice::from_ref(&zoned));
                    self.stacks.targets_changed(group, &[zoned], &[]);
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::InvalidInput => {}
                Err(error) => return Err(error),
            }
        }
        self.refused.add(group, bad, why);
        Ok(())
    }

    pub(super) async fn remove_targets(&self, group: &str, targets: &[Target]) -> Result<()> {
        for chunk in targets.chunks(CHUNK) {
            gone(self.api.deregister_targets(group, chunk).await)?;
            self.stacks.targets_changed(group, &[], chunk);
        }
        Ok(())
    }
}
