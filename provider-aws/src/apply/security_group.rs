//! Security groups of ours (AWS-73 to AWS-80, AWS-97, AWS-205, AWS-208).

use cloud_lb_core::backend::Applied;
use cloud_lb_core::error::{Error, ErrorKind, Result};

use super::rules::RuleChange;
use super::{gone, is, made, name_is_taken, pending};
use crate::api::{Api, Groups, Interfaces, NewSecurityGroup};
use crate::backend::Aws;
use crate::facts::GroupFacts;
use crate::facts::lookup::{CLUSTER_TAG, SHARED_RESOURCE_TAG, STACK_TAG};
use crate::inventory::Entry;
use crate::kinds::{IpPermission, ListedPermission, Pairs, SecurityGroup, key};
use crate::observe::one_output;

/// From this attempt on, a delete that waits looks for what blocks it: at first it is nearly always the
/// load balancer that has just gone.
const LOOK_FOR_BLOCKERS: u32 = 3;

impl<A: Api> Aws<A> {
    pub(super) async fn create_security_group(&self, want: &SecurityGroup) -> Result<Applied> {
        let new = NewSecurityGroup {
            name: want.group_name.clone(),
            description: want.description.clone(),
            vpc_id: want.vpc_id.clone(),
            tags: want.tags.clone(),
        };
        let group = match self.api.create_security_group(&new).await {
            Ok(group_id) => GroupFacts {
                group_id,
                group_name: new.name,
                description: new.description,
                vpc_id: new.vpc_id,
                ip_permissions: Vec::new(),
                tags: new.tags.0,
            },
            Err(error) if error.kind() == ErrorKind::Conflict => self.existing_group(want, error).await?,
            Err(error) => return Err(error),
        };
        let id = group.group_id.clone();
        self.inventory.wrote(&id, Entry::Group(group));
        self.write_rules(&id, &want.ip_permissions).await?;
        Ok(made(one_output(key::GROUP_ID, &id)))
    }

    /// The group that has the name already, if it is ours after all.
    async fn existing_group(&self, want: &SecurityGroup, taken: Error) -> Result<GroupFacts> {
        let all = self.api.describe_security_groups(Groups::Vpc(&want.vpc_id)).await?;
        let found = all.into_iter().find(|group| group.group_name == want.group_name).ok_or(taken)?;
        let is_same = |key: &str| found.tags.get(key).map(String::as_str) == want.tags.get(key);
        if [CLUSTER_TAG, STACK_TAG, SHARED_RESOURCE_TAG].into_iter().all(is_same) {
            return Ok(found);
        }
        Err(name_is_taken(&want.group_name, &found.group_id, &found.tags))
    }

    /// Makes the rules those that are wanted; the shared group has none that we look after.
    async fn write_rules(&self, id: &str, want: &[IpPermission]) -> Result<()> {
        if want.is_empty() {
            return Ok(());
        }
        let decide = |group: &GroupFacts| {
            let live: Vec<IpPermission> =
                group.ip_permissions.iter().flat_map(ListedPermission::rules).collect();
            RuleChange {
                add: want.iter().filter(|rule| !live.contains(rule)).cloned().collect(),
                remove: live.iter().filter(|rule| !want.contains(rule)).cloned().collect(),
            }
        };
        self.change_group(id, "", decide).await
    }

    pub(super) async fn update_security_group(
        &self,
        have: &SecurityGroup,
        want: &SecurityGroup,
        id: &str,
    ) -> Result<()> {
        self.retag_group(id, &have.tags, &want.tags).await?;
        self.write_rules(id, &want.ip_permissions).await
    }

    async fn retag_group(&self, id: &str, have: &Pairs, want: &Pairs) -> Result<()> {
        let retag = self.retagging(have, want);
        if !retag.set.0.is_empty() {
            self.api.create_tags(id, &retag.set).await?;
        }
        if !retag.remove.is_empty() {
            self.api.delete_tags(id, &retag.remove).await?;
        }
        if let Some(mut group) = self.view().await?.groups.get(id).cloned()
            && group.tags != retag.result
        {
            group.tags = retag.result;
            self.inventory.wrote(id, Entry::Group(group));
        }
        Ok(())
    }

    pub(super) async fn delete_security_group(&self, id: &str) -> Result<Applied> {
        let view = self.view().await?;
        if let Some(user) = view.load_balancers.values().find(|lb| lb.security_groups.iter().any(|g| g == id))
        {
            let user = &user.load_balancer_arn;
            return Ok(self
                .waits(id, format!("WaitingForDependency: security group {id} is still in use by {user}")));
        }
        self.revoke_references(id).await?;
        let result = self.api.delete_security_group(id).await;
        if is(&result, ErrorKind::InUse) {
            let (attempt, retry_after) = self.patience.wait_for(id);
            let reason = if attempt < LOOK_FOR_BLOCKERS {
                format!("WaitingForDependency: security group {id} is still in use")
            } else {
                self.blockers(id).await?
            };
            return Ok(pending(retry_after, reason));
        }
        gone(result)?;
        self.patience.done(id);
        self.inventory.removed(id);
        Ok(Applied::default())
    }

    async fn blockers(&self, id: &str) -> Result<String> {
        let (interfaces, groups) = tokio::try_join!(
            self.api.describe_network_interfaces(Interfaces::Group(id)),
            self.api.describe_security_groups(Groups::Admitting(id))
        )?;
        let interfaces =
            interfaces.iter().map(|one| format!("{} ({})", one.network_interface_id, one.description));
        let others = groups.iter().filter(|group| group.group_id != id);
        let groups = others.map(|group| format!("a rule of {}", group.group_id));
        let all: Vec<String> = interfaces.chain(groups).collect();
        Ok(format!("WaitingForDependency: security group {id} is still in use by {}", all.join(", ")))
    }
}
