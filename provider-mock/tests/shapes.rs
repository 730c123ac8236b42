//! The mock cloud's three shapes, from outside.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests")]

#[path = "shapes/changes.rs"]
mod changes;
#[path = "shapes/concurrency.rs"]
mod concurrency;
#[path = "shapes/faults.rs"]
mod faults;
#[path = "shapes/golden.rs"]
mod golden;
#[path = "shapes/lifecycle.rs"]
mod lifecycle;
#[path = "shapes/memory.rs"]
mod memory;
#[path = "shapes/properties.rs"]
mod properties;
#[path = "shapes/support.rs"]
mod support;
#[path = "shapes/survey.rs"]
mod survey;
#[path = "shapes/traffic.rs"]
mod traffic;
