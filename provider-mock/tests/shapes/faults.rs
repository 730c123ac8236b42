//! Calls that fail, and processes that stop, at any place.

use std::time::Duration;

use cloud_lb_core::error::Effect;
use cloud_lb_core::model::{LoadBalancer, Protocol, TrafficPolicy};
use cloud_lb_core::provider::{LoadBalancerProvider, Outcome, Standing};
use cloud_lb_core::{ErrorKind, call::Access};
use provider_mock::{CallMatch, Fault, MockCloud, Options, Shape};

use super::support::{SHAPES, deleted, dual_stack, ensured, load_balancer, make, number, port, provider_of};

/// Three states of one Service, far from each other.
fn states() -> [LoadBalancer; 3] {
    let small = load_balancer("web");
    let mut big = dual_stack(load_balancer("web"));
    big.ports.push(port(Protocol::Udp, 80, 30_081));
    big.ports.push(port(Protocol::Tcp, 443, 30_443));
    big.traffic_policy = TrafficPolicy::Local { health_check_node_port: number(32_000) };
    let mut other = load_balancer("web");
    other.families = vec![cloud_lb_core::model::IpFamily::V6];
    other.source_ranges = vec!["::/0".parse().unwrap()];
    other.ports = vec![port(Protocol::Udp, 80, 30_080)];
    [small, big, other]
}

/// Tries until it works; what stands in the way is gone after a while.
async fn persisted(provider: &dyn LoadBalancerProvider, lb: Option<&LoadBalancer>, name: &str) {
    let mut last = String::new();
    for _ in 0..200 {
        let done = match lb {
            Some(lb) => {
                provider.ensure(lb).await.map(|ensured| matches!(ensured.standing, Standing::Ready(_)))
            }
            None => {
                provider.delete(&load_balancer("web").service).await.map(|outcome| outcome == Outcome::Done)
            }
        };
        match done {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => last = format!("{error:?}"),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("{name}: never done, last error {last}")
}

async fn writes_of(shape: Shape, from: Option<&LoadBalancer>, to: Option<&LoadBalancer>) -> u64 {
    let (cloud, provider) = make(shape, Options::new());
    if let Some(from) = from {
        ensured(&*provider, from).await;
    }
    let before = cloud.calls();
    match to {
        Some(to) => _ = ensured(&*provider, to).await,
        None => deleted(&*provider, &load_balancer("web").service).await,
    }
    cloud.calls().since(&before).total_writes()
}

async fn settled(
    cloud: &MockCloud,
    provider: &dyn LoadBalancerProvider,
    to: Option<&LoadBalancer>,
    name: &str,
) {
    persisted(provider, to, name).await;
    if let Some(to) = to {
        let plan = provider.plan(to).await.unwrap();
        assert!(plan.is_empty(), "{name}: {plan}");
    }
    persisted(provider, None, name).await;
    assert_eq!(cloud.records(), [], "{name}");
}

#[tokio::test(start_paused = true)]
async fn stopped_after_any_write_the_next_run_converges() {
    for shape in SHAPES {
        let [small, big, other] = states();
        // The target groups of the stack are of the other family then, and are replaced while in use.
        let mut flipped = small.clone();
        flipped.families = vec![cloud_lb_core::model::IpFamily::V6];
        let pairs = [
            (&small, Some(&big)),
            (&big, Some(&small)),
            (&small, Some(&other)),
            (&other, Some(&big)),
            (&small, Some(&flipped)),
            (&big, None),
        ];
        for (index, (from, to)) in pairs.into_iter().enumerate() {
            for stop in 0..writes_of(shape, Some(from), to).await {
                let name = format!("{shape:?}, change {index}, stopped after {stop} writes");
                let (cloud, provider) = make(shape, Options::new());
                ensured(&*provider, from).await;
                cloud.faults().crash_after_writes(stop);
                match to {
                    Some(to) => assert!(provider.ensure(to).await.is_err(), "{name}"),
                    None => assert!(provider.delete(&from.service).await.is_err(), "{name}"),
                }
                assert!(cloud.faults().has_crashed(), "{name}");
                cloud.faults().clear();
                settled(&cloud, &*provider, to, &name).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_works_and_is_never_heard_of_does_no_harm() {
    for shape in SHAPES {
        let [_, big, _] = states();
        for fault in [Fault::FailAfterWork(ErrorKind::Timeout), Fault::DropAfterWork, Fault::Drop] {
            for nth in 1..=writes_of(shape, None, Some(&big)).await {
                let name = format!("{shape:?}, {fault:?} of write {nth}");
                let (cloud, provider) = make(shape, Options::new());
                cloud.faults().on_nth(nth, CallMatch::Access(Access::Write), fault);
                let error = provider.ensure(&big).await.unwrap_err();
                assert_eq!((error.kind(), error.effect()), (ErrorKind::Timeout, Effect::Unknown), "{name}");
                assert_eq!(cloud.faults().injected().len(), 1);
                settled(&cloud, &*provider, Some(&big), &name).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn random_faults_and_a_slow_cloud_are_outlasted() {
    for shape in SHAPES {
        for seed in 0..8 {
            let name = format!("{shape:?}, seed {seed}");
            let options = Options::new().with_provisioning(Duration::from_secs(3)).with_seed(seed);
            let (cloud, provider) = make(shape, options);
            let faults = vec![
                Fault::Fail(ErrorKind::Throttled),
                Fault::FailAfterWork(ErrorKind::Unavailable),
                Fault::DropAfterWork,
            ];
            cloud.faults().randomly(seed, 0.1, faults);
            for state in states() {
                persisted(&*provider, Some(&state), &name).await;
            }
            cloud.faults().clear();
            let [.., last] = states();
            settled(&cloud, &*provider, Some(&last), &name).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn stale_lists_make_no_duplicates() {
    let stale = Duration::from_secs(5);
    for shape in SHAPES {
        for seed in 0..8 {
            let name = format!("{shape:?}, seed {seed}");
            let (cloud, provider) = make(shape, Options::new().with_stale_reads(stale).with_seed(seed));
            for state in states() {
                for _ in 0..5 {
                    // Errors are fine: what is not seen yet may be in the way.
                    let _ = provider.ensure(&state).await;
                }
                tokio::time::sleep(stale).await;
                persisted(&*provider, Some(&state), &name).await;
            }
            tokio::time::sleep(stale).await;
            let [.., last] = states();
            assert!(provider.plan(&last).await.unwrap().is_empty(), "{name}");
            persisted(&*provider, None, &name).await;
            tokio::time::sleep(stale).await;
            assert_eq!(cloud.records(), [], "{name}");
        }
    }
}

/// What an earlier leader made just before it died no listing shows yet.
#[tokio::test(start_paused = true)]
async fn a_deletion_that_a_new_process_begins_with_leaves_nothing_that_listings_do_not_show() {
    let stale = Duration::from_secs(5);
    for shape in SHAPES {
        for seed in 0..8 {
            let name = format!("{shape:?}, seed {seed}");
            let (cloud, before) = make(shape, Options::new().with_stale_reads(stale).with_seed(seed));
            let [first, ..] = states();
            let _ = before.ensure(&first).await;
            drop(before);
            persisted(&*provider_of(&cloud, shape), None, &name).await;
            tokio::time::sleep(stale).await;
            assert_eq!(cloud.records(), [], "{name}");
        }
    }
}

/// What was made just before a look began is gone in the end, though the look takes longer than listings are late.
#[tokio::test(start_paused = true)]
async fn a_long_look_is_as_late_as_its_beginning() {
    let (stale, latency) = (Duration::from_secs(5), Duration::from_secs(2));
    for shape in SHAPES {
        for seed in 0..8 {
            let name = format!("{shape:?}, seed {seed}");
            let options = Options::new().with_stale_reads(stale).with_latency(latency).with_seed(seed);
            let (cloud, provider) = make(shape, options);
            persisted(&*provider, Some(&load_balancer("web")), &name).await;
            persisted(&*provider, None, &name).await;
            tokio::time::sleep(stale).await;
            assert_eq!(cloud.records(), [], "{name}");
        }
    }
}

/// At the very end of the time for which listings may be late, too: time stands still for whoever waits for none.
#[tokio::test(start_paused = true)]
async fn nobody_is_told_to_wait_for_no_time() {
    let stale = Duration::from_secs(5);
    for shape in SHAPES {
        let (cloud, provider) = make(shape, Options::new().with_stale_reads(stale));
        let lb = load_balancer("web");
        cloud.faults().on_nth(1, CallMatch::Access(Access::Write), Fault::FailAfterWork(ErrorKind::Timeout));
        provider.ensure(&lb).await.unwrap_err();
        tokio::time::sleep(stale).await;
        let Standing::Pending(pending) = provider.ensure(&lb).await.unwrap().standing else {
            panic!("{shape:?}: what the write did may not show yet")
        };
        assert!(!pending.retry_after.is_zero(), "{shape:?}: {pending:?}");
        tokio::time::sleep(pending.retry_after).await;
        ensured(&*provider, &lb).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_page_of_a_list_is_an_error_and_deletes_nothing() {
    for shape in SHAPES {
        let page = std::num::NonZeroUsize::MIN;
        let (cloud, provider) = make(shape, Options::new().with_page_size(page));
        let [_, big, _] = states();
        ensured(&*provider, &big).await;
        let before = cloud.records();
        let reads = {
            let calls = cloud.calls();
            provider.plan(&big).await.unwrap();
            cloud.calls().since(&calls).total_reads()
        };
        for nth in 1..=reads {
            cloud.faults().on_nth(nth, CallMatch::Access(Access::Read), Fault::Fail(ErrorKind::Unavailable));
            assert_eq!(
                provider.delete(&big.service).await.unwrap_err().kind(),
                ErrorKind::Unavailable,
                "{shape:?} read {nth}"
            );
            assert_eq!(cloud.records(), before, "{shape:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn too_many_calls_are_throttled_and_say_when_to_come_back() {
    let number = |n| std::num::NonZeroU32::new(n).unwrap();
    let (cloud, provider) = make(Shape::Stack, Options::new().with_throttle(number(1), number(2)));
    cloud.find("LoadBalancer", "web").await.unwrap();
    cloud.find("LoadBalancer", "web").await.unwrap();
    let error = cloud.find("LoadBalancer", "web").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled);
    assert_eq!(error.retry(), cloud_lb_core::error::Retry::After(Duration::from_secs(1)));
    // The provider comes back then: fewer calls at once than one load balancer takes are enough to make it.
    provider.ensure(&load_balancer("web")).await.unwrap();
    assert!(!cloud.records().is_empty());
}
