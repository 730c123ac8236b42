//! The provider-neutral load balancer: what a Service asks for, and nothing of Kubernetes or a cloud.

mod gate;
mod health;
mod id;
mod nodes;
mod port;
mod spec;
mod status;
mod target;

pub use gate::{Gate, GateStatus};
pub use health::{HealthCheck, TrafficPolicy};
pub use id::ServiceId;
pub use nodes::NodeList;
pub use port::{Port, Protocol, TargetPort};
pub use spec::{IpFamily, LoadBalancer, SessionAffinity};
pub use status::{Address, Ingress, IpMode, PortStatus, Status};
pub use target::{Endpoint, Node, NodeField, NodeState, Readiness};
