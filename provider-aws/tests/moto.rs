//! The provider against moto, an AWS that somebody else wrote, over real HTTP, looked at with the AWS SDK.
//! Runs where `MOTO_ENDPOINT` is set, for example `http://127.0.0.1:5000`; every world is an account of its
//! own there, so that the tests run side by side and need no reset.

#![cfg(feature = "sdk")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests"
)]
#![expect(
    clippy::large_futures,
    clippy::redundant_closure_for_method_calls,
    reason = "the futures of the SDK are large, and the paths of its types are longer than what they say"
)]

#[path = "moto/account.rs"]
mod account;
#[path = "support/case.rs"]
#[expect(dead_code, reason = "what snapshots show means nothing here")]
mod case;
#[path = "moto/conformance.rs"]
mod conformance;
#[path = "moto/corrections.rs"]
mod corrections;
#[path = "support/dressed.rs"]
mod dressed;
#[path = "moto/fill.rs"]
mod fill;
#[path = "moto/golden.rs"]
mod golden;
#[path = "moto/life.rs"]
mod life;
#[path = "moto/look.rs"]
mod look;
#[path = "moto/proxy.rs"]
mod proxy;
#[path = "moto/tamper.rs"]
mod tamper;
