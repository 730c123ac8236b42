//! The planner and the engine, on a cloud of toys that refuses every step that a real one would.

mod backend;
mod engine;
mod plan;
mod property;
mod report;
mod shared;
mod toy;
mod world;
