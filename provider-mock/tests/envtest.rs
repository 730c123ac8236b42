//! The embedded API beside a real one: the same requests, the same answers.
//!
//! `KUBEBUILDER_ASSETS` names a folder with the executables `kube-apiserver` and `etcd`; where it is not set, stand-ins
//! take their place, and a line says what is skipped.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a helper that fails fails its test, and a skip is told"
)]

#[path = "envtest/cases/mod.rs"]
mod cases;
#[path = "envtest/compare.rs"]
mod compare;
#[path = "envtest/comparing.rs"]
mod comparing;
#[path = "envtest/differences.rs"]
mod differences;
#[path = "support/envtest/mod.rs"]
#[expect(dead_code, reason = "shared with the tests of the controller, which use the rest")]
mod envtest;
#[path = "envtest/known.rs"]
mod known;
#[path = "envtest/normal.rs"]
mod normal;
#[path = "support/refused.rs"]
mod refused;
#[path = "envtest/side.rs"]
mod side;
#[path = "envtest/starting.rs"]
mod starting;
#[path = "envtest/step.rs"]
mod step;
