//! Elastic Load Balancing.

mod facts;
mod listeners;
mod load_balancers;
mod target_groups;

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::Tag;
use cloud_lb_core::error::Result;

use super::call::{ServiceCalls, missing};
use crate::api::Map;
use crate::kinds::Pairs;

/// Items of a page: the most that the API gives.
const PAGE_SIZE: i32 = 400;

/// The client with its calls.
#[derive(Debug)]
pub(super) struct Elbv2 {
    pub(super) client: Client,
    pub(super) calls: ServiceCalls,
}

impl Elbv2 {
    pub(super) async fn describe_tags(&self, arns: &[String]) -> Result<BTreeMap<String, Map>> {
        let request = self.client.describe_tags().set_resource_arns(Some(arns.to_vec()));
        let answer = self.calls.read("DescribeTags", request.send()).await?;
        let mut all = BTreeMap::new();
        for described in answer.tag_descriptions() {
            let arn = described.resource_arn().ok_or_else(|| missing("ResourceArn"))?;
            let pairs = described.tags().iter().map(|tag| pair(tag.key(), tag.value()));
            all.insert(arn.to_owned(), pairs.collect());
        }
        Ok(all)
    }

    pub(super) async fn add_tags(&self, arn: &str, tags: &Pairs) -> Result<()> {
        let request = self.client.add_tags().resource_arns(arn).set_tags(sdk_tags(tags));
        self.calls.write("AddTags", request.send()).await.map(drop)
    }

    pub(super) async fn remove_tags(&self, arn: &str, keys: &[String]) -> Result<()> {
        let request = self.client.remove_tags().resource_arns(arn).set_tag_keys(Some(keys.to_vec()));
        self.calls.write("RemoveTags", request.send()).await.map(drop)
    }
}

/// A tag or an attribute; one without a value has an empty one.
fn pair(key: Option<&str>, value: Option<&str>) -> (String, String) {
    (key.unwrap_or_default().to_owned(), value.unwrap_or_default().to_owned())
}

/// Tags of a request; an empty list is none, which the API refuses.
fn sdk_tags(tags: &Pairs) -> Option<Vec<Tag>> {
    let tag = |(key, value)| Tag::builder().key(key).value(value).build();
    let tags: Vec<Tag> = tags.0.iter().map(tag).collect();
    Some(tags).filter(|tags| !tags.is_empty())
}

/// A number of ours where the SDK wants a signed one.
fn signed(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
