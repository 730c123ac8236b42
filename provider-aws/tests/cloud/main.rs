//! The provider on the stateful account in memory.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests")]

mod budget;
#[path = "../support/case.rs"]
#[expect(dead_code, reason = "what snapshots show means nothing here")]
mod case;
mod conformance;
#[path = "../support/dressed.rs"]
mod dressed;
mod gates;
mod golden;
mod interfaces;
mod neighbours;
mod order;
mod orphans;
mod refused;
mod replacing;
mod rules;
mod scenarios;
mod support;
mod table;
mod takeover;
mod targets;
mod unseen;
mod waiting;
