//! The manifests under `deploy/` are what an API server takes.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a helper that fails fails its test"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Service, ServiceAccount};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use provider_mock::apiserver::{ApiServer, Resource};
use serde::de::DeserializeOwned;
use serde_json::Value;

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy")
}

fn documents(file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(deploy().join(file)).unwrap();
    serde_saphyr::from_multiple(&text).unwrap()
}

fn manifests() -> Vec<Value> {
    let kustomization = documents("kustomization.yaml").remove(0);
    let files = kustomization["resources"].as_array().unwrap();
    files.iter().flat_map(|file| documents(file.as_str().unwrap())).collect()
}

fn of_kind(kind: &str) -> Value {
    let found = manifests().into_iter().find(|manifest| manifest["kind"] == kind);
    found.unwrap_or_else(|| panic!("no {kind}"))
}

/// Reads an object as its kind, and refuses fields that the kind does not have.
fn strict<T: DeserializeOwned>(object: &Value) {
    let mut unknown = Vec::new();
    let parsed: Result<T, _> = serde_ignored::deserialize(object, |path| unknown.push(path.to_string()));
    parsed.unwrap_or_else(|error| panic!("{error}\n{object:#}"));
    assert!(unknown.is_empty(), "{} has no {unknown:?}", object["kind"]);
}

#[test]
fn every_manifest_has_the_fields_of_its_kind() {
    for object in manifests() {
        match (object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap()) {
            ("v1", "ServiceAccount") => strict::<ServiceAccount>(&object),
            ("v1", "Service") => strict::<Service>(&object),
            ("apps/v1", "Deployment") => strict::<Deployment>(&object),
            ("policy/v1", "PodDisruptionBudget") => strict::<PodDisruptionBudget>(&object),
            ("rbac.authorization.k8s.io/v1", "ClusterRole") => strict::<ClusterRole>(&object),
            ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding") => strict::<ClusterRoleBinding>(&object),
            ("rbac.authorization.k8s.io/v1", "Role") => strict::<Role>(&object),
            ("rbac.authorization.k8s.io/v1", "RoleBinding") => strict::<RoleBinding>(&object),
            other => panic!("no test knows {other:?}"),
        }
    }
}

#[test]
fn the_service_for_scrapers_is_valid_and_found() {
    let created = ApiServer::new().create(Resource::Services, of_kind("Service")).unwrap();
    let monitor = documents("monitoring/servicemonitor.yaml").remove(0);
    let selected = &monitor["spec"]["selector"]["matchLabels"];
    assert_eq!(&created["metadata"]["labels"], selected);
    assert_eq!(created["spec"]["ports"][0]["name"], monitor["spec"]["endpoints"][0]["port"]);
    let labels = &of_kind("Deployment")["spec"]["template"]["metadata"]["labels"];
    assert_eq!(&created["spec"]["selector"], labels);
}

#[test]
fn the_pod_has_no_rights_on_its_machine() {
    let pod = of_kind("Deployment")["spec"]["template"]["spec"].clone();
    let container = &pod["containers"][0];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(container["securityContext"]["capabilities"]["drop"][0], "ALL");
    assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/livez");
    assert_eq!(container["readinessProbe"]["httpGet"]["path"], "/readyz?exclude=survey");
}

/// While aws-load-balancer-controller works, the check `alone` keeps every replica from being ready.
#[test]
fn replicas_that_wait_for_another_controller_can_be_evicted() {
    let budget = of_kind("PodDisruptionBudget")["spec"].clone();
    assert_eq!(
        (&budget["minAvailable"], &budget["unhealthyPodEvictionPolicy"]),
        (&1.into(), &"AlwaysAllow".into())
    );
    let labels = &of_kind("Deployment")["spec"]["template"]["metadata"]["labels"];
    assert_eq!(&budget["selector"]["matchLabels"], labels);
}

#[test]
fn the_readme_tells_the_rights_that_the_role_has() {
    let readme = std::fs::read_to_string(deploy().join("../README.md")).unwrap();
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    for kind in ["ClusterRole", "Role"] {
        for rule in of_kind(kind)["rules"].as_array().unwrap() {
            let group = rule["apiGroups"][0].as_str().unwrap();
            let group = if group.is_empty() { "\"\"" } else { group };
            let (resources, verbs) = (texts(&rule["resources"]).join(", "), texts(&rule["verbs"]).join(", "));
            let row = format!("| {group} | {resources} | {verbs}");
            assert!(readme.contains(&row), "the README should have this row: {row}");
        }
    }
}

#[test]
fn alert_rules_and_dashboard_can_be_read() {
    let rules = documents("monitoring/alerts.yaml").remove(0);
    let docs = std::fs::read_to_string(deploy().join("../docs/operations.md")).unwrap();
    let rules = rules["groups"][0]["rules"].as_array().unwrap().clone();
    assert!(!rules.is_empty());
    for rule in rules {
        let name = rule["alert"].as_str().unwrap();
        assert!(docs.contains(&format!("| {name} |")), "docs/operations.md says nothing about {name}");
        let annotated = rule["annotations"]["summary"].is_string();
        assert!(annotated && rule["labels"]["severity"].is_string(), "{name}");
    }
    let dashboard: Value = serde_json::from_str(&text("monitoring/dashboard.json")).unwrap();
    assert!(dashboard["panels"].as_array().unwrap().len() > 10);
}

fn text(file: &str) -> String {
    std::fs::read_to_string(deploy().join(file)).unwrap()
}

/// The names in a text that look like those of metrics of ours.
fn metrics_in(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let prefixes = ["cloud_lb_", "workqueue_", "service_controller_", "leader_election_", "running_managed_"];
    words.filter(|word| prefixes.iter().any(|prefix| word.starts_with(prefix))).collect()
}

#[test]
fn alert_rules_and_dashboard_name_metrics_that_there_are() {
    let page = std::fs::read_to_string(deploy().join("../docs/metrics.md")).unwrap();
    let known = metrics_in(&page);
    for file in ["monitoring/alerts.yaml", "monitoring/dashboard.json"] {
        for name in metrics_in(&text(file)) {
            let parts = ["_bucket", "_sum", "_count"].map(|part| name.strip_suffix(part));
            let is_known = parts.into_iter().flatten().chain([name]).any(|name| known.contains(name));
            assert!(is_known, "{file}: there is no {name} in docs/metrics.md");
        }
    }
}

/// Prometheus' own tool reads the rules, and finds that they fire when they should.
#[test]
fn promtool_accepts_the_alert_rules() {
    for (verb, file) in [("check", "alerts.yaml"), ("test", "alerts.test.yaml")] {
        let mut command = std::process::Command::new("promtool");
        command.args([verb, "rules", file]).current_dir(deploy().join("monitoring"));
        let output = match command.output() {
            Ok(output) => output,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                eprintln!("skipped: there is no promtool (Debian: prometheus)");
                return;
            }
            Err(error) => panic!("{error}"),
        };
        let told = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        assert!(output.status.success(), "{}", told.join("\n"));
    }
}
