//! Wrappers over [`LoadBalancerProvider`](crate::provider::LoadBalancerProvider), for what concerns every
//! provider and is the business of none.

mod measured;

pub use measured::Measured;
