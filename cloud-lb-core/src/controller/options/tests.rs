use proptest::prelude::*;

use super::check::MAX_PERIOD;
use super::*;

#[test]
fn b154_defaults_are_upstreams_and_valid() {
    let options = Options::default();
    assert!(options.validate().is_ok());
    assert_eq!(options.cluster_name, "kubernetes");
    assert_eq!(options.concurrency, 10, "W-22: upstream has one worker");
    assert_eq!(options.namespace, None);
    assert_eq!(options.finalizer, "service.kubernetes.io/load-balancer-cleanup");
    assert_eq!((options.min_retry_delay.as_secs(), options.max_retry_delay.as_secs()), (5, 300));
}

#[test]
fn reads_friendly_durations_and_refuses_unknown_fields() {
    let text = "{clusterName: blue, callTimeout: 1m 30s, classes: {classless: false, classes: [a]}}";
    let options: Options = serde_saphyr::from_str(text).unwrap();
    assert_eq!(options.call_timeout, Duration::from_secs(90));
    assert!(!options.classes.classless);
    let error = serde_saphyr::from_str::<Options>("{clusterNane: blue}").unwrap_err();
    assert!(error.to_string().contains("clusterNane"), "{error}");
}

#[test]
fn w_24_jitter_stretches_ordinary_delays_only_upwards() {
    let options = Options::default().with_retry_jitter(20);
    let delay = |random| Duration::from_secs(10).mul_f64(options.pace(random).stretch).as_millis();
    assert_eq!([delay(0.0), delay(0.5), delay(1.0)], [10_000, 11_000, 12_000]);
}

#[test]
fn w_29_every_period_is_a_setting_and_all_that_is_wrong_is_reported_at_once() {
    let classes = ClassPolicy { classless: false, ..ClassPolicy::default() };
    let options = Options::default()
        .with_cluster_name(" ")
        .with_finalizer("unqualified")
        .with_namespace("")
        .with_classes(classes)
        .with_concurrency(0)
        .with_retry_jitter(101)
        .with_retry_delays(Duration::from_secs(9), Duration::from_secs(3))
        .with_recheck_delay(Duration::ZERO)
        .with_breaker(5, Duration::ZERO)
        .with_throttle_pauses(Duration::from_secs(2), Duration::from_secs(1))
        .with_max_restore_delay(Duration::ZERO)
        .with_gate_interval(Duration::ZERO)
        .with_drift_interval(MAX_PERIOD * 2)
        .with_orphans_deleted_after(MAX_PERIOD * 2)
        .with_drain_timeout(MAX_PERIOD * 2)
        .with_node_debounce(Duration::from_secs(2), Duration::from_secs(1));
    let error = options.validate().unwrap_err();
    let fields: Vec<&str> = error.violations().iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "clusterName",
            "finalizer",
            "namespace",
            "classes",
            "concurrency",
            "retryJitter",
            "recheckDelay",
            "probeDelay",
            "maxRestoreDelay",
            "gateInterval",
            "drainTimeout",
            "driftInterval",
            "orphanGrace",
            "minRetryDelay",
            "minThrottlePause",
            "nodeQuiet"
        ]
    );
}

fn any_time() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (0..100_000_u64).prop_map(Duration::from_secs),
        any::<u32>().prop_map(|millis| Duration::from_millis(millis.into()))
    ]
}

proptest! {
    #[test]
    fn options_that_are_written_can_be_read(times in prop::collection::vec(any_time(), 6), count in 0..2000_usize) {
        let [min, max, call, probe, grace, quiet] = times[..] else { return Ok(()) };
        let options = Options::default()
            .with_retry_delays(min, max)
            .with_call_timeout(call)
            .with_breaker(count, probe)
            .with_concurrency(count)
            .with_orphans_deleted_after(grace)
            .with_node_debounce(quiet, min);
        let text = serde_json::to_string(&options).unwrap();
        prop_assert_eq!(serde_saphyr::from_str::<Options>(&text).unwrap(), options.clone());
        let refused = options.validate().is_err();
        prop_assert!(refused || (1..=1000).contains(&count));
    }

    #[test]
    fn any_text_is_options_or_refused(
        key in "(callTimeout|concurrency|classes|nodes|finalizer|[a-zA-Z]{1,8})", value in ".{0,20}"
    ) {
        if let Ok(options) = serde_saphyr::from_str::<Options>(&format!("{key}: {value}")) {
            // Whatever was read can be judged.
            let _ = options.validate();
        }
    }
}
