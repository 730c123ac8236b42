//! What is in an account, as the AWS SDK tells it, in the words of the requests that would make it.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{Filter, IpPermission, SecurityGroup};
use aws_sdk_elasticloadbalancingv2::types::{Listener, LoadBalancer, TargetGroup};
use serde_json::{Map, Value, json};

use crate::account::Account;

/// Description of our rules in the security groups of nodes.
const NODE_RULES: &str = "elbv2.k8s.aws/targetGroupBinding=shared";

/// Resources by kind and id.
pub(crate) type Seen = BTreeMap<String, BTreeMap<String, Value>>;

/// A single rule: group, protocol, ports, source.
pub(crate) type Rule = (String, String, i32, i32, String);

impl Account {
    /// All load balancers, their listeners, target groups, targets, and security groups of the network.
    pub(crate) async fn seen(&self) -> Seen {
        let mut seen = Seen::new();
        for lb in self.load_balancers().await {
            let arn = lb.load_balancer_arn().unwrap().to_owned();
            seen.entry("LoadBalancer".into()).or_default().insert(arn.clone(), self.load_balancer(&lb).await);
            for listener in self.listeners(&arn).await {
                let id = listener.listener_arn().unwrap().to_owned();
                let listeners = seen.entry("Listener".into()).or_default();
                listeners.insert(id, self.listener(&listener).await);
            }
        }
        for group in self.target_groups().await {
            let arn = group.target_group_arn().unwrap().to_owned();
            let targets = json!({ "TargetGroupArn": arn, "Targets": self.targets(&arn).await });
            seen.entry("Targets".into()).or_default().insert(arn.clone(), targets);
            seen.entry("TargetGroup".into()).or_default().insert(arn, self.target_group(&group).await);
        }
        for group in self.groups().await {
            let id = group.group_id().unwrap().to_owned();
            seen.entry("SecurityGroup".into()).or_default().insert(id, security_group(&group));
        }
        seen
    }

    pub(crate) async fn load_balancers(&self) -> Vec<LoadBalancer> {
        let answer = self.elbv2.describe_load_balancers().send().await.unwrap();
        answer.load_balancers.unwrap_or_default()
    }

    pub(crate) async fn listeners(&self, load_balancer: &str) -> Vec<Listener> {
        let request = self.elbv2.describe_listeners().load_balancer_arn(load_balancer);
        request.send().await.unwrap().listeners.unwrap_or_default()
    }

    pub(crate) async fn target_groups(&self) -> Vec<TargetGroup> {
        let answer = self.elbv2.describe_target_groups().send().await.unwrap();
        answer.target_groups.unwrap_or_default()
    }

    pub(crate) async fn groups(&self) -> Vec<SecurityGroup> {
        let of_vpc = Filter::builder().name("vpc-id").values(&self.facts.vpc_id).build();
        let answer = self.ec2.describe_security_groups().filters(of_vpc).send().await.unwrap();
        answer.security_groups.unwrap_or_default()
    }

    /// Our rules in groups that are not ours.
    pub(crate) async fn node_rules(&self) -> Vec<Rule> {
        let mut rules = Vec::new();
        for group in self.groups().await {
            let id = group.group_id().unwrap();
            let ours = group.ip_permissions().iter().flat_map(|item| described(item, NODE_RULES));
            rules
                .extend(ours.map(|(protocol, from, to, source)| (id.to_owned(), protocol, from, to, source)));
        }
        rules.sort();
        rules
    }

    pub(crate) async fn tags(&self, arn: &str) -> BTreeMap<String, String> {
        let answer = self.elbv2.describe_tags().resource_arns(arn).send().await.unwrap();
        let tags = answer.tag_descriptions().iter().flat_map(|one| one.tags());
        tags.map(|tag| (tag.key().unwrap().to_owned(), tag.value().unwrap_or_default().to_owned())).collect()
    }

    async fn load_balancer(&self, lb: &LoadBalancer) -> Value {
        let arn = lb.load_balancer_arn().unwrap();
        let answer =
            self.elbv2.describe_load_balancer_attributes().load_balancer_arn(arn).send().await.unwrap();
        let attributes = answer.attributes().iter().map(|one| (one.key(), one.value()));
        let zones = lb.availability_zones().iter().map(|zone| json!({ "SubnetId": zone.subnet_id() }));
        json!({
            "Name": lb.load_balancer_name(),
            "Type": lb.r#type().map(|word| word.as_str()),
            "Scheme": lb.scheme().map(|word| word.as_str()),
            "IpAddressType": lb.ip_address_type().map(|word| word.as_str()),
            "SubnetMappings": zones.collect::<Vec<_>>(),
            "SecurityGroups": lb.security_groups(),
            "EnablePrefixForIpv6SourceNat": lb.enable_prefix_for_ipv6_source_nat().map_or("off", |word| word.as_str()),
            "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic":
                lb.enforce_security_group_inbound_rules_on_private_link_traffic(),
            "Attributes": pairs(attributes),
            "Tags": self.tags(arn).await,
        })
    }

    async fn listener(&self, listener: &Listener) -> Value {
        let arn = listener.listener_arn().unwrap();
        let answer = self.elbv2.describe_listener_attributes().listener_arn(arn).send().await.unwrap();
        let attributes = answer.attributes().iter().map(|one| (one.key(), one.value()));
        let answer = self.elbv2.describe_listener_certificates().listener_arn(arn).send().await.unwrap();
        let certificates =
            answer.certificates().iter().map(|one| json!({ "CertificateArn": one.certificate_arn() }));
        json!({
            "LoadBalancerArn": listener.load_balancer_arn(),
            "Port": listener.port(),
            "Protocol": listener.protocol().map(|word| word.as_str()),
            "SslPolicy": listener.ssl_policy(),
            "AlpnPolicy": listener.alpn_policy(),
            "Certificates": certificates.collect::<Vec<_>>(),
            "TargetGroupArn": listener.default_actions().iter().find_map(|action| action.target_group_arn()),
            "Attributes": pairs(attributes),
            "Tags": self.tags(arn).await,
        })
    }

    async fn target_group(&self, group: &TargetGroup) -> Value {
        let arn = group.target_group_arn().unwrap();
        let answer =
            self.elbv2.describe_target_group_attributes().target_group_arn(arn).send().await.unwrap();
        let attributes = answer.attributes().iter().map(|one| (one.key(), one.value()));
        let code = group.matcher().and_then(|matcher| matcher.http_code());
        json!({
            "Name": group.target_group_name(),
            "TargetType": group.target_type().map(|word| word.as_str()),
            "IpAddressType": group.ip_address_type().map(|word| word.as_str()),
            "Protocol": group.protocol().map(|word| word.as_str()),
            "Port": group.port(),
            "VpcId": group.vpc_id(),
            "HealthCheckProtocol": group.health_check_protocol().map(|word| word.as_str()),
            "HealthCheckPort": group.health_check_port(),
            "HealthCheckPath": group.health_check_path(),
            "HealthCheckIntervalSeconds": group.health_check_interval_seconds(),
            "HealthCheckTimeoutSeconds": group.health_check_timeout_seconds(),
            "HealthyThresholdCount": group.healthy_threshold_count(),
            "UnhealthyThresholdCount": group.unhealthy_threshold_count(),
            "Matcher": { "HttpCode": code },
            "Attributes": pairs(attributes),
            "Tags": self.tags(arn).await,
        })
    }

    pub(crate) async fn targets(&self, target_group: &str) -> Vec<Value> {
        let request = self.elbv2.describe_target_health().target_group_arn(target_group);
        let answer = request.send().await.unwrap();
        let described = answer.target_health_descriptions().iter().filter_map(|one| one.target());
        described.map(|target| json!({ "Id": target.id(), "Port": target.port() })).collect()
    }
}

fn pairs<'a>(attributes: impl Iterator<Item = (Option<&'a str>, Option<&'a str>)>) -> Value {
    attributes
        .map(|(key, value)| (key.unwrap_or_default().to_owned(), json!(value)))
        .collect::<Map<_, _>>()
        .into()
}

fn security_group(group: &SecurityGroup) -> Value {
    let tags = group.tags().iter().map(|tag| (tag.key().unwrap().to_owned(), json!(tag.value())));
    let mut rules: Vec<_> = group.ip_permissions().iter().flat_map(rules).collect();
    rules.sort();
    json!({
        "GroupName": group.group_name(),
        "Description": group.description(),
        "VpcId": group.vpc_id(),
        "IpPermissions": rules,
        "Tags": tags.collect::<Map<_, _>>(),
    })
}

type Bare = (String, i32, i32, String);

/// The single rules of one item, whatever their descriptions.
fn rules(item: &IpPermission) -> Vec<Bare> {
    sources(item).into_iter().map(|(source, _)| bare(item, source)).collect()
}

fn described(item: &IpPermission, description: &str) -> Vec<Bare> {
    let all = sources(item).into_iter().filter(|(_, found)| found.as_deref() == Some(description));
    all.map(|(source, _)| bare(item, source)).collect()
}

fn bare(item: &IpPermission, source: String) -> Bare {
    let protocol = item.ip_protocol().unwrap_or_default().to_owned();
    (protocol, item.from_port().unwrap_or(-1), item.to_port().unwrap_or(-1), source)
}

fn sources(item: &IpPermission) -> Vec<(String, Option<String>)> {
    let v4 = item.ip_ranges().iter().map(|one| (one.cidr_ip.clone(), one.description.clone()));
    let v6 = item.ipv6_ranges().iter().map(|one| (one.cidr_ipv6.clone(), one.description.clone()));
    let lists =
        item.prefix_list_ids().iter().map(|one| (one.prefix_list_id.clone(), one.description.clone()));
    let groups = item.user_id_group_pairs().iter().map(|one| (one.group_id.clone(), one.description.clone()));
    let all = v4.chain(v6).chain(lists).chain(groups);
    all.map(|(source, description)| (source.unwrap_or_default(), description)).collect()
}
