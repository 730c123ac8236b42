//! EC2.

mod dry_run;
mod facts;
mod groups;
mod interfaces;
mod machines;
mod networks;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, Tag};

use super::call::ServiceCalls;
use crate::api::Map;
use crate::kinds::Pairs;

/// Items of a page: the most that the API gives.
const PAGE_SIZE: i32 = 1000;
/// Values of one filter that the API takes at most.
const FILTER_VALUES: usize = 200;

/// The client with its calls.
#[derive(Debug)]
pub(super) struct Ec2 {
    pub(super) client: Client,
    pub(super) calls: ServiceCalls,
}

/// What has one of these values.
fn filter(name: impl Into<String>, values: impl IntoIterator<Item = impl Into<String>>) -> Filter {
    let values = values.into_iter().map(Into::into).collect();
    Filter::builder().name(name).set_values(Some(values)).build()
}

fn sdk_tags(tags: &Pairs) -> Vec<Tag> {
    tags.0.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

fn map_of(tags: &[Tag]) -> Map {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    tags.iter().map(|tag| (text(tag.key()), text(tag.value()))).collect()
}
