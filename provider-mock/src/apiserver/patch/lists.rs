//! How the lists of the served kinds merge: the `patchMergeKey` and `listMapKeys` of the API types.
//!
//! From `staging/src/k8s.io/api/{core,discovery,coordination}/v1/types.go`. Everything that is not named
//! here is atomic: it is replaced whole, for instance `spec.taints` of nodes and
//! `status.loadBalancer.ingress` of Services.

use crate::apiserver::resource::Resource;

/// How a list of a patch meets the list of the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListMerge {
    /// The list is one value.
    Atomic,
    /// A set of plain values.
    Set,
    /// Elements with equal keys are the same element. Strategic merge uses the first key only,
    /// server-side apply all of them; a missing second key has the default given with it.
    By(&'static str, Option<(&'static str, &'static str)>),
}

use ListMerge::{Atomic, By, Set};

/// The rule for the list at `path`, whose parts are field names without list indices.
pub(crate) fn rule(resource: Resource, path: &[&str]) -> ListMerge {
    match path {
        ["metadata", "finalizers"] => Set,
        ["metadata", "ownerReferences"] => By("uid", None),
        ["status", "conditions"] => By("type", None),
        _ => match resource {
            Resource::Services => service(path),
            Resource::Nodes => node(path),
            Resource::Pods => pod(path),
            _ => Atomic,
        },
    }
}

fn service(path: &[&str]) -> ListMerge {
    match path {
        ["spec", "ports"] => By("port", Some(("protocol", "TCP"))),
        _ => Atomic,
    }
}

fn node(path: &[&str]) -> ListMerge {
    match path {
        ["spec", "podCIDRs"] => Set,
        ["status", "addresses"] => By("type", None),
        _ => Atomic,
    }
}

fn pod(path: &[&str]) -> ListMerge {
    match path {
        ["spec", "containers" | "initContainers" | "ephemeralContainers", inner @ ..] => match inner {
            [] | ["env"] => By("name", None),
            ["ports"] => By("containerPort", Some(("protocol", "TCP"))),
            ["volumeMounts"] => By("mountPath", None),
            ["volumeDevices"] => By("devicePath", None),
            _ => Atomic,
        },
        ["spec", "volumes" | "imagePullSecrets" | "resourceClaims"] => By("name", None),
        ["spec", "hostAliases"] | ["status", "podIPs" | "hostIPs"] => By("ip", None),
        ["spec", "topologySpreadConstraints"] => By("topologyKey", Some(("whenUnsatisfiable", ""))),
        _ => Atomic,
    }
}
