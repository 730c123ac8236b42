//! An embedded Kubernetes API.
mod allocate;
mod field;
mod strategy;
