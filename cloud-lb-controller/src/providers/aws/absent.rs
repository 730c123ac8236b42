//! What stands in for the real AWS where its SDK is not built in: the way to build it.
#![expect(clippy::unused_async, reason = "the calls are those of the real one")]

use provider_aws::Permission;

use super::{Chosen, Described, Parts};
use crate::failure::Failure;

pub(super) async fn link(_: &Chosen) -> Result<Parts, Failure> {
    Err(absent("plan --facts FILE works without it"))
}

pub(super) async fn facts(_: &Chosen) -> Result<Described, Failure> {
    Err(absent("examples/aws/facts.yaml shows what to write by hand"))
}

pub(super) async fn permissions(_: &Chosen) -> Result<Vec<Permission>, Failure> {
    Err(absent("deploy/iam/aws.json holds what is needed"))
}

fn absent(instead: &str) -> Failure {
    let build = "cargo build --release --package cloud-lb-controller --features aws";
    Failure::new(format!("this cloud-lb was built without the AWS SDK: build it with `{build}`; {instead}"))
}
