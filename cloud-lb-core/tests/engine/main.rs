//! The planner and the engine, on a cloud of toys that refuses every step that a real one would.

#[cfg(test)]
mod backend;
#[cfg(test)]
mod concurrent;
#[cfg(test)]
mod engine;
#[cfg(test)]
mod plan;
#[cfg(test)]
mod property;
#[cfg(test)]
mod report;
#[cfg(test)]
mod shared;
#[cfg(test)]
mod toy;
#[cfg(test)]
mod world;
