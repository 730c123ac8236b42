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

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Service;
    use kube::core::ObjectMeta;

    use super::*;

    /// Upstream's keys are texts, and one with two slashes is an error at run time. These are never taken
    /// apart again, so that there is no wrong one (SC-40).
    #[test]
    fn b038_a_key_cannot_be_malformed() {
        let of = |namespace: &str, name: &str| {
            let (namespace, name) = (Some(namespace.to_owned()), Some(name.to_owned()));
            let metadata = ObjectMeta { namespace, name, ..ObjectMeta::default() };
            ObjectKey::of(&Service { metadata, ..Service::default() })
        };
        assert_eq!(of("shop", "web").to_string(), "shop/web");
        assert_eq!(of("invalid", "key/string").to_string(), of("invalid/key", "string").to_string());
        assert_ne!(of("invalid", "key/string"), of("invalid/key", "string"));
    }
}
