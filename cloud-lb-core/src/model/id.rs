use std::fmt;

use serde::{Deserialize, Serialize};

/// Identifies the Service that a load balancer belongs to.
///
/// The UID is the identity: a Service that is deleted and made again under the same name is another
/// one. Cluster, namespace and name are for people and for names in the cloud.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ServiceId {
    /// Name of the cluster; distinguishes clusters that share a cloud account.
    pub cluster: String,
    /// Namespace of the Service.
    pub namespace: String,
    /// Name of the Service.
    pub name: String,
    /// UID that the API server gave to the Service.
    pub uid: String,
}

impl ServiceId {
    /// The usual `namespace/name`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

impl fmt::Display for ServiceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "service {}/{}", self.namespace, self.name)
    }
}
