//! A cloud in a process.

mod annotations_table;
pub mod apiserver;
mod backend;
mod cloud;
mod config;
pub mod dataplane;
mod faults;
pub mod net;
pub mod nodesim;

pub use annotations_table::ANNOTATIONS;
pub use backend::{provider, provider_with_observer};
pub use cloud::{
    CallCounts, Life, MockCloud, NewResource, Options, Page, Query, Record, TargetHealth, Throttle,
};
pub use config::{Addressing, Config, Shape};
pub use faults::{CallMatch, Fault, Faults, Injected};
