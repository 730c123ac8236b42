//! Desired resources of a Service.
mod names;
