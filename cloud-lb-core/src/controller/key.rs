use std::fmt;

use kube::ResourceExt;

use crate::measure::Lane;

/// Namespace and name of an object; the namespace of cluster-wide objects is empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ObjectKey {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl ObjectKey {
    pub(crate) fn of(object: &impl ResourceExt) -> Self {
        Self { namespace: object.namespace().unwrap_or_default(), name: object.name_any() }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A serial lane.
///
/// The lane of a Service goes by its name, not by its UID: the load balancer of a Service that was
/// deleted must be gone before the one of its successor is made (SC-72), and a UID has one name only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// The targets that all load balancers of the cluster share.
    Cluster,
    /// All that concerns one Service.
    Service(ObjectKey),
}

impl Key {
    /// What the lane serves.
    pub(crate) fn lane(&self) -> Lane {
        match self {
            Self::Cluster => Lane::Node,
            Self::Service(_) => Lane::Service,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster => f.write_str("the targets of the cluster"),
            Self::Service(key) => key.fmt(f),
        }
    }
}
