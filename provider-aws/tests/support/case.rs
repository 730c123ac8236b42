//! Cases of the specification, as the golden files hold them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::num::NonZeroU16;
use std::path::Path;

use cloud_lb_core::k8s::load_balancer;
use cloud_lb_core::model::{Endpoint, LoadBalancer, Node, NodeList, NodeState, Readiness, TargetPort};
use k8s_openapi::api::core::v1::Service;
use provider_aws::{Account, Config};
use serde::Deserialize;
use serde_json::{Map, Value, json};

const PREFIX: &str = "service.beta.kubernetes.io/aws-load-balancer-";

/// One golden file.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Case {
    /// What it is about.
    #[serde(rename = "case")]
    _title: String,
    /// The kinds, and of each the fields, that the snapshot shows; all if empty.
    #[serde(default)]
    pub(crate) show: BTreeMap<String, Vec<String>>,
    /// What all variants have in common.
    #[serde(default)]
    pub(crate) base: Variant,
    pub(crate) variants: BTreeMap<String, Variant>,
}

/// Parts that a variant has instead of, or merged into, those of the base.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Variant {
    name: Option<String>,
    uid: Option<String>,
    spec: Map<String, Value>,
    /// Keys that hold no slash are the provider's own, without prefix.
    annotations: BTreeMap<String, String>,
    config: Map<String, Value>,
    facts: Map<String, Value>,
    /// How many of the environment's subnets there are.
    subnets: Option<usize>,
    /// The Service has a deletion timestamp.
    pub(crate) deleted: bool,
}

impl Variant {
    pub(crate) fn on(self, base: &Self) -> Self {
        let merge = |mut base: Map<String, Value>, own: Map<String, Value>| {
            base.extend(own);
            base
        };
        let mut annotations = base.annotations.clone();
        annotations.extend(self.annotations);
        Self {
            name: self.name.or_else(|| base.name.clone()),
            uid: self.uid.or_else(|| base.uid.clone()),
            spec: merge(base.spec.clone(), self.spec),
            annotations,
            config: merge(base.config.clone(), self.config),
            facts: merge(base.facts.clone(), self.facts),
            subnets: self.subnets.or(base.subnets),
            deleted: self.deleted,
        }
    }

    pub(crate) fn config(&self) -> Config {
        let mut config = self.config.clone();
        config.entry("cluster-name").or_insert_with(|| json!("my-cluster"));
        serde_json::from_value(Value::Object(config)).unwrap()
    }

    pub(crate) fn account(&self) -> Account {
        let text = fs::read_to_string("tests/environment.yaml").unwrap();
        let mut facts: Map<String, Value> = serde_saphyr::from_str(&text).unwrap();
        facts.extend(self.facts.clone());
        let mut account: Account = serde_json::from_value(Value::Object(facts)).unwrap();
        account.subnets.truncate(self.subnets.unwrap_or(usize::MAX));
        account
    }

    pub(crate) fn service(&self, cluster: &str) -> LoadBalancer {
        let path = self.name.clone().unwrap_or_else(|| "default/web".to_owned());
        let (namespace, name) = path.split_once('/').unwrap();
        let mut spec = self.spec.clone();
        spec.entry("type").or_insert_with(|| json!("LoadBalancer"));
        spec.entry("ports").or_insert_with(|| json!([{"port": 80, "nodePort": 31223}]));
        let annotations = self.annotations.iter().map(|(key, value)| {
            (if key.contains('/') { key.clone() } else { format!("{PREFIX}{key}") }, value)
        });
        let metadata = json!({
            "namespace": namespace,
            "name": name,
            "uid": "placeholder",
            "annotations": annotations.collect::<BTreeMap<_, _>>(),
        });
        let service: Service = serde_json::from_value(json!({ "metadata": metadata, "spec": spec })).unwrap();
        let mut lb = load_balancer(cluster, &service, nodes(), []).unwrap();
        lb.service.uid = self.uid.clone().unwrap_or_default();
        lb.endpoints = endpoints(&lb);
        lb
    }
}

fn nodes() -> NodeList {
    let node = |(number, zone)| Node {
        name: format!("node-{number}"),
        addresses: vec![format!("192.168.{number}.1").parse().unwrap()],
        provider_id: Some(format!("aws:///{zone}/i-{number}")),
        zone: Some(String::from(zone)),
        labels: BTreeMap::from([("key1".into(), "value1".into()), ("pool".into(), format!("p{number}"))]),
        state: NodeState::Active,
        readiness: Readiness::Ready,
    };
    [(1, "us-west-2a"), (2, "us-west-2b"), (3, "us-west-2c")].into_iter().map(node).collect()
}

/// Two pods, which have the ports that the Service names by number; a name means 8080.
fn endpoints(lb: &LoadBalancer) -> Vec<Endpoint> {
    let number = |port: &TargetPort| match port {
        TargetPort::Number(number) => *number,
        TargetPort::Name(_) => NonZeroU16::new(8080).unwrap(),
    };
    let ports =
        lb.ports.iter().map(|port| (port.name.clone().unwrap_or_default(), number(&port.target_port)));
    let ports: BTreeMap<String, NonZeroU16> = ports.collect();
    let pod = |number: u8| Endpoint {
        address: format!("192.168.{number}.10").parse().unwrap(),
        ports: ports.clone(),
        pod: Some(format!("pod-{number}")),
        node: Some(format!("node-{number}")),
        zone: None,
        ready: true,
        terminating: false,
        gates: BTreeSet::new(),
    };
    vec![pod(1), pod(2)]
}

impl Case {
    /// Reads a golden file.
    pub(crate) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}
