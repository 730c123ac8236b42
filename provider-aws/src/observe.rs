//! Reads what is there of a Service, found by its tags (AWS-37), and keeps it for a while: within the
//! refresh time nothing is read twice, as our own writes are known.

#[cfg(feature = "sdk")]
mod account;
mod all;
mod have;
mod node_rules;
mod normal;
mod owned;
mod read;
mod stacks;

pub(crate) use have::{load_balancer_outputs, node_rules_outputs, one_output, targets_outputs};
pub(crate) use node_rules::{Need, rules_of_others, shared_rules};
pub(crate) use stacks::{StackFacts, Stacks, Wishes};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use cloud_lb_core::error::{Error, ErrorKind, Result, Retry};
use cloud_lb_core::graph::ResourceKey;
use cloud_lb_core::model::ServiceId;
use cloud_lb_core::plan::{Have, Observed, Ownership};
use futures::future::try_join_all;

use crate::api::Api;
use crate::backend::Aws;
use crate::config::Publish;
use crate::facts::lookup::{BACKEND_GROUP, CLUSTER_TAG, SHARED_RESOURCE_TAG, is_of_stack};
use crate::facts::ownership::of_service;
use crate::facts::{GroupFacts, LoadBalancerFacts, LoadBalancerState, TargetGroupFacts};
use crate::inventory::View;
use crate::kinds::{Spec, key};
use have::{add_load_balancer, add_target_group, group_outputs, of_service_alone};

/// How soon what AWS does not show yet is looked for again (AWS-210, `eventual`).
const SHOWN_AFTER: Duration = Duration::from_secs(2);

/// How details of a Service are come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// What is kept is good enough. Nobody else works on the Service.
    Kept,
    /// What is kept, else from AWS. The Service may be changed meanwhile.
    Beside,
    /// From AWS. The Service may be changed meanwhile.
    Anew,
}

impl<A: Api> Aws<A> {
    /// All that exists of a Service, and the shared security group.
    pub(crate) async fn observe_service(&self, service: &ServiceId) -> Result<Observed<Spec>> {
        let (view, stack) = self.stack(service, Reading::Kept).await?;
        let stack = self.up_to_date(service, stack).await?;
        Ok(self.observed(service, &view, &stack, Reading::Kept))
    }

    /// What a Service that is to go has: load balancers without listeners, which go with them, and no
    /// settings beyond what the inventory knows. Target groups wait for the load balancers, whose listeners
    /// use them.
    pub(crate) async fn observe_leaving(&self, service: &ServiceId) -> Result<Observed<Spec>> {
        let view = self.view().await?;
        let mut stack = self.leaving(service, &view).await?;
        stack.load_balancers.iter_mut().for_each(|lb| lb.listeners.clear());
        Ok(self.observed(service, &view, &stack, Reading::Kept))
    }

    fn observed(
        &self,
        service: &ServiceId,
        view: &View,
        stack: &StackFacts,
        reading: Reading,
    ) -> Observed<Spec> {
        let targets = stack.target_groups.iter().flat_map(|group| &group.targets);
        let groups_of = self.groups_of_targets(targets, view);
        let rules = node_rules::observe(view, stack, self.backend_id(view).as_deref(), &groups_of);
        for (target_group, need) in rules.needs {
            match reading {
                Reading::Kept => self.node_rules.saw(&target_group, need),
                // The Service may have been changed since this was read, and needs more by now.
                Reading::Beside | Reading::Anew => self.node_rules.saw_first(&target_group, need),
            }
        }
        let mut have = Observed::new();
        for lb in &stack.load_balancers {
            add_load_balancer(lb, stack, &mut have);
        }
        for group in &stack.target_groups {
            add_target_group(group, stack, &mut have);
        }
        for (port, rules) in rules.have {
            let outputs = node_rules_outputs(&rules);
            have.add(
                ResourceKey::new(key::NODE_RULES, port),
                of_service_alone(Spec::NodeRules(rules), outputs),
            );
        }
        self.add_groups(service, view, &mut have);
        have
    }

    /// What the Service has, with all details.
    pub(crate) async fn stack(
        &self,
        service: &ServiceId,
        reading: Reading,
    ) -> Result<(Arc<View>, Arc<StackFacts>)> {
        for attempt in 0..2 {
            let view = self.view().await?;
            let (lbs, tgs) = self.of_service(service, &view);
            let lbs: BTreeSet<String> = lbs.into_iter().map(|lb| lb.load_balancer_arn.clone()).collect();
            let tgs: BTreeSet<String> = tgs.into_iter().map(|tg| tg.target_group_arn.clone()).collect();
            let kept = self.stacks.kept(service, &lbs, &tgs).filter(|_| reading != Reading::Anew);
            let result = match kept {
                Some(stack) => Ok(stack),
                None => self.read_anew(service, &view, (lbs.clone(), tgs.clone()), reading).await,
            };
            match result {
                Ok(stack) => return Ok((self.view().await?, stack)),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    if lbs.iter().chain(&tgs).any(|arn| self.inventory.is_settling(arn)) {
                        return Err(not_shown_yet(&error));
                    }
                    self.stacks.forget(service);
                    self.inventory.doubt();
                    if attempt > 0 {
                        return Err(error.with_retry(Retry::Backoff));
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(ErrorKind::Conflict, "resources keep disappearing while they are read"))
    }

    /// Reads what the Service has, and keeps it.
    async fn read_anew(
        &self,
        service: &ServiceId,
        view: &View,
        (lbs, tgs): (BTreeSet<String>, BTreeSet<String>),
        reading: Reading,
    ) -> Result<Arc<StackFacts>> {
        let writes = self.stacks.writes();
        let facts = self.read_stack(service, view, lbs, tgs).await?;
        match reading {
            Reading::Kept => Ok(self.stacks.keep(service, facts)),
            Reading::Beside | Reading::Anew => {
                let facts = Arc::new(facts);
                self.stacks.keep_if_unwritten(service, &facts, writes);
                Ok(facts)
            }
        }
    }

    /// A load balancer that was being made may be ready by now.
    async fn up_to_date(&self, service: &ServiceId, stack: Arc<StackFacts>) -> Result<Arc<StackFacts>> {
        let is_awaited = self.config.publish == Publish::Active || stack.load_balancers.len() > 1;
        let is_made = |lb: &LoadBalancerFacts| lb.state == LoadBalancerState::Provisioning;
        if !is_awaited || !stack.load_balancers.iter().any(is_made) {
            return Ok(stack);
        }
        let arns: Vec<String> = stack.load_balancers.iter().map(|lb| lb.load_balancer_arn.clone()).collect();
        let fresh = self.api.describe_load_balancers(crate::api::Which::Arns(&arns)).await?;
        let states: BTreeMap<String, LoadBalancerState> =
            fresh.into_iter().map(|lb| (lb.load_balancer_arn, lb.state)).collect();
        let mut stack = (*stack).clone();
        for lb in &mut stack.load_balancers {
            lb.state = states.get(&lb.load_balancer_arn).copied().unwrap_or(lb.state);
        }
        Ok(self.stacks.update(service, stack))
    }

    /// What is kept of a Service, of whatever age, or what the inventory knows. Of the rest only the
    /// targets matter: they tell which node rules it needs.
    async fn leaving(&self, service: &ServiceId, view: &View) -> Result<StackFacts> {
        let (lbs, tgs) = self.of_service(service, view);
        let known = StackFacts {
            load_balancers: lbs.into_iter().cloned().collect(),
            target_groups: tgs.into_iter().cloned().collect(),
        };
        if let Some(kept) = self.stacks.last_seen(service, &known) {
            return Ok(kept);
        }
        let with_targets = known.target_groups.into_iter().map(async |mut group| {
            match self.api.describe_target_health(&group.target_group_arn).await {
                Ok(targets) => group.targets = targets,
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            Ok(group)
        });
        Ok(StackFacts { target_groups: try_join_all(with_targets).await?, ..known })
    }

    /// The load balancers and target groups of a Service.
    pub(crate) fn of_service<'v>(
        &self,
        service: &ServiceId,
        view: &'v View,
    ) -> (Vec<&'v LoadBalancerFacts>, Vec<&'v TargetGroupFacts>) {
        let service = self.in_cluster(service);
        of_service(&service, self.config.adopt, view.load_balancers.values(), view.target_groups.values())
    }

    /// The Service under the name that the cluster has in tags.
    fn in_cluster(&self, service: &ServiceId) -> ServiceId {
        ServiceId { cluster: self.config.cluster_name.clone(), ..service.clone() }
    }

    /// Whether tags are those of a resource of this Service.
    pub(crate) fn is_of(&self, tags: &BTreeMap<String, String>, service: &ServiceId) -> bool {
        is_of_stack(tags, &self.in_cluster(service))
    }

    /// The id of the shared security group: a configured one, or ours.
    pub(crate) fn backend_id(&self, view: &View) -> Option<String> {
        if self.config.backend_security_group.is_empty() {
            self.backend_group(view).map(|group| group.group_id.clone())
        } else {
            Some(self.config.backend_security_group.clone())
        }
    }

    /// The shared security group that we made: the first by id (AWS-97).
    fn backend_group<'v>(&self, view: &'v View) -> Option<&'v GroupFacts> {
        view.groups.values().find(|group| {
            let tag = |key: &str| group.tags.get(key).map(String::as_str);
            tag(CLUSTER_TAG) == Some(&self.config.cluster_name)
                && tag(SHARED_RESOURCE_TAG) == Some(BACKEND_GROUP)
        })
    }

    fn add_groups(&self, service: &ServiceId, view: &View, have: &mut Observed<Spec>) {
        for group in view.groups.values().filter(|group| self.is_of(&group.tags, service)) {
            let spec = Spec::SecurityGroup(normal::security_group(group));
            have.add(key::frontend(), of_service_alone(spec, group_outputs(group)));
        }
        let Some(backend) = self.backend_group(view) else { return };
        if self.config.keep_backend_sg && !self.config.enable_backend_security_group {
            return;
        }
        let others = view.load_balancers.values().filter(|lb| !self.is_of(&lb.tags, service));
        let used_by_others = self.config.keep_backend_sg
            || others.into_iter().any(|lb| lb.security_groups.contains(&backend.group_id));
        let found = Have {
            spec: Spec::SecurityGroup(normal::security_group(backend)),
            ownership: Ownership::Cluster { used_by_others },
            container: None,
            outputs: group_outputs(backend),
            uses: BTreeSet::new(),
        };
        have.add(key::backend(), found);
    }
}

/// What we made a moment ago is not gone: AWS does not show it yet.
pub(crate) fn not_shown_yet(error: &Error) -> Error {
    Error::new(ErrorKind::Unavailable, format!("AWS does not show yet what was made: {error}"))
        .with_retry(Retry::After(SHOWN_AFTER))
}
