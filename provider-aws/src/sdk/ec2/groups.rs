use std::collections::BTreeMap;

use aws_sdk_ec2::types::{
    IpPermission as SdkPermission, IpRange, Ipv6Range, PrefixListId, ResourceType, TagSpecification,
    UserIdGroupPair,
};
use cloud_lb_core::error::{Error, ErrorKind, Result};
use ipnet::IpNet;

use super::super::call::required;
use super::{Ec2, PAGE_SIZE, facts, filter, sdk_tags};
use crate::api::{Groups, NewSecurityGroup};
use crate::facts::GroupFacts;
use crate::kinds::{IpPermission, Pairs, Source};

impl Ec2 {
    /// A request by ids takes no page size.
    pub(crate) async fn describe_security_groups(&self, which: Groups<'_>) -> Result<Vec<GroupFacts>> {
        let request = || self.client.describe_security_groups();
        let request = || match which {
            Groups::Vpc(id) => request().filters(filter("vpc-id", [id])).max_results(PAGE_SIZE),
            Groups::Ids(ids) => request().set_group_ids(Some(ids.to_vec())),
            Groups::Admitting(id) => {
                request().filters(filter("ip-permission.group-id", [id])).max_results(PAGE_SIZE)
            }
        };
        let page = async |token| {
            let request = request().set_next_token(token);
            let answer = self.calls.read("DescribeSecurityGroups", request.send()).await?;
            let list: Result<Vec<_>> = answer.security_groups().iter().map(facts::group).collect();
            Ok((list?, answer.next_token))
        };
        self.calls.pages("DescribeSecurityGroups", page).await
    }

    pub(crate) async fn create_security_group(&self, new: &NewSecurityGroup) -> Result<String> {
        let tags = TagSpecification::builder()
            .resource_type(ResourceType::from("security-group"))
            .set_tags(Some(sdk_tags(&new.tags)))
            .build();
        let request = self
            .client
            .create_security_group()
            .group_name(&new.name)
            .description(&new.description)
            .vpc_id(&new.vpc_id)
            .set_tag_specifications(Some(vec![tags]).filter(|_| !new.tags.0.is_empty()));
        let answer = self.calls.write("CreateSecurityGroup", request.send()).await?;
        required(answer.group_id(), "GroupId")
    }

    pub(crate) async fn authorize_ingress(
        &self,
        group_id: &str,
        rules: &[IpPermission],
        description: &str,
    ) -> Result<()> {
        let description = Some(description).filter(|text| !text.is_empty());
        let request = self
            .client
            .authorize_security_group_ingress()
            .group_id(group_id)
            .set_ip_permissions(Some(permissions(rules, description)?));
        self.calls.write("AuthorizeSecurityGroupIngress", request.send()).await.map(drop)
    }

    pub(crate) async fn revoke_ingress(&self, group_id: &str, rules: &[IpPermission]) -> Result<()> {
        let request = self
            .client
            .revoke_security_group_ingress()
            .group_id(group_id)
            .set_ip_permissions(Some(permissions(rules, None)?));
        self.calls.write("RevokeSecurityGroupIngress", request.send()).await.map(drop)
    }

    pub(crate) async fn delete_security_group(&self, group_id: &str) -> Result<()> {
        let request = self.client.delete_security_group().group_id(group_id);
        self.calls.write("DeleteSecurityGroup", request.send()).await.map(drop)
    }

    pub(crate) async fn create_tags(&self, group_id: &str, tags: &Pairs) -> Result<()> {
        let request = self.client.create_tags().resources(group_id).set_tags(Some(sdk_tags(tags)));
        self.calls.write("CreateTags", request.send()).await.map(drop)
    }

    pub(crate) async fn delete_tags(&self, group_id: &str, keys: &[String]) -> Result<()> {
        let tag = |key| aws_sdk_ec2::types::Tag::builder().key(key).build();
        let request =
            self.client.delete_tags().resources(group_id).set_tags(Some(keys.iter().map(tag).collect()));
        self.calls.write("DeleteTags", request.send()).await.map(drop)
    }
}

/// Rules as the API takes them: one item per protocol and ports.
fn permissions(rules: &[IpPermission], description: Option<&str>) -> Result<Vec<SdkPermission>> {
    let mut items: BTreeMap<(&str, i32, i32), _> = BTreeMap::new();
    for rule in rules {
        let item = items.entry((&rule.ip_protocol, rule.from_port, rule.to_port)).or_insert_with(|| {
            SdkPermission::builder()
                .ip_protocol(&rule.ip_protocol)
                .from_port(rule.from_port)
                .to_port(rule.to_port)
        });
        *item = with_source(item.clone(), &rule.source, description)?;
    }
    Ok(items.into_values().map(aws_sdk_ec2::types::builders::IpPermissionBuilder::build).collect())
}

fn with_source(
    item: aws_sdk_ec2::types::builders::IpPermissionBuilder,
    source: &Source,
    description: Option<&str>,
) -> Result<aws_sdk_ec2::types::builders::IpPermissionBuilder> {
    let description = description.map(str::to_owned);
    Ok(match source {
        Source::Cidr(net @ IpNet::V4(_)) => {
            let range = IpRange::builder().cidr_ip(net.to_string()).set_description(description);
            item.ip_ranges(range.build())
        }
        Source::Cidr(net @ IpNet::V6(_)) => {
            let range = Ipv6Range::builder().cidr_ipv6(net.to_string()).set_description(description);
            item.ipv6_ranges(range.build())
        }
        Source::PrefixList(id) => {
            let list = PrefixListId::builder().prefix_list_id(id).set_description(description);
            item.prefix_list_ids(list.build())
        }
        Source::Group(id) => {
            let id = id.value().ok_or_else(|| {
                Error::new(ErrorKind::Internal, "a rule refers to a security group that is not there yet")
            })?;
            let pair = UserIdGroupPair::builder().group_id(id).set_description(description);
            item.user_id_group_pairs(pair.build())
        }
    })
}
