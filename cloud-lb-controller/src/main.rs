//! The `cloud-lb` binary.
fn main() {}
