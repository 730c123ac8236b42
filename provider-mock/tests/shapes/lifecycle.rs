//! Each shape of the mock cloud, from outside.

use std::time::Duration;

use super::support::{SHAPES, deleted, dual_stack, ensured, load_balancer, make, port};
use cloud_lb_core::model::{Address, IpMode, Protocol};
use cloud_lb_core::provider::State;
use provider_mock::Options;

#[tokio::test(start_paused = true)]
async fn a_load_balancer_is_made_kept_without_a_write_and_deleted_without_a_trace() {
    for shape in SHAPES {
        let (cloud, provider) = make(shape, Options::new());
        let mut lb = dual_stack(load_balancer("web"));
        lb.ports.push(port(Protocol::Udp, 80, 30_081));
        lb.ports.push(port(Protocol::Tcp, 443, 30_443));
        assert_eq!(provider.get(&lb.service).await.unwrap(), State::Absent, "{shape:?}");

        let status = ensured(&*provider, &lb).await;
        assert_eq!(status.ingress.len(), 2, "{shape:?}");
        for ingress in &status.ingress {
            assert!(matches!(ingress.address, Address::Ip(_)), "{shape:?}");
            assert_eq!(ingress.ip_mode, Some(IpMode::Proxy));
            let ports: Vec<_> = ingress.ports.iter().map(|port| (port.port.get(), port.protocol)).collect();
            assert_eq!(ports, [(80, Protocol::Tcp), (80, Protocol::Udp), (443, Protocol::Tcp)], "{shape:?}");
        }

        let before = cloud.calls();
        assert_eq!(ensured(&*provider, &lb).await, status, "{shape:?}");
        assert_eq!(
            cloud.calls().since(&before).writes.len(),
            0,
            "{shape:?}: {:?}",
            cloud.calls().since(&before)
        );
        assert_eq!(provider.get(&lb.service).await.unwrap(), State::Ready(status));
        assert!(provider.plan(&lb).await.unwrap().is_empty());

        deleted(&*provider, &lb.service).await;
        assert_eq!(cloud.records(), [], "{shape:?}");
        deleted(&*provider, &lb.service).await;
        assert_eq!(provider.get(&lb.service).await.unwrap(), State::Absent, "{shape:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn slow_provisioning_is_pending_and_not_an_error() {
    for shape in SHAPES {
        let (cloud, provider) = make(shape, Options::new().with_provisioning(Duration::from_secs(30)));
        let lb = load_balancer("web");
        let start = tokio::time::Instant::now();
        ensured(&*provider, &lb).await;
        assert!(start.elapsed() >= Duration::from_secs(30), "{shape:?}");
        deleted(&*provider, &lb.service).await;
        assert_eq!(cloud.records(), [], "{shape:?}");
    }
}
