//! Load balancers on their way out: one that is replaced goes some time after its successor serves
//! (AWS-118), and targets may drain before theirs goes (AWS-205).

use std::collections::BTreeMap;
use std::time::Duration;

use cloud_lb_core::backend::Applied;
use cloud_lb_core::error::Result;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::pending;
use crate::api::{Api, Which};
use crate::backend::Aws;
use crate::facts::ownership::{owner, port_of};
use crate::facts::{LoadBalancerFacts, TargetGroupFacts};
use crate::kinds::{LoadBalancer, Target};

/// Delay while a successor is being made.
const SUCCESSOR_POLL: Duration = Duration::from_secs(15);
/// How often the targets of a successor are looked at: for ten minutes.
const MOST_HEALTH_POLLS: u32 = 40;
/// State of a target that is on its way out.
const DRAINING: &str = "draining";

/// How far a load balancer is on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Its successor does not serve yet.
    Needed,
    /// It is not on its way out.
    Stays,
    /// Nobody needs it since then.
    Draining(Instant),
}

/// The load balancers that are on their way out, by ARN. After a restart they start again.
#[derive(Debug, Default)]
pub(crate) struct Leaving(Mutex<BTreeMap<String, Stage>>);

impl Leaving {
    pub(crate) fn stage(&self, arn: &str) -> Stage {
        self.0.lock().get(arn).copied().unwrap_or(Stage::Stays)
    }

    fn needed(&self, arn: &str) {
        self.0.lock().insert(arn.to_owned(), Stage::Needed);
    }

    /// Takes note that nobody needs it from now on, if that is new; since when it is so.
    fn drains(&self, arn: &str) -> Instant {
        let since = match self.stage(arn) {
            Stage::Draining(since) => since,
            Stage::Needed | Stage::Stays => Instant::now(),
        };
        self.0.lock().insert(arn.to_owned(), Stage::Draining(since));
        since
    }

    pub(super) fn gone(&self, arn: &str) {
        self.0.lock().remove(arn);
    }
}

impl<A: Api> Aws<A> {
    /// What a load balancer that is to go waits for, if anything.
    pub(super) async fn waits_to_leave(&self, have: &LoadBalancer, arn: &str) -> Result<Option<Applied>> {
        match self.another(arn).await? {
            _ if have.failed => Ok(None),
            Some(successor) => self.waits_for_successor(&successor, arn).await,
            None => self.waits_for_targets(arn).await,
        }
    }

    /// One that is replaced stays until its successor is made and each of its ports that was served is
    /// served there, but for the latter no longer than ten minutes; and then for those who still know its
    /// name.
    async fn waits_for_successor(&self, successor: &LoadBalancerFacts, arn: &str) -> Result<Option<Applied>> {
        if let Stage::Draining(_) = self.leaving.stage(arn) {
            return Ok(self.drains(arn, self.config.replacement_drain_seconds));
        }
        let (new, name) = (&successor.load_balancer_arn, &successor.load_balancer_name);
        let found = self.api.describe_load_balancers(Which::Arns(std::slice::from_ref(new))).await?;
        if !found.iter().all(|lb| lb.state.is_working()) {
            return Ok(Some(self.needs(arn, format!("{name} is being made"))));
        }
        let (before, now) = tokio::try_join!(self.served(arn), self.served(new))?;
        let is_missed = |port: &String| before.get(port) == Some(&true) && now.get(port) == Some(&false);
        if now.keys().any(is_missed) && self.patience.wait_for(arn).0 <= MOST_HEALTH_POLLS {
            return Ok(Some(self.needs(arn, format!("the targets of {name} are not healthy yet"))));
        }
        Ok(self.drains(arn, self.config.replacement_drain_seconds))
    }

    fn needs(&self, arn: &str, reason: String) -> Applied {
        self.leaving.needed(arn);
        pending(SUCCESSOR_POLL, reason)
    }

    /// Deregisters the targets, and waits for their connections to end, where that is configured.
    async fn waits_for_targets(&self, arn: &str) -> Result<Option<Applied>> {
        let seconds = self.config.delete_drain_seconds;
        if seconds > 0 && self.leaving.stage(arn) == Stage::Stays {
            for group in self.groups_of(arn).await? {
                let group = &group.target_group_arn;
                let targets = self.api.describe_target_health(group).await?;
                let serving = targets.into_iter().filter(|target| target.state.as_deref() != Some(DRAINING));
                let serving: Vec<Target> = serving
                    .map(|t| Target {
                        id: t.id,
                        port: t.port,
                        availability_zone: t.availability_zone,
                        node_zone: None,
                    })
                    .collect();
                self.remove_targets(group, &serving).await?;
            }
        }
        Ok(self.drains(arn, seconds))
    }

    fn drains(&self, arn: &str, seconds: u64) -> Option<Applied> {
        if seconds == 0 {
            return None;
        }
        let left = Duration::from_secs(seconds).saturating_sub(self.leaving.drains(arn).elapsed());
        (!left.is_zero()).then(|| pending(left, format!("connections of {arn} drain before it goes")))
    }

    /// What serves a load balancer on its way out goes after it.
    pub(super) async fn waits_for_user(&self, target_group: &str) -> Result<Option<Applied>> {
        let view = self.view().await?;
        let users = view.target_groups.get(target_group).map(|group| group.load_balancer_arns.as_slice());
        let user = users.into_iter().flatten().find(|arn| self.leaving.stage(arn) != Stage::Stays);
        Ok(user.map(|arn| pending(SUCCESSOR_POLL, format!("{arn}, which is on its way out, still uses it"))))
    }

    /// The target groups of a load balancer.
    async fn groups_of(&self, arn: &str) -> Result<Vec<TargetGroupFacts>> {
        let view = self.view().await?;
        let groups = view.target_groups.values();
        let used = groups.filter(|group| group.load_balancer_arns.iter().any(|user| user == arn));
        Ok(used.cloned().collect())
    }

    /// The ports of a load balancer, and whether a target of each is healthy.
    async fn served(&self, arn: &str) -> Result<BTreeMap<String, bool>> {
        let mut served = BTreeMap::new();
        for group in self.groups_of(arn).await? {
            let targets = self.api.describe_target_health(&group.target_group_arn).await?;
            let is_healthy = targets.iter().any(|target| target.state.as_deref() == Some("healthy"));
            served.insert(port_of(&group, []), is_healthy);
        }
        Ok(served)
    }

    /// Another load balancer of the same Service: one of the two replaces the other.
    pub(super) async fn another(&self, arn: &str) -> Result<Option<LoadBalancerFacts>> {
        let view = self.view().await?;
        let tags = view.load_balancers.get(arn).map(|lb| &lb.tags);
        let Some(service) = tags.and_then(|tags| owner(tags, &self.config.cluster_name)) else {
            return Ok(None);
        };
        let others = view.load_balancers.values().filter(|lb| lb.load_balancer_arn != arn);
        Ok(others.into_iter().find(|lb| self.is_of(&lb.tags, &service)).cloned())
    }
}
