//! AWS Network Load Balancers for Services of type `LoadBalancer`: a drop-in for
//! aws-load-balancer-controller, with whose names, tags and rules it is compatible.

mod annotations;
pub mod api;
mod apply;
mod backend;
mod change;
#[cfg(feature = "sdk")]
mod classify;
pub mod config;
mod desired;
pub mod facts;
#[cfg(any(test, feature = "fake"))]
pub mod fake;
#[cfg(test)]
mod fixtures;
mod gates;
mod inventory;
pub mod kinds;
mod observe;
mod offline;
mod patience;
pub mod permissions;
#[cfg(feature = "sdk")]
mod sdk;
mod status;

pub use annotations::{SHARED as SHARED_ANNOTATIONS, TABLE as ANNOTATIONS};
pub use api::Api;
pub use backend::Aws;
pub use config::Config;
pub use desired::{build, check_deletion, takes, warnings};
pub use facts::Account;
pub use offline::Offline;
pub use permissions::{Permission, Verdict};
#[cfg(feature = "sdk")]
pub use sdk::{AccessKeys, Credentials, Description, Sdk};
