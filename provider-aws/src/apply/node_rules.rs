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
use crate::facts::lookup::STACK_TAG;
use crate::facts::{GroupFacts, LoadBalancerFacts};
use crate::inventory::View;
use crate::kinds::{IpPermission, NodeRules, Source};
use crate::observe::{Need, node_rules_outputs, rules_of_others, shared_rules};

/// Serialises the writes, and knows who needs what.
#[derive(Debug, Default)]
pub(crate) struct NodeRuleWriter {
    writing: tokio::sync::Mutex<()>,
    /// By ARN of the target group; one that is not here was not looked at yet.
    needs: Mutex<BTreeMap<String, Need>>,
}

impl NodeRuleWriter {
    /// Takes note of what a target group was seen to need, or needs from now on.
    pub(crate) fn learn(&self, target_group: &str, need: Need) {
        self.needs.lock().insert(target_group.to_owned(), need);
    }

    /// Takes note of a target group that we made: so far it needs nothing.
    pub(super) fn made(&self, target_group: &str) {
        self.learn(target_group, Need::new());
    }

    /// Forgets a target group that is gone.
    pub(super) fn forget(&self, target_group: &str) {
        self.needs.lock().remove(target_group);
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
    let all: BTreeSet<IpPermission> = rules.ip_permissions.iter().cloned().collect();
    rules.group_ids.iter().map(|group| (group.clone(), all.clone())).collect()
}

impl<A: Api> Aws<A> {
    /// Opens what a new target group needs.
    pub(super) async fn open(&self, want: &NodeRules) -> Result<Applied> {
        self.node_rules.learn(filled(&want.target_group_arn)?, need_of(want));
        self.write_node_rules(&[want]).await?;
        Ok(made(node_rules_outputs(want)))
    }

    /// Opens and closes as the need of a target group changes, or ends.
    pub(super) async fn change_rules(&self, have: &NodeRules, want: Option<&NodeRules>) -> Result<()> {
        let target_group = filled(&have.target_group_arn)?;
        self.node_rules.learn(target_group, want.map(need_of).unwrap_or_default());
        let concerned: Vec<&NodeRules> = std::iter::once(have).chain(want).collect();
        self.write_node_rules(&concerned).await
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
    /// the nodes behind them are gone, with the sources of these rules (AWS-89).
    fn unneeded(&self, view: &View) -> BTreeMap<String, BTreeSet<Source>> {
        let cluster = format!("kubernetes.io/cluster/{}", self.config.cluster_name);
        let tagged = view.groups.iter().filter(|(_, group)| group.tags.contains_key(&cluster));
        let unneeded = tagged.filter(|(id, _)| self.node_rules.needed_of(id).is_empty());
        let sources = |group| -> BTreeSet<Source> { shared_rules(group).map(|rule| rule.source).collect() };
        let unneeded = unneeded.map(|(id, group)| (id.clone(), sources(group)));
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
