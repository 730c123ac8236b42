use provider_aws::api::{Api, ListenerSettings, NewLoadBalancer, NewTargetGroup, Which};
use provider_aws::kinds::{
    HealthCheck, IpAddressType, ListenerProtocol, Matcher, Pairs, Scheme, SubnetMapping, Target,
    TargetFamily, TargetProtocol, TargetType,
};

use super::server::Server;
use crate::held;

const LB: &str = "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/net/a/1";
const TG: &str = "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/a/1";
const LISTENER: &str = "arn:aws:elasticloadbalancing:eu-west-1:1:listener/net/a/1/1";

fn pairs() -> Pairs {
    [("elbv2.k8s.aws/cluster", "c"), ("team", "a + b=c")].into_iter().collect()
}

fn attributes() -> Pairs {
    [("load_balancing.cross_zone.enabled", "true"), ("tcp.idle_timeout.seconds", "400")].into_iter().collect()
}

fn mappings() -> Vec<SubnetMapping> {
    let mapping = |id: &str| SubnetMapping { subnet_id: id.into(), ..SubnetMapping::default() };
    let pinned = SubnetMapping {
        allocation_id: Some("eipalloc-1".into()),
        private_ipv4_address: Some("10.0.0.9".into()),
        ipv6_address: Some("2001:db8::9".into()),
        source_nat_ipv6_prefix: Some("auto_assigned".into()),
        ..mapping("subnet-2")
    };
    vec![mapping("subnet-1"), pinned]
}

fn check() -> HealthCheck {
    HealthCheck {
        protocol: "HTTP".into(),
        port: "30000".into(),
        path: Some("/healthz".into()),
        interval: 10,
        timeout: 6,
        healthy: 2,
        unhealthy: 3,
        matcher: Some(Matcher { http_code: "200-399".into() }),
    }
}

fn settings() -> ListenerSettings {
    ListenerSettings {
        protocol: ListenerProtocol::Tls,
        target_group_arn: TG.into(),
        certificate: Some("arn:aws:acm:eu-west-1:1:certificate/a".into()),
        ssl_policy: Some("ELBSecurityPolicy-2016-08".into()),
        alpn_policy: Some("HTTP2Preferred".into()),
    }
}

#[tokio::test]
async fn load_balancers() {
    let server = Server::start().await;
    let sdk = server.sdk(1).await;
    held!(server, "describe_load_balancers", sdk.describe_load_balancers(Which::All));
    held!(
        server,
        "describe_load_balancers_by_arn",
        sdk.describe_load_balancers(Which::Arns(&[LB.to_owned()]))
    );
    held!(server, "describe_load_balancer_attributes", sdk.describe_load_balancer_attributes(LB));
    held!(server, "describe_capacity_reservation", sdk.describe_capacity_reservation(LB));
    let new = NewLoadBalancer {
        name: "k8s-default-web-0123456789".into(),
        scheme: Scheme::InternetFacing,
        ip_address_type: IpAddressType::Dualstack,
        subnet_mappings: mappings(),
        security_groups: vec!["sg-1".into(), "sg-2".into()],
        enable_prefix_for_ipv6_source_nat: "on".into(),
        tags: pairs(),
    };
    held!(server, "create_load_balancer", sdk.create_load_balancer(&new));
    held!(server, "modify_load_balancer_attributes", sdk.modify_load_balancer_attributes(LB, &attributes()));
    let groups = ["sg-1".to_owned()];
    held!(server, "set_security_groups", sdk.set_security_groups(LB, &groups, Some("off")));
    held!(server, "set_subnets", sdk.set_subnets(LB, &mappings(), "off", None));
    let dualstack = Some(IpAddressType::Dualstack);
    held!(server, "set_subnets_dualstack", sdk.set_subnets(LB, &mappings(), "on", dualstack));
    held!(server, "set_ip_address_type", sdk.set_ip_address_type(LB, IpAddressType::Dualstack));
    held!(server, "modify_capacity_reservation", sdk.modify_capacity_reservation(LB, Some(3000)));
    held!(server, "reset_capacity_reservation", sdk.modify_capacity_reservation(LB, None));
    held!(server, "delete_load_balancer", sdk.delete_load_balancer(LB));
}

#[tokio::test]
async fn listeners() {
    let server = Server::start().await;
    let sdk = server.sdk(1).await;
    held!(server, "describe_listeners", sdk.describe_listeners(LB));
    held!(server, "describe_listener_attributes", sdk.describe_listener_attributes(LISTENER));
    held!(server, "describe_listener_certificates", sdk.describe_listener_certificates(LISTENER));
    held!(server, "create_listener", sdk.create_listener(LB, 443, &settings(), &pairs()));
    let plain = ListenerSettings {
        protocol: ListenerProtocol::TcpQuic,
        certificate: None,
        ssl_policy: None,
        alpn_policy: None,
        ..settings()
    };
    held!(server, "modify_listener", sdk.modify_listener(LISTENER, &plain));
    held!(server, "modify_listener_attributes", sdk.modify_listener_attributes(LISTENER, &attributes()));
    let certificate = "arn:aws:acm:eu-west-1:1:certificate/b";
    held!(server, "add_listener_certificate", sdk.add_listener_certificate(LISTENER, certificate));
    held!(server, "remove_listener_certificate", sdk.remove_listener_certificate(LISTENER, certificate));
    held!(server, "delete_listener", sdk.delete_listener(LISTENER));
}

/// AWS tells the target group of a listener twice, with a weight that nobody asked for.
#[tokio::test]
async fn aws_138_both_forms_of_a_forward_action_are_one() {
    let server = Server::start().await;
    let sdk = server.sdk(1).await;
    let tuple = format!("<member><TargetGroupArn>{TG}</TargetGroupArn><Weight>1</Weight></member>");
    let config = format!("<ForwardConfig><TargetGroups>{tuple}</TargetGroups></ForwardConfig>");
    let plain = format!("<TargetGroupArn>{TG}</TargetGroupArn>");
    for action in [format!("{plain}{config}"), config, plain] {
        let listener = format!(
            "<member><ListenerArn>{LISTENER}</ListenerArn><Port>80</Port><Protocol>TCP</Protocol>\
             <DefaultActions><member><Type>forward</Type>{action}</member></DefaultActions></member>"
        );
        let result =
            format!("<DescribeListenersResult><Listeners>{listener}</Listeners></DescribeListenersResult>");
        let namespace = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/";
        let body =
            format!("<DescribeListenersResponse xmlns=\"{namespace}\">{result}</DescribeListenersResponse>");
        server.answer_next((200, body));
        let found = sdk.describe_listeners(LB).await.unwrap();
        assert_eq!(found[0].target_group_arn, TG, "{action}");
    }
}

#[tokio::test]
async fn target_groups() {
    let server = Server::start().await;
    let sdk = server.sdk(1).await;
    held!(server, "describe_target_groups", sdk.describe_target_groups(Which::All));
    held!(server, "describe_target_groups_by_name", sdk.describe_target_groups(Which::Name("a")));
    held!(server, "describe_target_group_attributes", sdk.describe_target_group_attributes(TG));
    held!(server, "describe_target_health", sdk.describe_target_health(TG));
    let new = NewTargetGroup {
        name: "k8s-default-web-0123456789".into(),
        target_type: TargetType::Ip,
        ip_address_type: TargetFamily::Ipv6,
        port: 80,
        protocol: TargetProtocol::TcpUdp,
        vpc_id: "vpc-1".into(),
        health_check: check(),
        tags: pairs(),
    };
    held!(server, "create_target_group", sdk.create_target_group(&new));
    held!(server, "modify_target_group", sdk.modify_target_group(TG, &check()));
    held!(server, "modify_target_group_attributes", sdk.modify_target_group_attributes(TG, &attributes()));
    held!(server, "delete_target_group", sdk.delete_target_group(TG));
    let target = |id: &str, zone: Option<&str>| Target {
        node_zone: None,
        id: id.into(),
        port: 8080,
        availability_zone: zone.map(str::to_owned),
    };
    let targets = [target("10.0.0.1", None), target("192.0.2.1", Some("all"))];
    held!(server, "register_targets", sdk.register_targets(TG, &targets));
    held!(server, "deregister_targets", sdk.deregister_targets(TG, &targets));
}

#[tokio::test]
async fn tags() {
    let server = Server::start().await;
    let sdk = server.sdk(1).await;
    held!(server, "describe_tags", sdk.describe_tags(&[LB.to_owned(), TG.to_owned()]));
    held!(server, "add_tags", sdk.add_tags(LB, &pairs()));
    held!(server, "remove_tags", sdk.remove_tags(LB, &["team".to_owned()]));
}
