//! Accounts in moto, made and looked at with the AWS SDK alone.

use std::collections::BTreeMap;

use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region};
use cloud_lb_core::engine::Engine;
use provider_aws::config::Publish;
use provider_aws::facts::{Instance, SubnetFacts};
use provider_aws::{AccessKeys, Account as Facts, Aws, Config, Sdk};
use serde_json::Value;

use crate::case::Variant;
use crate::proxy::{Proxy, WATCHER};

pub(crate) type Ec2 = aws_sdk_ec2::Client;
pub(crate) type Elbv2 = aws_sdk_elasticloadbalancingv2::Client;

/// An account that holds what some facts tell.
pub(crate) struct Account {
    pub(crate) proxy: Proxy,
    pub(crate) ec2: Ec2,
    pub(crate) elbv2: Elbv2,
    /// The facts, with the ids that moto gave.
    pub(crate) facts: Facts,
    /// Those ids by the ones of the original facts.
    pub(crate) ids: BTreeMap<String, String>,
}

impl Account {
    /// Makes all that the facts tell; `None` without a moto.
    pub(crate) async fn holding(facts: &Facts) -> Option<Self> {
        let Some(proxy) = Proxy::start() else {
            println!("skipped: MOTO_ENDPOINT is not set");
            return None;
        };
        let mut account = Self {
            ec2: ec2(&proxy, &facts.region),
            elbv2: elbv2(&proxy, &facts.region),
            proxy,
            facts: facts.clone(),
            ids: BTreeMap::new(),
        };
        account.fill().await;
        let ids = &account.ids;
        let facts = translated(serde_json::to_value(&account.facts).unwrap(), &|id| ids.get(id).cloned());
        account.facts = serde_json::from_value(facts).unwrap();
        Some(account)
    }

    /// The network of the golden cases, with IPv6 and five machines.
    pub(crate) async fn usual() -> Option<Self> {
        let mut facts = Variant::default().account();
        for (number, subnet) in facts.subnets.iter_mut().enumerate() {
            let SubnetFacts { ipv6_cidrs, .. } = subnet;
            ipv6_cidrs.push(format!("2600:1f13:837:850{number}::/64").parse().unwrap());
        }
        let first = facts.instances[0].clone();
        facts.instances =
            (1..=5).map(|n| Instance { instance_id: format!("i-{n}"), ..first.clone() }).collect();
        Self::holding(&facts).await
    }

    pub(crate) fn instance_ids(&self) -> Vec<String> {
        self.facts.instances.iter().map(|instance| instance.instance_id.clone()).collect()
    }

    /// The id that moto gave to something.
    pub(crate) fn id(&self, id: &str) -> Option<String> {
        self.ids.get(id).cloned()
    }

    /// A provider as a new process has it.
    pub(crate) async fn provider(&self, config: Config) -> Aws<Sdk> {
        let mut config = config;
        config.aws_region.clone_from(&self.facts.region);
        config.aws_vpc_id.clone_from(&self.facts.vpc_id);
        config.endpoint_elbv2.clone_from(&self.proxy.url);
        config.endpoint_ec2.clone_from(&self.proxy.url);
        config.aws_max_retries = 1;
        config.aws_api_throttle = Vec::new();
        config.publish = Publish::Created;
        let keys = AccessKeys {
            access_key_id: "testing".into(),
            secret_access_key: "testing".into(),
            session_token: None,
        };
        Aws::with_credentials(config, provider_aws::Credentials::Keys(keys)).await.unwrap()
    }

    pub(crate) async fn engine(&self, config: Config) -> Engine<Aws<Sdk>> {
        Engine::new(self.provider(config).await)
    }
}

fn ec2(proxy: &Proxy, region: &str) -> Ec2 {
    let config = aws_sdk_ec2::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(region.to_owned()))
        .endpoint_url(&proxy.url)
        .credentials_provider(Credentials::new(WATCHER, "testing", None, None, "test"));
    Ec2::from_conf(config.build())
}

fn elbv2(proxy: &Proxy, region: &str) -> Elbv2 {
    let config = aws_sdk_elasticloadbalancingv2::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(region.to_owned()))
        .endpoint_url(&proxy.url)
        .credentials_provider(Credentials::new(WATCHER, "testing", None, None, "test"));
    Elbv2::from_conf(config.build())
}

/// Replaces texts, wherever they are.
pub(crate) fn translated(value: Value, translate: &impl Fn(&str) -> Option<String>) -> Value {
    match value {
        Value::String(text) => Value::String(translate(&text).unwrap_or(text)),
        Value::Array(items) => items.into_iter().map(|item| translated(item, translate)).collect(),
        Value::Object(members) => {
            let translated = members.into_iter().map(|(key, value)| (key, translated(value, translate)));
            Value::Object(translated.collect())
        }
        other => other,
    }
}
