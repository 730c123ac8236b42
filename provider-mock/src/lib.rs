//! A cloud in a process.

pub mod apiserver;
pub mod dataplane;
pub mod net;
pub mod nodesim;
