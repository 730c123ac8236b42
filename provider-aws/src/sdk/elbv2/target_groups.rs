use aws_sdk_elasticloadbalancingv2::types::{
    Matcher, ProtocolEnum, TargetDescription, TargetGroupAttribute, TargetGroupIpAddressTypeEnum,
    TargetTypeEnum,
};
use cloud_lb_core::error::{ErrorKind, Result};

use super::super::call::{missing, required};
use super::{Elbv2, PAGE_SIZE, facts, pair, sdk_tags, signed};
use crate::api::{Map, NewTargetGroup, Which};
use crate::facts::{TargetFacts, TargetGroupFacts};
use crate::kinds::{HealthCheck, Pairs, Target};

impl Elbv2 {
    pub(crate) async fn describe_target_groups(&self, which: Which<'_>) -> Result<Vec<TargetGroupFacts>> {
        let request = || match which {
            Which::All => self.client.describe_target_groups().page_size(PAGE_SIZE),
            Which::Arns(arns) => {
                self.client.describe_target_groups().set_target_group_arns(Some(arns.to_vec()))
            }
            Which::Name(name) => self.client.describe_target_groups().names(name),
        };
        let page = async |marker| {
            let request = request().set_marker(marker);
            let answer = self.calls.read("DescribeTargetGroups", request.send()).await?;
            let list: Result<Vec<_>> = answer
                .target_groups()
                .iter()
                .filter_map(|group| facts::target_group(group).transpose())
                .collect();
            Ok((list?, answer.next_marker))
        };
        match (self.calls.pages("DescribeTargetGroups", page).await, which) {
            (Err(error), Which::Name(_)) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            (result, _) => result,
        }
    }

    pub(crate) async fn describe_target_group_attributes(&self, arn: &str) -> Result<Map> {
        let request = self.client.describe_target_group_attributes().target_group_arn(arn);
        let answer = self.calls.read("DescribeTargetGroupAttributes", request.send()).await?;
        Ok(answer.attributes().iter().map(|attribute| pair(attribute.key(), attribute.value())).collect())
    }

    pub(crate) async fn describe_target_health(&self, arn: &str) -> Result<Vec<TargetFacts>> {
        let request = self.client.describe_target_health().target_group_arn(arn);
        let answer = self.calls.read("DescribeTargetHealth", request.send()).await?;
        answer.target_health_descriptions().iter().map(facts::target).collect()
    }

    pub(crate) async fn create_target_group(&self, new: &NewTargetGroup) -> Result<String> {
        let check = &new.health_check;
        let request = self
            .client
            .create_target_group()
            .name(&new.name)
            .target_type(TargetTypeEnum::from(new.target_type.as_str()))
            .ip_address_type(TargetGroupIpAddressTypeEnum::from(new.ip_address_type.as_str()))
            .port(new.port.into())
            .protocol(ProtocolEnum::from(new.protocol.as_str()))
            .vpc_id(&new.vpc_id)
            .health_check_enabled(true)
            .health_check_protocol(ProtocolEnum::from(check.protocol.as_str()))
            .health_check_port(&check.port)
            .set_health_check_path(check.path.clone())
            .health_check_interval_seconds(signed(check.interval))
            .health_check_timeout_seconds(signed(check.timeout))
            .healthy_threshold_count(signed(check.healthy))
            .unhealthy_threshold_count(signed(check.unhealthy))
            .set_matcher(matcher(check))
            .set_tags(sdk_tags(&new.tags));
        let answer = self.calls.write("CreateTargetGroup", request.send()).await?;
        let group = answer.target_groups().first().ok_or_else(|| missing("TargetGroups"))?;
        required(group.target_group_arn(), "TargetGroupArn")
    }

    pub(crate) async fn modify_target_group(&self, arn: &str, check: &HealthCheck) -> Result<()> {
        let request = self
            .client
            .modify_target_group()
            .target_group_arn(arn)
            .health_check_protocol(ProtocolEnum::from(check.protocol.as_str()))
            .health_check_port(&check.port)
            .set_health_check_path(check.path.clone())
            .health_check_interval_seconds(signed(check.interval))
            .health_check_timeout_seconds(signed(check.timeout))
            .healthy_threshold_count(signed(check.healthy))
            .unhealthy_threshold_count(signed(check.unhealthy))
            .set_matcher(matcher(check));
        self.calls.write("ModifyTargetGroup", request.send()).await.map(drop)
    }

    pub(crate) async fn modify_target_group_attributes(&self, arn: &str, attributes: &Pairs) -> Result<()> {
        let attribute = |(key, value)| TargetGroupAttribute::builder().key(key).value(value).build();
        let request = self
            .client
            .modify_target_group_attributes()
            .target_group_arn(arn)
            .set_attributes(Some(attributes.0.iter().map(attribute).collect()));
        self.calls.write("ModifyTargetGroupAttributes", request.send()).await.map(drop)
    }

    pub(crate) async fn delete_target_group(&self, arn: &str) -> Result<()> {
        let request = self.client.delete_target_group().target_group_arn(arn);
        self.calls.write("DeleteTargetGroup", request.send()).await.map(drop)
    }

    pub(crate) async fn register_targets(&self, arn: &str, targets: &[Target]) -> Result<()> {
        let request =
            self.client.register_targets().target_group_arn(arn).set_targets(Some(described(targets)));
        self.calls.write("RegisterTargets", request.send()).await.map(drop)
    }

    pub(crate) async fn deregister_targets(&self, arn: &str, targets: &[Target]) -> Result<()> {
        let request =
            self.client.deregister_targets().target_group_arn(arn).set_targets(Some(described(targets)));
        self.calls.write("DeregisterTargets", request.send()).await.map(drop)
    }
}

fn matcher(check: &HealthCheck) -> Option<Matcher> {
    check.matcher.as_ref().map(|matcher| Matcher::builder().http_code(&matcher.http_code).build())
}

fn described(targets: &[Target]) -> Vec<TargetDescription> {
    let describe = |target: &Target| {
        TargetDescription::builder()
            .id(&target.id)
            .port(target.port.into())
            .set_availability_zone(target.availability_zone.clone())
            .build()
    };
    targets.iter().map(describe).collect()
}
