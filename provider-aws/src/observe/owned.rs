//! Everything that carries the marks of the cluster.

use std::collections::BTreeMap;

use cloud_lb_core::error::Result;
use cloud_lb_core::model::ServiceId;
use cloud_lb_core::provider::{Owned, OwnedResource};

use crate::api::Api;
use crate::backend::Aws;
use crate::facts::LoadBalancerFacts;
use crate::facts::lookup::{BACKEND_GROUP, CLUSTER_TAG, SHARED_RESOURCE_TAG, STACK_TAG};
use crate::kinds::key;

impl<A: Api> Aws<A> {
    /// Everything with the marks of this cluster, by Service. Tags do not tell the UID of a Service, so
    /// that of the ids is empty.
    pub(crate) async fn owned(&self) -> Result<Vec<Owned>> {
        let view = self.view().await?;
        let mut all: BTreeMap<Option<ServiceId>, Vec<OwnedResource>> = BTreeMap::new();
        let lbs = view.load_balancers.iter().map(|(arn, lb)| (load_balancer(arn, lb), &lb.tags));
        let tgs = view.target_groups.iter();
        let tgs = tgs.map(|(arn, group)| (OwnedResource::new(key::TARGET_GROUP, arn), &group.tags));
        let groups = view.groups.iter();
        let groups = groups.map(|(id, group)| (OwnedResource::new(key::SECURITY_GROUP, id), &group.tags));
        for (resource, tags) in lbs.chain(tgs).chain(groups) {
            let owner = match self.owner(tags) {
                TagOwner::Service(service) => Some(service),
                TagOwner::Cluster => None,
                TagOwner::Others => continue,
            };
            all.entry(owner).or_default().push(resource);
        }
        Ok(all.into_iter().map(|(service, resources)| Owned { service, resources }).collect())
    }

    fn owner(&self, tags: &BTreeMap<String, String>) -> TagOwner {
        if tags.get(CLUSTER_TAG) != Some(&self.config.cluster_name) {
            return TagOwner::Others;
        }
        match tags.get(STACK_TAG).map(|path| path.split_once('/')) {
            Some(Some((namespace, name))) => TagOwner::Service(ServiceId {
                cluster: self.config.cluster_name.clone(),
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                uid: String::new(),
            }),
            None if tags.get(SHARED_RESOURCE_TAG).is_some_and(|id| id == BACKEND_GROUP) => TagOwner::Cluster,
            _ => TagOwner::Others,
        }
    }
}

/// Of what a stack has, AWS charges for load balancers, and for Elastic IPs whether they are in use or not.
fn load_balancer(arn: &str, lb: &LoadBalancerFacts) -> OwnedResource {
    let addresses = lb.subnet_mappings.iter().filter_map(|mapping| mapping.allocation_id.as_ref());
    OwnedResource::new(key::LOAD_BALANCER, arn)
        .with_created(lb.created_time)
        .with_bill(true)
        .with_held(addresses.map(|id| format!("Elastic IP {id}")).collect())
}

/// Whose something is, as its tags say.
enum TagOwner {
    Service(ServiceId),
    Cluster,
    Others,
}
