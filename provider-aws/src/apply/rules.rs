//! Inbound rules of security groups: the calls, and the note that is taken of them.

use std::collections::BTreeSet;

use cloud_lb_core::error::{ErrorKind, Result};

use crate::api::{Api, Groups};
use crate::backend::Aws;
use crate::facts::GroupFacts;
use crate::inventory::Entry;
use crate::kinds::{IpPermission, ListedPermission};

/// What is to happen to the rules of one group.
#[derive(Debug, Default, PartialEq)]
pub(super) struct RuleChange {
    pub(super) add: Vec<IpPermission>,
    pub(super) remove: Vec<IpPermission>,
}

impl<A: Api> Aws<A> {
    /// Changes the rules of a group: adds before it removes, so that nobody is shut out meanwhile
    /// (AWS-77). `decide` tells what to do from what is live; it is asked again if the group is not as it
    /// was thought to be (AWS-78), or has no room (AWS-79).
    pub(super) async fn change_group(
        &self,
        id: &str,
        description: &str,
        decide: impl Fn(&GroupFacts) -> RuleChange,
    ) -> Result<()> {
        let group = match self.view().await?.groups.get(id).cloned() {
            Some(group) => group,
            None => self.read_group(id).await?,
        };
        let change = decide(&group);
        let added = self.authorize(group.clone(), &change.add, description).await;
        let group = match added {
            Ok(group) => group,
            Err(error) if error.kind() == ErrorKind::Conflict => {
                let fresh = self.read_group(id).await?;
                let change = decide(&fresh);
                let group = self.authorize(fresh, &change.add, description).await?;
                return self.revoke(group, &change.remove).await.map(|_| ());
            }
            Err(error) if error.kind() == ErrorKind::Quota && !change.remove.is_empty() => {
                let fresh = self.read_group(id).await?;
                let change = decide(&fresh);
                let group = self.revoke(fresh, &change.remove).await?;
                return self.authorize(group, &change.add, description).await.map(|_| ());
            }
            Err(error) => return Err(error),
        };
        match self.revoke(group, &change.remove).await {
            Err(error) if error.kind() == ErrorKind::Conflict => {
                let fresh = self.read_group(id).await?;
                let remove = decide(&fresh).remove;
                self.revoke(fresh, &remove).await.map(|_| ())
            }
            result => result.map(|_| ()),
        }
    }

    pub(super) async fn read_group(&self, id: &str) -> Result<GroupFacts> {
        let found = self.api.describe_security_groups(Groups::Ids(&[id.to_owned()])).await?;
        let missing = || cloud_lb_core::Error::new(ErrorKind::NotFound, format!("{id} does not exist"));
        let group = found.into_iter().next().ok_or_else(missing)?;
        self.inventory.read(id, Entry::Group(group.clone()));
        Ok(group)
    }

    async fn authorize(
        &self,
        mut group: GroupFacts,
        rules: &[IpPermission],
        description: &str,
    ) -> Result<GroupFacts> {
        if !rules.is_empty() {
            self.api.authorize_ingress(&group.group_id, rules, description).await?;
            group.ip_permissions.extend(rules.iter().map(|rule| ListedPermission::of(rule, description)));
            self.inventory.wrote(&group.group_id, Entry::Group(group.clone()));
        }
        Ok(group)
    }

    async fn revoke(&self, mut group: GroupFacts, rules: &[IpPermission]) -> Result<GroupFacts> {
        if !rules.is_empty() {
            self.api.revoke_ingress(&group.group_id, rules).await?;
            group.ip_permissions = without(&group.ip_permissions, rules);
            self.inventory.wrote(&group.group_id, Entry::Group(group.clone()));
        }
        Ok(group)
    }

    /// Removes our rules that let in members of a group that is to go: nobody needs them any more.
    pub(super) async fn revoke_references(&self, id: &str) -> Result<()> {
        let view = self.view().await?;
        let _writing = self.node_rules.writing().await;
        for group in view.groups.values() {
            let refers = |rule: &IpPermission| matches!(&rule.source, crate::kinds::Source::Group(source) if source.value() == Some(id));
            let rules = crate::observe::shared_rules(group).filter(refers);
            let rules: Vec<IpPermission> = rules.collect::<BTreeSet<_>>().into_iter().collect();
            if rules.is_empty() {
                continue;
            }
            self.change_group(&group.group_id, "", |live| RuleChange {
                add: Vec::new(),
                remove: crate::observe::shared_rules(live).filter(refers).collect(),
            })
            .await?;
        }
        Ok(())
    }
}

fn without(listed: &[ListedPermission], rules: &[IpPermission]) -> Vec<ListedPermission> {
    let single = listed.iter().flat_map(|listed| {
        let description = listed.description.clone();
        listed.rules().into_iter().map(move |rule| (rule, description.clone()))
    });
    single
        .filter(|(rule, _)| !rules.contains(rule))
        .map(|(rule, description)| ListedPermission::of(&rule, &description))
        .collect()
}
