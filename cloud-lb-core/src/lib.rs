//! The provider-neutral core of cloud-lb.
//!
//! Data flows one way: Service -> [`model`] -> desired [`graph`] -> [`plan`] -> apply -> status.
//!
//! - A cloud implements [`backend::Backend`]; [`engine::Engine`] makes a
//!   [`provider::LoadBalancerProvider`] of it.
//! - A controller holds `Arc<dyn LoadBalancerProvider>`.

pub mod annotations;
pub mod backend;
#[cfg(feature = "kube")]
mod backoff;
pub mod call;
#[cfg(any(feature = "kube", feature = "metrics"))]
mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "kube")]
pub mod controller;
pub mod deadline;
pub mod engine;
pub mod error;
pub mod graph;
#[cfg(feature = "kube")]
pub mod k8s;
pub mod layers;
#[cfg(feature = "kube")]
pub mod lease;
pub mod measure;
#[cfg(feature = "metrics")]
pub mod metrics;
pub mod model;
pub mod naming;
pub mod ownership;
pub mod plan;
pub mod provider;
pub mod rate;
pub mod supervisor;
#[cfg(any(feature = "kube", feature = "metrics"))]
#[cfg_attr(not(feature = "kube"), expect(dead_code, reason = "it is the controller that writes them"))]
pub mod vitals;

pub use error::{Error, ErrorKind, Result};
