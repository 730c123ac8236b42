//! AWS Network Load Balancers for Services of type `LoadBalancer`: a drop-in for
//! aws-load-balancer-controller, which names, tags and rules are compatible with.

pub mod api;
pub mod config;
mod desired;
#[cfg(any(test, feature = "fake"))]
pub mod fake;
pub mod facts;
pub mod kinds;

pub use config::Config;
pub use facts::Account;
