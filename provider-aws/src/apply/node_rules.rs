//! The one writer of rules in the security groups of nodes (AWS-86 to AWS-91).
//!
//! The rules are shared by all target groups of the cluster, so a rule goes only when no target group
//! needs it, as far as every one of them is known (AWS-89).

use std::collections::{BTreeMap, BTreeSet};

use cloud_lb_core::backend::Applied;
use cloud_lb_core::deadline::excused;
use cloud_lb_core::error::{Error, Result};
use cloud_lb_core::graph::Input;
use parking_lot::Mutex;

use super::rules::RuleChange;
use super::{NODE_RULES_DESCRIPTION, filled, made};
use crate::api::Api;
use crate::backend::Aws;
use crate::config::NodeRuleStyle;
use crate::desired::{covers, merge};
use crate::facts::lookup::{STACK_TAG, is_of_cluster};
use crate::facts::{GroupFacts, LoadBalancerFacts, TargetFacts};
use crate::inventory::View;
use crate::kinds::{IpPermission, NodeRules, Source};
use crate::observe::{Need, node_rules_outputs, rules_of_others, shared_rules};

/// Serialises the writes, and knows who needs what.
#[derive(Debug, Default)]
pub(crate) struct NodeRuleWriter {
    writing: tokio::sync::Mutex<()>,
    /// By ARN of the target group; one that is not here was not looked at yet.
    needs: Mutex<BTreeMap<String, Need>>,
    /// By ARN of the target group: what is to be closed once its targets do not use it any more.
    closing: Mutex<BTreeMap<String, Closing>>,
    /// Groups that a target group of ours needed rules of addresses in.
    by_address: Mutex<BTreeSet<String>>,
}

/// Rules of a target group that changes.
#[derive(Debug, Clone)]
struct Closing {
    have: NodeRules,
    want: NodeRules,
}

impl NodeRuleWriter {
    /// Takes note of what a target group needs from now on.
    fn learn(&self, target_group: &str, need: Need) {
        let is_address = |rule: &IpPermission| matches!(rule.source, Source::Cidr(_));
        let by_address = need.iter().filter(|(_, rules)| rules.iter().any(is_address));
        self.by_address.lock().extend(by_address.map(|(group, _)| group.clone()));
        self.needs.lock().insert(target_group.to_owned(), need);
    }

    /// Takes note of what a target group was seen to need. While it changes it needs what it will need, too.
    pub(crate) fn saw(&self, target_group: &str, mut need: Need) {
        if let Some(closing) = self.closing.lock().get(target_group) {
            add(&mut need, need_of(&closing.want));
        }
        self.learn(target_group, need);
    }

    /// The same of a target group that nobody has looked at before.
    pub(crate) fn saw_first(&self, target_group: &str, need: Need) {
        if !self.needs.lock().contains_key(target_group) {
            self.learn(target_group, need);
        }
    }

    /// Takes note of a target group that we made: so far it needs nothing.
    pub(super) fn made(&self, target_group: &str) {
        self.learn(target_group, Need::new());
    }

    /// Forgets a target group that is gone.
    pub(super) fn forget(&self, target_group: &str) {
        self.needs.lock().remove(target_group);
        self.closing.lock().remove(target_group);
    }

    /// Waits for its turn. Whoever writes has a deadline, and may wait for a limit of calls.
    pub(super) async fn writing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        excused(self.writing.lock()).await
    }

    /// All that is needed of one security group of nodes.
    fn needed_of(&self, group: &str) -> BTreeSet<IpPermission> {
        self.needs.lock().values().filter_map(|need| need.get(group)).flatten().cloned().collect()
    }

    /// Whether every target group that such a rule may be for was looked at.
    fn knows_all(&self, view: &View, source: &Source) -> bool {
        let needs = self.needs.lock();
        let has_source = |groups: &[String]| match source {
            Source::Group(Input::Value(id)) => groups.contains(id),
            _ => groups.is_empty(),
        };
        let users: Vec<_> =
            view.load_balancers.values().filter(|lb| has_source(&lb.security_groups)).collect();
        let stacks: BTreeSet<&String> = users.iter().filter_map(|lb| lb.tags.get(STACK_TAG)).collect();
        // Of load balancers that are no Service's, such as those of Ingresses, nobody here knows the needs.
        let is_known = |lb: &&LoadBalancerFacts| lb.tags.contains_key(STACK_TAG);
        if matches!(source, Source::Group(_)) && !users.iter().all(is_known) {
            return false;
        }
        let concerned = view
            .target_groups
            .iter()
            .filter(|(_, group)| group.tags.get(STACK_TAG).is_some_and(|stack| stacks.contains(stack)));
        concerned.into_iter().all(|(arn, _)| needs.contains_key(arn))
    }
}

fn need_of(rules: &NodeRules) -> Need {
    if !rules.open.is_empty() {
        return rules.open.clone();
    }
    let all: BTreeSet<IpPermission> = rules.ip_permissions.iter().cloned().collect();
    rules.group_ids.iter().map(|group| (group.clone(), all.clone())).collect()
}

fn add(need: &mut Need, more: Need) {
    for (group, rules) in more {
        need.entry(group).or_default().extend(rules);
    }
}

impl Closing {
    /// What is open and not needed any more.
    fn left_over(&self) -> Need {
        let kept = need_of(&self.want);
        let is_kept = |group: &String, rule: &IpPermission| {
            kept.get(group).is_some_and(|kept| covers(&kept.iter().cloned().collect::<Vec<_>>(), rule))
        };
        let mut left = need_of(&self.have);
        for (group, rules) in &mut left {
            rules.retain(|rule| !is_kept(group, rule));
        }
        left.retain(|_, rules| !rules.is_empty());
        left
    }

    /// Whether traffic to one of the targets comes in by what is to be closed, and by nothing else. `groups_of` are
    /// the security groups of the targets, as far as they are known.
    fn is_in_use(&self, targets: &[TargetFacts], groups_of: &BTreeMap<String, BTreeSet<String>>) -> bool {
        let lets_in = |rules: &BTreeSet<IpPermission>, port: i32| {
            rules.iter().any(|rule| rule.from_port <= port && port <= rule.to_port)
        };
        let (left, kept) = (self.left_over(), need_of(&self.want));
        targets.iter().filter(|target| !target.is_leaving()).any(|target| {
            let (port, groups) = (i32::from(target.port), groups_of.get(&target.id));
            left.iter().any(|(group, rules)| {
                let is_its = groups.is_none_or(|groups| groups.contains(group));
                is_its && lets_in(rules, port) && !kept.get(group).is_some_and(|rules| lets_in(rules, port))
            })
        })
    }
}

impl<A: Api> Aws<A> {
    /// Opens what a new target group needs.
    pub(super) async fn open(&self, want: &NodeRules) -> Result<Applied> {
        self.node_rules.learn(filled(&want.target_group_arn)?, need_of(want));
        self.write_node_rules(&[want]).await?;
        Ok(made(node_rules_outputs(want)))
    }

    /// Opens and closes as the need of a target group changes. It opens at once, and closes at once what no
    /// registered target uses; the rest when the targets have changed, see [`Self::close_unused`].
    pub(super) async fn change_rules(&self, have: &NodeRules, want: &NodeRules) -> Result<()> {
        let target_group = filled(&have.target_group_arn)?;
        let mut both = need_of(have);
        add(&mut both, need_of(want));
        self.node_rules.learn(target_group, both);
        let closing = Closing { have: have.clone(), want: want.clone() };
        self.node_rules.closing.lock().insert(target_group.to_owned(), closing.clone());
        self.write_node_rules(&[want]).await?;
        if !closing.left_over().is_empty() {
            let targets = self.api.describe_target_health(target_group).await?;
            let groups_of = self.groups_of_targets(&targets, &*self.view().await?);
            if closing.is_in_use(&targets, &groups_of) {
                return Ok(());
            }
        }
        self.close_unused(target_group).await
    }

    /// Closes what a target group does not need any more, if its rules are changing.
    pub(super) async fn close_unused(&self, target_group: &str) -> Result<()> {
        let Some(Closing { have, want }) = self.node_rules.closing.lock().remove(target_group) else {
            return Ok(());
        };
        self.node_rules.learn(target_group, need_of(&want));
        self.write_node_rules(&[&have, &want]).await
    }

    /// Closes what a target group needed that goes.
    pub(super) async fn close(&self, have: &NodeRules) -> Result<()> {
        let target_group = filled(&have.target_group_arn)?;
        self.node_rules.closing.lock().remove(target_group);
        self.node_rules.learn(target_group, Need::new());
        self.write_node_rules(&[have]).await
    }

    /// Writes the groups that these rules are in. A failure in one does not keep the others from being
    /// written (AWS-90).
    async fn write_node_rules(&self, concerned: &[&NodeRules]) -> Result<()> {
        let _writing = self.node_rules.writing().await;
        let mut groups = self.unneeded(&*self.view().await?);
        for rules in concerned {
            let sources = rules.ip_permissions.iter().map(|rule| &rule.source);
            for id in &rules.group_ids {
                groups.entry(id.clone()).or_default().extend(sources.clone().cloned());
            }
        }
        let mut errors = Vec::new();
        for (id, sources) in &groups {
            let view = self.view().await?;
            let decide = |group: &GroupFacts| self.decide(group, &view, sources);
            if let Err(error) = self.change_group(id, NODE_RULES_DESCRIPTION, decide).await {
                errors.push(error.on(id));
            }
        }
        Error::joined(errors).map_or(Ok(()), Err)
    }

    /// The cluster's groups with rules of ours that no target group needs any more, for example because
    /// the nodes behind them are gone, with the sources of these rules (AWS-89). Rules with our description may also
    /// be those of `TargetGroupBindings` that users made, for load balancers that are none of ours: only sources that
    /// are ours count, and addresses only in groups where a target group of ours needed some.
    fn unneeded(&self, view: &View) -> BTreeMap<String, BTreeSet<Source>> {
        let cluster = format!("kubernetes.io/cluster/{}", self.config.cluster_name);
        let tagged = view.groups.iter().filter(|(_, group)| group.tags.contains_key(&cluster));
        let unneeded = tagged.filter(|(id, _)| self.node_rules.needed_of(id).is_empty());
        let cluster = &self.config.cluster_name;
        let ours = view.load_balancers.values().filter(|lb| is_of_cluster(&lb.tags, cluster));
        let attached: BTreeSet<&String> = ours.flat_map(|lb| &lb.security_groups).collect();
        let by_address = self.node_rules.by_address.lock().clone();
        let is_ours = |id: &String, source: &Source| match source {
            Source::Group(Input::Value(group)) => attached.contains(group),
            Source::Cidr(_) => by_address.contains(id),
            _ => false,
        };
        let unneeded = unneeded.map(|(id, group)| {
            let sources = shared_rules(group).map(|rule| rule.source);
            (id.clone(), sources.filter(|source| is_ours(id, source)).collect::<BTreeSet<Source>>())
        });
        unneeded.filter(|(_, sources)| !sources.is_empty()).collect()
    }

    /// The rules to be added and removed. Rules that open nothing but needed ports stay as they are while
    /// the budget allows it; else all are made anew.
    fn rewrite(
        &self,
        needed: &[IpPermission],
        live: &[IpPermission],
    ) -> (Vec<IpPermission>, Vec<IpPermission>) {
        let (style, budget) = (self.config.node_sg_rules, self.config.node_sg_rule_budget);
        let (good, wide): (Vec<IpPermission>, Vec<IpPermission>) =
            live.iter().cloned().partition(|rule| covers(needed, rule));
        let missing: Vec<IpPermission> = needed.iter().filter(|need| !covers(&good, need)).cloned().collect();
        let add = merge(&missing, NodeRuleStyle::Exact, usize::MAX);
        if style == NodeRuleStyle::Exact && good.len() + add.len() <= budget {
            return (add, wide);
        }
        let rules = merge(needed, style, budget);
        let without = |all: &[IpPermission], others: &[IpPermission]| -> Vec<IpPermission> {
            all.iter().filter(|rule| !others.contains(rule)).cloned().collect()
        };
        (without(&rules, live), without(live, &rules))
    }

    /// What is to happen to the shared rules of a group that are of these sources (AWS-88, AWS-89).
    fn decide(&self, group: &GroupFacts, view: &View, sources: &BTreeSet<Source>) -> RuleChange {
        let needed = self.node_rules.needed_of(&group.group_id);
        let mut change = RuleChange::default();
        for source in sources {
            let of_source = |rule: &IpPermission| rule.source == *source;
            let needed: Vec<IpPermission> = needed.iter().filter(|rule| of_source(rule)).cloned().collect();
            let live: Vec<IpPermission> = shared_rules(group).filter(of_source).collect();
            let (add, remove) = self.rewrite(&needed, &live);
            let knows_all = self.node_rules.knows_all(view, source);
            if knows_all || !needed.iter().all(|need| covers(&live, need)) {
                change.add.extend(add);
            }
            if knows_all {
                change.remove.extend(remove);
            }
        }
        // EC2 has no second rule that differs in its description only.
        let of_others: Vec<IpPermission> = rules_of_others(group).collect();
        change.add.retain(|rule| !of_others.contains(rule));
        change
    }
}
