//! The call budgets of the specification (11.4, column "Ours"), by action.

use std::collections::BTreeMap;
use std::time::Duration;

use cloud_lb_core::provider::{Ensured, Finding, LoadBalancerProvider, Outcome, Standing, TargetUpdate};
use provider_aws::fake::{Calls, Options};
use tokio::time::Instant;

use crate::support::{World, node, pass, port, service};

fn total(calls: &Calls) -> u64 {
    calls.total_reads() + calls.total_writes()
}

/// Reads that list the whole account.
fn listings(calls: &Calls, stacks: u64) -> bool {
    // By ARN or by name there is one call per Service at most.
    calls.of("DescribeLoadBalancers") > stacks || calls.of("DescribeSubnets") > 0
}

#[tokio::test(start_paused = true)]
async fn aws_39_the_first_service_takes_20_calls_at_most_and_none_of_them_is_for_tags() {
    let world = World::new(Options::default());
    let lb = service("web", &[port(80, 30_080)]);
    let (_, calls) = world.calls_of(world.ensured(&lb)).await;
    assert!(total(&calls) <= 20, "{} {calls:#?}", total(&calls));
    let writes: BTreeMap<&str, u64> = [
        ("AuthorizeSecurityGroupIngress", 2),
        ("CreateListener", 1),
        ("CreateLoadBalancer", 1),
        ("CreateSecurityGroup", 2),
        ("CreateTargetGroup", 1),
        ("RegisterTargets", 1),
    ]
    .into();
    assert_eq!(calls.writes, writes);
}

#[tokio::test(start_paused = true)]
async fn calls_a_later_service_takes_14_calls_at_most_and_lists_nothing() {
    let world = World::new(Options::default());
    world.ensured(&service("one", &[port(80, 30_080)])).await;
    let (_, calls) = world.calls_of(world.ensured(&service("two", &[port(80, 30_081)]))).await;
    assert!(total(&calls) <= 14, "{} {calls:#?}", total(&calls));
    assert!(!listings(&calls, 1), "{calls:#?}");
}

#[tokio::test(start_paused = true)]
async fn calls_a_full_check_takes_6_calls_and_2_for_each_further_port() {
    let world = World::new(Options::default());
    let one = service("one", &[port(80, 30_080)]);
    let three = service("three", &[port(80, 31_080), port(81, 31_081), port(82, 31_082)]);
    for lb in [&one, &three] {
        world.ensured(lb).await;
    }
    // Nothing is kept after the writes.
    let (_, first) = world.calls_of(world.ensured(&one)).await;
    assert_eq!((total(&first), first.total_writes()), (6, 0), "{first:#?}");
    let (_, further) = world.calls_of(world.ensured(&three)).await;
    assert_eq!((total(&further), further.total_writes()), (10, 0), "{further:#?}");
}

#[tokio::test(start_paused = true)]
async fn aws_182_and_183_within_the_refresh_time_nothing_is_called() {
    let world = World::new(Options::default());
    let lb = service("web", &[port(80, 30_080), port(81, 30_081)]);
    world.ensured(&lb).await;
    world.ensured(&lb).await;
    pass(400).await;
    let (_, calls) = world.calls_of(world.ensured(&lb)).await;
    assert_eq!(total(&calls), 0, "{calls:#?}");
    pass(800).await;
    let (_, calls) = world.calls_of(world.ensured(&lb)).await;
    assert!(total(&calls) > 0);
    assert_eq!(calls.total_writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn aws_182_a_new_node_takes_one_description_and_one_registration_per_target_group() {
    let world = World::new(Options::default());
    let mut lb = service("web", &[port(80, 30_080), port(81, 30_081)]);
    world.ensured(&lb).await;
    world.ensured(&lb).await;
    lb.nodes.push(node(4));
    let update = world.provider.update_targets(TargetUpdate::LoadBalancer(&lb));
    let (outcome, calls) = world.calls_of(update).await;
    assert_eq!(outcome.unwrap(), Outcome::Done);
    assert_eq!(calls.reads, [("DescribeInstances", 1)].into(), "which targets there are is known");
    assert_eq!(calls.writes, [("RegisterTargets", 2)].into());
    let (_, calls) = world.calls_of(world.ensured(&lb)).await;
    assert_eq!(total(&calls), 0, "and so are those that were registered: {calls:#?}");
}

#[tokio::test(start_paused = true)]
async fn calls_a_delete_takes_8_calls_at_most() {
    let world = World::new(Options::default());
    let (lb, other) = (service("web", &[port(80, 30_080)]), service("other", &[port(80, 30_081)]));
    world.ensured(&other).await;
    for is_known in [true, false] {
        world.ensured(&lb).await;
        if is_known {
            world.ensured(&lb).await;
        }
        let (waited, calls) = world.calls_of(world.deleted(&lb)).await;
        assert_eq!(waited, []);
        assert!(total(&calls) <= 5 + u64::from(!is_known), "{} {calls:#?}", total(&calls));
    }
}

#[tokio::test(start_paused = true)]
async fn aws_237_many_services_share_one_inventory() {
    let world = World::new(Options::default());
    let services: Vec<_> = (0..10).map(|n| service(&format!("s{n}"), &[port(80, 30_100 + n)])).collect();
    for lb in &services {
        world.ensured(lb).await;
    }
    let restarted = world.restarted(crate::support::config(crate::support::CLUSTER));
    restarted.aws.reset_calls();
    let results = futures::future::join_all(services.iter().map(|lb| restarted.provider.ensure(lb))).await;
    let is_ready = |result| matches!(result, Ok(Ensured { standing: Standing::Ready(_), .. }));
    assert!(results.into_iter().all(is_ready));
    let calls = restarted.aws.calls();
    assert_eq!(calls.of("DescribeSubnets"), 1);
    assert_eq!(calls.of("DescribeSecurityGroups"), 1);
    assert_eq!(calls.of("DescribeLoadBalancers"), 11, "one listing, and each Service its own");
    assert_eq!(calls.total_writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn aws_237_a_survey_lists_the_account_once_and_looks_at_each_load_balancer() {
    let world = World::new(Options::default());
    let services: Vec<_> = (0..10).map(|n| service(&format!("s{n}"), &[port(80, 30_100 + n)])).collect();
    for lb in &services {
        world.ensured(lb).await;
    }
    let restarted = world.restarted(crate::support::config(crate::support::CLUSTER));
    let (survey, calls) = restarted.calls_of(restarted.provider.survey(&services)).await;
    let survey = survey.unwrap();
    let converged = |finding: &Finding| matches!(finding, Finding::Converged(_));
    assert!(survey.findings.iter().all(converged), "{:#?}", survey.findings);
    assert!(services.iter().all(|lb| survey.owned.iter().any(|owned| owned.is_of(&lb.service))));
    assert_eq!(calls.total_writes(), 0);
    for listing in ["DescribeSubnets", "DescribeSecurityGroups", "DescribeInstances", "DescribeVpcs"] {
        assert_eq!(calls.of(listing), 1, "{listing}");
    }
    assert_eq!(calls.of("DescribeLoadBalancers"), 11, "one listing, and each Service its own");
    let (_, calls) = restarted.calls_of(restarted.ensured(&services[0])).await;
    assert_eq!(total(&calls), 0, "what was read is kept: {calls:#?}");
}

/// Read once for all: zones, networks, subnets, load balancers, target groups, their tags, security groups
/// and instances.
const FILL: u64 = 8;

#[tokio::test(start_paused = true)]
async fn aws_238_a_start_takes_one_inventory_and_7_calls_for_each_service() {
    for count in [1, 5, 10] {
        let world = World::new(Options::default());
        let services: Vec<_> =
            (0..count).map(|n| service(&format!("s{n}"), &[port(80, 30_100 + n)])).collect();
        for lb in &services {
            world.ensured(lb).await;
        }
        let restarted = world.restarted(crate::support::config(crate::support::CLUSTER));
        let (_, calls) = restarted.calls_of(restarted.provider.survey(&services)).await;
        assert!(total(&calls) <= FILL + 7 * u64::from(count), "{count}: {} {calls:#?}", total(&calls));
    }
}

#[tokio::test(start_paused = true)]
async fn w_5_a_survey_sees_what_somebody_changed_within_the_refresh_time() {
    let world = World::new(Options::default());
    let lb = service("web", &[port(80, 30_080)]);
    world.ensured(&lb).await;
    world.ensured(&lb).await;
    world.aws.tamper(|account| account.target_groups[0].targets.clear());
    assert!(world.provider.plan(&lb).await.unwrap().is_empty(), "what is kept does not tell");
    let survey = world.provider.survey(std::slice::from_ref(&lb)).await.unwrap();
    let [Finding::Differs(plan)] = survey.findings.as_slice() else { panic!("{survey:#?}") };
    assert!(plan.steps.iter().any(|step| step.kind == "Targets"), "{plan}");
    let (_, calls) = world.calls_of(world.ensured(&lb)).await;
    assert_eq!(calls.of("RegisterTargets"), 1, "what the survey read is what the next run starts from");
}

/// A write while it is read: what was read before it is not kept.
#[tokio::test(start_paused = true)]
async fn a_survey_beside_a_change_leaves_nothing_outdated_behind() {
    let world = World::new(Options { latency: Duration::from_millis(100), ..Options::default() });
    let mut lb = service("web", &[port(80, 30_080)]);
    world.ensured(&lb).await;
    world.ensured(&lb).await;
    let before = lb.clone();
    for nodes in 4..=9 {
        lb.nodes.push(node(nodes));
        let late = async {
            tokio::time::sleep(Duration::from_millis(60) * u32::from(nodes)).await;
            world.provider.update_targets(TargetUpdate::LoadBalancer(&lb)).await
        };
        let (survey, update) = tokio::join!(world.provider.survey(std::slice::from_ref(&before)), late);
        assert_eq!(update.unwrap(), Outcome::Done);
        survey.unwrap();
        let kept = world.provider.plan(&lb).await.unwrap();
        world.provider.backend().forget();
        assert_eq!(kept, world.provider.plan(&lb).await.unwrap(), "with {nodes} nodes");
        assert!(kept.is_empty(), "{kept}");
    }
}

/// Time in rounds of calls that start together, each of 150 ms.
async fn rounds_of<T>(work: impl Future<Output = T>) -> f64 {
    let start = Instant::now();
    work.await;
    start.elapsed().as_secs_f64() / LATENCY.as_secs_f64()
}

const LATENCY: Duration = Duration::from_millis(150);

#[tokio::test(start_paused = true)]
async fn aws_201_five_ports_take_hardly_longer_than_one() {
    for ports in [1, 5] {
        let world = World::new(Options { latency: LATENCY, ..Options::default() });
        let ports: Vec<_> = (0..ports).map(|n| port(80 + n, 30_080 + n)).collect();
        let lb = service("web", &ports);
        let created = rounds_of(world.ensured(&lb)).await;
        let deleted = rounds_of(world.deleted(&lb)).await;
        let told = format!("{} ports: created in {created} rounds, deleted in {deleted}", ports.len());
        assert!(created < 10.5 && deleted < 5.5, "{told}, {:#?}", world.aws.calls());
        let rules = world.aws.calls().of("AuthorizeSecurityGroupIngress");
        assert!(rules <= 3, "those of the front end, and of the nodes once or twice: {rules}");
        world.assert_empty();
    }
}
