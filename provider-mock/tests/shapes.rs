//! The mock cloud's three shapes, from outside.

#[path = "shapes/lifecycle.rs"]
mod lifecycle;
#[path = "shapes/support.rs"]
mod support;
