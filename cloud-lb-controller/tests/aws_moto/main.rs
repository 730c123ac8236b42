//! The whole way, on an AWS that somebody else wrote: a real kubectl applies a Service, `cloud-lb run
//! --provider aws` makes a load balancer in moto, and the AWS SDK looks at it. Runs where `MOTO_ENDPOINT` is
//! set, for example `http://127.0.0.1:5000`.
#![cfg(all(unix, feature = "aws"))]

#[cfg(test)]
mod account;
#[cfg(test)]
mod cluster;
#[cfg(test)]
mod way;
