use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;
use crate::error::ErrorKind;
use crate::measure::{CallResult, Fact, Lane, LaneResult, Method, Stage};
use crate::plan::Op;
use crate::vitals::QueueState;

/// Labels that may be used: each has few values, however large the cluster is.
const LABELS: [&str; 11] =
    ["provider", "result", "stage", "method", "kind", "op", "operation", "code", "state", "name", "manager"];

/// One fact of each sort.
fn facts() -> Vec<Fact<'static>> {
    let took = Duration::from_millis(250);
    let (waited, error) = (Duration::from_millis(3), Some(ErrorKind::Quota));
    let (method, result) = (Method::UpdateTargets, CallResult::Failed(ErrorKind::Timeout));
    vec![
        Fact::CloudCall { operation: "CreateLoadBalancer", waited, took, error },
        Fact::Throttled { operation: "CreateLoadBalancer" },
        Fact::Stage { stage: Stage::Observe, took },
        Fact::Step { kind: "Listener", op: Op::Create },
        Fact::ProviderCall { method, result, took },
        Fact::Drift { kind: "Listener" },
        Fact::Orphans { count: 2 },
        Fact::LaneBegan { lane: Lane::Service, waited },
        Fact::LaneEnded { lane: Lane::Node, result: LaneResult::Done, took },
        Fact::NodePass { took },
        Fact::Leader { leads: true },
    ]
}

fn measured() -> Metrics {
    let (metrics, vitals) = (Metrics::new(), Vitals::default());
    let measure = metrics.of("mock");
    for fact in facts() {
        measure.note(&fact);
    }
    vitals.update(|state| {
        state.queues = [(Lane::Service, QueueState { depth: 3, adds: 7, retries: 1 })].into();
        state.load_balancers = [("ready", 5)].into();
        state.nodes = [("active", 2)].into();
        state.survey_failures = 3;
    });
    metrics.watch("mock", vitals);
    metrics
}

fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in\n{text}")).parse().unwrap()
}

#[test]
fn facts_become_metrics() {
    let text = measured().encode(Format::Text);
    let expected = [
        (r#"cloud_lb_api_requests_total{provider="mock",operation="CreateLoadBalancer",code="quota"}"#, 1.0),
        (r#"cloud_lb_api_throttled_total{provider="mock",operation="CreateLoadBalancer"}"#, 1.0),
        (r#"cloud_lb_rate_limit_wait_seconds_sum{provider="mock"}"#, 0.003),
        (r#"cloud_lb_reconcile_stage_duration_seconds_sum{provider="mock",stage="observe"}"#, 0.25),
        (r#"cloud_lb_plan_steps_total{provider="mock",kind="Listener",op="create"}"#, 1.0),
        (r#"cloud_lb_orphans{provider="mock"}"#, 2.0),
        (r#"cloud_lb_reconcile_total{provider="mock",result="done"}"#, 1.0),
        (r#"cloud_lb_load_balancers{provider="mock",state="ready"}"#, 5.0),
        (r#"cloud_lb_targets{provider="mock",state="active"}"#, 2.0),
        ("cloud_lb_survey_failures", 3.0),
        ("service_controller_loadbalancer_sync_total", 1.0),
        ("service_controller_nodesync_error_total", 1.0),
        ("service_controller_update_loadbalancer_host_latency_seconds_count", 1.0),
        ("service_controller_nodesync_latency_seconds_sum", 0.25),
        (r#"workqueue_depth{name="service"}"#, 3.0),
        (r#"workqueue_adds_total{name="service"}"#, 7.0),
        (r#"leader_election_master_status{name="service-controller"}"#, 1.0),
    ];
    for (series, expected) in expected {
        assert!((value(&text, series) - expected).abs() < 1e-9, "{series}\n{text}");
    }
    let last = value(&text, r#"cloud_lb_last_success_timestamp_seconds{provider="mock"}"#);
    assert!(last > 1.7e9, "{last}");
}

#[test]
fn what_a_scraper_accepts_decides_the_format() {
    assert_eq!(Format::accepted("*/*"), Format::Text);
    let accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
    assert_eq!(Format::accepted(accept), Format::OpenMetrics);
    assert!(measured().encode(Format::OpenMetrics).ends_with("# EOF\n"));
}

/// Type, labels and meaning of each metric, by name.
fn registered() -> BTreeMap<String, (String, BTreeSet<String>, String)> {
    let text = measured().encode(Format::Text);
    let mut metrics = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|line| line.split_once(' ')) {
            name.clone_into(&mut current);
            let entry = (String::new(), BTreeSet::new(), help.trim_end_matches('.').to_owned());
            assert_eq!(metrics.insert(current.clone(), entry), None, "{current} is there twice");
        } else if let Some((_, kind)) = line.strip_prefix("# TYPE ").and_then(|line| line.split_once(' ')) {
            kind.clone_into(&mut metrics.get_mut(&current).unwrap().0);
        } else if let Some((_, labels)) = line.split_once('{') {
            let names = labels.split("\",").filter_map(|label| label.split_once('=')).map(|(name, _)| name);
            let names = names.filter(|name| *name != "le").map(str::to_owned);
            metrics.get_mut(&current).unwrap().1.extend(names);
        }
    }
    metrics
}

#[test]
fn no_label_has_as_many_values_as_the_cluster_has_objects() {
    for (name, (_, labels, _)) in registered() {
        for label in labels {
            assert!(LABELS.contains(&label.as_str()), "{name}{{{label}}}");
        }
    }
}

#[test]
fn the_table_of_the_docs_is_what_is_registered() {
    let path = workspace().join("docs/metrics.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let mut table = "| name | type | labels | meaning |\n|---|---|---|---|\n".to_owned();
    for (name, (kind, labels, help)) in registered() {
        let labels = labels.into_iter().collect::<Vec<_>>().join(", ");
        writeln!(table, "| `{name}` | {kind} | {labels} | {help} |").unwrap();
    }
    let start = page.find("| name |").unwrap();
    let end = page[start..].find("\n\n").map_or(page.len(), |end| start + end + 1);
    if page[start..end] != table {
        assert!(
            std::env::var_os("UPDATE_DOCS").is_some(),
            "docs/metrics.md should have this table:\n{table}"
        );
        std::fs::write(path, [&page[..start], &table, &page[end..]].concat()).unwrap();
    }
}

/// Words that begin as our metrics do.
fn mentioned(text: &str) -> BTreeSet<String> {
    let prefixes = ["cloud_lb_", "service_controller_", "workqueue_", "leader_election_", "running_managed_"];
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| prefixes.iter().any(|prefix| word.starts_with(prefix))).map(str::to_owned).collect()
}

#[test]
fn dashboard_and_alerts_use_only_metrics_that_exist() {
    let metrics = registered();
    let exists = |word: &str| {
        let of = |suffix| word.strip_suffix(suffix).and_then(|name| metrics.get(name));
        let histogram = ["_bucket", "_sum", "_count"].into_iter().find_map(of);
        metrics.contains_key(word) || histogram.is_some_and(|(kind, ..)| kind == "histogram")
    };
    for file in ["deploy/monitoring/dashboard.json", "deploy/monitoring/alerts.yaml", "docs/operations.md"] {
        let words = mentioned(&std::fs::read_to_string(workspace().join(file)).unwrap());
        assert!(!words.is_empty(), "{file}");
        for word in words.iter().filter(|word| !word.starts_with("cloud_lb_core")) {
            assert!(exists(word), "{file}: there is no {word}");
        }
    }
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
