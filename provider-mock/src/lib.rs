//! A cloud in a process, for tests and laptops.
//!
//! - [`MockCloud`] is an account: resources, quotas, slow and stale answers, [`Faults`] on demand, and counts
//!   of every call. [`provider`] makes a `LoadBalancerProvider` of it, in one of three [`Shape`]s.
//! - [`dataplane`] is what its load balancers run on: real TCP and UDP on loopback, over the addresses of a
//!   [`net`].
//! - [`nodesim`] simulates the nodes of a cluster with their kube-proxies and pods.
//! - [`apiserver`] is a Kubernetes API in memory, for `kube::Client` and for kubectl.
//!
//! Everything can be used alone: a test of a controller may need the API and no cloud, a test of a provider
//! the cloud and no data plane.

mod annotations_table;
pub mod apiserver;
mod backend;
mod cloud;
mod config;
pub mod dataplane;
mod faults;
mod fuse;
pub mod net;
pub mod nodesim;

pub use annotations_table::ANNOTATIONS;
pub use backend::{provider, provider_with_observer};
pub use cloud::{
    CallCounts, Life, MockCloud, NewResource, Options, Page, Query, Record, TargetHealth, Throttle,
};
pub use config::{Addressing, Config, Shape};
pub use faults::{CallMatch, Fault, Faults, Injected};
pub use fuse::Fuse;

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
