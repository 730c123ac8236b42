//! The golden cases on moto: seeded through the AWS SDK, reached by the provider, and what is there then,
//! told by the AWS SDK, held against what the case wants. The second plan is empty, and a delete leaves
//! nothing. What moto cannot do is listed with the reason, and the list is exact.

use std::collections::{BTreeMap, BTreeSet};

use cloud_lb_core::model::LoadBalancer;
use cloud_lb_core::provider::LoadBalancerProvider;
use provider_aws::facts::{GroupFacts, Instance};
use provider_aws::{Account as Facts, Config, build, takes};
use serde_json::{Map, Value, json};

use crate::account::{Account, translated};
use crate::case::{Case, Variant};
use crate::life::{deleted, ensured};
use crate::look::{Rule, Seen};

const NO_LOCAL_ZONES: &str = "moto has no local zones, and the case has one";
const NO_ADDRESSES: &str = "moto forgets addresses of subnet mappings (`create_load_balancer`)";
const NO_SOURCE_NAT: &str = "moto does not know EnablePrefixForIpv6SourceNat";
const NO_PRIVATE_LINK: &str = "moto does not know EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic";
const NO_CAPACITY: &str = "moto has no ModifyCapacityReservation";
const NO_PREFIXES: &str = "moto does not tell prefixes of network interfaces, and the case has one";
const NO_NEW_ATTRIBUTES: &str = "moto refuses attributes that it does not know (`VALID_ATTRS`)";
const NO_QUIC: &str = "moto does not know the protocols of QUIC (`create_target_group`)";
/// Perhaps AWS does as well: upstream's own examples are such (AWS-146).
const TIMEOUT: &str = "moto refuses a health check with a timeout longer than its interval";

/// What moto cannot do, as `file variant`, and why.
const UNSUPPORTED: [(&str, &str); 24] = [
    ("a40_health_checks_per_port one has its own", TIMEOUT),
    ("aws_091_groups_of_pods on further interfaces, by address and by prefix", NO_PREFIXES),
    ("aws_091_groups_of_pods on none that is known", NO_PREFIXES),
    ("aws_052_given_subnets local zone", NO_LOCAL_ZONES),
    ("aws_052_given_subnets order is kept", NO_LOCAL_ZONES),
    ("aws_059_live_addresses all", NO_ADDRESSES),
    ("aws_062_ipv6 by range", NO_ADDRESSES),
    ("aws_062_ipv6 prefixes", NO_SOURCE_NAT),
    ("aws_070_security_groups private link", NO_PRIVATE_LINK),
    ("aws_092_rules_by_address quic is checked over tcp", NO_QUIC),
    ("aws_116_capacity given back", NO_CAPACITY),
    ("aws_116_capacity reserved", NO_CAPACITY),
    ("aws_130_protocols quic", NO_QUIC),
    ("aws_130_protocols quic and tcp", NO_QUIC),
    ("g03_health_check all", TIMEOUT),
    ("g04_tls all", TIMEOUT),
    ("g11_elastic_ips two", NO_ADDRESSES),
    ("g12_private_addresses by range", NO_ADDRESSES),
    ("g15_g16_health_checks g15 all", TIMEOUT),
    ("g15_g16_health_checks g16 local with annotations", TIMEOUT),
    ("g18_load_balancer_attributes unknown ones are passed on, and others' told", NO_NEW_ATTRIBUTES),
    ("g19_discovery few addresses are enough for given ones", NO_ADDRESSES),
    ("g19_discovery local zone", NO_LOCAL_ZONES),
    ("g22_node_rules quic", NO_QUIC),
];

const CERTIFICATES: &str = "service.beta.kubernetes.io/aws-load-balancer-ssl-cert";

/// What a case wants: resources by kind and the id in their tags, and rules in the nodes' groups.
struct Wanted {
    resources: Seen,
    node_rules: BTreeSet<Rule>,
}

/// One variant of a case, in moto's ids.
struct Trial {
    account: Account,
    config: Config,
    lb: LoadBalancer,
    wanted: Wanted,
}

impl Trial {
    /// `None` for what is refused, or about a deletion.
    async fn of(variant: &Variant) -> Option<Self> {
        let config = variant.config();
        let mut lb = variant.service(&config.cluster_name);
        let facts = variant.account();
        let is_buildable = !variant.deleted
            && !config.cluster_name.is_empty()
            && takes(&lb, &config)
            && build(&lb, &facts, &config).is_ok();
        if !is_buildable {
            return None;
        }
        let account = Account::holding(&completed(facts, &lb, &config)).await?;
        certified(&mut lb);
        let translate = |text: &str| translated_list(&account, text);
        lb.annotations.values_mut().for_each(|value| *value = translate(value));
        for id in lb.nodes.iter_mut().filter_map(|node| node.provider_id.as_mut()) {
            let machine = account.id(id.rsplit('/').next().unwrap()).unwrap();
            *id = format!("aws:///us-west-2a/{machine}");
        }
        let config = translated(serde_json::to_value(config).unwrap(), &|text| Some(translate(text)));
        let mut config: Config = serde_json::from_value(config).unwrap();
        // Waiting is held on the fake, where time is paused.
        config.replacement_drain_seconds = 0;
        let wanted = wanted(&lb, &account, &config);
        Some(Self { account, config, lb, wanted })
    }

    /// What is not as it should be.
    async fn run(&self) -> Result<(), String> {
        let before = self.ids_seen().await;
        let rules_before = self.account.node_rules().await;
        let provider = self.account.engine(self.config.clone()).await;
        ensured(&provider, &self.lb).await;
        let seen = self.account.seen().await;
        self.compare(&seen)?;
        let rules = self.account.node_rules().await.into_iter();
        let rules: BTreeSet<Rule> = rules.map(|rule| with_named_source(&seen, rule)).collect();
        if opened(&rules) != opened(&self.wanted.node_rules) {
            return Err(format!("node rules {rules:?}, not {:?}", self.wanted.node_rules));
        }
        let fresh = self.account.engine(self.config.clone()).await;
        let plan = fresh.plan(&self.lb).await.map_err(|error| error.to_string())?;
        if !plan.is_empty() {
            return Err(format!("the second plan is not empty: {plan}"));
        }
        let service = self.lb.service.clone();
        tokio::spawn(async move { deleted(&fresh, &service).await }).await.map_err(panic_text)?;
        let left: BTreeSet<String> = self.ids_seen().await.difference(&before).cloned().collect();
        let rules = self.account.node_rules().await;
        if !left.is_empty() || rules != rules_before {
            return Err(format!("left: {left:?} {rules:?}"));
        }
        Ok(())
    }

    async fn ids_seen(&self) -> BTreeSet<String> {
        self.account.seen().await.into_values().flat_map(BTreeMap::into_keys).collect()
    }

    fn compare(&self, seen: &Seen) -> Result<(), String> {
        let have = named(seen);
        for (kind, wanted) in &self.wanted.resources {
            let none = BTreeMap::new();
            let have = have.get(kind).unwrap_or(&none);
            let ids = |all: &BTreeMap<String, Value>| all.keys().cloned().collect::<Vec<_>>();
            if ids(have) != ids(wanted) {
                return Err(format!("{kind}: {:?}, not {:?}", ids(have), ids(wanted)));
            }
            for (id, wanted) in wanted {
                let names_matter = self.account.facts.load_balancers.is_empty();
                compare(&have[id], wanted, names_matter).map_err(|text| format!("{kind} {id}: {text}"))?;
            }
        }
        Ok(())
    }
}

/// Runs a variant; `None` if there is nothing to run. What panics has failed.
async fn outcome(variant: Variant) -> Option<Result<(), String>> {
    let run = async move {
        let trial = Trial::of(&variant).await?;
        Some(trial.run().await)
    };
    tokio::spawn(run).await.unwrap_or_else(|error| Some(Err(panic_text(error))))
}

fn panic_text(error: tokio::task::JoinError) -> String {
    let panic = error.into_panic();
    panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "it panicked".to_owned())
}

/// Adds the machines and security groups that a case only mentions.
fn completed(mut facts: Facts, lb: &LoadBalancer, config: &Config) -> Facts {
    for id in lb.nodes.iter().filter_map(|node| node.provider_id.as_deref()?.rsplit('/').next()) {
        if !facts.instances.iter().any(|instance| instance.instance_id == id) {
            // Without security groups it would get the default one.
            let like = facts.instances.first().cloned().unwrap_or_default();
            facts.instances.push(Instance { instance_id: id.to_owned(), ..like });
        }
    }
    let of_lbs = facts.load_balancers.iter().flat_map(|lb| &lb.security_groups);
    let of_machines = facts.instances.iter().flat_map(|instance| &instance.security_groups);
    let mentioned = of_lbs.chain(of_machines).chain([&config.backend_security_group]);
    let mentioned: BTreeSet<String> = mentioned.cloned().collect();
    for group_id in mentioned.into_iter().filter(|id| !id.is_empty()) {
        if !facts.security_groups.iter().any(|group| group.group_id == group_id) {
            let vpc_id = facts.vpc_id.clone();
            let group = GroupFacts { group_id, vpc_id, ..GroupFacts::default() };
            facts.security_groups.push(group);
        }
    }
    facts
}

/// Certificates of IAM, which moto does not ask for.
fn certified(lb: &mut LoadBalancer) {
    if let Some(list) = lb.annotations.get_mut(CERTIFICATES) {
        let items =
            list.split(',').map(|one| format!("arn:aws:iam::123456789012:server-certificate/{}", one.trim()));
        *list = items.collect::<Vec<_>>().join(",");
    }
}

/// Replaces the ids in a list.
fn translated_list(account: &Account, text: &str) -> String {
    let items = text.split(',').map(|item| account.id(item.trim()).unwrap_or_else(|| item.to_owned()));
    items.collect::<Vec<_>>().join(",")
}

/// What the case wants, from the same function that the golden files hold, on facts with moto's ids.
fn wanted(lb: &LoadBalancer, account: &Account, config: &Config) -> Wanted {
    let graph = build(lb, &account.facts, config).unwrap();
    let mut specs = BTreeMap::new();
    for key in graph.order().unwrap() {
        let spec = serde_json::to_value(&graph.get(&key).unwrap().spec).unwrap();
        specs.insert(key.to_string(), plain(spec));
    }
    let name = |reference: &str| specs.get(reference).map(|spec: &Value| own_id(&spec["Tags"]));
    let mut wanted = Wanted { resources: Seen::new(), node_rules: BTreeSet::new() };
    for (key, spec) in &specs {
        let spec = translated(spec.clone(), &|text| name(text.strip_prefix("ref ")?));
        let kind = key.split('/').next().unwrap();
        if kind == "NodeRules" {
            wanted.node_rules.extend(node_rules(&spec));
            continue;
        }
        let id = if kind == "Targets" { text(&spec["TargetGroupArn"]) } else { own_id(&spec["Tags"]) };
        wanted.resources.entry(kind.to_owned()).or_default().insert(id, spec);
    }
    wanted
}

/// A wanted resource in the form in which resources are seen.
fn plain(mut spec: Value) -> Value {
    spec = unreferenced(spec);
    for list in ["Tags", "Attributes"] {
        if let Some(pairs) = spec.get(list).and_then(Value::as_array) {
            let pairs = pairs.iter().map(|pair| (text(&pair["Key"]), pair["Value"].clone()));
            spec[list] = pairs.collect::<Map<_, _>>().into();
        }
    }
    if let Some(rules) = spec.get("IpPermissions").and_then(Value::as_array) {
        let mut rules: Vec<Value> = rules.iter().flat_map(single_rules).collect();
        rules.sort_by_key(Value::to_string);
        spec["IpPermissions"] = rules.into();
    }
    if let Some(actions) = spec.as_object_mut().unwrap().remove("DefaultActions") {
        let groups = &actions[0]["ForwardConfig"]["TargetGroups"];
        spec["TargetGroupArn"] = groups[0]["TargetGroupArn"].clone();
    }
    spec
}

/// References become `ref KEY`.
fn unreferenced(value: Value) -> Value {
    match value {
        Value::Object(members) if members.contains_key("ref") => {
            json!(format!("ref {}", text(&members["ref"])))
        }
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(key, value)| (key, unreferenced(value))).collect())
        }
        Value::Array(items) => items.into_iter().map(unreferenced).collect(),
        other => other,
    }
}

fn single_rules(item: &Value) -> Vec<Value> {
    let lists = [
        ("IpRanges", "CidrIp"),
        ("Ipv6Ranges", "CidrIpv6"),
        ("PrefixListIds", "PrefixListId"),
        ("UserIdGroupPairs", "GroupId"),
    ];
    let sources = lists.into_iter().flat_map(|(list, field)| {
        item.get(list)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(move |source| source[field].clone())
    });
    sources.map(|source| json!([item["IpProtocol"], item["FromPort"], item["ToPort"], source])).collect()
}

fn node_rules(spec: &Value) -> Vec<Rule> {
    let number = |value: &Value| i32::try_from(value.as_i64().unwrap()).unwrap();
    let groups = spec["GroupIds"].as_array().unwrap();
    let rules = spec["IpPermissions"].as_array().unwrap();
    let all = groups.iter().flat_map(|group| rules.iter().map(move |rule| (group, rule)));
    all.map(|(group, rule)| (text(group), text(&rule[0]), number(&rule[1]), number(&rule[2]), text(&rule[3])))
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The id in the tags of one of ours; empty for others.
fn own_id(tags: &Value) -> String {
    let id = |key: &str| tags.get(key).map(text);
    id("service.k8s.aws/resource").or_else(|| id("elbv2.k8s.aws/resource")).unwrap_or_default()
}

/// The id in the tags of something with an ARN or id of AWS.
fn id_of(seen: &Seen, arn: &str) -> Option<String> {
    let found = seen.values().find_map(|all| all.get(arn).filter(|one| one.get("Tags").is_some()))?;
    Some(own_id(&found["Tags"])).filter(|id| !id.is_empty())
}

fn with_named_source(seen: &Seen, (group, protocol, from, to, source): Rule) -> Rule {
    let source = id_of(seen, &source).unwrap_or(source);
    (group, protocol, from, to, source)
}

/// Port by port: which neighbours share a rule depends on what was written at the same time (AWS-88).
fn opened(rules: &BTreeSet<Rule>) -> BTreeSet<Rule> {
    let ports = |(group, protocol, from, to, source): &Rule| {
        let one = |port| (group.clone(), protocol.clone(), port, port, source.clone());
        (*from..=*to).map(one).collect::<Vec<_>>()
    };
    rules.iter().flat_map(ports).collect()
}

/// What is ours of what is there, by the ids in the tags, which also stand for ARNs.
fn named(seen: &Seen) -> Seen {
    let id_of = |arn: &str| id_of(seen, arn);
    let mut all = Seen::new();
    for (kind, resources) in seen {
        for resource in resources.values() {
            let id = match kind.as_str() {
                "Targets" => id_of(&text(&resource["TargetGroupArn"])).unwrap_or_default(),
                _ => own_id(&resource["Tags"]),
            };
            if !id.is_empty() {
                let resource = translated(resource.clone(), &id_of);
                all.entry(kind.clone()).or_default().insert(id, resource);
            }
        }
    }
    all
}

/// Every wanted field is as wanted; lists have no order, and maps may have more.
fn compare(have: &Value, want: &Value, names_matter: bool) -> Result<(), String> {
    for (field, want) in want.as_object().unwrap() {
        let have = have.get(field).cloned().unwrap_or_default();
        let is_as_wanted = match (&have, want) {
            // An attribute that moto does not list has AWS's default, which is not written.
            (Value::Object(have), Value::Object(want)) => {
                let default = json!("false");
                want.iter().all(|(key, value)| have.get(key).unwrap_or(&default) == value)
            }
            (Value::Array(have), Value::Array(want)) => sorted(have) == sorted(want),
            _ if field == "Name" && !names_matter => true,
            (have, want) => have == want,
        };
        if !is_as_wanted {
            return Err(format!("{field} is {have}, not {want}"));
        }
    }
    Ok(())
}

fn sorted(items: &[Value]) -> BTreeSet<String> {
    items.iter().map(Value::to_string).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn golden_cases_are_reached_and_deleted() {
    if std::env::var_os("MOTO_ENDPOINT").is_none_or(|url| url.is_empty()) {
        println!("skipped: MOTO_ENDPOINT is not set");
        return;
    }
    let mut failed = BTreeMap::new();
    let mut held = 0;
    for (name, variant) in variants() {
        let Some(outcome) = outcome(variant).await else { continue };
        held += 1;
        if let Err(failure) = outcome {
            failed.insert(name, failure.chars().take(600).collect::<String>());
        }
    }
    assert!(held > 50, "only {held} cases");
    let known: BTreeSet<&str> = UNSUPPORTED.iter().map(|(name, _)| *name).collect();
    let is_new = |name: &str| !known.contains(name);
    let new: Vec<_> = failed.iter().filter(|(name, _)| is_new(name)).collect();
    let mended: Vec<_> = known.iter().filter(|name| !failed.contains_key(**name)).collect();
    assert!(new.is_empty() && mended.is_empty(), "failed: {new:#?}, not any more: {mended:#?}");
}

fn variants() -> Vec<(String, Variant)> {
    let mut paths: Vec<_> =
        std::fs::read_dir("tests/golden").unwrap().map(|one| one.unwrap().path()).collect();
    paths.sort();
    let mut all = Vec::new();
    for path in paths {
        let case = Case::read(&path);
        let file = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let of_case = case.variants.iter();
        all.extend(of_case.map(|(name, variant)| (format!("{file} {name}"), variant.clone().on(&case.base))));
    }
    all
}
