//! Whole clusters, with everything going wrong that can, as a seed decides; on paused time, on one thread.
//!
//! `SEED=7 cargo test -p provider-mock --test simulation` plays one seed and prints what happened;
//! `SEEDS=100000 cargo test …` plays that many. The same seed gives the same story, to the last line.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a helper that fails fails its test"
)]

#[path = "simulation/chaos.rs"]
mod chaos;
#[path = "simulation/check.rs"]
mod check;
#[path = "simulation/nodes.rs"]
mod nodes;
#[path = "support/nodes.rs"]
mod ready;
#[path = "simulation/replica.rs"]
mod replica;
#[path = "simulation/run.rs"]
mod run;
#[path = "simulation/seeds.rs"]
mod seeds;
#[path = "simulation/setting.rs"]
mod setting;
#[path = "simulation/steps.rs"]
mod steps;
#[path = "simulation/tamper.rs"]
mod tamper;
#[path = "simulation/trace.rs"]
mod trace;
#[path = "simulation/users.rs"]
mod users;
#[path = "simulation/world.rs"]
mod world;
