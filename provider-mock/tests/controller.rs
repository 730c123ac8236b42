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
#[path = "controller/cluster.rs"]
#[expect(dead_code, reason = "shared with the tests of rights, which use the rest")]
mod cluster;
#[path = "controller/conditions.rs"]
mod conditions;
#[path = "controller/costs.rs"]
mod costs;
#[path = "controller/ensure.rs"]
mod ensure;
#[path = "support/envtest/mod.rs"]
#[expect(dead_code, reason = "shared with the comparison of API servers, which uses the rest")]
mod envtest;
#[path = "controller/errors.rs"]
mod errors;
#[path = "controller/gate_failures.rs"]
mod gate_failures;
#[path = "controller/gates.rs"]
mod gates;
#[path = "controller/lanes.rs"]
mod lanes;
#[path = "controller/mock.rs"]
mod mock;
#[path = "controller/nodes.rs"]
mod nodes;
#[path = "controller/ownership.rs"]
mod ownership;
#[path = "controller/real.rs"]
mod real;
#[path = "controller/remote.rs"]
mod remote;
#[path = "controller/rules.rs"]
mod rules;
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
