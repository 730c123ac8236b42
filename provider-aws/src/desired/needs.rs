//! What of the account one Service depends on, so that only this is read.

use std::collections::BTreeSet;

use cloud_lb_core::model::LoadBalancer;

use super::targets::instance_id;
use super::{names, takes};
use crate::annotations::Annotations;
use crate::config::Config;
use crate::kinds::Scheme;

/// Ids and names to look up for a Service, beyond what exists of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Names that its load balancer may get: they must be free, or its own (AWS-35).
    pub(crate) load_balancer_names: BTreeSet<String>,
    /// Subnets of the annotation, by id.
    pub(crate) subnet_ids: BTreeSet<String>,
    /// Subnets of the annotation, by `Name` tag.
    pub(crate) subnet_names: BTreeSet<String>,
    /// Security groups of the annotation, by id.
    pub(crate) group_ids: BTreeSet<String>,
    /// Security groups of the annotation, by `Name` tag.
    pub(crate) group_names: BTreeSet<String>,
    /// Elastic IP addresses.
    pub(crate) allocation_ids: BTreeSet<String>,
    /// Instances of all nodes: their security groups get rules.
    pub(crate) instance_ids: BTreeSet<String>,
}

impl Needs {
    /// What a Service needs. Annotations that cannot be read need nothing: `build` refuses them.
    ///
    /// Where there are neither subnet ids nor names, subnets are discovered (AWS-51).
    pub(crate) fn of(lb: &LoadBalancer, config: &Config) -> Self {
        let (asked, _) = Annotations::read(&takes::annotations(lb, config));
        let (subnet_ids, subnet_names) = by_prefix(&asked, "subnets", "subnet-");
        let (group_ids, group_names) = by_prefix(&asked, "security-groups", "sg-");
        let load_balancer_names = match asked.text("name") {
            Some(name) => BTreeSet::from([name.to_owned()]),
            None => [Scheme::Internal, Scheme::InternetFacing]
                .map(|scheme| names::load_balancer(&lb.service, scheme))
                .into(),
        };
        Self {
            load_balancer_names,
            subnet_ids,
            subnet_names,
            group_ids,
            group_names,
            allocation_ids: asked.list("eip-allocations").unwrap_or_default().iter().cloned().collect(),
            instance_ids: lb.nodes.iter().filter_map(instance_id).map(ToOwned::to_owned).collect(),
        }
    }
}

/// Items of a list that are ids, and those that are names.
fn by_prefix(asked: &Annotations, key: &str, prefix: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let items = asked.list(key).unwrap_or_default().iter().cloned();
    items.partition(|item| item.starts_with(prefix))
}
