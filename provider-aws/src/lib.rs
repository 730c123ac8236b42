//! AWS Network Load Balancers for Services of type `LoadBalancer`: a drop-in for
//! aws-load-balancer-controller, with whose names, tags and rules it is compatible.

mod annotations;
mod change;
pub mod config;
mod desired;
pub mod facts;
#[cfg(test)]
mod fixtures;
pub mod kinds;
mod status;

pub use annotations::{SHARED as SHARED_ANNOTATIONS, TABLE as ANNOTATIONS};
pub use config::Config;
pub use desired::{Warning, build, check_deletion, takes, warnings};
pub use facts::Account;
