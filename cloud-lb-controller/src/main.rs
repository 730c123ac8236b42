//! The `cloud-lb` binary: the reference controller, a preview of its plans, and a demo.

mod account;
mod args;
mod cluster;
mod demo;
mod failure;
mod hints;
mod manifests;
mod orphans;
mod plan_cmd;
mod providers;
mod run;
mod serve;
mod settings;
mod signals;
mod style;
mod submit;
mod telemetry;
mod traces;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, Command};
use failure::Failure;
use traces::Traces;

/// What a command that did not fail has to tell the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Done, or nothing to do.
    Fine,
    /// `plan` found something to change.
    Changes,
    /// `orphans` found something, and left it.
    Orphans,
    /// `check-permissions` found something that is denied.
    Denied,
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    match execute(cli) {
        Ok(Verdict::Fine) => ExitCode::SUCCESS,
        Ok(Verdict::Changes | Verdict::Denied | Verdict::Orphans) => ExitCode::from(2),
        Err(failure) => {
            failure.report();
            ExitCode::FAILURE
        }
    }
}

/// Help and version are no failures; a wrong command line exits with 1, because 2 means changes.
fn usage(error: &clap::Error) -> ExitCode {
    // A closed output leaves nobody to tell.
    let _ = error.print();
    if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn execute(cli: Cli) -> Result<Verdict, Failure> {
    let Cli { command, log } = cli;
    let quiet = match command {
        Command::Run(_) => "info",
        Command::Plan(_) | Command::Facts(_) | Command::CheckPermissions(_) | Command::Orphans(_) => "warn",
        // The demo narrates; what it breaks on purpose must not look like trouble.
        Command::Demo(_) => "off",
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::because("the async runtime cannot start", &error))?;
    let asked = match &command {
        Command::Run(args) => Some(&args.traces),
        _ => None,
    };
    let traces = Traces::start(asked, runtime.handle())?;
    telemetry::init(log, quiet, traces.layer());
    let result = runtime.block_on(async {
        let result = match command {
            Command::Demo(args) => demo::run(args).await,
            Command::Plan(args) => plan_cmd::run(args).await,
            // The futures of the AWS SDK are too large for a stack.
            Command::Run(args) => Box::pin(run::run(*args, &traces)).await,
            Command::Facts(args) => account::facts(args).await,
            Command::CheckPermissions(args) => account::check_permissions(args).await,
            Command::Orphans(args) => Box::pin(orphans::run(args)).await,
        };
        traces.end(result.as_ref().map(drop)).await;
        result
    });
    // Whoever lost the lease must not wait for a name that somebody looks up.
    runtime.shutdown_background();
    result
}
