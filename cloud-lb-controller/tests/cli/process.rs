//! Runs the real binary.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A command of `cloud-lb`, away from the user's own kubeconfig and settings.
pub(crate) fn cloud_lb(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cloud-lb"));
    command.args(args).current_dir(root());
    command.env("HOME", "/nonexistent").env_remove("KUBECONFIG").env_remove("RUST_LOG");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("OTEL_")) {
        command.env_remove(name);
    }
    command
}

/// The root of the repository: file names in messages begin there.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// What a command wrote, and how it ended.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }
}

/// Everything in one text, for snapshots.
impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { code, stdout, stderr } = self;
        write!(f, "exit code {code}\n--- stdout\n{stdout}--- stderr\n{stderr}")
    }
}

/// Runs a command to its end.
pub(crate) fn run(args: &[&str]) -> Ran {
    Ran::of(&cloud_lb(args).stdin(Stdio::null()).output().unwrap())
}

/// Runs a command that reads this text.
pub(crate) fn run_with_input(args: &[&str], input: &str) -> Ran {
    let mut command = cloud_lb(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Ran::of(&child.wait_with_output().unwrap())
}
