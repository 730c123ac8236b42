//! A cloud in a process.

pub mod apiserver;
pub mod dataplane;
pub mod net;
pub mod nodesim;

mod backend;
mod cloud;
mod config;
mod faults;

pub use backend::{provider, provider_with_observer};
pub use cloud::{
    CallCounts, Life, MockCloud, NewResource, Options, Page, Query, Record, TargetHealth, Throttle,
};
pub use config::{Addressing, Config, Shape};
pub use faults::{CallMatch, Fault, Faults, Injected};
