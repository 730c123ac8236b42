//! Target groups (AWS-140 to AWS-152).

use cloud_lb_core::backend::Applied;
use cloud_lb_core::error::{ErrorKind, Result};

use super::{different, gone, is, made};
use crate::api::{Api, Map, NewTargetGroup, Which};
use crate::backend::Aws;
use crate::desired::{default_of_target_group, until_reset};
use crate::facts::TargetGroupFacts;
use crate::inventory::Entry;
use crate::kinds::{Pairs, TargetGroup, key};
use crate::observe::one_output;

impl<A: Api> Aws<A> {
    pub(super) async fn create_target_group(&self, want: &TargetGroup) -> Result<Applied> {
        let found = self.api.describe_target_groups(Which::Name(&want.name)).await?;
        let arn = if let Some(group) = found.into_iter().next() {
            group.target_group_arn
        } else {
            let arn = self.api.create_target_group(&new(want)).await?;
            self.node_rules.made(&arn);
            // From now on it is ours, whatever becomes of the next call.
            let noted = facts(want, &arn, want.tags.0.clone());
            self.inventory.wrote(&arn, Entry::TargetGroup(noted));
            arn
        };
        let tags = self.check_owner(&want.name, &arn, &want.tags).await?;
        self.inventory.wrote(&arn, Entry::TargetGroup(facts(want, &arn, tags)));
        self.stacks.forget_owner(Some(&want.tags.0), &[]);
        let attributes = different(&Pairs::default(), &want.attributes, default_of_target_group);
        if !attributes.0.is_empty() {
            let written = self.api.modify_target_group_attributes(&arn, &attributes).await;
            written.map_err(|error| self.unless_settling(error, &arn))?;
        }
        Ok(made(one_output(key::TARGET_GROUP_ARN, &arn)))
    }

    pub(super) async fn update_target_group(
        &self,
        have: &TargetGroup,
        want: &TargetGroup,
        arn: &str,
    ) -> Result<()> {
        self.stacks.forget_owner(Some(&want.tags.0), &[arn]);
        // Without our tags the minimal policy allows no other change.
        let tags = self.retag_target_group(arn, &have.tags, &until_reset(&have.tags, &want.tags)).await?;
        if have.health_check != want.health_check {
            self.api.modify_target_group(arn, &want.health_check).await?;
        }
        let attributes = different(&have.attributes, &want.attributes, default_of_target_group);
        if !attributes.0.is_empty() {
            self.api.modify_target_group_attributes(arn, &attributes).await?;
        }
        self.retag_target_group(arn, &tags, &want.tags).await?;
        Ok(())
    }

    /// The tags that it has then.
    async fn retag_target_group(&self, arn: &str, have: &Pairs, want: &Pairs) -> Result<Pairs> {
        let Some(tags) = self.retag(arn, have, want).await? else { return Ok(have.clone()) };
        if let Some(mut group) = self.view().await?.target_groups.get(arn).cloned() {
            group.tags.clone_from(&tags);
            self.inventory.wrote(arn, Entry::TargetGroup(group));
        }
        Ok(Pairs(tags))
    }

    pub(super) async fn delete_target_group(&self, arn: &str) -> Result<Applied> {
        if let Some(waiting) = self.waits_for_user(arn).await? {
            return Ok(waiting);
        }
        let result = self.api.delete_target_group(arn).await;
        if is(&result, ErrorKind::InUse) {
            return Ok(self.waits(arn, format!("WaitingForDependency: {arn} is still in use by a listener")));
        }
        gone(result)?;
        self.patience.done(arn);
        self.inventory.removed(arn);
        self.stacks.forget_owner(None, &[arn]);
        self.refused.forget(arn);
        self.node_rules.forget(arn);
        Ok(Applied::default())
    }
}

fn new(want: &TargetGroup) -> NewTargetGroup {
    NewTargetGroup {
        name: want.name.clone(),
        target_type: want.target_type,
        ip_address_type: want.ip_address_type,
        port: want.port,
        protocol: want.protocol,
        vpc_id: want.vpc_id.clone(),
        health_check: want.health_check.clone(),
        tags: want.tags.clone(),
    }
}

fn facts(want: &TargetGroup, arn: &str, tags: Map) -> TargetGroupFacts {
    TargetGroupFacts {
        target_group_arn: arn.to_owned(),
        target_group_name: want.name.clone(),
        target_type: want.target_type,
        ip_address_type: want.ip_address_type,
        port: want.port,
        protocol: want.protocol,
        vpc_id: want.vpc_id.clone(),
        load_balancer_arns: Vec::new(),
        health_check: want.health_check.clone(),
        attributes: Map::new(),
        targets: Vec::new(),
        tags,
    }
}
