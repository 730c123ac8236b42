//! `cloud-lb run`: the controller against a cluster.
use crate::Verdict;
use crate::args::RunArgs;
use crate::failure::Failure;

pub(crate) async fn run(args: RunArgs) -> Result<Verdict, Failure> {
    let _ = args;
    Err(Failure::new("not yet"))
}
