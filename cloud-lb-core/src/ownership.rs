//! Marks that tell which resources are ours, and whose among us.
//!
//! For clouds with tags or labels. A provider that takes over resources of another controller uses that
//! controller's scheme instead.

use std::collections::BTreeMap;

use crate::model::ServiceId;

/// Tag with the cluster's name. Everything of ours has it.
pub const CLUSTER_TAG: &str = "cloud-lb/cluster";
/// Tag with `namespace/name` of the owning Service.
pub const SERVICE_TAG: &str = "cloud-lb/service";
/// Tag with the UID of the owning Service: the one that decides.
pub const UID_TAG: &str = "cloud-lb/service-uid";
/// Tag with the logical name of the resource.
pub const RESOURCE_TAG: &str = "cloud-lb/resource";

/// Tags of a cloud resource.
pub type Tags = BTreeMap<String, String>;

/// Whose a resource is, as its tags say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Marked {
    /// One Service's.
    Service(ServiceId),
    /// The cluster's.
    Cluster {
        /// Name of the cluster.
        cluster: String,
    },
    /// Not ours: no mark, or marks that make no sense together.
    Foreign,
}

/// The marks of a resource of one Service.
pub fn service_tags(service: &ServiceId, resource: &str) -> Tags {
    let mut tags = cluster_tags(&service.cluster, resource);
    tags.insert(SERVICE_TAG.to_owned(), service.path());
    tags.insert(UID_TAG.to_owned(), service.uid.clone());
    tags
}

/// The marks of a resource that the Services of a cluster share.
pub fn cluster_tags(cluster: &str, resource: &str) -> Tags {
    [(CLUSTER_TAG, cluster), (RESOURCE_TAG, resource)].map(|(k, v)| (k.to_owned(), v.to_owned())).into()
}

/// Reads the marks of a resource.
pub fn read(tags: &Tags) -> Marked {
    let Some(cluster) = tags.get(CLUSTER_TAG) else { return Marked::Foreign };
    match (tags.get(UID_TAG), tags.get(SERVICE_TAG).and_then(|path| path.split_once('/'))) {
        (None, None) => Marked::Cluster { cluster: cluster.clone() },
        (Some(uid), Some((namespace, name))) => Marked::Service(ServiceId {
            cluster: cluster.clone(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            uid: uid.clone(),
        }),
        _ => Marked::Foreign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service() -> ServiceId {
        ServiceId { cluster: "c".into(), namespace: "n".into(), name: "s".into(), uid: "u".into() }
    }

    #[test]
    fn marks_read_back() {
        assert_eq!(read(&service_tags(&service(), "lb")), Marked::Service(service()));
        assert_eq!(read(&cluster_tags("c", "pool")), Marked::Cluster { cluster: "c".into() });
    }

    #[test]
    fn half_a_mark_is_foreign() {
        let mut tags = service_tags(&service(), "lb");
        tags.remove(UID_TAG);
        assert_eq!(read(&tags), Marked::Foreign);
        assert_eq!(read(&Tags::new()), Marked::Foreign);
    }
}
