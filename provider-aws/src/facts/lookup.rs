use std::collections::BTreeMap;
use std::net::IpAddr;

use cloud_lb_core::model::ServiceId;

use crate::config::Adopt;

use super::{Account, GroupFacts, Instance, Stack, SubnetFacts, VpcFacts, ownership};

/// Tag with the cluster's name (AWS-36).
pub(crate) const CLUSTER_TAG: &str = "elbv2.k8s.aws/cluster";
/// The tag that older versions of aws-load-balancer-controller wrote instead (AWS-37); read, never written.
pub(crate) const LEGACY_CLUSTER_TAG: &str = "ingress.k8s.aws/cluster";
/// Tag with `namespace/name` of the Service.
pub(crate) const STACK_TAG: &str = "service.k8s.aws/stack";
/// Tag with the id of the resource within the Service.
pub(crate) const RESOURCE_TAG: &str = "service.k8s.aws/resource";
/// Tag with the id of a resource that the Services of a cluster share.
pub(crate) const SHARED_RESOURCE_TAG: &str = "elbv2.k8s.aws/resource";
/// Id of the shared security group.
pub(crate) const BACKEND_GROUP: &str = "backend-sg";

type Tags = BTreeMap<String, String>;

impl Account {
    /// What exists of a Service in the cluster's network (AWS-37), also what the cloud controller manager
    /// made for it (AWS-215).
    pub fn stack(&self, service: &ServiceId) -> Stack<'_> {
        let lbs = self.load_balancers.iter().filter(|lb| lb.vpc_id == self.vpc_id);
        let tgs = self.target_groups.iter().filter(|group| group.vpc_id == self.vpc_id);
        let groups = self.security_groups.iter().filter(|group| group.vpc_id == self.vpc_id);
        let (load_balancers, target_groups) = ownership::of_service(service, Adopt::Ccm, lbs, tgs);
        let security_groups = groups.filter(|group| is_of_stack(&group.tags, service)).collect();
        Stack { load_balancers, target_groups, security_groups }
    }

    /// The shared security group of a cluster: the first by id (AWS-97).
    pub fn backend_group(&self, cluster: &str) -> Option<&GroupFacts> {
        let has =
            |group: &GroupFacts, key: &str, value: &str| group.tags.get(key).is_some_and(|v| v == value);
        let is_it = |group: &&GroupFacts| {
            group.vpc_id == self.vpc_id
                && has(group, CLUSTER_TAG, cluster)
                && has(group, SHARED_RESOURCE_TAG, BACKEND_GROUP)
        };
        self.security_groups.iter().filter(is_it).min_by_key(|group| &group.group_id)
    }

    /// The number of the account, if the name of anything in it tells.
    pub fn owner(&self) -> Option<&str> {
        let lbs = self.load_balancers.iter().map(|lb| &lb.load_balancer_arn);
        let groups = self.target_groups.iter().map(|group| &group.target_group_arn);
        let certificates = self.certificates.iter().flatten().map(|one| &one.certificate_arn);
        lbs.chain(groups).chain(certificates).find_map(|arn| arn.split(':').nth(4))
    }

    /// The subnet of an id.
    pub fn subnet(&self, id: &str) -> Option<&SubnetFacts> {
        self.subnets.iter().find(|subnet| subnet.subnet_id == id)
    }

    /// The instance of an id.
    pub fn instance(&self, id: &str) -> Option<&Instance> {
        self.instances.iter().find(|instance| instance.instance_id == id)
    }

    /// Whether an address is one of the cluster's network; if its ranges are not known, any is.
    pub(crate) fn is_inside(&self, address: IpAddr) -> bool {
        !self.vpc().is_some_and(|vpc| vpc.is_outside(address))
    }

    /// The cluster's network.
    pub fn vpc(&self) -> Option<&VpcFacts> {
        self.vpcs.iter().find(|vpc| vpc.vpc_id == self.vpc_id)
    }
}

/// Whether tags are those of a resource of this Service (AWS-37).
pub(crate) fn is_of_stack(tags: &Tags, service: &ServiceId) -> bool {
    is_of_cluster(tags, &service.cluster) && tags.get(STACK_TAG) == Some(&service.path())
}

/// Whether tags are those of a resource of this cluster.
pub(crate) fn is_of_cluster(tags: &Tags, cluster: &str) -> bool {
    let tag = tags.get(CLUSTER_TAG).or_else(|| tags.get(LEGACY_CLUSTER_TAG));
    tag.is_some_and(|tag| tag == cluster)
}

/// Says that a name is taken, and by whom (AWS-35).
pub(crate) fn collision(name: &str, arn: &str, tags: &Tags) -> String {
    let tag = |key: &str| tags.get(key).map_or("none", String::as_str);
    format!(
        "NameCollision: the name {name} is taken by {arn}, which is not this Service's ({CLUSTER_TAG}: {}, {STACK_TAG}: \
         {}); it is left alone",
        tag(CLUSTER_TAG),
        tag(STACK_TAG)
    )
}

#[cfg(test)]
mod tests;
