//! What AWS refuses is not asked for.

use cloud_lb_core::model::Protocol;
use cloud_lb_core::provider::LoadBalancerProvider;
use provider_aws::fake::Options;
use provider_aws::kinds::IpAddressType;

use crate::support::{CLUSTER, World, annotate, config, port, service};

#[tokio::test(start_paused = true)]
async fn aws_26_what_aws_cannot_set_back_is_left_as_it_is() {
    let world = World::new(Options::default());
    let mut lb = service("web", &[port(80, 30_080), port(81, 30_081)]);
    lb.ports[1].protocol = Protocol::Udp;
    let plain = lb.clone();
    let key = "secondary_ips.auto_assigned.per_subnet";
    annotate(&mut lb, "attributes", &format!("access_logs.s3.bucket=logs,access_logs.s3.prefix=web,{key}=2"));
    annotate(&mut lb, "access-log-enabled", "true");
    let (ends, drains) = (
        "target_health_state.unhealthy.connection_termination.enabled",
        "target_health_state.unhealthy.draining_interval_seconds",
    );
    annotate(&mut lb, "target-group-attributes", &format!("{ends}=false,{drains}=60"));
    world.ensured(&lb).await;
    let warnings = world.provider.plan(&plain).await.unwrap().warnings;
    assert!(
        warnings.iter().any(|warning| warning.message.contains(&format!("{key} stays 2"))),
        "{warnings:?}"
    );
    world.ensured(&plain).await;
    let account = world.aws.account();
    let found = &account.load_balancers[0].attributes;
    let of_logs =
        ["enabled", "bucket", "prefix"].map(|part| found[&format!("access_logs.s3.{part}")].as_str());
    assert_eq!((of_logs, found[key].as_str()), (["false", "logs", "web"], "2"));
    let of = |port: u16| {
        let group = account.target_groups.iter().find(|group| group.port == port).unwrap();
        (group.attributes[ends].as_str(), group.attributes[drains].as_str())
    };
    assert_eq!((of(30_080), of(30_081)), (("true", "60"), ("false", "0")));
    assert!(world.restarted(config(CLUSTER)).provider.plan(&plain).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn aws_136_a_certificate_that_becomes_the_default_stays_in_the_list() {
    let world = World::new(Options::default());
    let mut lb = service("web", &[port(443, 30_443)]);
    annotate(&mut lb, "ssl-cert", "arn1,arn2");
    world.ensured(&lb).await;
    annotate(&mut lb, "ssl-cert", "arn2,arn1");
    let (_, calls) = world.calls_of(world.ensured(&lb)).await;
    assert_eq!(calls.writes, [("AddListenerCertificates", 1), ("ModifyListener", 1)].into());
    assert!(world.restarted(config(CLUSTER)).provider.plan(&lb).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn aws_63_source_nat_comes_with_the_families_in_one_call() {
    let world = World::new(Options::default());
    let mut lb = service("web", &[port(80, 30_080)]);
    world.ensured(&lb).await;
    annotate(&mut lb, "ip-address-type", "dualstack");
    annotate(&mut lb, "enable-prefix-for-ipv6-source-nat", "on");
    let (_, calls) = world.calls_of(world.ensured(&lb)).await;
    assert_eq!((calls.of("SetSubnets"), calls.of("SetIpAddressType")), (1, 0), "{calls:#?}");
    let found = world.aws.account().load_balancers.remove(0);
    assert_eq!(found.ip_address_type, IpAddressType::Dualstack);
    assert_eq!(found.enable_prefix_for_ipv6_source_nat.as_deref(), Some("on"));
    assert!(world.provider.plan(&lb).await.unwrap().is_empty());
    let mut back = lb.clone();
    back.annotations.retain(|key, _| !key.contains("ipv6"));
    annotate(&mut back, "ip-address-type", "ipv4");
    world.ensured(&back).await;
    assert_eq!(world.aws.account().load_balancers[0].ip_address_type, IpAddressType::Ipv4);
}
