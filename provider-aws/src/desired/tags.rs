use std::collections::BTreeMap;

use cloud_lb_core::model::ServiceId;

use super::notes::Notes;
use super::stack::Context;
use crate::config::Config;
use crate::facts::lookup::{BACKEND_GROUP, CLUSTER_TAG, RESOURCE_TAG, SHARED_RESOURCE_TAG, STACK_TAG};
use crate::kinds::{Pairs, TAG_RULE, is_tag};

/// Most tags of a resource.
pub(super) const MAX_TAGS: usize = 50;

/// Id of the load balancer within its Service.
pub(crate) const LOAD_BALANCER: &str = "LoadBalancer";
/// Id of the frontend security group within its Service.
pub(crate) const FRONTEND_GROUP: &str = "ManagedLBSecurityGroup";

/// Id of the target group of a Service port.
pub(crate) fn target_group(service: &ServiceId, port: u16) -> String {
    format!("{}:{port}", service.path())
}

/// All tags of one resource of a Service (AWS-36, AWS-38).
pub(super) fn of_resource(context: &Context<'_>, resource: &str) -> Pairs {
    let service = &context.lb.service;
    let mut tags = of_user(context);
    tags.insert(CLUSTER_TAG.to_owned(), service.cluster.clone());
    tags.insert(STACK_TAG.to_owned(), service.path());
    tags.insert(RESOURCE_TAG.to_owned(), resource.to_owned());
    Pairs(tags)
}

/// All tags of the shared security group.
pub(super) fn of_backend_group(config: &Config) -> Pairs {
    let mut tags = config.default_tags.clone();
    tags.insert(CLUSTER_TAG.to_owned(), config.cluster_name.clone());
    tags.insert(SHARED_RESOURCE_TAG.to_owned(), BACKEND_GROUP.to_owned());
    Pairs(tags)
}

fn of_user(context: &Context<'_>) -> BTreeMap<String, String> {
    let asked = context.asked.map("additional-resource-tags").cloned().unwrap_or_default();
    let defaults = context.config.default_tags.clone();
    let (mut low, high) =
        if context.config.enable_default_tags_low_priority { (defaults, asked) } else { (asked, defaults) };
    low.extend(high);
    low
}

/// Refuses tags that others manage and tags that AWS would not take (AWS-38, AWS-39).
pub(super) fn check(context: &Context<'_>, notes: &mut Notes) {
    let key = "additional-resource-tags";
    for (name, value) in context.asked.map(key).into_iter().flatten() {
        if context.config.external_managed_tags.contains(name) {
            notes.refuse(
                key,
                name,
                format!("external managed tag key {name} cannot be specified on Service"),
            );
        }
        if !is_tag(name, value) {
            notes.refuse(
                key,
                format!("{name}={value}"),
                format!("{name}={value} is no tag, expected {TAG_RULE}"),
            );
        }
    }
    let count = of_resource(context, "").0.len();
    if count > MAX_TAGS {
        notes.refuse(
            key,
            count,
            format!("{count} tags, with the default ones, are more than the {MAX_TAGS} of a resource"),
        );
    }
}
