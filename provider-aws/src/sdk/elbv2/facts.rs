//! Answers as facts. Words of the API are compared as text: the SDK may not know them yet.

use aws_sdk_elasticloadbalancingv2::types::{
    Action, AvailabilityZone, Listener, LoadBalancer, LoadBalancerTypeEnum, TargetGroup,
    TargetHealthDescription,
};
use cloud_lb_core::error::{Error, ErrorKind, Result};
use jiff::Timestamp;

use super::super::call::{missing, port, required};
use crate::facts::{
    ListenerFacts, LoadBalancerFacts, LoadBalancerState, LoadBalancerType, TargetFacts, TargetGroupFacts,
};
use crate::kinds::{
    HealthCheck, IpAddressType, ListenerProtocol, Matcher, Scheme, SubnetMapping, TargetFamily,
    TargetProtocol, TargetType,
};

/// A load balancer of whatever kind: others than ours have names and security groups, too. What cannot be
/// read of those does not matter.
pub(super) fn any_load_balancer(lb: &LoadBalancer) -> Option<Result<LoadBalancerFacts>> {
    let is_network = kind(lb) == LoadBalancerType::Network;
    Some(load_balancer(lb)).filter(|read| is_network || read.is_ok())
}

fn kind(lb: &LoadBalancer) -> LoadBalancerType {
    match lb.r#type().map(LoadBalancerTypeEnum::as_str) {
        Some("application") => LoadBalancerType::Application,
        Some("gateway") => LoadBalancerType::Gateway,
        _ => LoadBalancerType::Network,
    }
}

/// A Network Load Balancer.
pub(super) fn load_balancer(lb: &LoadBalancer) -> Result<LoadBalancerFacts> {
    let is = |word: Option<&str>, expected: &str| word == Some(expected);
    let address_type = lb.ip_address_type().map(aws_sdk_elasticloadbalancingv2::types::IpAddressType::as_str);
    let scheme = lb.scheme().map(aws_sdk_elasticloadbalancingv2::types::LoadBalancerSchemeEnum::as_str);
    Ok(LoadBalancerFacts {
        load_balancer_arn: required(lb.load_balancer_arn(), "LoadBalancerArn")?,
        load_balancer_name: required(lb.load_balancer_name(), "LoadBalancerName")?,
        kind: kind(lb),
        dns_name: lb.dns_name().unwrap_or_default().to_owned(),
        scheme: if is(scheme, "internal") { Scheme::Internal } else { Scheme::InternetFacing },
        vpc_id: required(lb.vpc_id(), "VpcId")?,
        created_time: lb.created_time().and_then(|time| Timestamp::from_second(time.secs()).ok()),
        state: state(
            lb.state()
                .and_then(|state| state.code())
                .map(aws_sdk_elasticloadbalancingv2::types::LoadBalancerStateEnum::as_str),
        ),
        state_reason: lb.state().and_then(|state| state.reason.clone()).unwrap_or_default(),
        ip_address_type: if is(address_type, "dualstack") {
            IpAddressType::Dualstack
        } else {
            IpAddressType::Ipv4
        },
        subnet_mappings: lb.availability_zones().iter().map(mapping).collect::<Result<_>>()?,
        security_groups: lb.security_groups().to_vec(),
        enable_prefix_for_ipv6_source_nat: lb
            .enable_prefix_for_ipv6_source_nat()
            .map(|switch| switch.as_str().to_owned()),
        enforce_security_group_inbound_rules_on_private_link_traffic: lb
            .enforce_security_group_inbound_rules_on_private_link_traffic()
            .map(str::to_owned),
        capacity_units: None,
        attributes: [].into(),
        listeners: Vec::new(),
        tags: [].into(),
    })
}

fn state(code: Option<&str>) -> LoadBalancerState {
    match code {
        Some("provisioning") => LoadBalancerState::Provisioning,
        Some("active_impaired") => LoadBalancerState::ActiveImpaired,
        Some("failed") => LoadBalancerState::Failed,
        _ => LoadBalancerState::Active,
    }
}

fn mapping(zone: &AvailabilityZone) -> Result<SubnetMapping> {
    let address = zone.load_balancer_addresses().first();
    Ok(SubnetMapping {
        subnet_id: required(zone.subnet_id(), "SubnetId")?,
        allocation_id: address.and_then(|address| address.allocation_id.clone()),
        private_ipv4_address: address.and_then(|address| address.private_ipv4_address.clone()),
        ipv6_address: address.and_then(|address| address.ipv6_address.clone()),
        source_nat_ipv6_prefix: zone.source_nat_ipv6_prefixes().first().cloned(),
    })
}

/// A listener of a Network Load Balancer.
pub(super) fn listener(listener: &Listener) -> Result<ListenerFacts> {
    let word = listener.protocol().map_or("", |protocol| protocol.as_str());
    let protocol = listener_protocol(word).ok_or_else(|| {
        let message = format!("a listener has the protocol {word:?}, which this version does not know");
        Error::new(ErrorKind::Unsupported, message)
    })?;
    let certificates = listener.certificates().iter();
    Ok(ListenerFacts {
        listener_arn: required(listener.listener_arn(), "ListenerArn")?,
        port: port(listener.port())?,
        protocol,
        target_group_arn: listener.default_actions().iter().find_map(target_of).unwrap_or_default(),
        certificates: certificates.filter_map(|one| one.certificate_arn.clone()).collect(),
        ssl_policy: listener.ssl_policy.clone().filter(|policy| !policy.is_empty()),
        alpn_policy: listener.alpn_policy().first().cloned(),
        attributes: [].into(),
        tags: [].into(),
    })
}

/// Where an action forwards to; both forms of the API mean the same (AWS-138).
fn target_of(action: &Action) -> Option<String> {
    let groups = || {
        action
            .forward_config()
            .map(aws_sdk_elasticloadbalancingv2::types::ForwardActionConfig::target_groups)
            .unwrap_or_default()
    };
    let listed = || groups().first().and_then(|group| group.target_group_arn.clone());
    action.target_group_arn.clone().or_else(listed)
}

fn listener_protocol(word: &str) -> Option<ListenerProtocol> {
    use ListenerProtocol::{Quic, Tcp, TcpQuic, TcpUdp, Tls, Udp};
    [Tcp, Tls, Udp, TcpUdp, Quic, TcpQuic].into_iter().find(|protocol| protocol.as_str() == word)
}

fn target_protocol(word: &str) -> Option<TargetProtocol> {
    use TargetProtocol::{Quic, Tcp, TcpQuic, TcpUdp, Tls, Udp};
    [Tcp, Tls, Udp, TcpUdp, Quic, TcpQuic].into_iter().find(|protocol| protocol.as_str() == word)
}

/// A target group, or `None` for those that no Network Load Balancer of ours can use: of other protocols,
/// of functions, or of other load balancers.
pub(super) fn target_group(group: &TargetGroup) -> Result<Option<TargetGroupFacts>> {
    let protocol = group.protocol().and_then(|protocol| target_protocol(protocol.as_str()));
    let target_type =
        match group.target_type().map(aws_sdk_elasticloadbalancingv2::types::TargetTypeEnum::as_str) {
            Some("instance") => Some(TargetType::Instance),
            Some("ip") => Some(TargetType::Ip),
            _ => None,
        };
    let (Some(protocol), Some(target_type)) = (protocol, target_type) else { return Ok(None) };
    let is_ipv6 = group.ip_address_type().is_some_and(|family| family.as_str() == "ipv6");
    Ok(Some(TargetGroupFacts {
        target_group_arn: required(group.target_group_arn(), "TargetGroupArn")?,
        target_group_name: required(group.target_group_name(), "TargetGroupName")?,
        target_type,
        ip_address_type: if is_ipv6 { TargetFamily::Ipv6 } else { TargetFamily::Ipv4 },
        port: port(group.port())?,
        protocol,
        vpc_id: required(group.vpc_id(), "VpcId")?,
        load_balancer_arns: group.load_balancer_arns().to_vec(),
        health_check: health_check(group)?,
        attributes: [].into(),
        targets: Vec::new(),
        tags: [].into(),
    }))
}

fn health_check(group: &TargetGroup) -> Result<HealthCheck> {
    let number = |value: Option<i32>, what| {
        value.and_then(|value| u32::try_from(value).ok()).ok_or_else(|| missing(what))
    };
    let code = group.matcher().and_then(|matcher| matcher.http_code.clone());
    Ok(HealthCheck {
        protocol: group.health_check_protocol().map_or("TCP", |protocol| protocol.as_str()).to_owned(),
        port: group.health_check_port().unwrap_or("traffic-port").to_owned(),
        path: group.health_check_path.clone().filter(|path| !path.is_empty()),
        interval: number(group.health_check_interval_seconds(), "HealthCheckIntervalSeconds")?,
        timeout: number(group.health_check_timeout_seconds(), "HealthCheckTimeoutSeconds")?,
        healthy: number(group.healthy_threshold_count(), "HealthyThresholdCount")?,
        unhealthy: number(group.unhealthy_threshold_count(), "UnhealthyThresholdCount")?,
        matcher: code.filter(|code| !code.is_empty()).map(|http_code| Matcher { http_code }),
    })
}

/// A registered target.
pub(super) fn target(described: &TargetHealthDescription) -> Result<TargetFacts> {
    let target = described.target().ok_or_else(|| missing("Target"))?;
    let health = described.target_health();
    Ok(TargetFacts {
        id: required(target.id(), "Id")?,
        port: port(target.port())?,
        availability_zone: target.availability_zone.clone(),
        state: health.and_then(|health| Some(health.state()?.as_str().to_owned())),
        reason: health.and_then(|health| Some(health.reason()?.as_str().to_owned())),
        description: health.and_then(|health| health.description.clone()),
    })
}
