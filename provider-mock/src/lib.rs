//! A cloud in a process.

pub mod apiserver;
