//! `cloud-lb plan` as a user runs it.

use crate::process::{root, run, run_with_input};

/// A Service that nothing is wrong with but what a test puts in.
fn service(spec: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  type: LoadBalancer\n  selector: {{app: web}}\n{spec}"
    )
}

fn refused(manifest: &str) -> String {
    let ran = run_with_input(&["plan", "-f", "-"], manifest);
    assert_eq!(ran.code, 1, "{ran}");
    assert_eq!(ran.stdout, "", "nothing is half-applied: {ran}");
    ran.stderr
}

#[test]
fn every_example_has_the_plan_that_people_see() {
    insta::glob!("../../../examples/manifests", "*.yaml", |path| {
        let file = format!("examples/manifests/{}", path.file_name().unwrap().to_str().unwrap());
        insta::assert_snapshot!("text", run(&["plan", "-f", &file]));
    });
}

#[test]
fn every_example_has_the_plan_that_programs_see() {
    insta::glob!("../../../examples/manifests", "*.yaml", |path| {
        let file = format!("examples/manifests/{}", path.file_name().unwrap().to_str().unwrap());
        insta::assert_snapshot!("json", run(&["plan", "-o", "json", "-f", &file]).stdout);
    });
}

#[test]
fn several_services_are_several_plans_and_one_array() {
    let files = ["-f", "examples/manifests/loadbalancer.yaml", "-f", "examples/manifests/clusterip.yaml"];
    let text = run(&[&["plan"], &files[..]].concat());
    assert_eq!(text.code, 2);
    assert!(text.stdout.contains("plan: 4 to create"), "{text}");
    assert!(
        text.stdout.ends_with("\nservice default/back-end: no load balancer: type is ClusterIP\n"),
        "{text}"
    );
    let json = run(&[&["plan", "-o", "json"], &files[..]].concat());
    let plans: Vec<serde_json::Value> = serde_json::from_str(&json.stdout).unwrap();
    let services: Vec<&str> = plans.iter().map(|plan| plan["service"].as_str().unwrap()).collect();
    assert_eq!(services, ["default/myapp-service", "default/back-end"]);
    assert_eq!(plans[1]["steps"], serde_json::json!([]));
}

#[test]
fn plans_are_the_same_in_each_run() {
    let args = ["plan", "-o", "json", "-f", "examples/manifests/multi-port.yaml"];
    assert_eq!(run(&args).stdout, run(&args).stdout);
}

#[test]
fn the_manifests_nodes_count_where_there_are_some() {
    let nodes = std::fs::read_to_string(root().join("examples/manifests/nodes.yaml")).unwrap();
    let only_first = nodes.split("---").next().unwrap();
    let ran = run_with_input(
        &["plan", "-o", "json", "-f", "-"],
        &format!("{}---\n{only_first}", service("  ports: [{port: 80, nodePort: 30001}]\n")),
    );
    assert_eq!((ran.code, ran.stderr.as_str()), (2, ""), "{ran}");
    assert!(ran.stdout.contains("node-1") && !ran.stdout.contains("node-2"), "{ran}");
}

#[test]
fn lists_and_other_kinds_are_read() {
    let list = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: apps/v1\n  kind: Deployment\n  metadata: {name: web}\n- apiVersion: v1\n  kind: Service\n  metadata: {name: web, namespace: shop}\n  spec: {type: LoadBalancer, ports: [{port: 80}]}\n";
    let ran = run_with_input(&["plan", "-f", "-"], list);
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stdout.starts_with("service shop/web:\n"), "{ran}");
    assert!(ran.stderr.contains("note: left out: Deployment default/web;"), "{ran}");
    assert!(ran.stderr.contains("note: Service shop/web: no nodePort given for port 80, 31566 is an example; the API server chooses another"), "{ran}");
}

#[test]
fn a_foreign_class_is_left_to_its_controller() {
    let manifest = service("  loadBalancerClass: example.com/other\n  ports: [{port: 80}]\n");
    let ran = run_with_input(&["plan", "-f", "-"], &manifest);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(
        ran.stdout,
        "service default/web: no load balancer: class example.com/other is another controller's\n"
    );
}

#[test]
fn bad_fields_are_refused_with_place_field_value_and_expectation() {
    let cases = [
        (
            "  ports:\n  - port: 70000\n    targetPort: 80\n",
            "stdin:9: Service default/web: spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive",
        ),
        (
            "  ports:\n  - port: 80\n    nodePort: 20000\n",
            "stdin:10: Service default/web: spec.ports[0].nodePort: Invalid value: 20000: provided port is not in the valid range. The range of valid ports is 30000-32767",
        ),
        (
            "  ports:\n  - port: 80\n    protocol: SCTP\n",
            "stdin:10: Service default/web: spec.ports[0].protocol: \"SCTP\" is not valid, expected one of TCP, UDP",
        ),
        (
            "  ports:\n  - port: 80\n    protocol: tcp\n",
            "stdin:10: Service default/web: spec.ports[0].protocol: Unsupported value: \"tcp\": supported values: \"SCTP\", \"TCP\", \"UDP\"",
        ),
        (
            "  ports: [{port: 80}]\n  loadBalancerSourceRanges: [10.0.0.0/33]\n",
            "stdin:9: Service default/web: spec.LoadBalancerSourceRanges[0]: Invalid value: \"10.0.0.0/33\": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
        ),
        ("", "stdin:5: Service default/web: spec.ports: Required value; expected at least one port"),
        (
            "  ports:\n  - port: http\n",
            "stdin:8: Service default/web: Service in version \"v1\" cannot be handled as a Service: json: cannot unmarshal string into Go struct field ServicePort.spec.ports.port of type int32",
        ),
        (
            "  ports: [{port: 80}]\n  types: x\n",
            "stdin:9: Service default/web: unknown field \"spec.types\"; did you mean \"type\"?",
        ),
    ];
    for (spec, expected) in cases {
        assert_eq!(refused(&service(spec)), format!("error: {expected}\n"), "{spec}");
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let manifest = service("  ports:\n  - port: 80\n  - port: 81\n");
    let need = "Required value; expected a name, because there are several ports";
    assert_eq!(
        refused(&manifest),
        format!(
            "error: stdin:9: Service default/web: spec.ports[0].name: {need}\n\
             error: stdin:10: Service default/web: spec.ports[1].name: {need}\n"
        )
    );
}

#[test]
fn a_duplicate_port_is_refused() {
    let message = refused(&service("  ports:\n  - {name: a, port: 80}\n  - {name: b, port: 80}\n"));
    assert!(message.contains("stdin:10: Service default/web: spec.ports[1]: Duplicate value"), "{message}");
}

#[test]
fn a_taken_node_port_names_the_second_document() {
    let first = service("  ports:\n  - port: 80\n    nodePort: 30008\n");
    let second = first.replace("name: web", "name: web2");
    assert_eq!(
        refused(&format!("{first}---\n{second}")),
        "error: stdin:21: document 2, Service default/web2: spec.ports[0].nodePort: Invalid value: 30008: provided port is already allocated\n"
    );
}

#[test]
fn a_service_that_is_given_twice_is_said_to_be() {
    let manifest = service("  ports:\n  - port: 80\n    nodePort: 30008\n");
    let message = refused(&format!("{manifest}---\n{manifest}"));
    let expected = "document 2, Service default/web: given twice, the first time in stdin:1; expected each object once\n";
    assert!(message.ends_with(expected) && message.lines().count() == 1, "{message}");
}

#[test]
fn annotations_of_ours_are_checked() {
    let annotated = |annotation: &str| {
        service("  ports: [{port: 80}]\n")
            .replace("  name: web\n", &format!("  name: web\n  annotations:\n    a: b\n    {annotation}\n"))
    };
    assert_eq!(
        refused(&annotated("mock.cloud-lb.dev/proxy-protocol: maybe")),
        "error: stdin:7: Service default/web: mock.cloud-lb.dev/proxy-protocol: \"maybe\" is not valid, expected true or false\n"
    );
    let unknown = refused(&annotated("mock.cloud-lb.dev/proxy-protocols: 'true'"));
    assert!(
        unknown.starts_with(
            "error: stdin:7: Service default/web: mock.cloud-lb.dev/proxy-protocols: \"true\" is not valid"
        ),
        "{unknown}"
    );
}

#[test]
fn what_is_no_manifest_is_refused() {
    let cases = [
        (
            "hello\n",
            "stdin:1: found text, expected a Kubernetes object: a mapping with apiVersion, kind and metadata",
        ),
        ("", "stdin: holds no object, expected a Kubernetes manifest"),
        (
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n",
            "the manifests hold no Service, expected at least one object of kind Service",
        ),
        (
            "apiVersion: apps/v1\nkind: Service\nmetadata: {name: a}\n",
            "stdin:1: Service default/a: apiVersion: \"apps/v1\" has no kind Service that is supported, expected \"v1\"",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(refused(text), format!("error: {expected}\n"), "{text}");
    }
    let broken = refused("apiVersion: v1\nkind: [Service\n");
    assert!(broken.starts_with("error: stdin:2:7: not YAML: "), "{broken}");
}

#[test]
fn files_and_command_lines_that_are_wrong_exit_with_1() {
    let missing = run(&["plan", "-f", "nowhere.yaml"]);
    assert_eq!(
        (missing.code, missing.stderr.as_str()),
        (1, "error: nowhere.yaml: cannot be read: No such file or directory (os error 2)\n")
    );
    assert_eq!(run(&["plan"]).code, 1);
    assert_eq!(run(&["plam"]).code, 1);
    assert_eq!(run(&["--help"]).code, 0);
    assert_eq!(run(&["plan", "--version"]).code, 0);
}

#[test]
fn settings_that_are_wrong_name_file_and_field() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mock.yaml");
    std::fs::write(&path, "shape: stack\nlatency: 1s\n").unwrap();
    let file = path.to_str().unwrap();
    let ran = run(&["plan", "-f", "examples/manifests/loadbalancer.yaml", "--config", file]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.starts_with(&format!("error: {file}:2:1: unknown field `latency`, expected one of ")),
        "{ran}"
    );
}
