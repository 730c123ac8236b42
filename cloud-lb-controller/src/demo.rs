//! `cloud-lb demo`.
use crate::Verdict;
use crate::args::DemoArgs;
use crate::failure::Failure;

pub(crate) async fn run(args: DemoArgs) -> Result<Verdict, Failure> {
    let _ = args;
    Err(Failure::new("not yet"))
}
