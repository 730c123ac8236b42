//! The service controller against the embedded Kubernetes API and a scripted cloud, on paused time.
//!
//! Names of tests start with the rule (SC-n, W-n) or the condensed upstream case that they show.

#[path = "controller/breaker.rs"]
mod breaker;
#[path = "controller/classes.rs"]
mod classes;
#[path = "controller/cleanup.rs"]
mod cleanup;
#[path = "controller/cloud.rs"]
mod cloud;
#[path = "controller/conditions.rs"]
mod conditions;
#[path = "controller/costs.rs"]
mod costs;
#[path = "controller/ensure.rs"]
mod ensure;
#[path = "controller/errors.rs"]
mod errors;
#[path = "controller/gates.rs"]
mod gates;
#[path = "controller/lanes.rs"]
mod lanes;
#[path = "controller/mock.rs"]
mod mock;
#[path = "controller/nodes.rs"]
mod nodes;
#[path = "controller/snapshots.rs"]
mod snapshots;
#[path = "controller/surveys.rs"]
mod surveys;
#[path = "controller/upstream.rs"]
mod upstream;
#[path = "controller/vanished.rs"]
mod vanished;
#[path = "controller/warnings.rs"]
mod warnings;
#[path = "controller/world.rs"]
mod world;
