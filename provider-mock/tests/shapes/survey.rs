//! All Services held against the cloud at once.

use std::num::NonZeroUsize;

use cloud_lb_core::model::LoadBalancer;
use cloud_lb_core::provider::Finding;
use provider_mock::{Options, Shape};

use super::support::{SHAPES, ensured, load_balancer, make};

/// Services that exist, of those that are asked for.
const EXISTING: usize = 30;

fn options() -> Options {
    Options::new().with_page_size(NonZeroUsize::new(10_000).unwrap())
}

async fn calls_of_survey(shape: Shape, services: &[LoadBalancer]) -> (u64, Vec<Finding>) {
    let (cloud, provider) = make(shape, options());
    for lb in services.iter().take(EXISTING) {
        ensured(&*provider, lb).await;
    }
    let before = cloud.calls();
    let survey = provider.survey(services).await.unwrap();
    let calls = cloud.calls().since(&before);
    assert_eq!(calls.total_writes(), 0, "{shape:?}");
    (calls.total_reads(), survey.findings)
}

#[tokio::test(start_paused = true)]
async fn w_3_a_survey_of_1000_services_takes_as_many_calls_as_one_of_10() {
    let services: Vec<_> = (0..1000).map(|index| load_balancer(&format!("web-{index}"))).collect();
    for shape in SHAPES {
        let (of_ten, findings) = calls_of_survey(shape, &services[..10]).await;
        assert!(findings.iter().all(|finding| matches!(finding, Finding::Converged(_))), "{shape:?}");
        let (of_all, findings) = calls_of_survey(shape, &services).await;
        assert_eq!(of_all, of_ten, "{shape:?}");
        assert!(of_all <= 8, "{shape:?}: {of_all} calls");
        let (existing, absent) = findings.split_at(EXISTING);
        assert!(existing.iter().all(|finding| matches!(finding, Finding::Converged(_))), "{shape:?}");
        assert!(absent.iter().all(|finding| matches!(finding, Finding::Differs(_))), "{shape:?}");
    }
}
