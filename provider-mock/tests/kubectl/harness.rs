//! A served API and a kubectl that talks to it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a helper that fails fails its test, and a skipped test says so"
)]

use provider_mock::apiserver::{ApiServer, kubeconfig};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long one kubectl may take; it is a bound, not a pace.
const LIMIT: Duration = Duration::from_mins(1);

pub(crate) struct Cluster {
    pub server: ApiServer,
    folder: TempDir,
    _stop: DropGuard,
}

impl Cluster {
    /// Serves a new API; `None` where there is no kubectl.
    pub(crate) async fn start() -> Option<Self> {
        let version = Command::new("kubectl").args(["version", "--client"]).output().await;
        if !version.is_ok_and(|output| output.status.success()) {
            println!("skipped: kubectl is not on the PATH");
            return None;
        }
        let server = ApiServer::new();
        let bound = server.bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("kubeconfig"), kubeconfig(&bound.url())).unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(bound.run(stop.clone()));
        Some(Self { server, folder, _stop: stop.drop_guard() })
    }

    /// Writes a file that kubectl can read.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("kubectl");
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .env("KUBECONFIG", self.folder.path().join("kubeconfig"))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Runs kubectl, which must succeed; returns what it printed.
    pub(crate) async fn run(&self, arguments: &[&str]) -> String {
        let output = finish(&mut self.kubectl(arguments)).await;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs kubectl, which must fail; returns its complaint.
    pub(crate) async fn refuse(&self, arguments: &[&str]) -> String {
        let output = finish(&mut self.kubectl(arguments)).await;
        assert!(!output.status.success(), "kubectl {arguments:?} was not refused");
        String::from_utf8(output.stderr).unwrap()
    }

    /// Starts a kubectl that goes on, such as `get -w`.
    pub(crate) fn follow(&self, arguments: &[&str]) -> Follower {
        let mut child = self.kubectl(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Follower { lines, _child: child }
    }
}

async fn finish(command: &mut Command) -> Output {
    tokio::time::timeout(LIMIT, command.output()).await.expect("kubectl takes too long").unwrap()
}

/// The lines of a kubectl that goes on; it is killed on drop.
pub(crate) struct Follower {
    lines: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Follower {
    /// Reads until a line contains `text`.
    pub(crate) async fn line_with(&mut self, text: &str) -> String {
        let search = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                if line.contains(text) {
                    return line;
                }
            }
            panic!("kubectl ended without a line that contains {text:?}");
        };
        tokio::time::timeout(LIMIT, search).await.unwrap_or_else(|_| panic!("no line with {text:?} came"))
    }
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
