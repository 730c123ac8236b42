//! The provider on the stateful account in memory.

mod budget;
#[path = "../support/case.rs"]
mod case;
mod conformance;
mod golden;
mod scenarios;
mod support;
