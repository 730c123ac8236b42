//! Many Services at once.

use std::sync::Arc;
use std::time::Duration;

use cloud_lb_core::model::LoadBalancer;
use cloud_lb_core::provider::LoadBalancerProvider;
use futures::future::join_all;
use provider_mock::{MockCloud, Options, Shape};

use super::support::{SHAPES, deleted, ensured, load_balancer, make, port};

const MANY: usize = 50;

fn services() -> Vec<LoadBalancer> {
    (0..MANY).map(|index| load_balancer(&format!("web-{index}"))).collect()
}

fn slow_calls() -> Options {
    Options::new().with_latency(Duration::from_millis(20))
}

async fn all_ensured(provider: &Arc<dyn LoadBalancerProvider>, services: &[LoadBalancer]) {
    join_all(services.iter().map(|lb| ensured(&**provider, lb))).await;
}

fn count(cloud: &MockCloud, kind: &str) -> usize {
    cloud.records().iter().filter(|record| record.kind == kind).count()
}

#[tokio::test(start_paused = true)]
async fn what_is_shared_is_made_once_and_none_of_it_is_leaked() {
    for shape in SHAPES {
        let (cloud, provider) = make(shape, slow_calls());
        let services = services();
        all_ensured(&provider, &services).await;
        let shared: &[(&str, usize)] = match shape {
            Shape::Stack => &[("SecurityGroup", 1)],
            Shape::Rules => &[("InstanceGroup", 2), ("HealthCheck", 1)],
            Shape::Shared => &[("LoadBalancer", 1), ("SecurityGroup", 1), ("BackendPool", 1)],
        };
        for (kind, expected) in shared {
            assert_eq!(count(&cloud, kind), *expected, "{shape:?} {kind}");
            let creates = cloud.calls().writes[&format!("Create{kind}")];
            assert_eq!(creates, u64::try_from(*expected).unwrap(), "{shape:?} Create{kind}");
        }
        join_all(services.iter().map(|lb| deleted(&*provider, &lb.service))).await;
        assert_eq!(cloud.records(), [], "{shape:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn many_services_fold_into_few_writes_of_a_container() {
    let (cloud, provider) = make(Shape::Shared, slow_calls());
    all_ensured(&provider, &services()).await;
    let writes = cloud.calls().writes;
    for container in ["LoadBalancer", "SecurityGroup"] {
        let count =
            writes[&format!("Create{container}")] + writes.get(&format!("Modify{container}")).unwrap_or(&0);
        assert!(count <= 5, "{container}: {count} writes of {MANY} Services, {writes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_service_in_a_folded_write_fails_alone() {
    let (cloud, provider) = make(Shape::Shared, slow_calls().with_quota("LoadBalancer/rules", 12));
    let mut services: Vec<LoadBalancer> = services().into_iter().take(10).collect();
    services[4].ports =
        (1..=10).map(|number| port(cloud_lb_core::model::Protocol::Tcp, number, 30_000 + number)).collect();
    let results = join_all(services.iter().map(|lb| provider.ensure(lb))).await;
    let failed: Vec<usize> =
        results.iter().enumerate().filter(|(_, result)| result.is_err()).map(|(i, _)| i).collect();
    assert_eq!(failed, [4]);
    assert_eq!(count(&cloud, "LoadBalancer"), 1);
}
