//! Readiness gates, the whole way (AWS-194): a pod on the embedded Kubernetes API, the node simulator's kubelet,
//! the controller, and the provider on an AWS account in memory.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper that fails fails its test")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use cloud_lb_core::controller::{Controller, Options};
use cloud_lb_core::engine::Engine;
use kube::Client;
use provider_aws::facts::{SubnetFacts, VpcFacts, ZoneKind};
use provider_aws::fake::{FakeAws, Options as AwsOptions};
use provider_aws::{Account, Aws, Config};
use provider_mock::apiserver::{ApiServer, Resource};
use provider_mock::net::{IpFamily, Net};
use provider_mock::nodesim::Kubelets;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const VPC: &str = "vpc-1";
const HEALTHY_AFTER: Duration = Duration::from_secs(90);
/// How long a test waits, in paused time, for what must happen.
const PATIENCE: Duration = Duration::from_hours(1);

struct World {
    api: ApiServer,
    aws: FakeAws,
    kubelets: Kubelets,
    controller: Option<Running>,
}

struct Running {
    task: JoinHandle<cloud_lb_core::Result<()>>,
    stop: CancellationToken,
}

fn account() -> Account {
    let subnet = SubnetFacts {
        subnet_id: "subnet-1".to_owned(),
        vpc_id: VPC.to_owned(),
        availability_zone: "eu-west-1a".to_owned(),
        zone_kind: ZoneKind::AvailabilityZone,
        cidr_block: Some("192.168.0.0/19".parse().unwrap()),
        ipv6_cidrs: Vec::new(),
        available_ip_address_count: 250,
        routes: None,
        tags: [("kubernetes.io/role/internal-elb".to_owned(), "1".to_owned())].into(),
    };
    let vpc = VpcFacts {
        vpc_id: VPC.to_owned(),
        cidrs: vec!["192.168.0.0/16".parse().unwrap()],
        ..VpcFacts::default()
    };
    Account {
        region: "eu-west-1".to_owned(),
        vpc_id: VPC.to_owned(),
        vpcs: vec![vpc],
        subnets: vec![subnet],
        ..Account::default()
    }
}

impl World {
    /// A cluster of two nodes with a Service on pods, which has its load balancer.
    async fn start() -> Self {
        let api = ApiServer::new();
        let kubelets = Kubelets::start(api.clone(), Net::new());
        kubelets.register_nodes(2, &[IpFamily::V4]).await.unwrap();
        let endpoints = api.clone();
        tokio::spawn(async move { endpoints.run_endpoints(CancellationToken::new()).await });
        let options = AwsOptions { healthy_after: HEALTHY_AFTER, ..AwsOptions::default() };
        let aws = FakeAws::new(account(), options);
        let mut world = Self { api, aws, kubelets, controller: None };
        world.launch();
        world.api.create(Resource::Services, service()).unwrap();
        world.until("the load balancer", |world| !world.host_name().is_null()).await;
        tokio::time::sleep(Duration::from_mins(1)).await;
        world
    }

    /// Starts a controller that remembers nothing.
    fn launch(&mut self) {
        let mut config = Config::for_cluster("kubernetes");
        VPC.clone_into(&mut config.aws_vpc_id);
        let provider = Arc::new(Engine::new(Aws::new(self.aws.clone(), config).unwrap()));
        let options = Options::default().with_drift_interval(Duration::ZERO);
        let client = Client::new(self.api.clone(), "default");
        let controller = Controller::new(client, provider, options).unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn(controller.run(stop.clone()));
        self.controller = Some(Running { task, stop });
    }

    async fn stop(&mut self) {
        let Running { task, stop } = self.controller.take().unwrap();
        stop.cancel();
        task.await.unwrap().unwrap();
    }

    fn reasons(&self) -> BTreeSet<String> {
        let events = self.api.list(Resource::Events).into_iter();
        events.map(|event| event["reason"].as_str().unwrap().to_owned()).collect()
    }

    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(Instant::now() < deadline, "never: {what}: {:#?}", self.api.list(Resource::Pods));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    fn service(&self) -> Option<Value> {
        self.api.get(Resource::Services, "default", "web")
    }

    fn host_name(&self) -> Value {
        self.service().unwrap()["status"]["loadBalancer"]["ingress"][0]["hostname"].clone()
    }

    /// The gate of the only target group.
    fn gate(&self) -> String {
        let account = self.aws.account();
        assert_eq!(account.target_groups.len(), 1);
        format!("target-health.elbv2.k8s.aws/{}", account.target_groups[0].target_group_name)
    }

    fn add_pod(&self, name: &str, gates: &[&str]) {
        let gates: Vec<Value> = gates.iter().map(|gate| json!({"conditionType": gate})).collect();
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "default", "labels": {"app": "web"}},
            "spec": {"containers": [{"name": "c", "image": "web"}], "readinessGates": gates},
        });
        self.api.create(Resource::Pods, pod).unwrap();
    }

    /// Status and reason of a condition of a pod.
    fn condition(&self, pod: &str, kind: &str) -> (String, String) {
        let pod = self.api.get(Resource::Pods, "default", pod).unwrap();
        let all = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let found = all.into_iter().find(|condition| condition["type"] == kind).unwrap_or_default();
        let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
        (text("status"), text("reason"))
    }

    fn is(&self, pod: &str, kind: &str, status: &str, reason: &str) -> bool {
        self.condition(pod, kind) == (status.to_owned(), reason.to_owned())
    }

    fn is_ready(&self, pod: &str) -> bool {
        self.condition(pod, "Ready").0 == "True"
    }

    fn change_service(&self, change: impl FnOnce(&mut Value)) {
        let mut service = self.service().unwrap();
        change(&mut service);
        self.api.update(Resource::Services, service).unwrap();
    }
}

fn service() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "web", "namespace": "default", "annotations": {
            "service.beta.kubernetes.io/aws-load-balancer-type": "external",
            "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type": "ip",
        }},
        "spec": {
            "type": "LoadBalancer", "selector": {"app": "web"},
            "ports": [{"port": 80, "protocol": "TCP", "targetPort": 8080}],
        }
    })
}

#[tokio::test(start_paused = true)]
async fn aws_194_a_pod_is_ready_once_its_target_is_healthy() {
    let world = World::start().await;
    let gate = world.gate();
    world.add_pod("one", &[&gate]);
    let checking = "Elb.InitialHealthChecking";
    world.until("a target that is checked", |world| world.is("one", &gate, "False", checking)).await;
    let begin = Instant::now();
    assert!(world.is("one", "Ready", "False", "ReadinessGatesNotReady"));
    world.until("ready", |world| world.is_ready("one")).await;
    assert!(world.is("one", &gate, "True", ""));
    let took = begin.elapsed();
    assert!((60..=120).contains(&took.as_secs()), "{took:?}");

    tokio::time::sleep(Duration::from_secs(30)).await;
    world.aws.reset_calls();
    tokio::time::sleep(Duration::from_hours(2)).await;
    let calls = world.aws.calls();
    assert_eq!(calls.total_reads() + calls.total_writes(), 0, "all gates are open: {calls:#?}");
    assert!(world.is_ready("one"));
}

#[tokio::test(start_paused = true)]
async fn aws_194_a_service_whose_pods_have_no_gates_costs_no_further_call() {
    let world = World::start().await;
    // With the first targets, everything is read anew that was made a moment ago.
    world.add_pod("one", &[]);
    tokio::time::sleep(Duration::from_mins(1)).await;
    world.aws.reset_calls();
    world.add_pod("two", &[]);
    world.until("ready", |world| world.is_ready("two")).await;
    tokio::time::sleep(Duration::from_mins(4)).await;
    let calls = world.aws.calls();
    assert_eq!((calls.total_reads(), &calls.writes), (0, &[("RegisterTargets", 1)].into()), "{calls:#?}");
}

#[tokio::test(start_paused = true)]
async fn aws_194_pods_are_not_stuck_when_their_target_group_goes() {
    let world = World::start().await;
    let old = world.gate();
    world.add_pod("one", &[&old]);
    world.until("waiting", |world| world.condition("one", &old).0 == "False").await;
    world.change_service(|service| service["spec"]["ports"][0]["port"] = json!(81));
    world.until("free", |world| world.is("one", &old, "True", "TargetGroupGone")).await;
    world.until("ready", |world| world.is_ready("one")).await;

    let new = world.gate();
    assert_ne!(new, old);
    world.add_pod("two", &[&new]);
    world.until("waiting", |world| world.condition("two", &new).0 == "False").await;
    world.api.delete(Resource::Services, "default", "web").unwrap();
    world.until("gone", |world| world.service().is_none()).await;
    assert!(world.is("two", &new, "True", "LoadBalancerDeleted"));
    world.until("ready", |world| world.is_ready("two")).await;
    assert_eq!(world.aws.account().target_groups, []);
}

#[tokio::test(start_paused = true)]
async fn aws_194_a_controller_that_starts_while_pods_wait_leaves_them_targets() {
    let mut world = World::start().await;
    let gate = world.gate();
    world.add_pod("one", &[&gate]);
    world.until("a target", |world| world.condition("one", &gate).1 == "Elb.InitialHealthChecking").await;
    world.stop().await;
    for event in world.api.list(Resource::Events) {
        world.api.delete(Resource::Events, "default", event["metadata"]["name"].as_str().unwrap()).unwrap();
    }
    world.aws.reset_calls();
    world.launch();
    world.until("ready", |world| world.is_ready("one")).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(world.aws.calls().total_writes(), 0, "{:#?}", world.aws.calls());
    assert_eq!(world.reasons(), BTreeSet::from(["UpdatedLoadBalancer".to_owned()]), "nothing to repair");
}

#[tokio::test(start_paused = true)]
async fn aws_177_a_pod_whose_machine_is_lost_is_no_target() {
    let world = World::start().await;
    let gate = world.gate();
    world.add_pod("one", &[&gate]);
    world.add_pod("two", &[&gate]);
    world.until("ready", |world| world.is_ready("one") && world.is_ready("two")).await;
    world.kubelets.kill("node-1").await;
    world.until("one target", |world| world.aws.account().target_groups[0].targets.len() == 1).await;
    world.kubelets.revive("node-1").await;
    world.until("both", |world| world.aws.account().target_groups[0].targets.len() == 2).await;
    assert!(world.is_ready("one") && world.is_ready("two"));
}
