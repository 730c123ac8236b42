//! The provider on the stateful account in memory.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod budget;
#[path = "../support/case.rs"]
#[expect(dead_code, reason = "what snapshots show means nothing here")]
mod case;
mod conformance;
mod golden;
mod interfaces;
mod rules;
mod scenarios;
mod support;
mod takeover;
