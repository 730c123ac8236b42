//! The start and the end of a control plane, with stand-ins for its programs.
#![cfg(unix)]

use std::path::Path;
use std::time::Duration;

use http::Request;
use kube::Client;
use kube::client::Body;
use tempfile::TempDir;

use crate::envtest::standin::{ready, script};
use crate::envtest::{Assets, ControlPlane, Identity, VARIABLE};

/// Enough for programs that become ready.
const PATIENCE: Duration = Duration::from_mins(1);
/// Soon over, for one that does not.
const IMPATIENCE: Duration = Duration::from_millis(2500);

/// The error of a start with a script in the place of one program.
async fn failure(folder: &TempDir, name: &str, text: &str, patience: Duration) -> String {
    let assets = ready(folder.path());
    script(folder.path(), name, text);
    let Err(error) = ControlPlane::start(&assets, folder.path(), patience).await else {
        panic!("{name} cannot have become ready");
    };
    error
}

async fn code(client: &Client, path: &str) -> u16 {
    client.send(Request::get(path).body(Body::empty()).unwrap()).await.unwrap().status().as_u16()
}

/// The folders that starts have left in this one.
fn left(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    entries.filter(|name| name.to_string_lossy().starts_with("envtest-")).count()
}

#[tokio::test]
async fn a_control_plane_is_used_by_certificate_and_by_token_and_ends_with_its_handle() {
    let folder = tempfile::tempdir().unwrap();
    let plane = ControlPlane::start(&ready(folder.path()), folder.path(), PATIENCE).await.unwrap();
    let path = "/api/v1/namespaces/default";
    for identity in [Identity::Certificate, Identity::Token] {
        assert_eq!(code(&plane.client(identity), path).await, 200, "{identity:?}");
    }
    assert_eq!(code(&plane.stranger(), path).await, 401);
    let (client, etcd) = (plane.client(Identity::Token), plane.etcd_url.clone());
    assert_eq!(left(folder.path()), 1);
    drop(plane);
    assert_eq!(left(folder.path()), 0);
    assert!(client.send(Request::get(path).body(Body::empty()).unwrap()).await.is_err());
    assert!(tokio::net::TcpStream::connect(etcd.strip_prefix("http://").unwrap()).await.is_err());
}

#[tokio::test]
async fn a_program_that_ends_at_once_is_named_with_its_exit_and_its_last_lines() {
    let folder = tempfile::tempdir().unwrap();
    let text = "for line in $(seq 1 30); do echo \"line $line\"; done\necho 'unknown flag: --cert-dir' >&2\nexit 3\n";
    let error = failure(&folder, "kube-apiserver", text, PATIENCE).await;
    let start = format!(
        "kube-apiserver ({}) ended before it was ready, exit status: 3; the last lines of ",
        folder.path().join("kube-apiserver").display()
    );
    assert!(error.starts_with(&start), "{error}");
    assert!(error.ends_with("\n  line 30\n  unknown flag: --cert-dir"), "{error}");
    assert!(error.contains("line 12\n") && !error.contains("line 11\n"), "the last twenty lines: {error}");
    assert_eq!(left(folder.path()), 1, "the logs stay");
    let log = error.split("the last lines of ").nth(1).unwrap().split(":\n").next().unwrap();
    assert!(std::fs::read_to_string(log).unwrap().contains("line 11\n"));
}

#[tokio::test]
async fn a_program_that_is_never_ready_is_named_with_the_deadline_and_killed_with_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let child = folder.path().join("child");
    let text = format!("echo waiting\nsleep 600 &\necho $! > '{}'\nwait\n", child.display());
    let error = failure(&folder, "etcd", &text, IMPATIENCE).await;
    let start = format!("etcd ({}) is not ready after 2.5s: /health: ", folder.path().join("etcd").display());
    assert!(error.starts_with(&start), "{error}");
    assert!(error.ends_with("\n  waiting"), "{error}");
    let child = std::fs::read_to_string(child).unwrap();
    assert!(is_gone(child.trim()).await, "the child {child} is still there");
}

/// Whether a process ends; one that nobody has waited for yet has ended, too.
async fn is_gone(process: &str) -> bool {
    let state = || std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    for _ in 0..100 {
        if state().is_empty() || state().contains(") Z ") {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

#[tokio::test]
async fn a_program_that_answers_nothing_is_named_with_the_deadline() {
    let folder = tempfile::tempdir().unwrap();
    let error = failure(&folder, "kube-apiserver", "exec sleep 600\n", IMPATIENCE).await;
    assert!(error.contains(") is not ready after 2.5s: /readyz: "), "{error}");
    assert!(error.ends_with("; it printed nothing"), "{error}");
}

#[tokio::test]
async fn a_program_that_cannot_be_executed_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let assets = ready(folder.path());
    std::fs::remove_file(&assets.etcd).unwrap();
    let Err(error) = ControlPlane::start(&assets, folder.path(), PATIENCE).await else {
        panic!("it started")
    };
    let start = format!("etcd ({}) does not start: No such file", assets.etcd.display());
    assert!(error.starts_with(&start), "{error}");
}

#[test]
fn a_folder_without_the_programs_is_an_error_and_no_reason_to_skip() {
    let folder = tempfile::tempdir().unwrap();
    script(folder.path(), "kube-apiserver", "");
    let error = Assets::in_folder(folder.path()).unwrap_err();
    assert_eq!(error, format!("{VARIABLE}={}: there is no executable etcd in it", folder.path().display()));
}
