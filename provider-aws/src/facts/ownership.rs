//! Whose a load balancer or target group is: told by our tags (AWS-36, AWS-37), or by the name and tags
//! that the cloud controller manager gives (AWS-42, AWS-215).

use std::collections::BTreeMap;

use cloud_lb_core::model::ServiceId;

use super::lookup::{CLUSTER_TAG, RESOURCE_TAG, STACK_TAG, is_of_stack};
use super::{LoadBalancerFacts, TargetGroupFacts};
use crate::config::Adopt;

/// Tag of the cloud controller manager with `namespace/name` of the Service.
const CCM_SERVICE_TAG: &str = "kubernetes.io/service-name";
/// Longest name of a load balancer.
const MAX_NAME: usize = 32;

type Tags = BTreeMap<String, String>;

impl LoadBalancerFacts {
    /// Whether it is the Service's, by its tags or as one that is to be taken over.
    pub(crate) fn is_of(&self, service: &ServiceId, adopt: Adopt) -> bool {
        is_of_stack(&self.tags, service) || (adopt == Adopt::Ccm && self.is_of_ccm(service))
    }

    /// Whether the cloud controller manager made it for the Service, and nobody has taken it over yet.
    pub(crate) fn is_of_ccm(&self, service: &ServiceId) -> bool {
        let uid = service.uid.chars().filter(|c| *c != '-');
        let name: String = std::iter::once('a').chain(uid).take(MAX_NAME).collect();
        !service.uid.is_empty() && self.load_balancer_name == name && is_made_by_ccm(&self.tags, service)
    }
}

fn is_made_by_ccm(tags: &Tags, service: &ServiceId) -> bool {
    let has = |key: &str, value: &str| tags.get(key).is_some_and(|tag| tag == value);
    !tags.contains_key(CLUSTER_TAG)
        && has(&format!("kubernetes.io/cluster/{}", service.cluster), "owned")
        && has(CCM_SERVICE_TAG, &service.path())
}

/// The load balancers and target groups of a Service. Target groups of the cloud controller manager come
/// with the load balancer that uses them.
pub(crate) fn of_service<'a>(
    service: &ServiceId,
    adopt: Adopt,
    lbs: impl Iterator<Item = &'a LoadBalancerFacts>,
    tgs: impl Iterator<Item = &'a TargetGroupFacts>,
) -> (Vec<&'a LoadBalancerFacts>, Vec<&'a TargetGroupFacts>) {
    let lbs: Vec<&LoadBalancerFacts> = lbs.filter(|lb| lb.is_of(service, adopt)).collect();
    let is_used = |group: &TargetGroupFacts| {
        group.load_balancer_arns.iter().any(|arn| lbs.iter().any(|lb| lb.load_balancer_arn == *arn))
    };
    let is_ours = |group: &&TargetGroupFacts| {
        is_of_stack(&group.tags, service) || (is_made_by_ccm(&group.tags, service) && is_used(group))
    };
    let tgs = tgs.filter(is_ours).collect();
    (lbs, tgs)
}

/// The Service port of a target group: from its tag `namespace/name:port`, else that of the listener that
/// forwards to it.
pub(crate) fn port_of<'a>(
    group: &TargetGroupFacts,
    lbs: impl IntoIterator<Item = &'a LoadBalancerFacts>,
) -> String {
    if let Some(resource) = group.tags.get(RESOURCE_TAG) {
        return resource.rsplit_once(':').map_or(resource.as_str(), |(_, port)| port).to_owned();
    }
    let mut listeners = lbs.into_iter().flat_map(|lb| &lb.listeners);
    let user = listeners.find(|listener| listener.target_group_arn == group.target_group_arn);
    user.map(|listener| listener.port.to_string()).unwrap_or_default()
}

/// The Service that tags say; without UID, which they do not tell.
pub(crate) fn owner(tags: &Tags, cluster: &str) -> Option<ServiceId> {
    let (namespace, name) = tags.get(STACK_TAG).or_else(|| tags.get(CCM_SERVICE_TAG))?.split_once('/')?;
    Some(ServiceId {
        cluster: cluster.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        uid: String::new(),
    })
}
