//! From Kubernetes objects to the [`model`](crate::model), and the decisions taken on those objects.
//!
//! Everything here is a pure function of its arguments: no client, no clock, no log. Rule numbers
//! (SC-n, H-n, F-n, W-n) are those of the service controller's specification.

mod decide;
mod endpoints;
mod gates;
mod nodes;
mod ports;
mod problems;
mod ranges;
mod service;
mod status;
mod taints;

#[cfg(test)]
mod fixtures;

pub use decide::{
    ClassPolicy, Owner, has_finalizer, needs_cleanup, needs_health_check, needs_update,
    requests_only_local_traffic, same_status, wants_load_balancer,
};
pub use endpoints::endpoints;
pub(crate) use gates::{GatedPod, unready_pods};
pub use nodes::{DrainingNodes, NewNodes, NodePolicy, usable_nodes};
pub(crate) use nodes::{Standing, is_up, translate as translate_node};
pub use ranges::{allows_all, source_ranges};
pub(crate) use service::outline;
pub use service::{load_balancer, service_id};
pub use status::status;
pub use taints::{DrainTaint, TaintEffect};

use problems::Problems;

/// The finalizer that all service controllers share unless told otherwise.
pub const FINALIZER: &str = "service.kubernetes.io/load-balancer-cleanup";

/// A node with this label is no target, unless the value is a boolean false.
pub const EXCLUDE_LABEL: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

/// Key of the taint that the cluster autoscaler sets on a node that it is about to remove.
pub const AUTOSCALER_TAINT: &str = "ToBeDeletedByClusterAutoscaler";

/// Annotation that gives source ranges where `spec.loadBalancerSourceRanges` is empty.
pub const SOURCE_RANGES_ANNOTATION: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";

/// Type of the Services that get a load balancer.
const LOAD_BALANCER: &str = "LoadBalancer";
