//! Changes of Services, nodes and of the cloud itself.

use std::net::IpAddr;

use cloud_lb_core::ErrorKind;
use cloud_lb_core::model::{NodeState, Protocol, SessionAffinity, TrafficPolicy};
use cloud_lb_core::plan::Op;
use cloud_lb_core::provider::{LoadBalancerProvider, Outcome, TargetScope, TargetUpdate};
use provider_mock::{Addressing, Config, MockCloud, Options, Shape, provider};
use serde_json::json;

use super::support::{SHAPES, deleted, dual_stack, ensured, load_balancer, make, node, number, port};

/// A change, its name, and what it needs no more than.
type Edit = (&'static str, fn(&mut cloud_lb_core::model::LoadBalancer));

const EDITS: [Edit; 9] = [
    ("another port", |lb| lb.ports.push(port(Protocol::Tcp, 443, 30_443))),
    ("the other protocol", |lb| lb.ports = vec![port(Protocol::Udp, 80, 30_081)]),
    ("both protocols", |lb| lb.ports.push(port(Protocol::Udp, 80, 30_081))),
    ("another NodePort", |lb| lb.ports = vec![port(Protocol::Tcp, 80, 30_099)]),
    ("affinity", |lb| lb.affinity = SessionAffinity::ClientIp { timeout: std::time::Duration::from_mins(1) }),
    ("source ranges", |lb| lb.source_ranges = vec!["198.51.100.0/24".parse().unwrap()]),
    ("local traffic", |lb| {
        lb.traffic_policy = TrafficPolicy::Local { health_check_node_port: number(32_000) }
    }),
    ("dual stack", |lb| *lb = dual_stack(lb.clone())),
    ("a requested address", |lb| lb.requested_address = Some(IpAddr::from([203, 0, 113, 9]))),
];

#[tokio::test(start_paused = true)]
async fn every_change_converges_there_and_back_and_leaves_nothing() {
    for shape in SHAPES {
        for (name, edit) in EDITS {
            let (cloud, provider) = make(shape, Options::new());
            let plain = load_balancer("web");
            let mut changed = plain.clone();
            edit(&mut changed);
            let first = ensured(&*provider, &plain).await;
            let records = cloud.records().len();
            for lb in [&changed, &plain] {
                assert!(!provider.plan(lb).await.unwrap().is_empty(), "{shape:?}: {name}");
                let status = ensured(&*provider, lb).await;
                let again = provider.plan(lb).await.unwrap();
                assert!(again.is_empty(), "{shape:?}: {name}: {again}");
                assert_eq!(status.ingress.len(), lb.families.len(), "{shape:?}: {name}");
            }
            assert_eq!(cloud.records().len(), records, "{shape:?}: {name}");
            assert_eq!(ensured(&*provider, &plain).await.ingress.len(), first.ingress.len());
            deleted(&*provider, &plain.service).await;
            assert_eq!(cloud.records(), [], "{shape:?}: {name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_node_costs_one_write_where_targets_are_shared() {
    for shape in SHAPES {
        let (cloud, provider) = make(shape, Options::new());
        let mut services = [load_balancer("a"), load_balancer("b"), load_balancer("c")];
        for lb in &services {
            ensured(&*provider, lb).await;
        }
        let mut nodes = services[0].nodes.clone();
        nodes[0].state = NodeState::Draining;
        for lb in &mut services {
            lb.nodes = nodes.clone();
        }
        let before = cloud.calls();
        if provider.capabilities().target_scope == TargetScope::Cluster {
            let outcome = provider.update_targets(TargetUpdate::Cluster(&nodes)).await.unwrap();
            assert_eq!(outcome, Outcome::Done(()));
        } else {
            for lb in &services {
                provider.update_targets(TargetUpdate::LoadBalancer(lb)).await.unwrap();
            }
        }
        let writes = cloud.calls().since(&before).total_writes();
        assert_eq!(writes, if shape == Shape::Stack { 3 } else { 1 }, "{shape:?}");
        let draining = cloud
            .target_health()
            .into_iter()
            .filter(|(_, health)| *health == provider_mock::TargetHealth::Draining);
        assert!(draining.count() >= 1);
        for lb in &services {
            assert!(provider.plan(lb).await.unwrap().is_empty(), "{shape:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn only_targets_are_touched_by_an_update_of_targets() {
    for shape in SHAPES {
        let (cloud, provider) = make(shape, Options::new());
        let mut lb = load_balancer("web");
        let missing = provider.update_targets(TargetUpdate::LoadBalancer(&lb)).await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound, "{shape:?}");
        ensured(&*provider, &lb).await;
        let before = cloud.calls();
        lb.nodes.push(node(5));
        lb.ports.push(port(Protocol::Tcp, 443, 30_443));
        provider.update_targets(TargetUpdate::LoadBalancer(&lb)).await.unwrap();
        let writes = cloud.calls().since(&before).writes;
        let target_sets = ["ModifyTargetGroup", "ModifyInstanceGroup", "ModifyBackendPool"];
        assert!(!writes.is_empty(), "{shape:?}");
        assert!(writes.keys().all(|operation| target_sets.contains(&operation.as_str())), "{writes:?}");
        assert!(!provider.plan(&lb).await.unwrap().is_empty(), "{shape:?}: the new port is still to come");
    }
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_resources_are_never_touched() {
    for shape in SHAPES {
        let (cloud, provider) = make(shape, Options::new());
        let lb = load_balancer("web");
        let name = provider.load_balancer_name(&lb.service);
        let kind = ["LoadBalancer", "Address", "PublicAddress"]
            [SHAPES.iter().position(|one| *one == shape).unwrap()];
        let taken = ensured_names(&*provider, &cloud, &lb, kind).await;
        let foreign = cloud.add_foreign(kind, &taken, json!({})).unwrap();
        let before = cloud.calls();
        let error = provider.ensure(&lb).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Ownership, "{shape:?} {name}: {error}");
        assert_eq!(cloud.calls().since(&before).total_writes(), 0, "{shape:?}");
        deleted(&*provider, &lb.service).await;
        assert_eq!(cloud.records(), [foreign], "{shape:?}");
    }
}

/// The name that a resource of the Service has, found out by making it.
async fn ensured_names(
    provider: &dyn LoadBalancerProvider,
    cloud: &MockCloud,
    lb: &cloud_lb_core::model::LoadBalancer,
    kind: &str,
) -> String {
    ensured(provider, lb).await;
    let name = cloud.records().iter().find(|record| record.kind == kind).unwrap().name.clone();
    deleted(provider, &lb.service).await;
    name
}

#[tokio::test(start_paused = true)]
async fn drift_is_seen_and_repaired() {
    for shape in SHAPES {
        let (cloud, provider) = make(shape, Options::new());
        let lb = load_balancer("web");
        ensured(&*provider, &lb).await;
        for record in cloud.records() {
            let has_targets = record.body.get("targets").is_some();
            if has_targets {
                cloud.tamper(&record.id, |body| body["targets"] = json!([])).unwrap();
            }
        }
        let plan = provider.plan(&lb).await.unwrap();
        assert!(!plan.is_empty() && plan.steps.iter().all(|step| step.op == Op::Update), "{shape:?}: {plan}");
        ensured(&*provider, &lb).await;
        assert!(provider.plan(&lb).await.unwrap().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn host_names_instead_of_addresses() {
    for shape in SHAPES {
        let cloud = MockCloud::new(Options::new());
        let config = Config::new("c1").with_shape(shape).with_addressing(Addressing::Hostname);
        let provider = provider(cloud, config).unwrap();
        let status = ensured(&*provider, &load_balancer("web")).await;
        assert_eq!(status.ingress.len(), 1);
        assert!(status.ingress[0].address.to_string().ends_with(".mock.cloud-lb.dev"), "{shape:?}");
        assert_eq!(status.ingress[0].ip_mode, None);
    }
}

#[tokio::test(start_paused = true)]
async fn two_clusters_in_one_account_do_not_see_each_other() {
    for shape in SHAPES {
        let (cloud, one) = make(shape, Options::new());
        let other = provider(cloud.clone(), Config::new("c2").with_shape(shape)).unwrap();
        let mine = load_balancer("web");
        let mut theirs = mine.clone();
        theirs.service.cluster = "c2".to_owned();
        theirs.service.uid = "another".to_owned();
        ensured(&*one, &mine).await;
        ensured(&*other, &theirs).await;
        deleted(&*one, &mine.service).await;
        assert!(one.survey(&[]).await.unwrap().owned.is_empty(), "{shape:?}");
        assert!(other.plan(&theirs).await.unwrap().is_empty(), "{shape:?}");
        deleted(&*other, &theirs.service).await;
        assert_eq!(cloud.records(), [], "{shape:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn sctp_is_refused_before_any_write() {
    for shape in SHAPES {
        let (cloud, provider) = make(shape, Options::new());
        let mut lb = load_balancer("web");
        lb.ports.push(port(Protocol::Sctp, 132, 30_132));
        let error = provider.ensure(&lb).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let text = error.to_string();
        assert!(
            text.contains("spec.ports[1].protocol") && text.contains("SCTP") && text.contains("TCP, UDP"),
            "{text}"
        );
        assert_eq!(cloud.calls().total_writes(), 0, "{shape:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn instance_groups_follow_the_zones_of_all_services() {
    let (cloud, provider) = make(Shape::Rules, Options::new());
    let mut one = load_balancer("one");
    let other = load_balancer("other");
    ensured(&*provider, &one).await;
    ensured(&*provider, &other).await;
    one.nodes.iter_mut().for_each(|node| node.zone = Some("c".to_owned()));
    ensured(&*provider, &one).await;
    let zones = |cloud: &MockCloud| -> Vec<String> {
        let groups = cloud.records().into_iter().filter(|record| record.kind == "InstanceGroup");
        groups.map(|group| group.body["zone"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(zones(&cloud), ["a", "b", "c"], "the other Service still uses a and b");
    deleted(&*provider, &other.service).await;
    assert_eq!(zones(&cloud), ["c"]);
}
