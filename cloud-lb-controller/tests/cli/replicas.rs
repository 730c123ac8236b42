//! Several `cloud-lb run` for one cluster: who leads, who takes over, and what they serve.
#![cfg(unix)]

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use provider_mock::apiserver::Resource;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio::sync::watch;

use crate::live::{Api, has_address, terminate};
use crate::process::cloud_lb;

/// Longest wait for something that takes a moment.
const PATIENCE: Duration = Duration::from_secs(30);

/// A lease that runs out while somebody watches.
const SHORT: [&str; 3] = [
    "--leader-elect-lease-duration=3s",
    "--leader-elect-renew-deadline=2s",
    "--leader-elect-retry-period=500ms",
];

/// One process, and what it logged.
pub(crate) struct Replica {
    child: Child,
    logs: watch::Receiver<Vec<Value>>,
}

impl Replica {
    /// Starts one that serves by plain HTTP, and by HTTPS only if a flag says where.
    pub(crate) fn start(api: &Api, flags: &[&str]) -> Self {
        let mut command = cloud_lb(&["run", "--http-address=127.0.0.1:0", "--log-format=json"]);
        if !flags.iter().any(|flag| flag.starts_with("--secure-port")) {
            command.arg("--secure-port=0");
        }
        command.args(SHORT).args(flags).arg("--kubeconfig").arg(api.kubeconfig());
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = tokio::process::Command::from(command).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, logs) = watch::channel(Vec::new());
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let line = serde_json::from_str(&line).unwrap_or(json!(line));
                sender.send_modify(|logs: &mut Vec<Value>| logs.push(line));
            }
        });
        Self { child, logs }
    }

    /// Waits for a line of the log with this message.
    async fn logged(&mut self, message: &str) -> Value {
        self.logged_with(message, &json!({})).await
    }

    /// The same, with these fields.
    async fn logged_with(&mut self, message: &str, fields: &Value) -> Value {
        let has = |line: &Value| {
            let mut fields = fields.as_object().unwrap().iter();
            line["fields"]["message"] == message && fields.all(|(name, value)| line["fields"][name] == *value)
        };
        let of = |logs: &Vec<Value>| logs.iter().find(|line| has(line)).cloned();
        let mut logs = self.logs.clone();
        let found = logs.wait_for(|logs| of(logs).is_some());
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(Ok(logs)) => of(&logs).unwrap(),
            _ => panic!("never logged: {message}\n{:#?}", self.logs.borrow()),
        }
    }

    /// Where it serves health and metrics.
    pub(crate) async fn serves_at(&mut self, scheme: &str) -> SocketAddr {
        let line = self.logged_with("serving health and metrics", &json!({"scheme": scheme})).await;
        line["fields"]["address"].as_str().unwrap().parse().unwrap()
    }

    /// Asks what it serves.
    async fn get(&mut self, path: &str) -> (u16, String) {
        let address = self.serves_at("http").await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// Waits until a line is among the metrics: an address shows before the work is all done.
    async fn until_measured(&mut self, line: &str) {
        let mut metrics = String::new();
        let asking = async {
            while !metrics.contains(line) {
                metrics = self.get("/metrics").await.1;
            }
        };
        let asked = tokio::time::timeout(PATIENCE, asking).await;
        assert!(asked.is_ok(), "{line} in\n{metrics}");
    }

    /// What it said of why it ended, which may be read after its end only.
    async fn complaint(&mut self) -> String {
        let of = |logs: &Vec<Value>| {
            let mut lines = logs.iter().filter_map(Value::as_str);
            lines.rfind(|line| line.starts_with("error: ")).map(str::to_owned)
        };
        let found = self.logs.wait_for(|logs| of(logs).is_some());
        let logs = tokio::time::timeout(PATIENCE, found).await.unwrap().unwrap();
        of(&logs).unwrap()
    }

    async fn exit_code(&mut self) -> i32 {
        tokio::time::timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap().code().unwrap_or(-1)
    }
}

fn holder(api: &Api) -> String {
    let lease = api.server.get(Resource::Leases, "kube-system", "cloud-lb").unwrap();
    lease["spec"]["holderIdentity"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_killed_leader_is_replaced_and_both_serve_health_and_metrics() {
    let api = Api::start().await;
    api.create_service();
    let mut first = Replica::start(&api, &[]);
    api.until("an address", has_address).await;
    let (mut second, first_holder) = (Replica::start(&api, &[]), holder(&api));
    assert_eq!(second.get("/readyz").await, (200, "ok".to_owned()), "a replica that does not lead is ready");
    let (_, verbose) = first.get("/livez?verbose").await;
    assert!(verbose.ends_with("[+]lanes ok\nlivez check passed\n"), "{verbose}");
    for line in [
        "cloud_lb_leader 1\n",
        "leader_election_master_status{name=\"service-controller\"} 1.0\n",
        "cloud_lb_load_balancers{provider=\"mock\",state=\"ready\"} 1.0\n",
        "cloud_lb_plan_steps_total{provider=\"mock\",kind=\"LoadBalancer\",op=\"create\"} 1\n",
        "running_managed_controllers{name=\"service\",manager=\"cloud-lb\"} 1.0\n",
    ] {
        first.until_measured(line).await;
    }
    let (_, metrics) = second.get("/metrics").await;
    assert!(metrics.contains("cloud_lb_leader 0\n"), "{metrics}");
    first.child.kill().await.unwrap();
    second.logged("leading").await;
    assert_ne!(holder(&api), first_holder);
    api.server.delete(Resource::Services, "default", "web").unwrap();
    api.until("that the Service is gone", |service| service.is_none()).await;
}

#[tokio::test]
async fn w_15_the_lease_is_given_back_after_the_work_in_hand() {
    let api = Api::start().await;
    let mut replica = Replica::start(&api, &[]);
    replica.logged("service controller starts").await;
    terminate(replica.child.id().unwrap());
    assert_eq!(replica.exit_code().await, 0);
    replica.logged("lease released").await;
    assert_eq!(holder(&api), "");
}

#[tokio::test]
async fn l_2_a_lost_lease_ends_the_process_with_exit_code_1() {
    let api = Api::start().await;
    let mut replica = Replica::start(&api, &[]);
    replica.logged("service controller starts").await;
    let mut lease = api.server.get(Resource::Leases, "kube-system", "cloud-lb").unwrap();
    lease["spec"]["holderIdentity"] = json!("somebody else");
    lease["metadata"]["resourceVersion"] = Value::Null;
    // The replica renews meanwhile: an update of an older version would be refused.
    while let Err(error) = api.server.update(Resource::Leases, lease.clone()) {
        assert_eq!(error.code(), 422, "{error}");
        let now = api.server.get(Resource::Leases, "kube-system", "cloud-lb").unwrap();
        lease["metadata"]["resourceVersion"] = now["metadata"]["resourceVersion"].clone();
    }
    assert_eq!(replica.exit_code().await, 1);
    assert_eq!(
        replica.complaint().await,
        "error: the leader election stopped: kube-system/cloud-lb: the lease was lost: somebody else holds it"
    );
}

/// Makes another controller's lease, or renews it.
fn renew(api: &Api, at: u32) {
    let spec = json!({
        "holderIdentity": "them", "leaseDurationSeconds": 3, "renewTime": format!("2026-01-02T03:04:{at:02}.000000Z"),
    });
    let found = api.server.get(Resource::Leases, "kube-system", "theirs");
    let metadata = found.as_ref().map_or_else(
        || json!({"namespace": "kube-system", "name": "theirs"}),
        |found| found["metadata"].clone(),
    );
    let lease =
        json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec});
    let server = &api.server;
    let written = match found {
        Some(_) => server.update(Resource::Leases, lease),
        None => server.create(Resource::Leases, lease),
    };
    written.unwrap();
}

#[tokio::test]
async fn nothing_is_done_beside_a_controller_that_does_the_same_work() {
    let api = Api::start().await;
    api.create_service();
    renew(&api, 0);
    let mut replica = Replica::start(&api, &["--yield-to-lease=kube-system/theirs"]);
    let told = "another controller does the same work: nothing is done until it is gone";
    let line = replica.logged(told).await;
    assert_eq!(
        (&line["fields"]["lease"], &line["fields"]["holder"]),
        (&json!("kube-system/theirs"), &json!("them"))
    );
    replica.logged("leading").await;
    let (code, text) = replica.get("/readyz").await;
    assert_eq!(code, 500, "{text}");
    assert!(text.contains("[-]alone failed: another controller does the same work\n"), "{text}");
    let service = api.server.get(Resource::Services, "default", "web");
    assert!(service.as_ref().unwrap()["metadata"].get("finalizers").is_none(), "untouched: {service:?}");
    // It is not renewed any more.
    api.until("an address", has_address).await;
    assert_eq!(replica.get("/readyz").await.0, 200);
    renew(&api, 1);
    assert_eq!(replica.exit_code().await, 1);
    assert_eq!(
        replica.complaint().await,
        "error: the look at the other controller stopped: kube-system/theirs: another controller has begun to do the same \
         work: them holds its lease"
    );
}

#[tokio::test]
async fn w_29_settings_are_shown_at_the_start() {
    let api = Api::start().await;
    let mut replica = Replica::start(&api, &["--leader-elect=false", "--min-resync-period=12h"]);
    let shown = replica.logged("cloud-lb starts").await;
    let settings = shown["fields"]["settings"].as_str().unwrap();
    assert!(
        settings.contains("controller.concurrency=10 ") && settings.contains("leaderElect=false"),
        "{settings}"
    );
    replica.logged("service controller starts").await;
    let (_, metrics) = replica.get("/metrics").await;
    assert!(metrics.contains("cloud_lb_leader 1\n"), "alone, it leads: {metrics}");
    let notice =
        "--min-resync-period has no effect: nothing is lost between watch events, so nothing is replayed";
    replica.logged(notice).await;
}
