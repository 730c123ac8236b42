//! Load balancers that other controllers made for a Service, and what is left of our own.

use std::time::Duration;

use cloud_lb_core::error::ErrorKind;
use cloud_lb_core::model::LoadBalancer;
use cloud_lb_core::provider::{LoadBalancerProvider, Outcome};
use provider_aws::config::{Adopt, NodeRuleStyle};
use provider_aws::fake::Options;
use provider_aws::kinds::HealthCheck;

use crate::support::{
    CLUSTER, NODE_GROUP, World, account, annotate, config, node, pass, port, service, tags,
};

/// A Service with a load balancer as the cloud controller manager makes it (AWS-42): without security
/// groups, under its names, tags and descriptions, with its health check.
async fn of_cloud_controller_manager() -> (World, LoadBalancer) {
    let mut lb = service("web", &[port(80, 30_080), port(443, 30_443)]);
    "bdca2bd0-bfc6-449a-88a3-03451f05f18c".clone_into(&mut lb.service.uid);
    annotate(&mut lb, "disable-nlb-sg", "true");
    let world = World::new(Options::default());
    world.ensured(&lb).await;
    lb.annotations.remove("service.beta.kubernetes.io/aws-load-balancer-disable-nlb-sg");
    world.aws.tamper(|account| {
        let theirs = tags(&[
            ("kubernetes.io/cluster/my-cluster", "owned"),
            ("kubernetes.io/service-name", "default/web"),
        ]);
        for found in &mut account.load_balancers {
            "abdca2bd0bfc6449a88a303451f05f18".clone_into(&mut found.load_balancer_name);
            found.tags.clone_from(&theirs);
            found.listeners.iter_mut().for_each(|listener| listener.tags.clear());
        }
        for group in &mut account.target_groups {
            group.target_group_name = format!("k8s-default-web-sha1of{}", group.port);
            group.health_check = HealthCheck { interval: 30, ..group.health_check.clone() };
            group.tags.clone_from(&theirs);
        }
        for rules in account.security_groups.iter_mut().flat_map(|group| &mut group.ip_permissions) {
            "kubernetes.io/rule/nlb/client=abdca2bd0".clone_into(&mut rules.description);
        }
    });
    (world.restarted(config(CLUSTER)), lb)
}

#[tokio::test(start_paused = true)]
async fn aws_215_a_load_balancer_of_the_cloud_controller_manager_is_taken_over_in_place() {
    let (world, lb) = of_cloud_controller_manager().await;
    let before = world.aws.account();
    let plan = world.provider.plan(&lb).await.unwrap();
    let steps: Vec<String> = plan.steps.iter().map(|step| format!("{} {}", step.op, step.key)).collect();
    let updates =
        ["LoadBalancer/load-balancer", "Listener/443", "Listener/80", "TargetGroup/443", "TargetGroup/80"];
    assert_eq!(steps.len(), updates.len(), "{plan}");
    assert!(updates.iter().all(|key| steps.contains(&format!("update {key}"))), "{plan}");
    let (_, calls) = world.calls_of(world.ensured(&lb)).await;
    assert_eq!(calls.writes, [("AddTags", 5), ("ModifyTargetGroup", 2)].into());
    let after = world.aws.account();
    let arns = |account: &provider_aws::Account| -> Vec<String> {
        let lbs = account.load_balancers.iter().map(|lb| lb.load_balancer_arn.clone());
        lbs.chain(account.target_groups.iter().map(|group| group.target_group_arn.clone())).collect()
    };
    assert_eq!(arns(&before), arns(&after));
    assert_eq!(after.load_balancers[0].tags["kubernetes.io/service-name"], "default/web");
    assert!(world.provider.plan(&lb).await.unwrap().is_empty());
    world.deleted(&lb).await;
    assert_eq!(world.aws.account().load_balancers, []);
    assert_eq!(world.aws.account().target_groups, []);
    assert_eq!(
        world.node_rules().len(),
        before.security_groups[0].ip_permissions.len(),
        "rules of others stay"
    );
}

/// The policies allow changes only of what has our tag, and on theirs nothing but to add it.
#[tokio::test(start_paused = true)]
async fn aws_250_what_is_taken_over_gets_its_tags_before_anything_else_of_it_changes() {
    for writes in 0..7 {
        let (world, mut lb) = of_cloud_controller_manager().await;
        annotate(&mut lb, "target-group-attributes", "deregistration_delay.timeout_seconds=80");
        annotate(&mut lb, "listener-attributes.TCP-80", "tcp.idle_timeout.seconds=400");
        annotate(&mut lb, "attributes", "load_balancing.cross_zone.enabled=true");
        let before = world.aws.account();
        world.aws.crash_after_writes(writes);
        world.provider.ensure(&lb).await.unwrap_err();
        let after = world.aws.account();
        for (old, new) in before.target_groups.iter().zip(&after.target_groups) {
            let is_same = (&old.health_check, &old.attributes) == (&new.health_check, &new.attributes);
            assert!(is_same || new.tags.contains_key("elbv2.k8s.aws/cluster"), "after {writes}: {new:?}");
        }
        for (old, new) in before.load_balancers.iter().zip(&after.load_balancers) {
            let is_tagged =
                |tags: &std::collections::BTreeMap<_, _>| tags.contains_key("elbv2.k8s.aws/cluster");
            assert!(old.attributes == new.attributes || is_tagged(&new.tags), "after {writes}: {new:?}");
            for (old, new) in old.listeners.iter().zip(&new.listeners) {
                assert!(old.attributes == new.attributes || is_tagged(&new.tags), "after {writes}: {new:?}");
            }
        }
    }
}

/// The policy beside the minimal one: to add our tag to what has the cloud controller manager's, no more.
#[test]
fn aws_250_the_policy_of_take_overs_allows_only_to_add_our_tag_to_what_is_of_the_cluster() {
    let policy = include_str!("../../../deploy/iam/aws-takeover.json");
    let policy: serde_json::Value = serde_json::from_str(policy).unwrap();
    let [statement] = policy["Statement"].as_array().unwrap().as_slice() else { panic!("{policy}") };
    assert_eq!(statement["Action"], serde_json::json!(["elasticloadbalancing:AddTags"]));
    let resources = statement["Resource"].as_array().unwrap();
    assert!(
        resources.iter().all(|arn| arn.as_str().unwrap().starts_with("arn:aws:elasticloadbalancing:*:*:"))
    );
    let (equal, absent) = (&statement["Condition"]["StringEquals"], &statement["Condition"]["Null"]);
    assert_eq!(equal["aws:RequestTag/elbv2.k8s.aws/cluster"], "CLUSTER_NAME");
    assert_eq!(equal["aws:ResourceTag/kubernetes.io/cluster/CLUSTER_NAME"], "owned");
    assert_eq!(absent["aws:ResourceTag/elbv2.k8s.aws/cluster"], "true");
}

#[tokio::test(start_paused = true)]
async fn aws_215_where_only_tagged_ones_are_taken_over_no_second_one_is_made_beside_it() {
    let (world, lb) = of_cloud_controller_manager().await;
    let before = world.aws.account();
    let mut config = config(CLUSTER);
    config.adopt = Adopt::Tagged;
    let world = world.restarted(config);
    let error = world.provider.ensure(&lb).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ownership);
    assert!(error.to_string().contains("adopt: ccm"), "{error}");
    assert_eq!(world.provider.delete(&lb.service).await.unwrap(), Outcome::Done);
    assert_eq!(world.aws.account(), before);
}

#[tokio::test(start_paused = true)]
async fn aws_215_that_of_another_service_of_the_name_is_not_taken_over() {
    let (world, mut lb) = of_cloud_controller_manager().await;
    "00000000-0000-0000-0000-000000000000".clone_into(&mut lb.service.uid);
    world.ensured(&lb).await;
    assert_eq!(world.aws.account().load_balancers.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn of_aws_load_balancer_controller_only_the_note_of_attributes_differs() {
    let mut lb = service("web", &[port(80, 30_080), port(443, 30_443)]);
    for (key, value) in [
        ("ssl-cert", "arn1,arn2"),
        ("ssl-ports", "443"),
        ("attributes", "load_balancing.cross_zone.enabled=true"),
        ("target-group-attributes.443", "deregistration_delay.timeout_seconds=30"),
        ("additional-resource-tags", "team=web"),
    ] {
        annotate(&mut lb, key, value);
    }
    let mut range = config(CLUSTER);
    range.node_sg_rules = NodeRuleStyle::Range;
    let world = World::of(account(CLUSTER), Options::default(), range);
    world.ensured(&lb).await;
    world.aws.tamper(|account| {
        let note = "elbv2.k8s.aws/managed-attributes";
        for found in &mut account.load_balancers {
            found.tags.remove(note);
            // The default certificate is in the list of the others, too.
            found.listeners.iter_mut().filter(|listener| listener.port == 443).for_each(|listener| {
                listener.certificates.push("arn1".to_owned());
            });
        }
        account.target_groups.iter_mut().for_each(|group| _ = group.tags.remove(note));
    });
    let world = world.restarted(config(CLUSTER));
    let plan = world.provider.plan(&lb).await.unwrap();
    let why: Vec<String> =
        plan.steps.iter().map(|step| format!("{} {}: {}", step.op, step.key, step.why)).collect();
    assert_eq!(
        why,
        ["update LoadBalancer/load-balancer: Tags differs", "update TargetGroup/443: Tags differs"]
    );
    lb.annotations.retain(|key, _| !key.contains("attributes"));
    assert!(world.provider.plan(&lb).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn aws_26_attributes_that_are_not_asked_for_any_more_are_reset_also_by_another_process() {
    let world = World::new(Options::default());
    let mut lb = service("web", &[port(80, 30_080)]);
    let plain = lb.clone();
    annotate(&mut lb, "attributes", "load_balancing.cross_zone.enabled=true,ipv6.deny_all_igw_traffic=false");
    annotate(&mut lb, "target-group-attributes", "deregistration_delay.timeout_seconds=30");
    annotate(&mut lb, "listener-attributes.TCP-80", "tcp.idle_timeout.seconds=400");
    world.ensured(&lb).await;
    let world = world.restarted(config(CLUSTER));
    world.ensured(&plain).await;
    let account = world.aws.account();
    let found = &account.load_balancers[0];
    assert_eq!(found.attributes["load_balancing.cross_zone.enabled"], "false");
    assert_eq!(found.attributes["ipv6.deny_all_igw_traffic"], "true", "the default of internal ones");
    assert_eq!(found.listeners[0].attributes["tcp.idle_timeout.seconds"], "350");
    assert_eq!(account.target_groups[0].attributes["deregistration_delay.timeout_seconds"], "300");
    // From now on they are the user's.
    world.aws.tamper(|account| {
        let attributes = &mut account.load_balancers[0].attributes;
        attributes.insert("load_balancing.cross_zone.enabled".to_owned(), "true".to_owned());
    });
    let world = world.restarted(config(CLUSTER));
    assert!(world.provider.plan(&plain).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn aws_37_of_two_load_balancers_of_a_service_one_stays() {
    let world = World::new(Options::default());
    let lb = service("web", &[port(80, 30_080)]);
    world.ensured(&lb).await;
    world.aws.tamper(|account| {
        let mut twin = account.load_balancers[0].clone();
        twin.load_balancer_arn.push_str("-twin");
        twin.load_balancer_name = "twin".to_owned();
        let mut group = account.target_groups[0].clone();
        group.target_group_arn.push_str("-twin");
        group.target_group_name = "twin".to_owned();
        for listener in &mut twin.listeners {
            listener.listener_arn.push_str("-twin");
            listener.target_group_arn.clone_from(&group.target_group_arn);
        }
        account.load_balancers.push(twin);
        account.target_groups.push(group);
    });
    let world = world.restarted(config(CLUSTER));
    world.ensured(&lb).await;
    let account = world.aws.account();
    let names: Vec<&str> = account.load_balancers.iter().map(|lb| lb.load_balancer_name.as_str()).collect();
    assert_eq!((names.len(), names.contains(&"twin")), (1, false), "{names:?}");
    assert_eq!(account.target_groups.len(), 1);
    assert!(world.provider.plan(&lb).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn aws_205_targets_drain_before_a_load_balancer_goes_if_that_is_configured() {
    let mut draining = config(CLUSTER);
    draining.delete_drain_seconds = 30;
    let world = World::of(account(CLUSTER), Options::default(), draining);
    let lb = service("web", &[port(80, 30_080)]);
    world.ensured(&lb).await;
    let Outcome::Pending(pending) = world.provider.delete(&lb.service).await.unwrap() else { panic!() };
    assert_eq!(pending.retry_after, Duration::from_secs(30));
    assert!(pending.reason.contains("drain"), "{pending:?}");
    let account = world.aws.account();
    assert_eq!((account.load_balancers.len(), account.target_groups[0].targets.len()), (1, 0));
    assert_eq!(world.node_rules(), ["tcp 30080-30080"], "connections go on");
    let (_, calls) = world.calls_of(world.deleted(&lb)).await;
    assert_eq!(calls.of("DeregisterTargets"), 0);
    world.assert_empty();
}

#[tokio::test(start_paused = true)]
async fn aws_89_rules_in_groups_behind_which_no_node_is_any_more_go() {
    let mut account = account(CLUSTER);
    let mut other = account.security_groups[0].clone();
    other.group_id = "sg-other".to_owned();
    account.security_groups.push(other);
    account.instances[3].security_groups = ["sg-other".to_owned()].into();
    let world = World::of(account, Options::default(), config(CLUSTER));
    let mut lb = service("web", &[port(80, 30_080)]);
    lb.nodes.push(node(4));
    world.ensured(&lb).await;
    let rules_of = |id: &str| {
        let account = world.aws.account();
        account.security_groups.iter().find(|group| group.group_id == id).unwrap().ip_permissions.len()
    };
    assert_eq!((rules_of(NODE_GROUP), rules_of("sg-other")), (1, 1));
    lb.nodes = (1..=3).map(node).collect();
    world.ensured(&lb).await;
    pass(1000).await;
    lb.ports.push(port(81, 30_081));
    world.ensured(&lb).await;
    assert_eq!((rules_of(NODE_GROUP), rules_of("sg-other")), (2, 0));
}
