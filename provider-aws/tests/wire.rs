//! Every call of the SDK adapter on the wire: what it sends, held against snapshots, and what it makes of
//! the answers, which are those of AWS's own examples in form.

#![cfg(feature = "sdk")]

#[path = "wire/calls_acm.rs"]
mod calls_acm;
#[path = "wire/calls_ec2.rs"]
mod calls_ec2;
#[path = "wire/calls_elbv2.rs"]
mod calls_elbv2;
#[path = "wire/errors.rs"]
mod errors;
#[path = "wire/permissions.rs"]
mod permissions;
#[path = "wire/server.rs"]
mod server;
