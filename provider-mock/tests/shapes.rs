//! The mock cloud's three shapes, from outside.

#[path = "shapes/changes.rs"]
mod changes;
#[path = "shapes/concurrency.rs"]
mod concurrency;
#[path = "shapes/lifecycle.rs"]
mod lifecycle;
#[path = "shapes/support.rs"]
mod support;
