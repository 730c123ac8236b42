//! A Kubernetes API on a port, a kubectl, and the binary.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use provider_mock::apiserver::{ApiServer, Resource, kubeconfig};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::account::{Account, KEY, REGION};

/// Longest wait for something that takes a moment.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Cluster {
    pub(crate) server: ApiServer,
    folder: tempfile::TempDir,
    _stop: DropGuard,
}

impl Cluster {
    /// Has a Node for each instance of the account; `None` where there is no kubectl.
    pub(crate) async fn start(account: &Account) -> Option<Self> {
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
        for id in &account.instance_ids {
            server.create(Resource::Nodes, node(id)).unwrap();
        }
        let cluster = Self { server, folder, _stop: stop.drop_guard() };
        let Account { endpoint, vpc_id, .. } = account;
        // moto finds no rule whose source is a security group, so that such rules could not be removed.
        let settings = format!(
            "cluster-name: whole-way\naws-region: {REGION}\naws-vpc-id: {vpc_id}\nendpoint-elbv2: {endpoint}\n\
             endpoint-ec2: {endpoint}\nendpoint-acm: {endpoint}\nnlb-security-group: false\n"
        );
        cluster.file("aws.yaml", &settings);
        Some(cluster)
    }

    /// Writes a file.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, program: impl AsRef<Path>, args: &[&str]) -> Command {
        let mut command = Command::new(program.as_ref());
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null()).kill_on_drop(true);
        command.env("HOME", self.folder.path()).env("KUBECONFIG", self.path("kubeconfig"));
        command.env("AWS_ACCESS_KEY_ID", KEY).env("AWS_SECRET_ACCESS_KEY", KEY);
        command.env_remove("AWS_PROFILE").env_remove("RUST_LOG");
        command
    }

    pub(crate) async fn kubectl(&self, args: &[&str]) {
        let output = self.command("kubectl", args).output().await.unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {args:?}: {errors}");
    }

    /// Runs `cloud-lb` with the account to its end; its exit code and what it printed.
    pub(crate) async fn cloud_lb(&self, args: &[&str]) -> (i32, String) {
        let (code, printed, _) = self.cloud_lb_told(args).await;
        (code, printed)
    }

    /// The same, with what it said on standard error.
    pub(crate) async fn cloud_lb_told(&self, args: &[&str]) -> (i32, String, String) {
        let output = self.binary(args).output().await.unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_ne!(output.status.code(), Some(1), "cloud-lb {args:?}: {told}");
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap(), told)
    }

    /// Starts the controller, whose log shows where a wait fails.
    pub(crate) fn controller(&self) -> Child {
        let log = std::fs::File::create(self.path("log")).unwrap();
        self.binary(&["run", "--secure-port=0"]).stderr(log).spawn().unwrap()
    }

    fn binary(&self, args: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_cloud-lb"), args);
        command.args(["--provider", "aws", "--config", "aws.yaml"]);
        command
    }

    /// Waits until the Service is so.
    pub(crate) async fn until(&self, expected: &str, check: impl Fn(Option<&Value>) -> bool) {
        let mut changes = self.server.changes();
        let wait = async {
            loop {
                changes.borrow_and_update();
                if check(self.service().as_ref()) {
                    return;
                }
                changes.changed().await.unwrap();
            }
        };
        let result = tokio::time::timeout(PATIENCE, wait).await;
        let log = || std::fs::read_to_string(self.path("log")).unwrap_or_default();
        assert!(result.is_ok(), "expected {expected}, found {:#?}\n{}", self.service(), log());
    }

    pub(crate) fn service(&self) -> Option<Value> {
        self.server.get(Resource::Services, "default", "web")
    }
}

fn node(instance: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": instance},
        "spec": {"providerID": format!("aws:///{REGION}a/{instance}")},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    })
}
