//! The provider on the stateful account in memory.

mod budget;
mod conformance;
mod scenarios;
mod support;
