use super::*;

fn texts(errors: &[FieldError]) -> Vec<String> {
    errors.iter().map(ToString::to_string).collect()
}

fn pod() -> Value {
    let mut pod = json!({
        "metadata": {"name": "p", "namespace": "d", "uid": "u", "resourceVersion": "1"},
        "spec": {"nodeName": "n1", "containers": [{"name": "web", "image": "nginx",
            "ports": [{"name": "http", "containerPort": 80}], "readinessProbe": {"httpGet": {"port": 80}}}]},
        "status": {"phase": "Running"},
    });
    PodStrategy.default(&mut pod);
    pod
}

#[test]
fn a_pod_is_defaulted() {
    let mut pod = pod();
    assert_eq!(PodStrategy.validate_create(&pod), vec![]);
    assert_eq!(pod["spec"]["restartPolicy"], "Always");
    assert_eq!(pod["spec"]["terminationGracePeriodSeconds"], 30);
    let container = &pod["spec"]["containers"][0];
    assert_eq!(container["imagePullPolicy"], "Always");
    assert_eq!(container["ports"][0]["protocol"], "TCP");
    assert_eq!(container["readinessProbe"]["httpGet"], json!({"port": 80, "path": "/", "scheme": "HTTP"}));
    PodStrategy.prepare_create(&mut pod, &mut Allocators::default()).unwrap();
    assert_eq!(pod["status"], json!({"phase": "Pending", "qosClass": "BestEffort"}));
}

#[test]
fn bad_pods() {
    let mut pod = pod();
    pod["spec"]["restartPolicy"] = json!("Sometimes");
    pod["spec"]["containers"] = json!([
        {"name": "a", "image": "i", "ports": [{"containerPort": 99999, "protocol": "TCP"}, {"protocol": "X"}]},
        {"name": "a"}, {},
    ]);
    assert_eq!(
        texts(&PodStrategy.validate_create(&pod)),
        [
            "spec.containers[0].ports[0].containerPort: Invalid value: 99999: must be between 1 and 65535, inclusive",
            "spec.containers[0].ports[1].containerPort: Required value",
            r#"spec.containers[0].ports[1].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP""#,
            r#"spec.containers[1].name: Duplicate value: "a""#,
            "spec.containers[1].image: Required value",
            "spec.containers[2].name: Required value",
            "spec.containers[2].image: Required value",
            r#"spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never""#,
        ]
    );
    pod["spec"]["containers"] = json!([]);
    assert_eq!(PodStrategy.validate_create(&pod)[0].to_string(), "spec.containers: Required value");
}

#[test]
fn an_update_changes_images_and_little_else() {
    let old = pod();
    let mut new = old.clone();
    new["spec"]["containers"][0]["image"] = json!("nginx:2");
    assert_eq!(PodStrategy.validate_update(&new, &old), vec![]);
    new["spec"]["nodeName"] = json!("n2");
    assert_eq!(texts(&PodStrategy.validate_update(&new, &old)), [format!("spec: Forbidden: {CHANGE}")]);

    let mut unscheduled = old.clone();
    unscheduled["spec"].as_object_mut().unwrap().remove("nodeName");
    assert_eq!(PodStrategy.validate_update(&old, &unscheduled), vec![]);
}
