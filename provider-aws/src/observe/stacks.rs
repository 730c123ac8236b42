//! What each Service has, in detail, kept for the refresh time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cloud_lb_core::model::ServiceId;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::api::Map;
use crate::facts::lookup::STACK_TAG;
use crate::facts::{LoadBalancerFacts, TargetFacts, TargetGroupFacts};
use crate::inventory::spread;
use crate::kinds::Target;

/// What a Service has, with all details.
#[derive(Debug, Clone, Default)]
pub(crate) struct StackFacts {
    pub(crate) load_balancers: Vec<LoadBalancerFacts>,
    pub(crate) target_groups: Vec<TargetGroupFacts>,
}

impl StackFacts {
    /// The load balancer that forwards to a target group.
    pub(crate) fn user_of(&self, group: &TargetGroupFacts) -> Option<&LoadBalancerFacts> {
        let arn = &group.target_group_arn;
        let uses = |lb: &&LoadBalancerFacts| {
            group.load_balancer_arns.contains(&lb.load_balancer_arn)
                || lb.listeners.iter().any(|listener| listener.target_group_arn == *arn)
        };
        self.load_balancers.iter().find(uses)
    }

    fn has_same_arns(&self, other: &Self) -> bool {
        let lbs = |stack: &Self| -> Vec<String> {
            stack.load_balancers.iter().map(|lb| lb.load_balancer_arn.clone()).collect()
        };
        let tgs = |stack: &Self| -> Vec<String> {
            stack.target_groups.iter().map(|group| group.target_group_arn.clone()).collect()
        };
        lbs(self) == lbs(other) && tgs(self) == tgs(other)
    }

    fn mentions(&self, arn: &str) -> bool {
        self.load_balancers.iter().any(|lb| {
            lb.load_balancer_arn == arn || lb.listeners.iter().any(|listener| listener.listener_arn == arn)
        }) || self.target_groups.iter().any(|group| group.target_group_arn == arn)
    }
}

/// What a Service asks for that costs calls to look at, which others do without (AWS-117).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Wishes {
    /// Reserved capacity.
    pub(crate) capacity: bool,
    /// Attributes of listeners.
    pub(crate) listener_attributes: bool,
}

impl Wishes {
    #[cfg(feature = "sdk")]
    pub(crate) const ALL: Self = Self { capacity: true, listener_attributes: true };

    fn exceed(self, known: Self) -> bool {
        (self.capacity && !known.capacity) || (self.listener_attributes && !known.listener_attributes)
    }
}

#[derive(Debug)]
struct Kept {
    facts: Arc<StackFacts>,
    due: Instant,
}

/// What is kept, by `namespace/name` of the Service.
#[derive(Debug)]
pub(crate) struct Stacks {
    kept: Mutex<BTreeMap<String, Kept>>,
    pub(super) listener_tags: Mutex<BTreeMap<String, (Map, Instant)>>,
    /// By `namespace/name`, of Services that have any.
    wishes: Mutex<BTreeMap<String, Wishes>>,
    pub(super) refresh: Duration,
    /// Counts the ends of writes.
    writes: AtomicU64,
}

impl Stacks {
    pub(crate) fn new(refresh: Duration) -> Self {
        Self {
            kept: Mutex::default(),
            listener_tags: Mutex::default(),
            wishes: Mutex::default(),
            refresh,
            writes: AtomicU64::new(0),
        }
    }

    /// Tells whether something was written between two calls.
    pub(super) fn writes(&self) -> u64 {
        self.writes.load(Ordering::SeqCst)
    }

    /// Takes note of what a Service asks for. What was read without it is read anew.
    pub(crate) fn wants(&self, service: &ServiceId, wishes: Wishes) {
        let before = {
            let mut all = self.wishes.lock();
            if wishes == Wishes::default() {
                all.remove(&service.path())
            } else {
                all.insert(service.path(), wishes)
            }
        };
        if wishes.exceed(before.unwrap_or_default()) {
            self.forget(service);
        }
    }

    pub(super) fn wishes_of(&self, service: &ServiceId) -> Wishes {
        self.wishes.lock().get(&service.path()).copied().unwrap_or_default()
    }

    /// What is known of a Service that has just these load balancers and target groups.
    pub(super) fn kept(
        &self,
        service: &ServiceId,
        lbs: &BTreeSet<String>,
        tgs: &BTreeSet<String>,
    ) -> Option<Arc<StackFacts>> {
        if lbs.is_empty() && tgs.is_empty() {
            return Some(Arc::default());
        }
        let kept = self.kept.lock();
        let known = kept.get(&service.path()).filter(|known| known.due > Instant::now())?;
        let facts = &known.facts;
        let same = facts.load_balancers.iter().map(|lb| &lb.load_balancer_arn).eq(lbs)
            && facts.target_groups.iter().map(|group| &group.target_group_arn).eq(tgs);
        same.then(|| facts.clone())
    }

    /// What was known last of a Service that has just these load balancers and target groups, however
    /// long ago.
    pub(super) fn last_seen(&self, service: &ServiceId, now: &StackFacts) -> Option<StackFacts> {
        let kept = self.kept.lock();
        let facts = &kept.get(&service.path())?.facts;
        facts.has_same_arns(now).then(|| (**facts).clone())
    }

    pub(super) fn keep(&self, service: &ServiceId, facts: StackFacts) -> Arc<StackFacts> {
        let facts = Arc::new(facts);
        let kept = Kept { facts: facts.clone(), due: Instant::now() + spread(self.refresh) };
        self.kept.lock().insert(service.path(), kept);
        facts
    }

    /// Keeps what was read by the side of the Service's own calls, unless something was written since the
    /// reading began at `writes`: then nothing is known for certain, and `false`.
    pub(super) fn keep_if_unwritten(
        &self,
        service: &ServiceId,
        facts: &Arc<StackFacts>,
        writes: u64,
    ) -> bool {
        let mut kept = self.kept.lock();
        if self.writes() != writes {
            kept.remove(&service.path());
            return false;
        }
        let known = Kept { facts: facts.clone(), due: Instant::now() + spread(self.refresh) };
        kept.insert(service.path(), known);
        true
    }

    /// Replaces what is known, without making it any younger.
    pub(super) fn update(&self, service: &ServiceId, facts: StackFacts) -> Arc<StackFacts> {
        let facts = Arc::new(facts);
        if let Some(kept) = self.kept.lock().get_mut(&service.path()) {
            kept.facts = facts.clone();
        }
        facts
    }

    /// Takes note of targets that we registered and deregistered.
    pub(crate) fn targets_changed(&self, target_group: &str, added: &[Target], gone: &[Target]) {
        let mut kept = self.kept.lock();
        self.writes.fetch_add(1, Ordering::SeqCst);
        let stacks = kept.values_mut().filter(|kept| kept.facts.mentions(target_group));
        for facts in stacks.map(|kept| Arc::make_mut(&mut kept.facts)) {
            for group in facts.target_groups.iter_mut().filter(|g| g.target_group_arn == target_group) {
                let changed = |live: &TargetFacts| {
                    added.iter().chain(gone).any(|t| t.id == live.id && t.port == live.port)
                };
                group.targets.retain(|live| !changed(live));
                group.targets.extend(added.iter().map(|target| TargetFacts {
                    id: target.id.clone(),
                    port: target.port,
                    availability_zone: target.availability_zone.clone(),
                    state: Some("initial".to_owned()),
                    ..TargetFacts::default()
                }));
            }
        }
    }

    pub(crate) fn forget(&self, service: &ServiceId) {
        self.kept.lock().remove(&service.path());
    }

    /// Forgets the Service that these tags or one of these ARNs belong to.
    pub(crate) fn forget_owner(&self, tags: Option<&Map>, arns: &[&str]) {
        let mut kept = self.kept.lock();
        self.writes.fetch_add(1, Ordering::SeqCst);
        if let Some(path) = tags.and_then(|tags| tags.get(STACK_TAG)) {
            kept.remove(path);
        }
        kept.retain(|_, known| !arns.iter().any(|arn| known.facts.mentions(arn)));
    }

    pub(crate) fn forget_tags(&self, listener: &str) {
        self.listener_tags.lock().remove(listener);
    }

    pub(crate) fn forget_all(&self) {
        self.kept.lock().clear();
        self.listener_tags.lock().clear();
    }
}
