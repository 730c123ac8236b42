//! What each Service has, in detail, kept for the refresh time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use cloud_lb_core::error::{Error, ErrorKind, Result};
use cloud_lb_core::model::ServiceId;
use futures::future::try_join_all;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::api::{Api, Map, Which};
use crate::backend::Aws;
use crate::facts::lookup::STACK_TAG;
use crate::facts::{ListenerFacts, LoadBalancerFacts, TargetFacts, TargetGroupFacts};
use crate::inventory::{Entry, MOST_ARNS, View, spread, tags_of};
use crate::kinds::{ListenerProtocol, Target};

/// Tags of listeners are read again after this many refresh times.
const TAG_REFRESHES: u32 = 3;

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

#[derive(Debug)]
struct Kept {
    facts: Arc<StackFacts>,
    due: Instant,
}

/// What is kept, by `namespace/name` of the Service.
#[derive(Debug)]
pub(crate) struct Stacks {
    kept: Mutex<BTreeMap<String, Kept>>,
    listener_tags: Mutex<BTreeMap<String, (Map, Instant)>>,
    /// Services that reserve capacity: reading it costs a call that others do not need (AWS-117).
    with_capacity: Mutex<BTreeSet<String>>,
    refresh: Duration,
}

impl Stacks {
    pub(crate) fn new(refresh: Duration) -> Self {
        Self {
            kept: Mutex::default(),
            listener_tags: Mutex::default(),
            with_capacity: Mutex::default(),
            refresh,
        }
    }

    pub(crate) fn wants_capacity(&self, service: &ServiceId, wants: bool) {
        let is_new = {
            let mut all = self.with_capacity.lock();
            if wants {
                all.insert(service.path())
            } else {
                _ = all.remove(&service.path());
                false
            }
        };
        if is_new {
            self.forget(service);
        }
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

    fn keep(&self, service: &ServiceId, facts: StackFacts) -> Arc<StackFacts> {
        let facts = Arc::new(facts);
        let kept = Kept { facts: facts.clone(), due: Instant::now() + spread(self.refresh) };
        self.kept.lock().insert(service.path(), kept);
        facts
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

impl<A: Api> Aws<A> {
    /// Reads all details. The order of lists is that of ARNs.
    pub(super) async fn read_stack(
        &self,
        service: &ServiceId,
        view: &View,
        lbs: BTreeSet<String>,
        tgs: BTreeSet<String>,
    ) -> Result<Arc<StackFacts>> {
        let with_capacity = self.stacks.with_capacity.lock().contains(&service.path());
        let (load_balancers, target_groups) = tokio::try_join!(
            self.read_load_balancers(view, lbs.into_iter().collect(), with_capacity),
            self.read_target_groups(view, tgs.into_iter().collect()),
        )?;
        Ok(self.stacks.keep(service, StackFacts { load_balancers, target_groups }))
    }

    async fn read_load_balancers(
        &self,
        view: &View,
        arns: Vec<String>,
        with_capacity: bool,
    ) -> Result<Vec<LoadBalancerFacts>> {
        let mut all = Vec::new();
        for chunk in arns.chunks(MOST_ARNS) {
            all.extend(self.api.describe_load_balancers(Which::Arns(chunk)).await?);
        }
        for lb in &mut all {
            let arn = &lb.load_balancer_arn;
            lb.tags = view.load_balancers.get(arn).map(|known| known.tags.clone()).unwrap_or_default();
            self.inventory.read(arn, Entry::LoadBalancer(lb.clone()));
        }
        let detailed = all.into_iter().map(|lb| self.with_details(lb, with_capacity));
        let mut all = try_join_all(detailed).await?;
        all.sort_by(|a, b| a.load_balancer_arn.cmp(&b.load_balancer_arn));
        Ok(all)
    }

    async fn with_details(
        &self,
        mut lb: LoadBalancerFacts,
        with_capacity: bool,
    ) -> Result<LoadBalancerFacts> {
        let arn = lb.load_balancer_arn.clone();
        let capacity = async {
            if with_capacity { self.api.describe_capacity_reservation(&arn).await } else { Ok(None) }
        };
        (lb.attributes, lb.listeners, lb.capacity_units) = tokio::try_join!(
            self.api.describe_load_balancer_attributes(&arn),
            self.read_listeners(&arn),
            capacity
        )?;
        Ok(lb)
    }

    async fn read_listeners(&self, load_balancer: &str) -> Result<Vec<ListenerFacts>> {
        let all = self.api.describe_listeners(load_balancer).await?;
        let arns: Vec<String> = all.iter().map(|listener| listener.listener_arn.clone()).collect();
        let (mut all, tags) = tokio::try_join!(
            try_join_all(all.into_iter().map(|listener| self.with_listener_details(listener))),
            self.listener_tags(&arns)
        )?;
        for listener in &mut all {
            listener.tags = tags.get(&listener.listener_arn).cloned().unwrap_or_default();
        }
        all.sort_by_key(|listener| listener.port);
        Ok(all)
    }

    async fn with_listener_details(&self, mut listener: ListenerFacts) -> Result<ListenerFacts> {
        let arn = listener.listener_arn.clone();
        let is_tls = listener.protocol == ListenerProtocol::Tls;
        let certificates = async {
            if is_tls { self.api.describe_listener_certificates(&arn).await } else { Ok(Vec::new()) }
        };
        let (attributes, others) =
            tokio::try_join!(self.api.describe_listener_attributes(&arn), certificates)?;
        listener.attributes = attributes;
        listener.certificates.extend(others);
        Ok(listener)
    }

    /// Tags of listeners, most of which are known.
    async fn listener_tags(&self, arns: &[String]) -> Result<BTreeMap<String, Map>> {
        let mut tags = BTreeMap::new();
        let mut unknown = Vec::new();
        let age = self.stacks.refresh * TAG_REFRESHES;
        for arn in arns {
            match self.stacks.listener_tags.lock().get(arn).filter(|(_, at)| at.elapsed() < age) {
                Some((known, _)) => _ = tags.insert(arn.clone(), known.clone()),
                None => unknown.push(arn.clone()),
            }
        }
        let found = tags_of(&self.api, &unknown).await?;
        let now = Instant::now();
        let read = found.iter().map(|(arn, tags)| (arn.clone(), (tags.clone(), now)));
        self.stacks.listener_tags.lock().extend(read);
        tags.extend(found);
        Ok(tags)
    }

    /// Takes note of the tags of a listener that we made or changed.
    pub(crate) fn listener_tagged(&self, arn: &str, tags: &Map) {
        self.stacks.listener_tags.lock().insert(arn.to_owned(), (tags.clone(), Instant::now()));
    }

    async fn read_target_groups(&self, view: &View, arns: Vec<String>) -> Result<Vec<TargetGroupFacts>> {
        let mut all = Vec::new();
        for chunk in arns.chunks(MOST_ARNS) {
            all.extend(self.api.describe_target_groups(Which::Arns(chunk)).await?);
        }
        if all.len() != arns.len() {
            return Err(Error::new(ErrorKind::NotFound, "a target group is gone"));
        }
        for group in &mut all {
            let arn = &group.target_group_arn;
            group.tags = view.target_groups.get(arn).map(|known| known.tags.clone()).unwrap_or_default();
            self.inventory.read(arn, Entry::TargetGroup(group.clone()));
        }
        let detailed = all.into_iter().map(async |mut group| {
            let arn = group.target_group_arn.clone();
            (group.attributes, group.targets) = tokio::try_join!(
                self.api.describe_target_group_attributes(&arn),
                self.api.describe_target_health(&arn)
            )?;
            Ok::<_, Error>(group)
        });
        let mut all = try_join_all(detailed).await?;
        all.sort_by(|a, b| a.target_group_arn.cmp(&b.target_group_arn));
        Ok(all)
    }
}
