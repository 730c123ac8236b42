//! `cloud-lb run`, `plan --against-cluster` and `demo --keep` against an API over HTTP.
#![cfg(unix)]

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::process::{self, Ran, cloud_lb};
use provider_mock::apiserver::{ApiServer, Fault, Resource, Verb, kubeconfig};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// Longest wait for something that takes a moment.
const PATIENCE: Duration = Duration::from_secs(20);

/// An API server on a port, and a kubeconfig for it.
pub(crate) struct Api {
    pub(crate) server: ApiServer,
    url: String,
    folder: tempfile::TempDir,
    stop: CancellationToken,
}

impl Drop for Api {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Api {
    pub(crate) async fn start() -> Self {
        let server = ApiServer::new();
        let bound = server.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
        let (url, stop) = (bound.url(), CancellationToken::new());
        tokio::spawn(bound.run(stop.clone()));
        let folder = tempfile::tempdir().unwrap();
        let api = Self { server, url, folder, stop };
        std::fs::write(api.kubeconfig(), kubeconfig(&api.url)).unwrap();
        api
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// Lets the kubeconfig show a token.
    pub(crate) fn log_in(&self, token: &str) {
        let text = kubeconfig(&self.url).replace("user: {}", &format!("user: {{token: {token}}}"));
        std::fs::write(self.kubeconfig(), text).unwrap();
    }

    /// Runs a command with the kubeconfig to its end.
    async fn run(&self, args: &[&str]) -> Ran {
        let mut command = cloud_lb(args);
        command.arg("--kubeconfig").arg(self.kubeconfig()).stdin(Stdio::null());
        Ran::of(&tokio::process::Command::from(command).output().await.unwrap())
    }

    pub(crate) fn create_service(&self) {
        let service = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web"},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 80, "nodePort": 30001}], "selector": {"app": "web"}},
        });
        self.server.create(Resource::Services, service).unwrap();
    }

    /// Waits until the Service looks so.
    pub(crate) async fn until(&self, expected: &str, check: impl Fn(Option<&Value>) -> bool) {
        let mut changes = self.server.changes();
        let wait = async {
            loop {
                changes.borrow_and_update();
                if check(self.server.get(Resource::Services, "default", "web").as_ref()) {
                    return;
                }
                changes.changed().await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("expected {expected}"));
    }
}

/// Whether the Service has a load balancer that works.
pub(crate) fn has_address(service: Option<&Value>) -> bool {
    service.is_some_and(|service| service.pointer("/status/loadBalancer/ingress/0/ip").is_some())
}

/// Asks a process to end, as an init system does.
pub(crate) fn terminate(child: u32) {
    let status = Command::new("kill").args(["-TERM", &child.to_string()]).status().unwrap();
    assert!(status.success());
}

#[tokio::test]
async fn run_serves_a_cluster_until_sigterm() {
    let api = Api::start().await;
    api.create_service();
    let mut command = cloud_lb(&["run", "--provider", "mock", "--cluster-name", "test", "--secure-port=0"]);
    command.arg("--kubeconfig").arg(api.kubeconfig()).stdin(Stdio::null()).stderr(Stdio::piped());
    let child = tokio::process::Command::from(command).kill_on_drop(true).spawn().unwrap();
    api.until("an address", has_address).await;
    api.server.delete(Resource::Services, "default", "web").unwrap();
    api.until("that the Service is gone", |service| service.is_none()).await;
    terminate(child.id().unwrap());
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
    let ran = Ran::of(&output);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stderr.contains("finishing the work in hand"), "{ran}");
}

#[tokio::test]
async fn run_looks_after_the_class_it_is_given() {
    let api = Api::start().await;
    let mut service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"type": "LoadBalancer", "loadBalancerClass": "example.com/ours", "ports": [{"port": 80}]},
    });
    api.server.create(Resource::Services, service.clone()).unwrap();
    service["metadata"]["name"] = json!("other");
    service["spec"]["loadBalancerClass"] = Value::Null;
    api.server.create(Resource::Services, service).unwrap();
    let mut command = cloud_lb(&["run", "--load-balancer-class", "example.com/ours", "--secure-port=0"]);
    command.arg("--kubeconfig").arg(api.kubeconfig()).stdin(Stdio::null()).stderr(Stdio::null());
    let _child = tokio::process::Command::from(command).kill_on_drop(true).spawn().unwrap();
    api.until("an address", has_address).await;
    let other = api.server.get(Resource::Services, "default", "other");
    assert!(!has_address(other.as_ref()), "{other:?}");
}

#[tokio::test]
async fn run_says_which_permission_it_lacks() {
    let api = Api::start().await;
    for verb in [Verb::List, Verb::Watch] {
        api.server.faults().inject(verb, Resource::Services, Fault::Fail(403), 1000);
    }
    let ran = api.run(&["run", "--secure-port=0"]).await;
    assert_eq!(ran.code, 1, "{ran}");
    let expected = format!("error: no permission in the cluster at {}/: ", api.url);
    assert!(ran.stderr.lines().last().unwrap().starts_with(&expected), "{ran}");
}

#[tokio::test]
async fn a_lease_that_may_not_be_read_is_no_leave_to_work() {
    let api = Api::start().await;
    api.create_service();
    api.server.faults().inject(Verb::Get, Resource::Leases, Fault::Fail(403), 1000);
    let args = ["run", "--secure-port=0", "--leader-elect=false", "--yield-to-lease=kube-system/theirs"];
    let ran = api.run(&args).await;
    assert_eq!(ran.code, 1, "{ran}");
    let expected = format!("error: no permission in the cluster at {}/: ", api.url);
    assert!(ran.stderr.lines().last().unwrap().starts_with(&expected), "{ran}");
    let service = api.server.get(Resource::Services, "default", "web").unwrap();
    assert!(service["metadata"].get("finalizers").is_none(), "untouched: {service}");
}

#[test]
fn an_unreachable_cluster_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubeconfig");
    // Nothing listens on the discard port.
    std::fs::write(&path, kubeconfig("http://127.0.0.1:9")).unwrap();
    for args in [&["run"][..], &["plan", "--against-cluster"]] {
        let output = cloud_lb(args).arg("--kubeconfig").arg(&path).stdin(Stdio::null()).output().unwrap();
        let ran = Ran::of(&output);
        assert_eq!(ran.code, 1, "{ran}");
        let message = ran.stderr.lines().last().unwrap();
        assert!(
            message.starts_with("error: the cluster at http://127.0.0.1:9/ cannot be reached: "),
            "{ran}"
        );
        assert!(message.contains("Connection refused"), "{ran}");
        assert!(message.ends_with("; check that it runs and that --kubeconfig means it"), "{ran}");
    }
}

#[test]
fn a_kubeconfig_that_is_not_there_is_named() {
    let ran = process::run(&["run", "--kubeconfig", "/nowhere"]);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (1, "error: the kubeconfig /nowhere cannot be used: No such file or directory (os error 2)\n")
    );
    let ran = process::run(&["run"]);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(
        ran.stderr
            .starts_with("error: no cluster: neither a kubeconfig nor a pod's service account is usable"),
        "{ran}"
    );
}

#[tokio::test]
async fn plan_against_a_cluster_takes_its_services_and_defaults() {
    let api = Api::start().await;
    let ran = api.run(&["plan", "--against-cluster"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "no Service, nothing to change: {ran}");
    api.create_service();
    let ran = api.run(&["plan", "--against-cluster"]).await;
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stdout.starts_with("service default/web:\n  + "), "{ran}");
}

#[tokio::test]
async fn plan_against_a_cluster_tries_manifests_out_and_leaves_it_alone() {
    let api = Api::start().await;
    let ran = api.run(&["plan", "--against-cluster", "-f", "examples/manifests/loadbalancer.yaml"]).await;
    assert_eq!(ran.code, 2, "{ran}");
    assert!(api.server.get(Resource::Services, "default", "myapp-service").is_none());
    api.create_service();
    let before = api.server.get(Resource::Services, "default", "web");
    let path = api.folder.path().join("web.yaml");
    let taken = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  ports:\n  - {port: 70000, targetPort: 80}\n";
    std::fs::write(&path, taken).unwrap();
    let ran = api.run(&["plan", "--against-cluster", "-f", path.to_str().unwrap()]).await;
    assert_eq!(ran.code, 1, "{ran}");
    assert!(
        ran.stderr.contains("web.yaml:6: Service default/web: spec.ports[0].port: Invalid value: 70000"),
        "{ran}"
    );
    assert_eq!(api.server.get(Resource::Services, "default", "web"), before);
}

/// A demo that is kept; ends with the test.
struct Kept {
    child: Child,
    lines: Vec<String>,
}

impl Kept {
    fn start() -> Self {
        let mut command = cloud_lb(&["demo", "--keep"]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        let mut lines = Vec::new();
        while !lines.last().is_some_and(|line: &String| line.starts_with("Ctrl-C")) {
            let mut line = String::new();
            assert_ne!(reader.read_line(&mut line).unwrap(), 0, "the demo ended early: {lines:?}");
            lines.push(line);
        }
        child.stdout = Some(reader.into_inner());
        Self { child, lines }
    }

    /// What stands behind a word in the output.
    fn after(&self, word: &str) -> &str {
        self.lines.iter().find_map(|line| line.trim().strip_prefix(word)).unwrap()
    }

    fn kubectl(&self, args: &[&str]) -> String {
        let output = Command::new("kubectl")
            .env("KUBECONFIG", self.after("export KUBECONFIG="))
            .args(args)
            .output()
            .unwrap();
        let ran = Ran::of(&output);
        assert_eq!(ran.code, 0, "kubectl {args:?}: {ran}");
        ran.stdout
    }

    /// Ends it, and gives what it said last.
    fn end(mut self) -> Ran {
        terminate(self.child.id());
        let stdout = self.child.stdout.take().unwrap();
        let rest: String = BufReader::new(stdout).lines().map(|line| line.unwrap() + "\n").collect();
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        Ran { code, stdout: rest, stderr: String::new() }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // It has ended already where the test did not fail.
        let _ = self.child.kill();
    }
}

#[test]
fn kept_demo_answers_and_cleans_up() {
    let kept = Kept::start();
    let kubeconfig = PathBuf::from(kept.after("export KUBECONFIG="));
    assert!(kubeconfig.is_file());
    let address = kept.after("curl http://").to_owned();
    let authority = if address.contains(':') { address } else { format!("{address}:80") };
    std::net::TcpStream::connect(&authority).unwrap();
    let ran = Kept::end(kept);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stdout.contains("✓ nothing is left"), "{ran}");
    assert!(!kubeconfig.exists());
    assert!(std::net::TcpStream::connect(&authority).is_err());
}

#[test]
fn kubectl_drives_a_kept_demo() {
    if Command::new("kubectl").arg("version").arg("--client").output().is_err() {
        // Continuous integration installs it; a laptop may do without.
        return;
    }
    let kept = Kept::start();
    let table = kept.kubectl(&["get", "service", "myapp-service"]);
    let header: Vec<&str> = table.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(header, ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"]);
    assert!(table.contains("80:30008/TCP"), "{table}");
    kept.kubectl(&[
        "patch",
        "service",
        "myapp-service",
        "-p",
        r#"{"spec":{"ports":[{"port":80,"nodePort":30009}]}}"#,
    ]);
    kept.kubectl(&["apply", "-f", "../examples/manifests/multi-port.yaml"]);
    let ready = "jsonpath={.status.loadBalancer.ingress[0].ip}";
    kept.kubectl(&["wait", "service/shop", "--for", ready, "--timeout", "15s"]);
    kept.kubectl(&["delete", "service", "shop", "myapp-service", "--timeout", "15s"]);
    assert_eq!(kept.kubectl(&["get", "services", "-o", "name"]), "");
    // The finalizer of another controller keeps this one for ever: the demo does not wait for it.
    let foreign = r#"{"spec":{"type":"LoadBalancer","loadBalancerClass":"example.com/theirs"}}"#;
    kept.kubectl(&["create", "service", "clusterip", "theirs", "--tcp=80"]);
    kept.kubectl(&["patch", "service", "theirs", "-p", foreign]);
    let finalizer = r#"{"metadata":{"finalizers":["service.kubernetes.io/load-balancer-cleanup"]}}"#;
    kept.kubectl(&["patch", "service", "theirs", "-p", finalizer]);
    let ran = kept.end();
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stdout.contains("created Listener/tcp-443"), "what the user causes is told: {ran}");
}
