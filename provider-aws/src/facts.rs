//! What an AWS account holds, as far as load balancers care: a snapshot, and look-ups in it.
//!
//! The same types are the format of `facts.yaml`. Names are those of the API's descriptions; tags and
//! attributes are maps.

mod account;
pub(crate) mod lookup;
mod network;
pub(crate) mod ownership;
pub(crate) mod resolve;
mod stack;

pub use account::{Account, Address, Certificate};
pub(crate) use network::Interface;
pub use network::{
    GroupFacts, Instance, InstanceState, NetworkInterface, RouteKind, SubnetFacts, VpcFacts, ZoneKind,
};
pub use stack::{
    ListenerFacts, LoadBalancerFacts, LoadBalancerState, LoadBalancerType, Stack, TargetFacts,
    TargetGroupFacts,
};
