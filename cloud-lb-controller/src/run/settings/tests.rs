use clap::Parser as _;

use super::*;
use crate::args::{Cli, Command, RunArgs};

fn settings(flags: &[&str]) -> Result<Settings, Failure> {
    let line = ["cloud-lb", "run"].iter().chain(flags);
    let Command::Run(args) = Cli::try_parse_from(line).unwrap().command else { panic!("not run") };
    let RunArgs { provider, services, leader, serve, api, .. } = *args;
    Settings::of(provider, services, leader, serve, api)
}

#[test]
fn w_29_every_setting_is_shown_in_one_line() {
    let shown =
        pairs(&settings(&["--cluster-name=blue", "--http-address=127.0.0.1:8080"]).unwrap().to_json());
    for pair in [
        "provider=mock",
        "controller.clusterName=blue",
        "controller.concurrency=10",
        "controller.minRetryDelay=5s",
        "controller.drainTimeout=30s",
        "leaderElect.leaseDuration=15s",
        "leaderElect.name=cloud-lb",
        "kubeApiQps=20",
        "securePort=10258",
        "httpAddress=127.0.0.1:8080",
        "authorizationAlwaysAllowPaths=[/healthz,/readyz,/livez]",
    ] {
        assert!(shown.split(' ').any(|shown| shown == pair), "{pair} in {shown}");
    }
    assert!(!shown.contains("null"), "{shown}");
}

#[tokio::test]
async fn w_29_the_settings_of_the_provider_are_shown_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mock.yaml");
    std::fs::write(&file, "callDeadline: 7s\n").unwrap();
    let mut settings = settings(&[&format!("--config={}", file.display())]).unwrap();
    settings.link().await.unwrap();
    let shown = pairs(&settings.to_json());
    for pair in ["cloud.callDeadline=7s", "cloud.shape=stack", "cloud.cloud.provisioning=0s"] {
        assert!(shown.split(' ').any(|shown| shown == pair), "{pair} in {shown}");
    }
}

#[tokio::test]
async fn we_yield_to_the_lease_that_we_are_told() {
    for (flags, expected) in [
        (&[][..], None),
        (&["--yield-to-lease="], None),
        (&["--yield-to-lease=lbc/leader"], Some(("lbc".to_owned(), "leader".to_owned()))),
    ] {
        let mut settings = settings(flags).unwrap();
        settings.link().await.unwrap();
        assert_eq!(settings.rival, expected, "{flags:?}");
    }
    let usual = Some(("kube-system", "theirs"));
    assert_eq!(rival_of(None, usual), Some(("kube-system".to_owned(), "theirs".to_owned())));
    assert_eq!(rival_of(Some(&OtherLease::None), usual), None);
    for wrong in ["leader", "a/b/c", "/leader", "lbc/"] {
        assert!(Cli::try_parse_from(["cloud-lb", "run", "--yield-to-lease", wrong]).is_err(), "{wrong}");
    }
}

/// Every field of the options can be set by the file, is shown, and is refused where it stands.
#[test]
fn w_29_every_option_can_be_set_and_is_refused_by_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("controller.yaml");
    let flag = format!("--controller-config={}", file.display());
    let Value::Object(options) = json!(Options::default()) else { panic!("no object") };
    std::fs::write(&file, json!(options).to_string()).unwrap();
    let shown = pairs(&settings(&[&flag]).unwrap().to_json());
    for (name, value) in &options {
        let is_shown = shown.contains(&format!("controller.{name}"));
        assert!(is_shown || value.is_null(), "{name} in {shown}");
        // No option is a list.
        std::fs::write(&file, format!("# settings\n{name}: [[]]\n")).unwrap();
        let complaint = settings(&[&flag]).unwrap_err().to_string();
        let (_, complaint) = complaint.split_once("controller.yaml:2:").unwrap();
        assert!(
            complaint.contains(&format!(": {name}: [[]] is not valid, expected ")),
            "{name}: {complaint}"
        );
    }
}

#[test]
fn flags_go_over_the_file_and_the_file_over_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("controller.yaml");
    std::fs::write(&file, "concurrency: 3\ncallTimeout: 20s\nminRetryDelay: 1s\n").unwrap();
    let flag = format!("--controller-config={}", file.display());
    let options = settings(&[&flag, "--concurrent-service-syncs=7"]).unwrap().controller;
    assert_eq!(options.concurrency, 7);
    assert_eq!((options.call_timeout.as_secs(), options.min_retry_delay.as_secs()), (20, 1));
    assert_eq!(options.max_retry_delay.as_secs(), 300);
    std::fs::write(&file, "concurency: 3\n").unwrap();
    let complaint = settings(&[&flag]).unwrap_err().to_string();
    assert!(complaint.contains("controller.yaml:1") && complaint.contains("concurency"), "{complaint}");
    std::fs::write(&file, "concurrency: 0\ncallTimeout: 0s\n").unwrap();
    let complaint = settings(&[&flag]).unwrap_err().to_string();
    assert!(complaint.contains("controller.yaml:1: concurrency: "), "{complaint}");
    assert!(complaint.contains("controller.yaml:2: callTimeout: "), "{complaint}");
}

#[test]
fn a_lease_that_cannot_work_is_refused() {
    let complaint = settings(&["--leader-elect-renew-deadline=20s"]).unwrap_err().to_string();
    assert!(
        complaint.contains("renewDeadline") && complaint.contains("less than leaseDuration"),
        "{complaint}"
    );
    assert!(
        settings(&["--leader-elect-renew-deadline=20s", "--leader-elect=false"]).unwrap().lease.is_none()
    );
}

#[test]
fn no_limit_is_no_limit() {
    assert!(settings(&["--kube-api-qps=0"]).unwrap().rate().is_none());
    assert_eq!(settings(&[]).unwrap().rate().unwrap().burst.get(), 30);
}
