#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use cloud_lb_core::graph::Input;
use provider_aws::api::{Api, Groups, Interfaces, NewSecurityGroup, Vpcs};
use provider_aws::facts::{Instance, NetworkInterface};
use provider_aws::kinds::{IpPermission, Pairs, Source};

use super::server::Server;
use crate::held;

fn pairs() -> Pairs {
    [("elbv2.k8s.aws/cluster", "c")].into_iter().collect()
}

fn rules() -> Vec<IpPermission> {
    let rule = |protocol: &str, from, to, source| IpPermission {
        ip_protocol: protocol.to_owned(),
        from_port: from,
        to_port: to,
        source,
    };
    vec![
        rule("tcp", 80, 80, Source::Cidr("10.0.0.0/8".parse().unwrap())),
        rule("tcp", 80, 80, Source::Cidr("2001:db8::/32".parse().unwrap())),
        rule("tcp", 80, 80, Source::PrefixList("pl-1".into())),
        rule("udp", 30000, 30010, Source::Group(Input::Value("sg-2".into()))),
        rule("icmp", 3, 4, Source::Cidr("0.0.0.0/0".parse().unwrap())),
    ]
}

#[tokio::test]
async fn networks() {
    let server = Server::start().await;
    let sdk = server.sdk(1).await;
    held!(server, "describe_availability_zones", sdk.describe_availability_zones());
    held!(server, "describe_vpcs", sdk.describe_vpcs(Vpcs::Id("vpc-1")));
    let tags = [("Name".to_owned(), "main".to_owned())].into();
    held!(server, "describe_vpcs_by_tags", sdk.describe_vpcs(Vpcs::Tags(&tags)));
    held!(server, "describe_subnets", sdk.describe_subnets("vpc-1"));
    held!(server, "describe_route_tables", sdk.describe_route_tables("vpc-1"));
    held!(server, "describe_network_interfaces", sdk.describe_network_interfaces(Interfaces::Group("sg-1")));
    let addresses = ["10.0.1.10".parse().unwrap(), "2001:db8::5".parse().unwrap()];
    let by_address = Interfaces::Addresses("vpc-1", &addresses);
    held!(server, "describe_network_interfaces_by_address", sdk.describe_network_interfaces(by_address));
}

#[tokio::test]
async fn aws_91_interfaces_that_pods_may_have_are_those_of_no_instance_and_no_service() {
    let server = Server::start().await;
    let sdk = server.sdk(1).await;
    let further =
        NetworkInterface { network_interface_id: "eni-1".to_owned(), ..NetworkInterface::default() };
    let instance = Instance {
        network_interface_id: "eni-2".to_owned(),
        further_interfaces: vec![further],
        ..Instance::default()
    };
    held!(server, "interfaces_beside", sdk.interfaces_beside("vpc-1", &[instance]));
}

#[tokio::test]
async fn machines() {
    let server = Server::start().await;
    let sdk = server.sdk(1).await;
    let ids = ["i-1".to_owned(), "i-2".to_owned()];
    held!(server, "describe_instances", sdk.describe_instances(&ids));
    held!(server, "describe_addresses", sdk.describe_addresses(&["eipalloc-1".to_owned()]));
}

#[tokio::test]
async fn aws_235_many_instances_are_asked_for_in_chunks_of_what_a_filter_takes() {
    let server = Server::start().await;
    let sdk = server.sdk(1).await;
    let ids: Vec<String> = (0..201).map(|number| format!("i-{number}")).collect();
    sdk.describe_instances(&ids).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests.matches("Action=DescribeInstances").count(), 4, "2 pages of each chunk");
}

#[tokio::test]
async fn groups() {
    let server = Server::start().await;
    let sdk = server.sdk(1).await;
    held!(server, "describe_security_groups", sdk.describe_security_groups(Groups::Vpc("vpc-1")));
    let ids = ["sg-1".to_owned()];
    held!(server, "describe_security_groups_by_id", sdk.describe_security_groups(Groups::Ids(&ids)));
    held!(
        server,
        "describe_security_groups_admitting",
        sdk.describe_security_groups(Groups::Admitting("sg-9"))
    );
    let new = NewSecurityGroup {
        name: "k8s-default-web-0123456789".into(),
        description: "[k8s] Managed SecurityGroup for LoadBalancer".into(),
        vpc_id: "vpc-1".into(),
        tags: pairs(),
    };
    held!(server, "create_security_group", sdk.create_security_group(&new));
    held!(
        server,
        "authorize_ingress",
        sdk.authorize_ingress("sg-1", &rules(), "elbv2.k8s.aws/targetGroupBinding=shared")
    );
    held!(server, "authorize_ingress_undescribed", sdk.authorize_ingress("sg-1", &rules()[..1], ""));
    held!(server, "revoke_ingress", sdk.revoke_ingress("sg-1", &rules()));
    held!(server, "delete_security_group", sdk.delete_security_group("sg-1"));
    held!(server, "create_tags", sdk.create_tags("sg-1", &pairs()));
    held!(server, "delete_tags", sdk.delete_tags("sg-1", &["team".to_owned()]));
}
