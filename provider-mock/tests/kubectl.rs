//! The embedded API driven by a real kubectl over loopback HTTP.
//!
//! Each test starts a server of its own. Where kubectl is not on the PATH, a line says so and the
//! tests pass without having shown anything.

#[path = "kubectl/harness.rs"]
mod harness;
#[path = "kubectl/nodes.rs"]
mod nodes;
#[path = "kubectl/services.rs"]
mod services;
