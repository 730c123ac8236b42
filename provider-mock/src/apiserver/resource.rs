//! The kinds that the embedded API serves, and where it serves them.

/// A kind of object that the embedded API serves.
///
/// `Events` are stored once and served twice: as core/v1 and as events.k8s.io/v1. Reviews are questions: they are
/// answered and not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Resource {
    /// core/v1 Namespace.
    Namespaces,
    /// core/v1 Node.
    Nodes,
    /// core/v1 Service.
    Services,
    /// core/v1 Pod.
    Pods,
    /// core/v1 Endpoints.
    Endpoints,
    /// discovery.k8s.io/v1 `EndpointSlice`.
    EndpointSlices,
    /// core/v1 Event, also served as events.k8s.io/v1.
    Events,
    /// core/v1 Secret.
    Secrets,
    /// core/v1 `ConfigMap`.
    ConfigMaps,
    /// coordination.k8s.io/v1 Lease.
    Leases,
    /// authentication.k8s.io/v1 `TokenReview`.
    TokenReviews,
    /// authorization.k8s.io/v1 `SubjectAccessReview`.
    SubjectAccessReviews,
}

impl Resource {
    /// The name of the kind in manifests, such as `Service`.
    pub fn kind(self) -> &'static str {
        self.stored_as().kind
    }

    /// The name of the resource in paths and messages, such as `services`.
    pub fn plural(self) -> &'static str {
        self.stored_as().plural
    }

    /// Whether objects live in a namespace.
    pub fn namespaced(self) -> bool {
        self.stored_as().namespaced
    }

    /// The endpoint in whose version the objects are stored.
    pub(crate) fn stored_as(self) -> &'static Endpoint {
        ENDPOINTS.iter().find(|endpoint| endpoint.resource == self).unwrap_or(&CORE)
    }

    /// Whether the kind counts changes of its specification in `metadata.generation`; Services do not.
    pub(crate) fn has_generation(self) -> bool {
        matches!(self, Self::Pods | Self::EndpointSlices)
    }

    /// Whether an update must say which version it replaces.
    pub(crate) fn needs_version_on_update(self) -> bool {
        matches!(self, Self::Leases)
    }

    /// Whether objects are answers to a question, which nobody can get later.
    pub(crate) fn is_review(self) -> bool {
        matches!(self, Self::TokenReviews | Self::SubjectAccessReviews)
    }

    /// Whether a delete answers with the object instead of a Status.
    pub(crate) fn returns_deleted(self) -> bool {
        matches!(self, Self::Services | Self::Pods)
    }
}

/// One group, version and resource under which a kind is served.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub resource: Resource,
    /// Empty for the core group.
    pub group: &'static str,
    pub version: &'static str,
    pub plural: &'static str,
    pub singular: &'static str,
    pub kind: &'static str,
    pub short_names: &'static [&'static str],
    pub categories: &'static [&'static str],
    pub namespaced: bool,
    pub has_status: bool,
    /// What `kubectl explain` says of the kind.
    pub description: &'static str,
}

impl Endpoint {
    /// `v1` or `discovery.k8s.io/v1`.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// `services` or `endpointslices.discovery.k8s.io`, as messages name the resource.
    pub(crate) fn qualified(&self) -> String {
        qualify(self.plural, self.group)
    }

    /// The package of the kind in the real server's source, which some messages name.
    pub(crate) fn package(&self) -> &'static str {
        match self.group {
            "" | "events.k8s.io" => "core",
            group => group.split('.').next().unwrap_or(group),
        }
    }

    /// `Service` or `EndpointSlice.discovery.k8s.io`, as messages name the kind.
    pub(crate) fn qualified_kind(&self) -> String {
        qualify(self.kind, self.group)
    }
}

fn qualify(name: &str, group: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
}

const CORE: Endpoint = Endpoint {
    resource: Resource::Services,
    group: "",
    version: "v1",
    plural: "services",
    singular: "service",
    kind: "Service",
    short_names: &["svc"],
    categories: &["all"],
    namespaced: true,
    has_status: true,
    description: "Service is a named abstraction of software service (for example, mysql) consisting of local port \
                  that the proxy listens on, and the selector that determines which pods will answer requests \
                  sent through the proxy.",
};

const REVIEW: Endpoint =
    Endpoint { short_names: &[], categories: &[], namespaced: false, has_status: false, ..CORE };

/// Everything that is served. The first endpoint of a resource is the one it is stored as.
pub(crate) static ENDPOINTS: [Endpoint; 13] = [
    CORE,
    Endpoint {
        resource: Resource::Namespaces,
        plural: "namespaces",
        singular: "namespace",
        kind: "Namespace",
        short_names: &["ns"],
        categories: &[],
        namespaced: false,
        description: "Namespace provides a scope for Names. Use of multiple namespaces is optional.",
        ..CORE
    },
    Endpoint {
        resource: Resource::Nodes,
        plural: "nodes",
        singular: "node",
        kind: "Node",
        short_names: &["no"],
        categories: &[],
        namespaced: false,
        description: "Node is a worker node in Kubernetes.",
        ..CORE
    },
    Endpoint {
        resource: Resource::Pods,
        plural: "pods",
        singular: "pod",
        kind: "Pod",
        short_names: &["po"],
        description: "Pod is a collection of containers that can run on a host.",
        ..CORE
    },
    Endpoint {
        resource: Resource::Endpoints,
        plural: "endpoints",
        singular: "endpoints",
        kind: "Endpoints",
        short_names: &["ep"],
        categories: &[],
        has_status: false,
        description: "Endpoints is a collection of endpoints that implement the actual service.",
        ..CORE
    },
    Endpoint {
        resource: Resource::Events,
        plural: "events",
        singular: "event",
        kind: "Event",
        short_names: &["ev"],
        categories: &[],
        has_status: false,
        description: "Event is a report of an event somewhere in the cluster.",
        ..CORE
    },
    Endpoint {
        resource: Resource::Secrets,
        plural: "secrets",
        singular: "secret",
        kind: "Secret",
        short_names: &[],
        categories: &[],
        has_status: false,
        description: "Secret holds secret data of a certain type.",
        ..CORE
    },
    Endpoint {
        resource: Resource::ConfigMaps,
        plural: "configmaps",
        singular: "configmap",
        kind: "ConfigMap",
        short_names: &["cm"],
        categories: &[],
        has_status: false,
        description: "ConfigMap holds configuration data for pods to consume.",
        ..CORE
    },
    Endpoint {
        resource: Resource::Leases,
        group: "coordination.k8s.io",
        plural: "leases",
        singular: "lease",
        kind: "Lease",
        short_names: &[],
        categories: &[],
        has_status: false,
        description: "Lease defines a lease concept.",
        ..CORE
    },
    Endpoint {
        resource: Resource::EndpointSlices,
        group: "discovery.k8s.io",
        plural: "endpointslices",
        singular: "endpointslice",
        kind: "EndpointSlice",
        short_names: &[],
        categories: &[],
        has_status: false,
        description: "EndpointSlice represents a set of service endpoints.",
        ..CORE
    },
    Endpoint {
        resource: Resource::Events,
        group: "events.k8s.io",
        plural: "events",
        singular: "event",
        kind: "Event",
        short_names: &["ev"],
        categories: &[],
        has_status: false,
        description: "Event is a report of an event somewhere in the cluster.",
        ..CORE
    },
    Endpoint {
        resource: Resource::TokenReviews,
        group: "authentication.k8s.io",
        plural: "tokenreviews",
        singular: "tokenreview",
        kind: "TokenReview",
        description: "TokenReview attempts to authenticate a token to a known user.",
        ..REVIEW
    },
    Endpoint {
        resource: Resource::SubjectAccessReviews,
        group: "authorization.k8s.io",
        plural: "subjectaccessreviews",
        singular: "subjectaccessreview",
        kind: "SubjectAccessReview",
        description: "SubjectAccessReview checks whether or not a user or group can perform an action.",
        ..REVIEW
    },
];

/// The group-versions that are served, core first, each once.
pub(crate) fn group_versions() -> Vec<(&'static str, &'static str)> {
    let mut all: Vec<_> = ENDPOINTS.iter().map(|endpoint| (endpoint.group, endpoint.version)).collect();
    all.dedup();
    all
}

/// The resources of one group-version.
pub(crate) fn endpoints_of(group: &str, version: &str) -> impl Iterator<Item = &'static Endpoint> {
    ENDPOINTS.iter().filter(move |endpoint| endpoint.group == group && endpoint.version == version)
}
